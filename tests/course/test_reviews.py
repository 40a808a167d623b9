"""Film reviews: those of the grammar, and real ones from a folder."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from autograder.language import set_language
from course.data import GrammarSettings, Reviews, load_reviews, words_of, written_reviews
from course.data.grammar import GRAMMAR_LANGUAGES, _grammar

SAMPLES = Path(__file__).parents[3] / "shared" / "data" / "texts"
NO_SAMPLES = "the folder with samples of real reviews is not here"
SMALL = (40, 10, 20)


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COURSE_DATA", raising=False)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


def load(*arguments: object, **named: object) -> tuple[list[Reviews], str]:
    """Return the three parts and the one line that says what they are."""
    lines: list[str] = []
    parts = load_reviews(*arguments, report=lines.append, **{"counts": SMALL, **named})  # type: ignore[arg-type]
    (line,) = lines
    return list(parts), line


def write_imdb(root: Path, count: int = 40) -> Path:
    """Write a small set in the form of the real one, each review unlike all others."""
    for split in ("train", "test"):
        for name, rating in (("neg", 2), ("pos", 9)):
            folder = root / "aclImdb" / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                text = f"The {split} film number {number}.<br /><br />It isn't {name}-minded!"
                (folder / f"{number}_{rating}.txt").write_text(text, encoding="utf-8")
    return root


@pytest.fixture
def imdb(tmp_path: Path) -> Path:
    """A folder of data sets with a small set of real reviews."""
    return write_imdb(tmp_path / "data")


def is_written(parts: list[Reviews]) -> bool:
    return [part.name for part in parts] == ["grammar"] * 3 and [len(part) for part in parts] == list(SMALL)


# --- reviews of the grammar ------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "digest"), [("en", "499cb8172a94e7cf"), ("es", "d076ee73a88625b2")])
def test_written_reviews_are_the_same_on_every_machine(language: str, digest: str) -> None:
    texts, labels = written_reviews(500, language)
    said = "\n".join(f"{label} {text}" for text, label in zip(texts, labels, strict=True))
    assert hashlib.sha256(said.encode()).hexdigest()[:16] == digest


def test_a_review_depends_on_language_seed_and_number_alone() -> None:
    texts, labels = written_reviews(30, "es")
    assert written_reviews(10, "es", first=20) == (texts[20:], labels[20:])
    assert written_reviews(30, "es", seed=1)[0] != texts and len(set(texts)) > 28


@pytest.mark.parametrize("language", GRAMMAR_LANGUAGES)
def test_reviews_are_short_use_few_words_and_are_for_and_against_equally_often(language: str) -> None:
    texts, labels = written_reviews(4000, language)
    words = [words_of(text) for text in texts]
    assert min(map(len, words)) >= 4 and max(map(len, words)) <= 60
    assert 180 < len({word for review in words for word in review}) < 280
    assert abs(sum(labels) - 2000) < 100


def test_the_noise_is_the_share_of_labels_that_the_text_contradicts() -> None:
    clean = written_reviews(2000, "en", settings=GrammarSettings(noise=0.0))
    noisy = written_reviews(2000, "en")
    assert clean[0] == noisy[0] and clean[1] == [0, 1] * 1000
    assert sum(a != b for a, b in zip(clean[1], noisy[1], strict=True)) / 2000 == pytest.approx(0.1, abs=0.02)


def test_what_is_denied_counts_against_the_word() -> None:
    settings = GrammarSettings(noise=0.0, contrast=0.0, denied=1.0)
    texts, labels = written_reviews(200, "en", settings=settings)
    good, bad = ({*_grammar("en")[kind]} for kind in ("good", "bad"))
    for text, label in zip(texts, labels, strict=True):
        said = {*words_of(text)} - {word for aside in _grammar("en")["asides"] for word in words_of(aside)}
        assert said & (bad if label else good) and not said & (good if label else bad), text


def test_of_a_contrast_the_part_that_is_not_conceded_counts() -> None:
    settings = GrammarSettings(noise=0.0, contrast=1.0, denied=0.0)
    texts, labels = written_reviews(400, "en", settings=settings)
    good = {*_grammar("en")["good"]}
    seen = 0
    for text, label in zip(texts, labels, strict=True):
        for sentence in re.findall(r"[^.]*, but [^.]*\.", text):
            conceded, counts = sentence.split(", but ")
            assert bool(good & {*words_of(counts)}) is (label == 1) is not bool(good & {*words_of(conceded)})
            seen += 1
    assert seen > 30


def test_spanish_adjectives_agree_with_what_they_are_said_of() -> None:
    text = " ".join(written_reviews(4000, "es")[0])
    assert re.search(r"la trama (es|era) (muy )?aburrida", text)
    assert re.search(r"el guion (es|era) (muy )?aburrido", text)
    assert "encantadora" in text and not re.search(r"horribla|sutila|encantadoro|fluja", text)
    assert not re.search(r"el (guion|final|reparto|ritmo) (es|era|resulta|parece) \w+da\b", text)
    assert not re.search(r"la (trama|música|historia) (es|era|resulta|parece) \w+[ai]do\b", text)


@pytest.mark.parametrize("language", GRAMMAR_LANGUAGES)
def test_counting_words_and_pairs_of_words_does_not_get_far(language: str) -> None:
    texts, labels = written_reviews(4000, language)
    counts = CountVectorizer(ngram_range=(1, 2), token_pattern=r"\S+", binary=True)
    seen = counts.fit_transform(" ".join(words_of(text)) for text in texts)
    model = LogisticRegression(C=0.3, max_iter=500).fit(seen[:2500], labels[:2500])
    assert 0.5 < model.score(seen[3000:], labels[3000:]) < 0.75


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: written_reviews(-1, "es"), "count must not be negative: -1"),
        (lambda: written_reviews(3, "fr"), "language='fr' is unknown: choose one of es, en"),
        (lambda: load_reviews("keras"), "source='keras' is unknown: choose one of auto, imdb, grammar"),
        (lambda: load_reviews("grammar", counts=(9, 0, 9)), r"each part needs two .* counts=\(9, 0, 9\)"),
        (lambda: load_reviews("grammar", most_words=0), "each review a word"),
    ],
)
def test_what_cannot_be_written_is_described(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


# --- words -----------------------------------------------------------------------------------------


def test_words_are_in_lower_case_and_marks_stand_alone() -> None:
    said = "¡Qué GUION! It isn't well-known, «no»: 10/10..."
    words = ["qué", "guion", "!", "it", "isn't", "well-known", ",", "no", ":", "10", "10", ".", ".", "."]
    assert words_of(said) == words


# --- which reviews ---------------------------------------------------------------------------------


def test_without_a_folder_reviews_are_written_in_the_language_of_the_notebook() -> None:
    parts, line = load()
    assert is_written(parts) and "aclImdb_v1.tar.gz" in line
    assert line.startswith("reviews that the course writes by a grammar: 40 for training, 10 for validation")
    assert " the " in " ".join(parts[0].texts)
    set_language("es")
    parts, line = load("grammar")
    assert (
        line
        == "reseñas que el curso escribe con una gramática: 40 para entrenar, 10 de validación, 20 de prueba"
    )
    assert " la " in " ".join(parts[0].texts) and not {*parts[0].texts} & {*parts[2].texts}


@pytest.mark.parametrize("way", ["argument", "environment", "working folder"])
def test_real_reviews_are_used_where_they_are(imdb: Path, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if way == "environment":
        monkeypatch.setenv("COURSE_DATA", str(imdb))
    elif way == "working folder":
        monkeypatch.chdir(imdb.parent)
    parts, line = load(*(["auto", imdb] if way == "argument" else []))
    training, validation, test = parts
    assert line.endswith("aclImdb: 40 for training, 10 for validation, 20 for the test")
    assert all(part.name == "imdb" and part.labels.double().mean() == 0.5 for part in parts)
    assert all("train film" in text for text in (*training.texts, *validation.texts))
    assert all("test film" in text for text in test.texts)
    assert len({*training.texts, *validation.texts}) == 50
    assert training.words[0][-4:] == ["it", "isn't", "neg-minded", "!"]


def test_the_same_files_are_chosen_each_time(imdb: Path) -> None:
    first, again = (load("imdb", imdb)[0] for _ in range(2))
    assert [part.texts for part in first] == [part.texts for part in again]


def test_long_reviews_are_cut(imdb: Path) -> None:
    (training, _, _), _ = load("imdb", imdb, most_words=3)
    assert {len(words) for words in training.words} == {3} and len(training.texts[0]) > 20


def test_where_there_are_fewer_all_are_used_and_validation_gets_its_share(imdb: Path) -> None:
    parts, line = load("imdb", imdb, counts=(100, 100, 200))
    assert [len(part) for part in parts] == [40, 40, 80] and "40 for training" in line


def test_written_reviews_by_name_even_where_real_ones_are(imdb: Path) -> None:
    assert is_written(load("grammar", imdb)[0])


# --- folders that cannot be used -------------------------------------------------------------------


def test_a_missing_folder_is_named(imdb: Path) -> None:
    for path in (imdb / "aclImdb" / "test" / "pos").iterdir():
        path.unlink()
    (imdb / "aclImdb" / "test" / "pos").rmdir()
    parts, line = load("imdb", imdb)
    assert is_written(parts) and "incomplete, test/pos missing" in line


def test_a_class_with_too_few_reviews_is_named(imdb: Path) -> None:
    for path in sorted((imdb / "aclImdb" / "train" / "pos").iterdir())[:35]:
        path.unlink()
    parts, line = load("imdb", imdb)
    assert is_written(parts) and "train/pos holds 5 reviews that can be read, and 10 are needed" in line


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "0 words"), (b" <br /> \n", "0 words"), ("Qué película".encode("latin-1"), "UnicodeDecodeError"),
     (b"good\0film", "0 words"), (b"so " * 100_000, "300000 bytes")],
)  # fmt: skip
def test_a_damaged_file_is_skipped_and_named(imdb: Path, content: bytes, reason: str) -> None:
    (imdb / "aclImdb" / "train" / "neg" / "7_2.txt").write_bytes(content)
    parts, line = load("imdb", imdb, counts=(100, 100, 200))
    assert [len(part) for part in parts] == [39, 40, 80]
    assert line.endswith(f"; 1 skipped: train/neg/7_2.txt ({reason})")


def test_other_files_are_passed_over(imdb: Path) -> None:
    folder = imdb / "aclImdb" / "train" / "neg"
    (folder / ".DS_Store").write_bytes(b"\0")
    (folder / "._3_2.txt").write_bytes(b"\0")
    (folder / "labeledBow.feat").write_text("9 0:9")
    parts, line = load("imdb", imdb, counts=(100, 100, 200))
    assert [len(part) for part in parts] == [40, 40, 80] and "skipped" not in line


def test_folders_that_are_exchanged_show_by_the_points(imdb: Path) -> None:
    train = imdb / "aclImdb" / "train"
    (train / "pos").rename(train / "other")
    (train / "neg").rename(train / "pos")
    (train / "other").rename(train / "neg")
    parts, line = load("imdb", imdb)
    assert is_written(parts) and "train/neg holds 0 reviews" in line and "(9/10)" in line


def test_what_the_test_holds_is_left_out_of_the_training(imdb: Path) -> None:
    (imdb / "aclImdb" / "train" / "neg" / "7_2.txt").write_text(
        "THE test film number 3.\nIt isn't neg-minded!", encoding="utf-8"
    )
    parts, line = load("imdb", imdb, counts=(100, 100, 200))
    assert [len(part) for part in parts] == [39, 40, 80] and line.endswith(
        "; 1 left out as copies of another"
    )


def test_naming_the_folder_itself_is_described(imdb: Path) -> None:
    parts, line = load("imdb", imdb / "aclImdb")
    assert is_written(parts) and f"name the one that holds it, {imdb}" in line


def test_a_folder_within_its_like_is_described(imdb: Path, tmp_path: Path) -> None:
    (tmp_path / "outer").mkdir()
    imdb.rename(tmp_path / "outer" / "aclImdb")
    parts, line = load("imdb", tmp_path / "outer")
    assert is_written(parts) and "move it one level up" in line


@pytest.mark.parametrize(
    ("name", "said"),
    [("aclImdb_v1.tar.gz", "tar -xzf aclImdb_v1.tar.gz"), ("imdb.npz", "only pickle opens"),
     ("aclImdb", "aclImdb_v1.tar.gz")],
)  # fmt: skip
def test_what_lies_there_instead_is_described_and_not_opened(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / name).write_bytes(b"not what it says")
    parts, line = load("imdb", tmp_path / "data")
    assert is_written(parts) and said in line


@pytest.mark.skipif(os.getuid() == 0, reason="root may read closed folders")
def test_a_closed_folder_is_described(imdb: Path) -> None:
    folder = imdb / "aclImdb" / "train" / "neg"
    folder.chmod(0)
    parts, line = load("imdb", imdb)
    folder.chmod(0o700)
    assert is_written(parts) and "cannot be read: Permission denied" in line


# --- what people wrote -----------------------------------------------------------------------------


@pytest.mark.skipif(not SAMPLES.is_dir(), reason=NO_SAMPLES)
def test_real_sentences_are_read(tmp_path: Path) -> None:
    lines = (SAMPLES / "imdb_labelled.txt").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        text, label = line.rsplit("\t", 1)
        name, rating = (("neg", 1), ("pos", 10))[int(label)]
        folder = tmp_path / "data" / "aclImdb" / ("test" if number % 4 == 0 else "train") / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}_{rating}.txt").write_text(text, encoding="utf-8")
    parts, line = load("imdb", tmp_path / "data", counts=(600, 100, 200))
    assert sum(map(len, parts)) > 850 and "skipped" not in line
    assert all(words for part in parts for words in part.words)
    assert torch.cat([part.labels for part in parts]).double().mean() == pytest.approx(0.5, abs=0.03)


@pytest.mark.skipif(not SAMPLES.is_dir(), reason=NO_SAMPLES)
def test_sentences_in_another_encoding_are_skipped_and_the_others_read(tmp_path: Path) -> None:
    root = write_imdb(tmp_path / "data")
    lines = (SAMPLES / "rt-polarity.pos").read_text(encoding="utf-8").splitlines()
    foreign = [line for line in lines if not line.isascii() and max(line) <= "\xff"][:30]
    folder = root / "aclImdb" / "train" / "pos"
    for number, text in enumerate(foreign):
        (folder / f"{100 + number}_9.txt").write_bytes(text.encode("latin-1"))
    parts, line = load("imdb", root, counts=(200, 40, 40))
    assert len(foreign) == 30 and sum(map(len, parts[:2])) == 80
    assert "; 30 skipped: train/pos/" in line and "(UnicodeDecodeError) …" in line
