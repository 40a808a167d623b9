"""What this course adds to nbgrader's commands, through nbgrader's own hooks."""

from __future__ import annotations

import re
from html import escape
from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import ClearSolutions, Execute, NbGraderPreprocessor
from traitlets import Dict, List, Unicode

from autograder.instructor.environment import environment
from autograder.instructor.neutral import clean_notebook
from autograder.instructor.source import fold, is_check_cell, select_language
from autograder.language import FALLBACK

_STUBS = {
    "es": "# ESCRIBE TU CÓDIGO AQUÍ",
    "en": "# WRITE YOUR CODE HERE",
}
_TEXT_STUBS = {
    "es": "*Escribe tu respuesta aquí.*",
    "en": "*Write your answer here.*",
}


class SelectLanguage(NbGraderPreprocessor):
    """Keeps the cells and the lines of one language.

    nbconvert's TagRemovePreprocessor drops the other language's cells before; this one removes the marks
    within code cells, which tags cannot reach, and the tags that have done their work.
    """

    language = Unicode(FALLBACK, help="The language to keep").tag(config=True)
    languages = List(Unicode(), help="Those of the course, which mark lines of code").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Return the notebook in one language."""
        nb = select_language(nb, self.language, self.languages)
        nb.metadata["language"] = self.language
        for cell in nb.cells:
            tags = [tag for tag in cell.metadata.get("tags", []) if not tag.startswith("lang-")]
            cell.metadata.pop("tags", None)
            if tags:
                cell.metadata["tags"] = tags
            if is_check_cell(cell):
                fold(cell)
        return nb, resources


class ClearSolutionsInLanguage(ClearSolutions):
    """nbgrader's ClearSolutions, with stubs in the notebook's language, or in English.

    A stub inside a function raises NotImplementedError; one at the top level of a cell does not, so that
    an unanswered cell never stops Run All.
    """

    text_stubs = Dict(_TEXT_STUBS, help="What replaces written solutions, by language").tag(config=True)
    code_comments = Dict(_STUBS, help="The comment that replaces code, by language").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Clear all solutions of a notebook."""
        language = nb.metadata.get("language", FALLBACK)
        texts, comments = {**_TEXT_STUBS, **self.text_stubs}, {**_STUBS, **self.code_comments}
        self.text_stub = texts.get(language, texts[FALLBACK])
        self._comment = comments.get(language, comments[FALLBACK])
        preprocessed: tuple[Any, Any] = super().preprocess(nb, resources)
        return preprocessed

    def preprocess_cell(self, cell: NotebookNode, resources: Any, index: int) -> tuple[NotebookNode, Any]:
        """Clear the solutions of one cell."""
        nested = re.search(r"^[ \t]+#+ BEGIN SOLUTION", cell.source, re.MULTILINE) is not None
        stub = f"{self._comment}\nraise NotImplementedError()" if nested else self._comment
        self.code_stub = {"python": stub}
        preprocessed: tuple[Any, Any] = super().preprocess_cell(cell, resources, index)
        return preprocessed


class NeutraliseOutputs(NbGraderPreprocessor):
    """Takes out of outputs what would run in the browser of whoever reads a feedback page."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Clean all outputs, and raw cells, which nbconvert would copy into the page as they are."""
        clean_notebook(nb)
        for cell in nb.cells:
            if cell.cell_type == "raw":
                cell.source = escape(cell.source)
        return nb, resources


class NeutraliseForFormgrader(NeutraliseOutputs):
    """Does the same for formgrader's pages, whose template also writes names as they come."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Clean a notebook that somebody is about to mark; others are left alone."""
        if "submission_id" not in resources:
            return nb, resources
        for name in ("student", "first_name", "last_name", "notebook_path"):
            if resources[name] is not None:
                resources[name] = escape(resources[name])
        nb, resources = super().preprocess(nb, resources)
        for output in (output for cell in nb.cells for output in cell.get("outputs", [])):
            # nbconvert frames pictures without a text in red.
            for kind in [kind for kind in output.get("data", {}) if kind.startswith("image/")]:
                output.metadata[kind] = {"alt": "Picture that this cell drew"}
        return nb, resources


class ExecuteForGrading(Execute):
    """nbgrader's Execute, with exploration shrunk: nobody looks at the pictures while a class is graded."""

    def preprocess(self, *args: Any, **kwargs: Any) -> Any:
        """Execute a submission; its kernel inherits COURSE_MODE=grading."""
        with environment(COURSE_MODE="grading"):
            return super().preprocess(*args, **kwargs)
