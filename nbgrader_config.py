"""nbgrader's configuration of this course; what else is set here counts after it."""

from autograder.instructor.configuration import configure

configure(get_config(), __file__)  # noqa: F821  (nbgrader defines it)
