"""Write the site to build/site."""

from __future__ import annotations

from autograder.instructor.settings import CourseError, load_course
from course.authoring.site.build import build_site


def main() -> None:
    """Write the site; end with what is wrong, if something is."""
    course = load_course()
    try:
        first = build_site(course, course.build / "site", print)
    except CourseError as error:
        raise SystemExit(str(error)) from None
    print(f"Open {first.relative_to(course.root)}; the folder can be put on any web server as it is.")


if __name__ == "__main__":
    main()
