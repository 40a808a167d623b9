"""What a feedback page says around a student's work, in Spanish and in English."""

from __future__ import annotations

from collections.abc import Mapping

from autograder.messages import Message

_TEXTS: dict[str, dict[str, str]] = {
    "title": {"es": "{lab}: comentarios para {student}", "en": "{lab}: feedback for {student}"},
    "for": {"es": "Entrega de {student}", "en": "Handed in by {student}"},
    "total": {"es": "Total", "en": "Total"},
    "total_so_far": {"es": "Total hasta ahora", "en": "Total so far"},
    "overview": {"es": "Tus puntos", "en": "Your marks"},
    "part": {"es": "Parte", "en": "Part"},
    "marks": {"es": "Puntos", "en": "Marks"},
    "waiting": {"es": "por calificar", "en": "not marked yet"},
    "waiting_long": {
        "es": "Esta parte todavía no tiene puntos: la mirará una persona.",
        "en": "This part has no marks yet: a person will look at it.",
    },
    "some_wait": {
        "es": "Faltan {points} puntos por calificar.",
        "en": "{points} marks are still to be given.",
    },
    "ungraded": {
        "es": "Esta entrega no se pudo calificar, y no tiene puntos, tampoco 0. Abajo se dice por qué; "
        "entrega el cuaderno otra vez o habla con quien califica.",
        "en": "This submission could not be graded, and has no marks, not even 0. Below it says why; hand "
        "in the notebook again, or ask whoever grades it.",
    },
    "late_penalty": {"es": "Descuento por entrega tardía", "en": "Deduction for handing in late"},
    "comment": {"es": "Comentario de quien califica", "en": "Comment of whoever marked this"},
    "no_response": {"es": "No hay respuesta.", "en": "There is no answer."},
    "your_answer": {"es": "Tu respuesta", "en": "Your answer"},
    "your_code": {"es": "Tu código", "en": "Your code"},
    "other_cells": {
        "es": "El texto y las demás celdas de esta parte ({count})",
        "en": "The text and the other cells of this part ({count})",
    },
    "rest": {"es": "El resto del cuaderno", "en": "The rest of the notebook"},
    "error": {"es": "La celda se detuvo con", "en": "The cell stopped with"},
    "traceback": {"es": "Dónde ocurrió", "en": "Where it happened"},
    "long_output": {"es": "Salida de {lines} líneas", "en": "Output of {lines} lines"},
    "picture": {"es": "Figura que dibujó esta celda", "en": "Picture that this cell drew"},
    "to_top": {"es": "Al comienzo", "en": "To the top"},
    "skip": {"es": "Ir a las partes", "en": "Skip to the parts"},
}


class FeedbackText(Message):
    """A text of a feedback page."""

    @staticmethod
    def texts() -> Mapping[str, Mapping[str, str]]:
        """Return the texts by key and language."""
        return _TEXTS
