"""The instructor's tools: build, observe, release, demo, doctor. Needs the `instructor` extra."""
