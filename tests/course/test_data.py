"""Digits: from MNIST's files, from a server, or embedded; and batches of them."""

from __future__ import annotations

import gzip
import hashlib
import os
import struct
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from torchvision.datasets import MNIST

from course.data import Batches, Digits, load_digits

TEST_SPLIT_ONLY = Path(__file__).parents[3] / "shared" / "data"
FILES = {
    "train-images-idx3-ubyte": (3, 60),
    "train-labels-idx1-ubyte": (1, 60),
    "t10k-images-idx3-ubyte": (3, 10),
    "t10k-labels-idx1-ubyte": (1, 10),
}


def idx(dimensions: int, count: int) -> bytes:
    """Return a file in MNIST's own format: images that all show their number, or labels."""
    sizes = (count, 28, 28)[:dimensions]
    header = struct.pack(f">4B{dimensions}i", 0, 0, 8, dimensions, *sizes)
    return header + b"".join(
        bytes([number % 10]) * (784 if dimensions == 3 else 1) for number in range(count)
    )


@pytest.fixture
def mnist(tmp_path: Path) -> Path:
    """A folder of data sets with a complete, small MNIST."""
    raw = tmp_path / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, shape in FILES.items():
        (raw / name).write_bytes(idx(*shape))
    return tmp_path / "data"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that torchvision takes for the server of MNIST, with all four files."""
    folder = tmp_path / "server"
    folder.mkdir()
    resources = []
    for name, shape in FILES.items():
        packed = gzip.compress(idx(*shape))
        (folder / f"{name}.gz").write_bytes(packed)
        resources.append((f"{name}.gz", hashlib.md5(packed).hexdigest()))

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as http:
        monkeypatch.setattr(MNIST, "mirrors", [f"http://127.0.0.1:{http.server_port}/"])
        monkeypatch.setattr(MNIST, "resources", resources)
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield folder
        http.shutdown()
        thread.join()


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """No server of MNIST answers."""
    monkeypatch.setattr(MNIST, "mirrors", ["http://127.0.0.1:9/"])


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COURSE_DATA", raising=False)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


def load(*arguments: object) -> tuple[Digits, str]:
    """Return digits and the one line that says which ones."""
    lines: list[str] = []
    digits = load_digits(*arguments, report=lines.append)  # type: ignore[arg-type]
    (line,) = lines
    return digits, line


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def is_embedded(digits: Digits) -> bool:
    return "scikit-learn" in digits.name and len(digits) == 1797


# --- which digits ----------------------------------------------------------------------------------


def test_embedded_digits_are_real_and_of_every_class() -> None:
    digits, line = load("embedded")
    assert line == "scikit-learn digits, of 8x8, enlarged and sharpened: 1797 images"
    assert digits.pixels.shape == (1797, 28, 28) and digits.pixels.dtype == torch.uint8
    assert digits.labels.bincount().min() > 170
    assert digits.pixels.min() == 0 and digits.pixels.max() == 255


def test_embedded_digits_are_crisp_and_framed_as_those_of_mnist_and_the_same_everywhere() -> None:
    pixels = load("embedded")[0].pixels
    grey = ((pixels > 40) & (pixels < 215)).float().mean()
    assert grey < 0.1 and not pixels[:, :4].any() and not pixels[:, :, -4:].any()
    assert hashlib.sha256(pixels.numpy().tobytes()).hexdigest()[:16] == "d0beb659e25eee65"


def test_without_a_folder_nothing_is_downloaded(tmp_path: Path) -> None:
    digits, line = load()
    assert is_embedded(digits) and "COURSE_DATA=<folder> downloads it" in line
    assert names(Path()) == []


@pytest.mark.parametrize("way", ["argument", "environment", "working folder"])
def test_mnist_is_used_where_it_is(mnist: Path, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if way == "environment":
        monkeypatch.setenv("COURSE_DATA", str(mnist))
    elif way == "working folder":
        monkeypatch.chdir(mnist.parent)
    digits, line = load(*(["auto", mnist] if way == "argument" else []))
    assert (digits.name, len(digits)) == ("MNIST", 60) and "MNIST, 60 images from " in line
    assert digits.pixels[7].unique().tolist() == [7] and digits.labels[:10].tolist() == list(range(10))


def test_embedded_by_name_even_where_mnist_is(mnist: Path) -> None:
    assert is_embedded(load("embedded", mnist)[0])


def test_unknown_digits_are_described() -> None:
    with pytest.raises(ValueError, match="source='fashion' is unknown: choose one of auto, mnist, embedded"):
        load_digits("fashion")


# --- files that cannot be used ---------------------------------------------------------------------


@pytest.mark.skipif(not TEST_SPLIT_ONLY.is_dir(), reason="the folder with MNIST's test split is not here")
def test_a_folder_with_the_test_split_only_is_named() -> None:
    digits, line = load("auto", TEST_SPLIT_ONLY)
    assert is_embedded(digits)
    assert "train-images-idx3-ubyte, train-labels-idx1-ubyte missing" in line


def test_a_missing_file_is_named_and_nothing_is_touched(mnist: Path) -> None:
    (mnist / "MNIST" / "raw" / "train-labels-idx1-ubyte").unlink()
    digits, line = load("mnist", mnist)
    assert is_embedded(digits) and "train-labels-idx1-ubyte missing; delete that folder" in line
    assert len(names(mnist / "MNIST" / "raw")) == 3


@pytest.mark.parametrize(
    "damage", [lambda data: data[:3000], lambda data: b"", lambda data: b"<html>", lambda data: data[:16]]
)
def test_damaged_files_are_named(mnist: Path, damage: Callable[[bytes], bytes]) -> None:
    path = mnist / "MNIST" / "raw" / "train-images-idx3-ubyte"
    path.write_bytes(damage(path.read_bytes()))
    digits, line = load("auto", mnist)
    assert is_embedded(digits) and "damaged" in line


def test_labels_of_another_length_are_named(mnist: Path) -> None:
    (mnist / "MNIST" / "raw" / "train-labels-idx1-ubyte").write_bytes(idx(1, 59))
    digits, line = load("auto", mnist)
    assert is_embedded(digits) and "59 labels" in line


# --- downloads -------------------------------------------------------------------------------------


def test_mnist_is_downloaded_once_and_read_from_then_on(
    server: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    digits, _ = load("mnist", tmp_path / "new")
    assert digits.name == "MNIST" and names(tmp_path / "new") == ["MNIST"]
    for path in server.iterdir():
        path.unlink()
    assert load("auto", tmp_path / "new")[0].name == "MNIST"
    assert capfd.readouterr().err == ""


def test_naming_a_folder_is_asking_for_mnist(
    server: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "new"))
    assert load()[0].name == "MNIST"


def test_without_network_nothing_is_left_behind(nowhere: None, tmp_path: Path) -> None:
    digits, line = load("mnist", tmp_path / "new")
    assert is_embedded(digits) and "MNIST could not be downloaded" in line
    assert names(tmp_path / "new") == []


def test_a_download_that_is_cut_off_leaves_nothing_behind(server: Path, tmp_path: Path) -> None:
    path = server / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:40])
    digits, line = load("mnist", tmp_path / "new")
    assert is_embedded(digits) and "MNIST could not be downloaded" in line
    assert names(tmp_path / "new") == []


def test_a_folder_that_cannot_be_written_is_described(server: Path, tmp_path: Path) -> None:
    # A file in the way: a read-only folder would not stop root.
    (tmp_path / "file").write_text("")
    digits, line = load("mnist", tmp_path / "file" / "data")
    assert is_embedded(digits) and "MNIST could not be downloaded" in line


@pytest.mark.skipif(os.getuid() == 0, reason="root may write into read-only folders")
def test_a_read_only_folder_is_described(server: Path, tmp_path: Path) -> None:
    (tmp_path / "fixed").mkdir(mode=0o500)
    digits, line = load("mnist", tmp_path / "fixed")
    assert is_embedded(digits) and "Permission denied" in line


# --- normalisation and batches ---------------------------------------------------------------------


def test_pixels_are_normalised_to_minus_one_and_one() -> None:
    pixels = torch.tensor([0, 51, 255], dtype=torch.uint8).reshape(3, 1, 1)
    images = Digits(pixels, torch.zeros(3), "three").images
    assert images.shape == (3, 1, 1, 1) and images.dtype == torch.float32
    assert images.flatten().tolist() == pytest.approx([-1.0, -0.6, 1.0])


def test_every_epoch_goes_through_all_rows_in_another_order() -> None:
    torch.manual_seed(0)
    rows = torch.arange(100)
    batches = Batches(rows, -rows, batch_size=32)
    epochs = [list(batches) for _ in range(2)]
    assert len(batches) == 4 and [len(batch) for batch, _ in epochs[0]] == [32, 32, 32, 4]
    assert all(torch.equal(first, -second) for first, second in epochs[0])
    orders = [torch.cat([batch for batch, _ in epoch]) for epoch in epochs]
    assert all(torch.equal(order.sort().values, rows) for order in orders)
    assert not torch.equal(*orders)


def test_a_short_last_batch_can_be_left_out() -> None:
    assert [len(batch) for (batch,) in Batches(torch.arange(100), batch_size=32, drop_last=True)] == [32] * 3


@pytest.mark.parametrize(
    ("lengths", "batch_size", "message"),
    [((), 1, "one common length"), ((3, 4), 1, r"not \[3, 4\]"), ((3,), 0, "at least 1, not 0")],
)
def test_batches_that_cannot_be_are_described(
    lengths: tuple[int, ...], batch_size: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Batches(*(torch.zeros(length) for length in lengths), batch_size=batch_size)
