"""The first cell of a bundled notebook: it installs the course where it is missing.

It is no cell of nbgrader's and no cell of the lab's: intake drops it from what is handed in.
"""

from __future__ import annotations

import functools
import re

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from autograder.language import spoken

CELL_ID = "install-course"
_TAG = "install"
_CODE = """\
# {comment}
try:
    import {package}
    from autograder import open_lab
except ImportError:
    import importlib
    import subprocess
    import sys
    from pathlib import Path

    here = Path.cwd()
    wheels = sorted([*here.glob("{wheel}-*.whl"), *here.glob("*/{wheel}-*.whl")])
    if not wheels:
        raise FileNotFoundError(f"{missing}") from None
    print("{installing}")
    beside = f"--find-links={wheels[-1].parent}"
    command = [sys.executable, "-m", "pip", "install", "--quiet", beside, str(wheels[-1])]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        raise RuntimeError(result.stderr[-2000:]) from None
    importlib.invalidate_caches()
    print("{done}")
"""
_TEXTS = {
    "es": {
        "comment": "Ejecuta esta celda primero: instala el curso si falta (Colab, VS Code, JupyterLab).",
        "missing": "No encuentro {wheel}-….whl en {here}. Ponlo junto al cuaderno; en Colab, súbelo al "
        "panel Archivos. Está en el zip del laboratorio.",
        "installing": "Instalando el curso; la primera vez puede tardar unos minutos …",
        "done": "Listo.",
    },
    "en": {
        "comment": "Run this cell first: it installs the course if need be (Colab, VS Code, JupyterLab).",
        "missing": "There is no {wheel}-….whl in {here}. Put it beside the notebook; in Colab, upload it "
        "to the Files pane. It is in the lab's zip.",
        "installing": "Installing the course; the first time this may take some minutes …",
        "done": "Done.",
    },
}


def install_cell(language: str, wheel: str, package: str) -> NotebookNode:
    """Return the cell, always with the same id.

    Args:
        language: of the notebook; where there are no texts in it, they are English.
        wheel: what the wheel's name begins with, such as "gan_course".
        package: that the notebooks import, of the course's own.
    """
    cell: NotebookNode = new_code_cell(install_code(language, wheel, package), metadata={"tags": [_TAG]})
    cell["id"] = CELL_ID
    return cell


def install_code(language: str, wheel: str, package: str) -> str:
    """Return the code of the cell."""
    code = _CODE
    for name, text in _TEXTS[spoken(language)].items():
        code = code.replace(f"{{{name}}}", text)
    return code.replace("{wheel}", wheel).replace("{package}", package).rstrip("\n")


def is_install_code(source: str) -> bool:
    """Tell whether a cell is this one, of any course; outer white space is an editor's doing."""
    lines = "\n".join(line.rstrip() for line in source.replace("\r\n", "\n").split("\n")).strip()
    return any(pattern.fullmatch(lines) for pattern in _patterns())


@functools.cache
def _patterns() -> list[re.Pattern[str]]:
    """Return how the cell looks in each language, whatever the course is called."""
    codes = [re.escape(install_code(language, "WHEEL", "PACKAGE")) for language in _TEXTS]
    return [re.compile(code.replace("WHEEL", r"\w+").replace("PACKAGE", r"[\w.]+")) for code in codes]
