"""What makes files that come with the course; needs the `instructor` extra, and no student needs it."""
