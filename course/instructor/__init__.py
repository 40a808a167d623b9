"""The instructor's tools: build, audit, observe, release, demo, doctor. Needs the `instructor` extra."""
