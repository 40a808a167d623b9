"""Brain images and faces: drawn ones, the same to the bit, and whatever lies in a folder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from course.data import (
    Brains,
    PhantomSettings,
    brain_phantoms,
    drawn_avatars,
    load_brains,
    load_faces,
)
from course.data.brains import read_grey
from course.data.drawing import Draws

REAL = Path(__file__).parents[3] / "shared" / "data"


def digest(pixels: torch.Tensor) -> str:
    return hashlib.sha256(pixels.numpy().tobytes()).hexdigest()[:16]


# --- phantoms --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "expected"), [(32, "91f1674df5dd687a"), (64, "639f0985d3ca30a2")])
def test_phantoms_are_the_same_to_the_bit_on_every_machine(size: int, expected: str) -> None:
    assert digest(brain_phantoms(3, 3, size=size).pixels) == expected


def test_there_are_as_many_phantoms_as_in_the_real_set_unless_others_are_asked_for() -> None:
    brains = brain_phantoms()
    assert brains.labels.bincount().tolist() == [98, 155] and brains.pixels.shape == (253, 32, 32)
    assert brains.images.shape == (253, 1, 32, 32) and float(brains.images.min()) >= -1.0
    assert len(brain_phantoms(0, 0)) == 0


def test_a_phantom_depends_on_seed_class_and_number_alone() -> None:
    few, many = brain_phantoms(2, 3), brain_phantoms(5, 4)
    assert torch.equal(few.pixels[:2], many.pixels[:2]) and torch.equal(few.pixels[2:], many.pixels[5:8])
    assert not torch.equal(few.pixels, brain_phantoms(2, 3, seed=1).pixels)
    assert len({image.numpy().tobytes() for image in many.pixels}) == 9


def test_lesions_are_bright_and_their_contrast_can_be_set() -> None:
    def brightest(brains: Brains, label: int) -> float:
        inner = brains.pixels[brains.labels == label, 10:22, 12:20].flatten(1).float()
        return float(inner.amax(dim=1).mean())

    plain = brain_phantoms(30, 30, settings=PhantomSettings(contrast=(0.0, 0.0)))
    clear = brain_phantoms(30, 30)
    assert brightest(clear, 1) > brightest(clear, 0) + 20
    assert abs(brightest(plain, 1) - brightest(plain, 0)) < 10


def test_noise_can_be_set() -> None:
    quiet, loud = (brain_phantoms(4, 0, settings=PhantomSettings(noise=n)) for n in (0.0, 0.05))
    corner = slice(0, 3)
    assert int(quiet.pixels[:, corner, corner].max()) == 0
    assert 3 < float(loud.pixels[:, corner, corner].float().mean()) < 30


@pytest.mark.parametrize("options", [{"no": -1}, {"yes": -1}, {"size": 8}])
def test_phantoms_that_cannot_be_drawn_are_described(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="counts must not be negative and size at least 16"):
        brain_phantoms(**options)  # type: ignore[arg-type]


# --- real pictures ---------------------------------------------------------------------------------


def picture(mode: str = "RGB", size: tuple[int, int] = (40, 30), colour: object = None) -> Image.Image:
    made = Image.new("RGB", size, (120, 120, 120) if colour is None else colour)  # type: ignore[arg-type]
    return made.convert(mode)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of data sets with pictures as messy as they come, no two of them the same."""
    for name in ("yes", "no"):
        (tmp_path / "brain_tumor_dataset" / name).mkdir(parents=True)
    yes, no = (tmp_path / "brain_tumor_dataset" / name for name in ("yes", "no"))
    picture("RGBA").save(yes / "Y1.jpg", format="PNG")
    picture("P", (30, 40)).save(yes / "Y2.JPG", format="PNG")
    picture("L", (1920, 1080)).save(yes / "Y3.jpeg")
    picture("LA", (40, 20)).save(yes / "Y4.png")
    picture("I;16", (20, 50)).save(yes / "Y5.png")
    picture(size=(45, 15)).save(no / "1 no.jpeg")
    picture("1").save(no / "no suffix", format="PNG")
    (no / ".DS_Store").write_bytes(b"x")
    return tmp_path


def loaded(*arguments: object, **options: object) -> tuple[Brains, str]:
    lines: list[str] = []
    brains = load_brains(*arguments, report=lines.append, **options)  # type: ignore[arg-type]
    (line,) = lines
    return brains, line


def test_pictures_of_every_kind_are_read(folder: Path) -> None:
    brains, line = loaded("mri", folder, size=32)
    assert line == "real MRI pictures: 2 without a tumour, 5 with one, 32x32"
    assert brains.pixels.shape == (7, 32, 32) and brains.labels.tolist() == [0, 0, 1, 1, 1, 1, 1]
    assert all(100 < int(image[16, 16]) < 140 for image in brains.pixels[[0, 2, 3, 4, 5]])


