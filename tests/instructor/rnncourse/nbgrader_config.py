from autograder.instructor.configuration import configure

configure(get_config(), __file__)  # noqa: F821  (nbgrader defines it)
