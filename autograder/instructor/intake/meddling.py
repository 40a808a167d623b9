"""Code that reaches for the grader's inner parts, in cells and in what is handed in beside them.

A deterrent, and no protection: names can be spelt in a hundred ways. What is found is for a person to see.
A text is cut into tokens in one pass and looked at in a few more, so time grows with its length only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

# A comment, a name, a string in one line, or any other sign; white space is passed over.
_TOKEN = re.compile(
    r"#[^\n]*"
    r"|[^\W\d]\w*"
    r"|\"(?:[^\"\\\n]|\\.)*\"?"
    r"|'(?:[^'\\\n]|\\.)*'?"
    r"|[^\s\w]"
)
# None of the tokens that are looked for lies in a text without one of these. Strings may cut a name in two.
_HINTS = re.compile(
    r"auto|grader|course|__import__|import_module|sys|gc\b|inspect|ctypes|exec|proc|lab\s*\.\s*_|f_"
    r"|__globals__|__closure__|__subclasses__"
    r"|transformers|displayhook|display_pub|_run_cell|_execute|[\"'][\s+]*[\"']",
    re.IGNORECASE,
)
# What labs and the pages for students speak of.
_OPEN_MODULES = {"jhwutils", "lautils", "replay"}
_OPEN_NAMES = {"column", "loadable", "open_lab", "plain_number", "replay", "whole_number"}
_FRAMES = {
    "f_back", "f_locals", "f_globals", "tb_frame", "gi_frame", "cr_frame", "__globals__", "__closure__",
    "__subclasses__",
}  # fmt: skip
_SHELL = {
    "ast_transformers", "displayhook", "display_pub", "input_transformers_cleanup",
    "input_transformers_post", "post_execute", "post_run_cell", "pre_execute", "pre_run_cell",
}  # fmt: skip
_CALLS = {
    "gc": {"get_objects", "get_referents", "get_referrers"},
    "inspect": {"currentframe", "getinnerframes", "getouterframes", "stack", "trace"},
    "sys": {
        "_current_frames",
        "_getframe",
        "addaudithook",
        "meta_path",
        "path_hooks",
        "setprofile",
        "settrace",
    },
}
_LOOKS_UP = {"modules", "get", "pop", "import_module", "__import__", "getattr", "find_spec", "reload"}
_PARTS_OF_TEXT = re.compile(
    r"\bautograder[./](?!jhwutils\b|lautils\b|replay\b)\w+"
    r"|\bAUTOGRADER_SEED\b|/proc/(?:self|\d+|thread-self)\b|\bctypes\b"
)
# Names of callables in a pickle that no data need.
_PICKLED = re.compile(
    rb"autograder[./]|(?:builtins|__builtin__)[\n\x94\x8c-]{1,3}.?(?:exec|eval|compile|getattr|setattr|__import__)"
    rb"|\bc(?:os|posix|nt|subprocess|importlib|sys)\n|\x8c.(?:os|posix|subprocess|importlib)\x94"
    rb"|\bCodeType\b|\bcloudpickle\b|\bdill\._dill\b",
    re.DOTALL,
)
_PICKLES = {".ckpt", ".dill", ".joblib", ".npy", ".npz", ".p", ".pickle", ".pkl", ".pt", ".pth"}


@dataclass(frozen=True)
class _Token:
    """A piece of a program: `text` without quotes if it `is_string`."""

    text: str
    is_string: bool = False


def meddling(source: str) -> str | None:
    """Return what a program uses of the grader's inner parts or of what leads there, None if nothing.

    Args:
        source: any text.
    """
    if not _HINTS.search(source):
        return None
    tokens = list(_joined(_tokens(source)))
    for place, token in enumerate(tokens):
        for find in (_in_text, _in_imports, _in_names) if not token.is_string else (_in_text,):
            if found := find(tokens, place):
                return found
    return None


def file_meddling(name: str, data: bytes) -> str | None:
    """Return the same of a file that was handed in beside a notebook, whatever its name says it is."""
    pickled = PurePosixPath(name).suffix.lower() in _PICKLES or data[:1] == b"\x80"
    if pickled and (found := _PICKLED.search(data)):
        return found[0].decode("ascii", "replace").replace("\n", " ").strip()
    if b"\0" in data[:1024]:  # pictures, archives, arrays: no program
        return None
    return meddling(data.decode("utf-8", "replace"))


# --- tokens ----------------------------------------------------------------------------------------


def _tokens(source: str) -> Iterator[_Token]:
    """Yield the tokens of a text: names, strings and other signs."""
    for found in _TOKEN.finditer(source):
        text = found[0]
        if text[0] in "\"'":
            yield _Token(text.strip(text[0]), is_string=True)
        elif text[0] != "#":
            yield _Token(text)


def _joined(tokens: Iterator[_Token]) -> Iterator[_Token]:
    """Join strings that stand side by side, or are added: they are one string when the program runs."""
    pieces: list[str] = []
    plus: _Token | None = None
    for token in tokens:
        if token.is_string:
            pieces.append(token.text)
            plus = None
            continue
        if token.text == "+" and pieces and plus is None:
            plus = token
            continue
        if pieces and token.text.lower() in _PREFIXES:
            continue
        if pieces:
            yield _Token("".join(pieces), is_string=True)
            pieces = []
        if plus is not None:
            yield plus
            plus = None
        yield token
    if pieces:
        yield _Token("".join(pieces), is_string=True)


_PREFIXES = {"r", "b", "u", "f", "rb", "br", "rf", "fr"}


def _text(tokens: Sequence[_Token], place: int) -> str:
    """Return a token that is no string as text, "" where there is none."""
    if not 0 <= place < len(tokens) or tokens[place].is_string:
        return ""
    return tokens[place].text


# --- what is looked for ----------------------------------------------------------------------------

_Find = Callable[[Sequence[_Token], int], str | None]


def _in_text(tokens: Sequence[_Token], place: int) -> str | None:
    """Find names of inner parts within strings, where programs spell what they import by name."""
    if not tokens[place].is_string:
        return None
    if tokens[place].text == "autograder":
        # Anybody may print the word; whoever looks a module up by it wants what is inside.
        looks_up = _text(tokens, place - 1) in ("(", "[") and _text(tokens, place - 2) in _LOOKS_UP
        return "autograder" if looks_up else None
    found = _PARTS_OF_TEXT.search(tokens[place].text)
    return found[0] if found else None


def _in_imports(tokens: Sequence[_Token], place: int) -> str | None:
    """Find imports of inner parts, and imports by a name that the program puts together."""
    name, before, after = (_text(tokens, place + step) for step in (0, -1, 1))
    if name == "autograder":
        if after == "." and _text(tokens, place + 2) not in _OPEN_MODULES:
            return f"autograder.{_text(tokens, place + 2)}"
        if after == "as":
            return "import autograder"
        if before == "from" and after == "import":
            return _imported(tokens, place + 2)
    if name in ("import_module", "__import__") and after == "(" and before != "def":
        literal = place + 2 < len(tokens) and tokens[place + 2].is_string
        return None if literal and _text(tokens, place + 3) in (")", ",") else f"{name}(...)"
    if name == "exec" and after == "(" and _text(tokens, place + 2) == "open":
        return "exec(open(...))"
    return None


def _imported(tokens: Sequence[_Token], place: int) -> str | None:
    """Return what `from autograder import` imports of the inner parts, if anything."""
    for here in range(place, min(place + 40, len(tokens))):
        name = _text(tokens, here)
        if not (name.isidentifier() or name in ("*", "(", ",")):
            return None
        if name == "*" or (_text(tokens, here - 1) in ("import", ",", "(") and name.isidentifier()):
            if name not in _OPEN_NAMES:
                return f"from autograder import {name}"
            if _text(tokens, here + 1) not in (",", "as"):
                return None
    return None


def _in_names(tokens: Sequence[_Token], place: int) -> str | None:
    """Find what leads to the frames, objects and hooks of the process, and to the lab's own state."""
    name, before, after = (_text(tokens, place + step) for step in (0, -1, 1))
    attribute = _text(tokens, place + 2) if after == "." else ""
    if name == "ctypes" or name == "AUTOGRADER_SEED" or name in _FRAMES:
        return name
    if attribute in _CALLS.get(name, ()):
        return f"{name}.{attribute}"
    if (
        before == "import"
        and _text(tokens, place - 3) == "from"
        and name in _CALLS.get(_text(tokens, place - 2), ())
    ):
        return f"{_text(tokens, place - 2)}.{name}"
    if name == "lab" and before != "." and attribute.startswith("_"):
        return f"lab.{attribute}"
    if name in _SHELL and before in (".", ""):
        return name
    if name == "sys" and attribute == "modules":
        return _in_modules(tokens, place)
    return None


def _in_modules(tokens: Sequence[_Token], place: int) -> str | None:
    """Find uses of `sys.modules` other than asking for one module, as whoever may be on Colab does."""
    after = _text(tokens, place + 3)
    literal = place + 4 < len(tokens) and tokens[place + 4].is_string
    asks = _text(tokens, place - 1) == "in" and after not in (".", "[")
    return None if asks or (after == "[" and literal) else "sys.modules"
