"""The Large Movie Review Dataset (Maas et al., 2011), read from the folder that its authors pack it in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from autograder.replay import randomness
from course.data.unavailable import DataUnavailableError
from course.texts import error

FOLDER = "aclImdb"
CLASSES = ("neg", "pos")
# Fewer of a class are too few to learn from.
LEAST_REVIEWS = 10
# The longest review of the real set has some 14,000 bytes.
_MOST_BYTES = 200_000
_RATED = re.compile(r"\d+_(\d+)\.txt")
# A review for has 7 points of 10 or more, one against 4 or fewer.
_RATINGS = {"neg": range(1, 5), "pos": range(7, 11)}


@dataclass
class ChosenFiles:
    """Reviews that were read, and what was left out.

    Attributes:
        texts: of the reviews, per class, in the order of `CLASSES`.
        skipped: names of files that could not be read, with the reason.
        copies: how many were left out because another one says the same.
    """

    texts: tuple[list[str], list[str]] = field(default_factory=lambda: ([], []))
    skipped: list[str] = field(default_factory=list)
    copies: int = 0

    def __len__(self) -> int:
        return sum(map(len, self.texts))


def read_acl_imdb(root: Path, training: int, test: int) -> tuple[ChosenFiles, ChosenFiles]:
    """Read some reviews of each split, always the same ones, as many for as against where there are enough.

    Args:
        root: the folder of data sets, which holds `aclImdb/{train,test}/{pos,neg}/*.txt`.
        training: how many to take of the split for training.
        test: how many of the split for the test; what it holds too is left out of the training.

    Raises:
        DataUnavailableError: if the folder is not there, is another one, or lacks reviews of a class.
    """
    folder = root / FOLDER
    if not folder.is_dir():
        raise _absent(root)
    missing = [
        f"{split}/{name}"
        for split in ("train", "test")
        for name in CLASSES
        if not (folder / split / name).is_dir()
    ]
    if missing:
        within = folder / FOLDER
        if within.is_dir():
            raise error(DataUnavailableError, "imdb_within", folder=folder, within=within)
        raise error(DataUnavailableError, "imdb_missing", folder=folder, names=", ".join(missing))
    known: set[str] = set()
    tested = _chosen(folder / "test", test, known)
    return _chosen(folder / "train", training, known), tested


def _absent(root: Path) -> Exception:
    """Return what says that there is no folder of reviews, and what there is in its place."""
    if (root / "train" / "pos").is_dir():
        return error(DataUnavailableError, "imdb_is_root", root=root, parent=root.resolve().parent)
    packed = sorted(path.name for path in root.glob("aclImdb*.tar*")) if root.is_dir() else []
    if packed:
        return error(DataUnavailableError, "imdb_packed", name=packed[0], root=root)
    if (root / "imdb.npz").is_file():
        return error(DataUnavailableError, "imdb_pickled", root=root)
    return error(DataUnavailableError, "imdb_absent")


def _chosen(split: Path, count: int, known: set[str]) -> ChosenFiles:
    """Read reviews of a split until there are enough of both classes.

    Args:
        split: the folder, with one folder for each class.
        count: how many to read, half of each class.
        known: what earlier reviews say, without case and white space; grows.

    Raises:
        DataUnavailableError: if a class has too few.
    """
    chosen = ChosenFiles()
    for name, texts in zip(CLASSES, chosen.texts, strict=True):
        for path in _shuffled(split / name):
            if len(texts) == count // 2:
                break
            try:
                text = _text(path, name)
            except (OSError, ValueError) as cause:
                reason = str(cause) if type(cause) is ValueError else type(cause).__name__
                chosen.skipped.append(f"{split.name}/{name}/{path.name} ({reason})")
                continue
            said = " ".join(text.casefold().split())
            chosen.copies += said in known
            if said not in known:
                known.add(said)
                texts.append(text)
        if len(texts) < min(LEAST_REVIEWS, count // 2):
            skipped = ", ".join(chosen.skipped[-3:])
            details = {"folder": split / name, "count": len(texts), "least": LEAST_REVIEWS}
            raise error(
                DataUnavailableError, "imdb_too_few", **details, skipped=f" {skipped}" if skipped else ""
            )
    return chosen


def _shuffled(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder, in an order that their names decide, not the disk.

    Raises:
        DataUnavailableError: if the folder cannot be read.
    """
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == ".txt" and path.name[0] != ".")
    except OSError as cause:
        raise error(
            DataUnavailableError, "imdb_closed", folder=folder, error=cause.strerror or type(cause).__name__
        ) from None
    key = randomness.derive_key("aclImdb", folder.parent.name, folder.name)
    for place in randomness.permutation(key, len(paths)):
        yield paths[place]


def _text(path: Path, name: str) -> str:
    """Return the text of a review, without the line breaks of a web page.

    Raises:
        OSError: if it cannot be read.
        ValueError: if it is no text in UTF-8, empty or too long, or has the points of the other class.
    """
    rated = _RATED.fullmatch(path.name)
    if rated and int(rated[1]) not in _RATINGS[name]:
        raise ValueError(f"{rated[1]}/10")
    if path.stat().st_size > _MOST_BYTES:
        raise ValueError(f"{path.stat().st_size} bytes")
    text = " ".join(re.sub(r"<br\s*/?>", " ", path.read_text(encoding="utf-8")).split())
    if not any(character.isalnum() for character in text) or "\0" in text:
        raise ValueError("0 words")
    return text
