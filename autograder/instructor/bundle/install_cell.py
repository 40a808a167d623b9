"""The first cell of a bundled notebook: it installs the course where it is missing.

It is no cell of nbgrader's and no cell of the lab's: intake drops it from what is handed in.
"""

from __future__ import annotations

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

CELL_ID = "install-course"
_TAG = "install"
_CODE = """\
# {comment}
try:
    from autograder import open_lab
except ImportError:
    import importlib
    import subprocess
    import sys
    from pathlib import Path

    here = Path.cwd()
    wheels = sorted([*here.glob("gan_course-*.whl"), *here.glob("*/gan_course-*.whl")])
    if not wheels:
        raise FileNotFoundError(f"{missing}") from None
    print("{installing}")
    command = [sys.executable, "-m", "pip", "install", "--quiet", str(wheels[-1])]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        raise RuntimeError(result.stderr[-2000:]) from None
    importlib.invalidate_caches()
    print("{done}")
"""
_TEXTS = {
    "es": {
        "comment": "Ejecuta esta celda primero: instala el curso si falta (Colab, VS Code, JupyterLab).",
        "missing": "No encuentro gan_course-….whl en {here}. Ponlo junto al cuaderno; en Colab, súbelo al "
        "panel Archivos. Está en el zip del laboratorio.",
        "installing": "Instalando el curso; la primera vez puede tardar unos minutos …",
        "done": "Listo.",
    },
    "en": {
        "comment": "Run this cell first: it installs the course if need be (Colab, VS Code, JupyterLab).",
        "missing": "There is no gan_course-….whl in {here}. Put it beside the notebook; in Colab, upload it "
        "to the Files pane. It is in the lab's zip.",
        "installing": "Installing the course; the first time this may take some minutes …",
        "done": "Done.",
    },
}


def install_cell(language: str) -> NotebookNode:
    """Return the cell, always with the same id."""
    cell: NotebookNode = new_code_cell(install_code(language), metadata={"tags": [_TAG]})
    cell["id"] = CELL_ID
    return cell


def install_code(language: str) -> str:
    """Return the code of the cell."""
    code = _CODE
    for name, text in _TEXTS[language].items():
        code = code.replace(f"{{{name}}}", text)
    return code.rstrip("\n")


def is_install_code(source: str) -> bool:
    """Tell whether a cell is this one, in any language; outer white space is an editor's doing."""
    lines = "\n".join(line.rstrip() for line in source.replace("\r\n", "\n").split("\n")).strip()
    return any(lines == install_code(language) for language in _TEXTS)
