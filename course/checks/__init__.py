"""This course's own families of checks, found by the entry points of the group `autograder.checks`."""
