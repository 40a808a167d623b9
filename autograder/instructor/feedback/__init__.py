"""Feedback pages: what `nbgrader generate_feedback` writes for each student.

`grades` fetches marks and comments, `outline` puts what was marked first, `exporter` fills the template in
autograder/instructor/templates/course_feedback. nbgrader_config.py names them, so stock nbgrader uses them.
"""
