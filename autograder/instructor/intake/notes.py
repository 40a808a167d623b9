"""What intake and execution say about a submission, in Spanish and in English."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from autograder.messages import Message

_MOST_OF_A_KIND = 20
_TEXTS: dict[str, dict[str, str]] = {
    # --- the file ----------------------------------------------------------------------------------
    "no_notebook": {
        "es": "No hay ningún cuaderno (.ipynb) en la entrega. Archivos: {files}.",
        "en": "There is no notebook (.ipynb) in the submission. Files: {files}.",
    },
    "empty_folder": {
        "es": "La carpeta de la entrega está vacía.",
        "en": "The folder of the submission is empty.",
    },
    "wrong_name": {
        "es": "El cuaderno se llama `{file}` y debía llamarse `{expected}`; se calificó igual.",
        "en": "The notebook is called `{file}` and should be `{expected}`; it was graded all the same.",
    },
    "several_notebooks": {
        "es": "Hay varios cuadernos; se calificó `{file}` y no {others}.",
        "en": "There are several notebooks; `{file}` was graded, and not {others}.",
    },
    "empty_file": {
        "es": "El archivo `{file}` está vacío: guarda el cuaderno y entrégalo otra vez.",
        "en": "The file `{file}` is empty: save the notebook and hand it in again.",
    },
    "too_large": {
        "es": "El archivo `{file}` ocupa {size} MB, más de {limit}: borra las salidas y entrégalo otra vez.",
        "en": "The file `{file}` has {size} MB, more than {limit}: clear the outputs and hand it in again.",
    },
    "unreadable_file": {
        "es": "El archivo `{file}` no se puede leer ({error}).",
        "en": "The file `{file}` cannot be read ({error}).",
    },
    "not_json": {
        "es": "El archivo `{file}` está dañado: no es JSON (línea {line}). Descarga de nuevo el cuaderno o "
        "recupéralo de una copia.",
        "en": "The file `{file}` is damaged: it is not JSON (line {line}). Download the notebook again, or "
        "restore it from a copy.",
    },
    "renamed_document": {
        "es": "El archivo `{file}` no es un cuaderno, sino {kind} con otro nombre: entrega el cuaderno.",
        "en": "The file `{file}` is no notebook but {kind} under another name: hand in the notebook.",
    },
    "not_a_notebook": {
        "es": "El archivo `{file}` no es un cuaderno de Jupyter.",
        "en": "The file `{file}` is not a Jupyter notebook.",
    },
    "another_lab": {
        "es": "Este es el cuaderno de otro laboratorio ({lab}).",
        "en": "This is the notebook of another lab ({lab}).",
    },
    "two_labs": {
        "es": "Este cuaderno reúne celdas de dos laboratorios ({lab} y {other}): entrega un cuaderno por "
        "laboratorio.",
        "en": "This notebook holds cells of two labs ({lab} and {other}): hand in one notebook for each.",
    },
    "another_version": {
        "es": "Este cuaderno es de otra versión del laboratorio, o de otro curso: tiene {found} de sus "
        "{count} celdas. Copia tus respuestas al cuaderno de este curso y entrégalo otra vez.",
        "en": "This notebook is of another version of the lab, or of another course: it has {found} of its "
        "{count} cells. Copy your answers into this course's notebook and hand it in again.",
    },
    "unknown_cells": {
        "es": "Hay {count} celdas que el laboratorio no tiene ({cells}): quizá es otra versión. Lo que "
        "falta lo decide una persona.",
        "en": "There are {count} cells that the lab does not have ({cells}): perhaps it is another version. "
        "A person decides about what is missing.",
    },
    "old_checks": {
        "es": "{count} celdas de puntos tienen otro código que las del laboratorio: quizá es otra versión. "
        "Se usaron las del laboratorio, y una persona confirma los puntos.",
        "en": "{count} marks cells have other code than the lab's: perhaps it is another version. The "
        "lab's were used, and a person confirms the marks.",
    },
    "copies_differ": {
        "es": "Hay otra copia con otras respuestas ({others}; celdas: {cells}): se calificó `{file}`, la que "
        "tiene más, y una persona confirma los puntos de esas celdas.",
        "en": "Another copy holds other answers ({others}; cells: {cells}): `{file}` was graded, which has "
        "most, and a person confirms the marks of those cells.",
    },
    "too_many_notebooks": {
        "es": "Hay {count} cuadernos en la entrega: solo se miraron {limit}.",
        "en": "There are {count} notebooks in the submission: only {limit} were looked at.",
    },
    "unrecognised": {
        "es": "En este cuaderno no se reconoce ninguna celda del laboratorio.",
        "en": "No cell of the lab was recognised in this notebook.",
    },
    "not_utf8": {
        "es": "El archivo no está en UTF-8 y se leyó como {encoding}: revisa los acentos.",
        "en": "The file is not UTF-8 and was read as {encoding}: check accented letters.",
    },
    "stray_bytes": {
        "es": "El archivo tiene {count} letras que no están en UTF-8; se leyeron como Windows-1252: revisa "
        "los acentos.",
        "en": "The file has {count} letters that are not UTF-8; they were read as Windows-1252: check "
        "accented letters.",
    },
    "old_format": {
        "es": "El cuaderno está en un formato antiguo (nbformat {version}) y se convirtió.",
        "en": "The notebook is in an old format (nbformat {version}) and was converted.",
    },
    "merge_conflict": {
        "es": "Hay marcas de un conflicto de git (`<<<<<<<`): se tomó la versión de {side} de `=======`.",
        "en": "There are marks of a git conflict (`<<<<<<<`): the version {side} `=======` was taken.",
    },
    "bad_cells": {
        "es": "{count} celdas del archivo están dañadas o son enormes y se dejaron fuera.",
        "en": "{count} cells of the file are damaged or enormous and were left out.",
    },
    "too_many_cells": {
        "es": "El cuaderno tiene {count} celdas, más de {limit}.",
        "en": "The notebook has {count} cells, more than {limit}.",
    },
    "too_many_values": {
        "es": "El archivo `{file}` tiene más de {limit} millones de valores: borra las salidas y entrégalo "
        "otra vez.",
        "en": "The file `{file}` holds more than {limit} million values: clear the outputs and hand it in "
        "again.",
    },
    "skipped_file": {
        "es": "El archivo `{file}` no se usó: {reason}.",
        "en": "The file `{file}` was not used: {reason}.",
    },
    "bad_folder_name": {
        "es": "El nombre de carpeta {folder} no puede ser la identificación de nadie: cámbialo y califica "
        "otra vez.",
        "en": "The folder name {folder} can be nobody's id: rename it, and grade again.",
    },
    # --- the cells ---------------------------------------------------------------------------------
    "lost_metadata": {
        "es": "Se perdieron los datos internos de {count} celdas (pasa al usar otro editor): se "
        "reconocieron por su lugar y contenido.",
        "en": "The inner data of {count} cells were lost (some editors do that): they were recognised by "
        "their place and content.",
    },
    "missing_answer": {
        "es": "Falta la celda `{cell}`: se calificó como si no estuviera escrita.",
        "en": "The cell `{cell}` is missing: it was graded as if nothing were written.",
    },
    "duplicate_cell": {
        "es": "La celda `{cell}` está {count} veces: valió la última antes de su celda de puntos; las demás "
        "se ejecutaron en su lugar.",
        "en": "The cell `{cell}` is there {count} times: the last before its marks cell counted; the others "
        "were run in their place.",
    },
    "nothing_written": {
        "es": "En `{file}` no hay nada escrito: está como se repartió. ¿Es el archivo que querías entregar?",
        "en": "Nothing is written in `{file}`: it is as it was given out. Is it the file that was meant?",
    },
    "answer_beside": {
        "es": "La respuesta `{cell}` está vacía, y hay texto tuyo {place}: una persona lo leerá.",
        "en": "The answer `{cell}` is empty, and there is text of yours {place}: a person will read it.",
    },
    "moved_answer": {
        "es": "Código de la respuesta `{cell}` estaba en `{place}`: se ejecutó también detrás de `{cell}`. "
        "Si faltan puntos, una persona lo mirará.",
        "en": "Code of the answer `{cell}` stood in `{place}`: it was run after `{cell}` too. If marks are "
        "missing, a person will look at it.",
    },
    "import_lost": {
        "es": "La celda `{cell}` cambia o borra `{name}`, que el laboratorio importa: lo que lo usa "
        "después puede fallar. Usa otro nombre.",
        "en": "The cell `{cell}` changes or deletes `{name}`, which the lab imports: what uses it afterwards "
        "may fail. Use another name.",
    },
    "overwritten": {
        "es": "La celda `{cell}` cambia el nombre `{name}`, que es del laboratorio: al calificar no importa, "
        "pero en tu cuaderno los puntos dejan de verse. Usa otro nombre.",
        "en": "The cell `{cell}` changes the name `{name}`, which is the lab's: it does not matter for "
        "grading, but in your notebook marks no longer show. Use another name.",
    },
    "edited_check": {
        "es": "La celda de puntos `{cell}` fue cambiada: se usó la original.",
        "en": "The marks cell `{cell}` was changed: the original was used.",
    },
    "missing_check": {
        "es": "Faltaba la celda de puntos `{cell}`: se añadió.",
        "en": "The marks cell `{cell}` was missing: it was added.",
    },
    "restored_cell": {
        "es": "Faltaba la celda `{cell}` del laboratorio: se añadió.",
        "en": "The lab's cell `{cell}` was missing: it was added.",
    },
    "restored_original": {
        "es": "La celda `{cell}` del laboratorio fue cambiada: se usó la original.",
        "en": "The lab's cell `{cell}` was changed: the original was used.",
    },
    "reordered": {
        "es": "Las celdas estaban en otro orden: se calificaron en el orden del laboratorio.",
        "en": "The cells were in another order: they were graded in the lab's order.",
    },
    "cell_type": {
        "es": "La celda `{cell}` era de tipo {kind} y se devolvió a su tipo.",
        "en": "The cell `{cell}` had become a {kind} cell and was turned back.",
    },
    "pictures_left_out": {
        "es": "{count} adjuntos de la celda `{cell}` se dejaron fuera: se guardan imágenes PNG, JPEG y GIF, "
        "de {limit} MB en total.",
        "en": "{count} attachments of the cell `{cell}` were left out: PNG, JPEG and GIF pictures are kept, "
        "of {limit} MB in all.",
    },
    "not_run": {
        "es": "En la celda `{cell}` no se ejecutó `{line}`: al calificar no hay red ni se instala nada.",
        "en": "In the cell `{cell}`, `{line}` was not run: there is no network while grading, and nothing is "
        "installed.",
    },
    "exit_not_run": {
        "es": "En la celda `{cell}` no se ejecutó `{line}`: habría cerrado el cuaderno.",
        "en": "In the cell `{cell}`, `{line}` was not run: it would have closed the notebook.",
    },
    "calls_input": {
        "es": "La celda `{cell}` llama a `input()`: al calificar nadie responde. Escribe el valor en el "
        "código.",
        "en": "The cell `{cell}` calls `input()`: nobody answers while grading. Write the value in the code.",
    },
    "meddles": {
        "es": "La celda `{cell}` usa el interior del calificador (`{name}`): una persona la revisará.",
        "en": "The cell `{cell}` uses the grader's inner parts (`{name}`): a person will look at it.",
    },
    "meddles_file": {
        "es": "El archivo `{file}` usa el interior del calificador (`{name}`): una persona lo revisará.",
        "en": "The file `{file}` uses the grader's inner parts (`{name}`): a person will look at it.",
    },
    "startup_file": {
        "es": "El archivo `{file}` no se usó: se ejecutaría sin que nadie lo llame. Una persona lo revisará; "
        "pon ese código en una celda.",
        "en": "The file `{file}` was not used: it would run without being called. A person will look at it; "
        "put that code into a cell.",
    },
    "hidden_code": {
        "es": "El archivo `{file}` trae código empaquetado: una persona lo revisará. Entrega los archivos "
        "`.py` sueltos.",
        "en": "The file `{file}` holds packed code: a person will look at it. Hand in the `.py` files as "
        "they are.",
    },
    # --- the run -----------------------------------------------------------------------------------
    "died": {
        "es": "El programa se cerró en la celda `{cell}` ({reason}). Cuentan las celdas que ya habían "
        "terminado.",
        "en": "The program ended in the cell `{cell}` ({reason}). The cells that had finished count.",
    },
    "cell_stopped": {
        "es": "La celda `{cell}` se interrumpió: {reason}.",
        "en": "The cell `{cell}` was interrupted: {reason}.",
    },
    "output_cut": {
        "es": "La celda `{cell}` escribió demasiado: la salida se cortó en {limit} MB.",
        "en": "The cell `{cell}` wrote too much: its output was cut at {limit} MB.",
    },
    "outputs_cut": {
        "es": "La celda `{cell}` mostró demasiadas salidas: quedan las primeras, hasta {limit}.",
        "en": "The cell `{cell}` showed too many outputs: the first are left, at most {limit}.",
    },
    "bad_bundle": {
        "es": "La celda de puntos `{cell}` no entregó observaciones válidas: {reason}.",
        "en": "The marks cell `{cell}` handed on no valid observations: {reason}.",
    },
    "untouched_answer": {
        "es": "La celda `{cell}` está como se repartió, y sin embargo se observó algo correcto: no vale "
        "puntos ({points:g}), y una persona la revisará.",
        "en": "The cell `{cell}` is as it was given out, and yet something right was observed: it gives no "
        "marks ({points:g}), and a person will look at it.",
    },
    "answer_elsewhere": {
        "es": "La celda `{cell}` está como se repartió: vale lo que define otra celda.",
        "en": "The cell `{cell}` is as it was given out: what another cell defines counts.",
    },
    "weak_only": {
        "es": "En la celda de puntos `{cell}` solo es correcto lo que no depende de la respuesta: una "
        "persona la revisará.",
        "en": "In the marks cell `{cell}` only what does not depend on the answer is right: a person will "
        "look at it.",
    },
    "no_device": {
        "es": "Se pide un dispositivo que aquí no hay (¿`cuda`, `mps`?) en {cells}: usa `device`, que "
        "existe en cualquier máquina. Una persona confirma los puntos que faltan.",
        "en": "A device that is not there is asked for (`cuda`, `mps`?) in {cells}: use `device`, which "
        "exists on every machine. A person confirms the marks that are missing.",
    },
    "no_run": {
        "es": "La entrega no se pudo ejecutar: {reason}.",
        "en": "The submission could not be run: {reason}.",
    },
    "unreadable_time": {
        "es": "En `timestamp.txt` no se puede leer cuándo se entregó ({found}): no se descontó nada por "
        "retraso.",
        "en": "When it was handed in cannot be read in `timestamp.txt` ({found}): nothing was taken off for "
        "lateness.",
    },
    # --- who hands in ------------------------------------------------------------------------------
    "nobody": {
        "es": "La celda de identificación no está completa.",
        "en": "The identity cell is not complete.",
    },
    "folder_id": {
        "es": "La carpeta se llama {owner}, y el libro de notas conoce a {student}: ¿son la misma persona?",
        "en": "The folder is called {owner}, and the gradebook knows {student}: are they the same person?",
    },
    "identity_incomplete": {
        "es": "La celda de identificación no está completa ({why}): los puntos valen solo para quien "
        "entrega.",
        "en": "The identity cell is not complete ({why}): the marks count for the one who hands in only.",
    },
    "partner_unknown": {
        "es": "Nadie conoce a {student}: por ahora los puntos valen solo para {owner}.",
        "en": "Nobody knows {student}: for now the marks count for {owner} only.",
    },
    "partner": {
        "es": "Entregan juntos {students}: los puntos valen para ambos.",
        "en": "{students} hand in together: the marks count for both.",
    },
    "partner_own": {
        "es": "{student} también entregó por su cuenta: cada quien recibe los puntos de su propia entrega.",
        "en": "{student} also handed in alone: each gets the marks of their own submission.",
    },
    "partner_taken": {
        "es": "{student} ya tiene los puntos de la entrega de {other}: los de esta valen solo para {owner}.",
        "en": "{student} has the marks of {other}'s submission already: those of this one count for {owner} "
        "only.",
    },
    "partner_twice": {
        "es": "{owner} y {other} entregan con {student}: {student} recibe los puntos de {owner}, que son "
        "más.",
        "en": "{owner} and {other} both hand in with {student}: {student} gets the marks of {owner}, which "
        "are more.",
    },
    "partner_bad_id": {
        "es": "La identificación {student} no se puede usar: los puntos valen solo para {owner}.",
        "en": "The id {student} cannot be used: the marks count for {owner} only.",
    },
    "other_identity": {
        "es": "La celda de identificación dice {students}, y la entrega es de {owner}.",
        "en": "The identity cell says {students}, and the submission is {owner}'s.",
    },
}
# Reasons why a cell or a kernel was stopped.
_REASONS: dict[str, dict[str, str]] = {
    "cell_cpu": {
        "es": "usó más de {limit:g} s de procesador (¿un bucle sin fin?)",
        "en": "it used more than {limit:g} s of processor time (an endless loop?)",
    },
    "notebook_cpu": {
        "es": "el cuaderno usó más de {limit:g} s de procesador",
        "en": "the notebook used more than {limit:g} s of processor time",
    },
    "idle": {
        "es": "esperó {limit:g} s sin hacer nada",
        "en": "it waited for {limit:g} s without doing anything",
    },
    "notebook_idle": {
        "es": "el cuaderno esperó más de {limit:g} s sin hacer nada",
        "en": "the notebook waited for more than {limit:g} s without doing anything",
    },
    "notebook_wall": {
        "es": "el cuaderno no terminó en {limit:g} s",
        "en": "the notebook did not end within {limit:g} s",
    },
    "memory": {
        "es": "usó más de {limit:g} MB de memoria",
        "en": "it used more than {limit:g} MB of memory",
    },
    "processes": {
        "es": "abrió más de {limit:g} procesos",
        "en": "it started more than {limit:g} processes",
    },
    "disk": {
        "es": "escribió más de {limit:g} MB en disco",
        "en": "it wrote more than {limit:g} MB to disk",
    },
    "files": {
        "es": "creó más de {limit:g} archivos",
        "en": "it made more than {limit:g} files",
    },
    "messages": {
        "es": "mandó más de {limit:g} mensajes que nadie podía mostrar",
        "en": "it sent more than {limit:g} messages that nothing could show",
    },
    "kernel_died": {
        "es": "el núcleo terminó de golpe",
        "en": "the kernel ended abruptly",
    },
    "no_start": {
        "es": "el núcleo no arrancó",
        "en": "the kernel did not start",
    },
    "shadows": {
        "es": "taparía la biblioteca {module}",
        "en": "it would hide the library {module}",
    },
    "hidden_file": {
        "es": "su nombre, o el de su carpeta, empieza con un punto",
        "en": "its name, or that of its folder, begins with a dot",
    },
    "compiled": {
        "es": "es código compilado o empaquetado; entrega el `.py`",
        "en": "it is compiled or packed code; hand in the `.py`",
    },
    "link": {"es": "es un enlace", "en": "it is a link"},
    "large_file": {"es": "es demasiado grande", "en": "it is too large"},
    "size": {"es": "son demasiado grandes", "en": "they are too large"},
    "form": {"es": "no tienen la forma debida", "en": "they are not in the due form"},
    "absent": {"es": "no hay ninguna", "en": "there are none"},
    "within": {"es": "en `{cell}`", "en": "in `{cell}`"},
    "behind": {"es": "en una celda tuya tras `{cell}`", "en": "in a cell of yours after `{cell}`"},
    "before_all": {"es": "en una celda tuya al principio", "en": "in a cell of yours at the beginning"},
    "picture_missing": {"es": "no está entre los archivos", "en": "it is not among the files"},
    "zip": {"es": "un zip o un documento de Word", "en": "a zip or a Word document"},
    "pdf": {"es": "un PDF", "en": "a PDF"},
    "picture": {"es": "una imagen", "en": "a picture"},
    "html": {"es": "una página web", "en": "a web page"},
    "above": {"es": "encima", "en": "above"},
    "below": {"es": "debajo", "en": "below"},
    "internal": {
        "es": "error interno de la calificación: {error}",
        "en": "internal error of the grading: {error}",
    },
    "child_cpu": {
        "es": "leerla y revisarla usó más tiempo de procesador que el permitido (¿textos o salidas enormes?)",
        "en": "reading and checking it took more processor time than allowed (enormous texts or outputs?)",
    },
    "child_memory": {
        "es": "leerla y revisarla usó más memoria que la permitida",
        "en": "reading and checking it took more memory than allowed",
    },
    "child_wall": {
        "es": "leerla y revisarla no terminó a tiempo",
        "en": "reading and checking it did not end in time",
    },
    "child_died": {
        "es": "el proceso que la leía y revisaba terminó de golpe",
        "en": "the process that read and checked it ended abruptly",
    },
    "gradebook_busy": {
        "es": "otro programa ocupa el libro de calificaciones",
        "en": "another program holds the gradebook",
    },
    "gradebook_error": {
        "es": "el libro de calificaciones no la aceptó: {error}",
        "en": "the gradebook did not take it: {error}",
    },
    "disk_full": {
        "es": "el disco de la calificación está lleno",
        "en": "the disk of whoever grades is full",
    },
    "worker": {
        "es": "el proceso que la ejecutaba terminó varias veces",
        "en": "the process that ran it ended several times",
    },
}


class Reason(Message):
    """Why something was stopped or left out."""

    @staticmethod
    def texts() -> Mapping[str, Mapping[str, str]]:
        """Return the reasons by key and language."""
        return _REASONS


class Note(Message):
    """One line of a student's report; reasons may fill its gaps."""

    @staticmethod
    def texts() -> Mapping[str, Mapping[str, str]]:
        """Return the lines by key and language."""
        return _TEXTS

    def render(self, language: str) -> str:
        """Return the line in one of `LANGUAGES`, of characters that can be shown and nothing else.

        Names of files and ids may hold line ends, commands to a terminal, or what no file can hold.
        """
        line = super().render(language)
        return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)


def note(key: str, **details: Any) -> Note:
    """Return a note."""
    return Note(key, details)


def reason(key: str, **details: Any) -> Reason:
    """Return a reason."""
    return Reason(key, details)


def a_few_of_each(notes: Iterable[Note]) -> list[Note]:
    """Return the notes without those that repeat one key endlessly, which would bury the others."""
    seen: Counter[str] = Counter()
    kept = []
    for found in notes:
        seen[found.key] += 1
        if seen[found.key] <= _MOST_OF_A_KIND:
            kept.append(found)
    return kept
