"""Grade a whole class: `course grade`.

`trust` gives marks by comparing observations, `work` grades one submission, `engine` spreads the work over
processes, `store` writes nbgrader's gradebook, `records` remembers what is done, `grader` puts it together.
"""