def test_a_broken_file_is_named_skipped_and_counted(folder: Path) -> None:
    path = folder / "brain_tumor_dataset" / "yes" / "Y3.jpeg"
    path.write_bytes(path.read_bytes()[:200])
    (path.parent / "notes.txt").write_text("no picture")
    brains, line = loaded("mri", folder)
    assert len(brains) == 6 and "; 2 skipped: yes/Y3.jpeg (OSError), yes/notes.txt" in line
    assert len(brains.skipped) == 2


def test_a_picture_that_was_saved_twice_is_read_once(folder: Path) -> None:
    yes = folder / "brain_tumor_dataset" / "yes"
    with Image.open(yes / "Y3.jpeg") as original:
        original.save(yes / "Y30.jpeg", quality=60)
    brains, line = loaded("mri", folder)
    assert len(brains) == 7 and line.endswith("; 1 left out as copies of another")


@pytest.mark.parametrize("source", ["auto", "mri"])
def test_an_empty_class_is_an_error(folder: Path, source: str) -> None:
    for path in (folder / "brain_tumor_dataset" / "no").iterdir():
        path.unlink()
    with pytest.raises(FileNotFoundError, match=r"no picture that can be read in .*no: .* both"):
        load_brains(source, folder)


def test_phantoms_take_the_place_of_a_folder_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    assert loaded()[1] == "drawn brain phantoms: 98 without a tumour, 155 with one, 32x32"
    with pytest.raises(FileNotFoundError, match="must hold the folders yes and no"):
        load_brains("mri")
    with pytest.raises(ValueError, match="source='ct' is unknown: choose one of auto, mri, phantoms"):
        load_brains("ct")


def test_the_folder_that_the_environment_names_is_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_DATA", str(folder))
    assert loaded()[0].name == "mri"
    assert loaded("phantoms")[0].name == "phantoms"


def test_proportions_are_kept_and_what_is_transparent_is_black(tmp_path: Path) -> None:
    wide = tmp_path / "wide.png"
    picture(size=(80, 40), colour=(255, 255, 255)).save(wide)
    grey = read_grey(wide, 16)
    assert grey[0].max() == 0 and grey[8].min() == 255 and grey[:4].max() == 0 and grey[4:12].min() == 255
    clear = tmp_path / "clear.png"
    Image.new("RGBA", (20, 20), (255, 255, 255, 0)).save(clear)
    assert read_grey(clear, 16).max() == 0


@pytest.mark.skipif(not REAL.is_dir(), reason="the real MRI pictures are not here")
def test_the_real_pictures_are_all_read() -> None:
    brains, line = loaded("mri", REAL, size=64)
    assert (
        line
        == "real MRI pictures: 77 without a tumour, 134 with one, 64x64; 42 left out as copies of another"
    )
    assert float(brains.pixels.float().mean()) > 20


# --- faces -----------------------------------------------------------------------------------------


def test_avatars_are_the_same_to_the_bit_on_every_machine() -> None:
    assert digest(drawn_avatars(4).pixels) == "566262c73a894c93"


def test_an_avatar_depends_on_seed_and_number_alone() -> None:
    few, many = drawn_avatars(3), drawn_avatars(6)
    assert torch.equal(few.pixels, many.pixels[:3]) and many.pixels.shape == (6, 3, 64, 64)
    assert not torch.equal(few.pixels, drawn_avatars(3, seed=1).pixels)
    assert len({face.numpy().tobytes() for face in many.pixels}) == 6 and len(drawn_avatars(0)) == 0
    with pytest.raises(ValueError, match="must not be negative"):
        drawn_avatars(-1)


def test_faces_come_from_any_folder(tmp_path: Path) -> None:
    lines: list[str] = []
    (tmp_path / "a").mkdir()
    picture("P", (30, 40)).save(tmp_path / "a" / "1.gif")
    picture("L", (300, 100)).save(tmp_path / "2.png")
    (tmp_path / "3.jpg").write_bytes(b"broken")
    faces = load_faces(tmp_path, report=lines.append)
    assert faces.pixels.shape == (2, 3, 64, 64) and faces.images.shape == (2, 3, 64, 64)
    assert lines == [
        f"pictures of {tmp_path.name}: 2 images, 64x64; 1 skipped: 3.jpg (UnidentifiedImageError)"
    ]


@pytest.mark.parametrize("make", [lambda path: path / "nowhere", lambda path: path])
def test_a_folder_without_pictures_is_an_error(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    with pytest.raises(FileNotFoundError, match="no picture that can be read"):
        load_faces(make(tmp_path))


def test_without_a_folder_avatars_are_drawn() -> None:
    lines: list[str] = []
    assert len(load_faces(count=2, report=lines.append)) == 2
    assert lines == ["drawn avatars: 2 images, 64x64"]


# --- drawing ---------------------------------------------------------------------------------------


def test_nearly_normal_numbers_have_mean_zero_and_variance_one() -> None:
    values = Draws("test", 1).normal((20_000,))
    assert abs(values.mean()) < 0.03 and abs(values.var() - 1.0) < 0.04
    assert np.array_equal(values, Draws("test", 1).normal((20_000,)))
