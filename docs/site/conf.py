"""How Sphinx makes one language of the site; `course/authoring/site` writes what it reads, and calls it."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from autograder import __version__
from autograder.catalogue import load
from autograder.instructor.settings import load_course
from course.authoring.site.sources import DOCUMENTS_IN

_COURSE = load_course(Path(__file__).parents[2])
_TEXTS = load(str(_COURSE.root / "course" / "authoring" / "site"), "texts")

language = os.environ["SITE_LANGUAGE"]
(_OTHER,) = (each for each in _COURSE.languages if each != language)


def _say(key: str) -> str:
    return _TEXTS[key][language]


project = html_title = _say("site")
version = release = __version__
author = copyright = ""
html_show_copyright = html_show_sphinx = False

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "mathml"]
exclude_patterns = ["extra/**"]
templates_path = ["_templates"]

# Notebooks are shown as the solution left them; nothing is executed.
nb_execution_mode = "off"
nb_merge_streams = True
nb_code_prompt_show = _say("show_check")
nb_code_prompt_hide = _say("hide_check")
myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence"]
myst_heading_anchors = 4
myst_dmath_double_inline = True

# Docstrings are Google's, with names in backquotes.
default_role = "code"
napoleon_numpy_docstring = False
napoleon_use_ivar = True
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_inherit_docstrings = False

# Pages can be read from a disk: a summary of each page found would be fetched, which browsers refuse there.
html_show_search_summary = False
html_copy_source = False
html_use_index = html_domain_indices = language == DOCUMENTS_IN  # of the reference
html_math_renderer = "mathml"
html_theme = "pydata_sphinx_theme"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_context = {
    "default_mode": "light",
    "other_language": _OTHER,
    "say_other": _say("other_language"),
    "say_section": _say("section"),
}
# Pages that have none beside them.
html_sidebars = {name: [] for name in ("index", "gallery", "docs/glossary", "docs/students")}
html_theme_options: dict[str, Any] = {
    "navbar_end": ["language-switch"],
    "navbar_persistent": ["search-button"],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": [],
    "footer_end": [],
    "show_toc_level": 2,
    "header_links_before_dropdown": 6,
    "pygments_light_style": "a11y-high-contrast-light",
}


def _know_the_other_language(
    app: Any, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """Tell a page where the other language has the same one."""
    other = Path(app.srcdir).parent / _OTHER / pagename
    exists = any(other.with_suffix(ending).is_file() for ending in (".md", ".ipynb"))
    context["other_page"] = pagename if exists else "index"


def _escape_stars(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Keep the stars of `(rows, *shape)` in a docstring, which reStructuredText would take for emphasis."""
    for number, line in enumerate(lines):
        parts = line.split("`")
        parts[::2] = [re.sub(r"(?<=\S[ (])\*(?=\w)|(?<=\()\*(?=\w)", r"\\*", part) for part in parts[::2]]
        lines[number] = "`".join(parts)


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", _escape_stars, priority=400)  # before Google's sections are read
    app.connect("html-page-context", _know_the_other_language)
