"""The commonest errors of Python and PyTorch, told in the language of the notebook.

An error is recognised by its class and its text, and what is told is what that text shows: shapes, names,
types. The numbers of a replay are float64 where the student's are float32, so its types are called by theirs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from autograder.messages import Message, add_texts
from autograder.usual_patterns import USUAL

TEXTS = add_texts("autograder", "usual_errors")
_MAX_TEXT = 2000
# PyTorch's names of types, in Python and in C++, by the names that students write.
_TYPES = {
    "long": "int64",
    "long int": "int64",
    "double": "float32",
    "float": "float32",
    "int": "int32",
    "half": "float16",
    "bool": "bool",
    "byte": "uint8",
    "unsigned char": "uint8",
}


def usual_error(error: BaseException) -> Message | None:
    """Return what to tell of an error if it is a usual one; its types are those of the student's numbers.

    Args:
        error: that was raised in a replay, with its traceback.
    """
    kinds = [kind.__name__ for kind in type(error).__mro__]
    return _told(kinds, str(error), error, _TYPES)


def usual_text(kind: str, text: str) -> Message | None:
    """Return what to tell of an error of which only the name of its class and the text are left."""
    return _told([kind], text, None, {**_TYPES, "double": "float64"})


def _told(
    kinds: Iterable[str], text: str, error: BaseException | None, types: Mapping[str, str]
) -> Message | None:
    for usual in USUAL:
        match = re.search(usual.pattern, text[:_MAX_TEXT]) if usual.kind in kinds else None
        if match is None:
            continue
        found = {name: _tidy(name, value or "", types) for name, value in match.groupdict().items()}
        return usual.refine(found, error) if usual.refine else Message(usual.key, found)
    return None


def types_of_student(text: str) -> str:
    """Return an error's text with the types that a student's numbers have, in place of the replay's.

    A text that names both is left as it is: then they differ, and that is what it says.
    """
    if re.search(r"\bfloat(?:32)?\b", re.sub(r"[Dd]ouble|float64", "", text), re.IGNORECASE):
        return text
    text = re.sub(r"\b(torch\.(?:cuda\.)?)DoubleTensor\b", r"\1FloatTensor", text)
    return re.sub(r"\bDouble\b", "Float", re.sub(r"\bdouble\b", "float", text.replace("float64", "float32")))


def _tidy(name: str, value: str, types: Mapping[str, str]) -> str:
    """Return what a group of a pattern found as a person would write it."""
    if name == "function":
        return value.rpartition("<locals>.")[2].removesuffix(".__init__").removesuffix(".forward")
    if name == "names":
        return ", ".join(f"`{each}`" for each in re.findall(r"'(\w+)'", value))
    if name in ("first", "second", "seen", "expected"):
        value = value.replace(" x ", "x")
        return types.get(value.lower(), value)
    return value
