"""What the re-run of a notebook says, in Spanish and in English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autograder.errors import GraderError
from autograder.language import current_language
from autograder.messages import Message

_TEXTS: dict[str, dict[str, str]] = {
    "description": {
        "es": "Ejecuta un cuaderno de principio a fin en un núcleo limpio y muestra sus puntos. El archivo "
        "no cambia.",
        "en": "Run a notebook from beginning to end in a clean kernel and show its marks. The file stays as "
        "it is.",
    },
    "help_notebook": {"es": "el cuaderno (.ipynb)", "en": "the notebook (.ipynb)"},
    "help_time_limit": {"es": "segundos para una celda", "en": "seconds for one cell"},
    "bad_time_limit": {
        "es": "--time-limit debe ser al menos 1 (segundo por celda), no {limit:g}.",
        "en": "--time-limit must be at least 1 (second for a cell), not {limit:g}.",
    },
    "help_full": {
        "es": "entrena también las partes libres por completo, como en clase; por defecto son breves, como "
        "al calificar",
        "en": "train the free parts in full too, as in class; by default they are short, as while grading",
    },
    # --- what keeps it from running --------------------------------------------------------------------
    "missing_packages": {
        "es": "Falta {packages}. Instálalo con: {python} -m pip install {packages}",
        "en": "{packages} is missing. Install it with: {python} -m pip install {packages}",
    },
    "no_file": {
        "es": "No existe el archivo {file}. Carpeta actual: {folder}",
        "en": "There is no file {file}. Current folder: {folder}",
    },
    "a_folder": {
        "es": "{file} es una carpeta: escribe el nombre del cuaderno que hay en ella.",
        "en": "{file} is a folder: write the name of the notebook in it.",
    },
    "unreadable": {
        "es": "El archivo {file} no se puede leer ({error}).",
        "en": "The file {file} cannot be read ({error}).",
    },
    "empty": {
        "es": "El archivo {file} está vacío: guarda el cuaderno o descárgalo de nuevo.",
        "en": "The file {file} is empty: save the notebook, or download it again.",
    },
    "not_json": {
        "es": "El archivo {file} está dañado o no es un cuaderno: no es JSON (línea {line}). Descarga de "
        "nuevo el cuaderno, o recupéralo de una copia.",
        "en": "The file {file} is damaged or no notebook: it is not JSON (line {line}). Download the "
        "notebook again, or restore it from a copy.",
    },
    "not_a_notebook": {
        "es": "El archivo {file} no es un cuaderno de Jupyter.",
        "en": "The file {file} is not a Jupyter notebook.",
    },
    "no_lab": {
        "es": "En {file} no hay ninguna celda con open_lab(...): no es un cuaderno de laboratorio, o se "
        "borró esa celda. Descarga de nuevo el cuaderno y copia en él tus respuestas.",
        "en": "No cell of {file} has open_lab(...): it is not the notebook of a lab, or that cell was "
        "deleted. Download the notebook again and copy your answers into it.",
    },
    "unknown_lab": {
        "es": "{file} es del laboratorio {lab}, que esta instalación no conoce. Conoce: {known}. Instala la "
        "versión del curso a la que pertenece el cuaderno.",
        "en": "{file} belongs to the lab {lab}, which this installation does not know. It knows: {known}. "
        "Install the release of the course that the notebook belongs to.",
    },
    "no_kernel": {
        "es": "El núcleo no arrancó: {detail}",
        "en": "The kernel did not start: {detail}",
    },
    # --- while it runs -----------------------------------------------------------------------------------
    "running": {
        "es": "{file}: laboratorio {lab}, {count} celdas de código en un núcleo limpio",
        "en": "{file}: lab {lab}, {count} code cells in a clean kernel",
    },
    "progress": {"es": "celda {number} de {count}: {cell}", "en": "cell {number} of {count}: {cell}"},
    # --- what came out -----------------------------------------------------------------------------------
    "open_questions": {
        "es": "Preguntas abiertas, las califica una persona:",
        "en": "Open questions, marked by a person:",
    },
    "answered": {"es": "respondida", "en": "answered"},
    "unanswered": {"es": "SIN RESPONDER", "en": "NOT ANSWERED"},
    "question_missing": {"es": "la celda falta", "en": "the cell is missing"},
    "question_unknown": {
        "es": "no se sabe si está respondida",
        "en": "whether it is answered is not known",
    },
    "to_look_at": {"es": "Para revisar:", "en": "To look at:"},
    "nothing_to_look_at": {
        "es": "Todas las celdas se ejecutaron sin errores.",
        "en": "All cells ran without errors.",
    },
    "raised": {
        "es": "La celda {cell} se detuvo con {error}: {detail}",
        "en": "The cell {cell} stopped with {error}: {detail}",
    },
    "not_written": {
        "es": "La celda {cell} todavía no está escrita.",
        "en": "The cell {cell} is not written yet.",
    },
    "calls_unwritten": {
        "es": "La celda {cell} usa código que todavía no está escrito.",
        "en": "The cell {cell} uses code that is not written yet.",
    },
    "too_long": {
        "es": "La celda {cell} se interrumpió: tardó más de {limit:g} s. ¿Un bucle sin fin?",
        "en": "The cell {cell} was interrupted: it took more than {limit:g} s. An endless loop?",
    },
    "stuck": {
        "es": "La celda {cell} no se pudo interrumpir: el núcleo se cerró ahí.",
        "en": "The cell {cell} could not be interrupted: the kernel was ended there.",
    },
    "died": {
        "es": "El núcleo terminó de golpe en la celda {cell}: ¿demasiada memoria, exit()?",
        "en": "The kernel ended abruptly in the cell {cell}: too much memory, exit()?",
    },
    "not_run": {
        "es": "Sin ejecutar, porque el núcleo ya no estaba: {cells}.",
        "en": "Not run, because the kernel was gone: {cells}.",
    },
    "check_silent": {
        "es": "La celda de puntos {cell} no dio puntos.",
        "en": "The marks cell {cell} gave no marks.",
    },
    "edited_check": {
        "es": "La celda de puntos {cell} fue cambiada: al calificar se usa la original, y puede dar otros "
        "puntos. Descarga de nuevo el cuaderno para recuperarla.",
        "en": "The marks cell {cell} was changed: grading uses the original, which may give other marks. "
        "Download the notebook again to get it back.",
    },
    "missing_check": {
        "es": "Falta la celda de puntos {cell}: al calificar se añade.",
        "en": "The marks cell {cell} is missing: it is added while grading.",
    },
    "lost_metadata": {
        "es": "El cuaderno perdió sus datos internos (pasa con algunos editores): al calificar se reconocen "
        "las celdas por su contenido.",
        "en": "The notebook has lost its inner data (some editors do that): while grading, cells are "
        "recognised by their content.",
    },
    "file_left_out": {
        "es": "{file}, junto al cuaderno, no se pudo poner a su alcance ({error}).",
        "en": "{file}, beside the notebook, could not be put within its reach ({error}).",
    },
    "closing": {
        "es": "Así se ven los puntos con la semilla pública. Al calificar se usa otra: un código que "
        "resuelve lo que se pide recibe los mismos.",
        "en": "These are the marks under the public seed. Grading uses another one: code that does what is "
        "asked gets the same.",
    },
}


class Text(Message):
    """One thing that a re-run says."""

    @staticmethod
    def texts() -> Mapping[str, Mapping[str, str]]:
        """Return the texts by key and language."""
        return _TEXTS


class RerunError(GraderError):
    """Why a notebook cannot be run."""

    def __init__(self, key: str, **details: Any) -> None:
        super().__init__(Text(key, details).render(current_language()))


def say(key: str, language: str, **details: Any) -> str:
    """Return one text in a language."""
    return Text(key, details).render(language)
