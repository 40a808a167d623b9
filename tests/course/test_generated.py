"""Generated brain images, copies among real ones, backbones, neighbours, and figures of an experiment."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.models import efficientnet_b3

from course.authoring.pictures import DATA
from course.backbones import WEIGHTS, find_weights, make_backbone
from course.data import Brains, brain_phantoms, load_brains, load_generated, split_brains
from course.data.brains import CLASSES, COUNTS
from course.data.generated import strip_path, write_strip
from course.metrics import nearest_neighbours, patch_contrast
from course.plots import confusion_matrices, image_grid, interval_panels, intervals


@pytest.fixture(scope="module")
def training() -> Brains:
    rest, _ = split_brains(brain_phantoms())
    return split_brains(rest, test_share=0.25)[0]


def silent(line: str) -> None:
    """Say nothing."""


# --- generated pictures ----------------------------------------------------------------------------


def test_the_course_brings_as_many_generated_pictures_as_there_are_phantoms(
    training: Brains, tmp_path: Path
) -> None:
    for name in CLASSES:
        with Image.open(strip_path(name)) as strip:
            assert strip.size == (32, 32 * COUNTS[name]) and strip.mode == "L"
    lines: list[str] = []
    generated = load_generated(training, tmp_path, report=lines.append)
    assert generated.labels.bincount().tolist() == training.labels.bincount().tolist() == [58, 93]
    (line,) = lines
    assert line.startswith("pictures that two WGAN-GPs made for this course, one per class: ")
    assert line.endswith(": 58 without a tumour, 93 with one, 32x32")


def test_no_generated_picture_is_a_copy_of_a_phantom_and_none_occurs_twice(
    training: Brains, tmp_path: Path
) -> None:
    generated = load_generated(training, tmp_path, report=silent)
    distance, _ = nearest_neighbours(generated.images, brain_phantoms().images)
    assert float(distance.min()) > 0.1
    assert len(generated.without_copies()) == len(generated)


def test_the_generator_was_trained_with_the_training_part_of_lab_6() -> None:
    lab6 = Path("source_notebooks/lab6_cnn_augmentation/lab6_cnn_augmentation.py").read_text(encoding="utf-8")
    splits = [line for line in lab6.splitlines() if " = split_brains(" in line]
    of_lab6, of_generator = {"brains": load_brains(report=silent)}, {}
    exec("\n".join(splits), {"split_brains": split_brains}, of_lab6)
    exec(
        DATA.format(name="yes", source="phantoms"),
        {"split_brains": split_brains, "load_brains": load_brains},
        of_generator,
    )
    assert len(splits) == 2
    assert torch.equal(of_generator["real_images"], of_lab6["training"].of_class("yes"))


def test_exported_pictures_take_the_place_of_the_course_s_and_the_latest_are_used(
    training: Brains, tmp_path: Path
) -> None:
    few = training.at(np.flatnonzero(training.labels.numpy() == 1)[:2])
    for name, level in (("epoch_015_image_01", 10), ("epoch_015_image_02", 20), ("epoch_016_image_01", 30)):
        path = tmp_path / "generated" / "yes" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (32, 32), level).save(path)
    generated = load_generated(few, tmp_path / "generated", report=silent)
    assert generated.pixels[:, 0, 0].tolist() == [20, 30] and generated.labels.tolist() == [1, 1]
    before = load_generated(few.at(np.arange(1)), tmp_path / "generated", besides=generated, report=silent)
    assert before.pixels[:, 0, 0].tolist() == [10]
    with pytest.raises(FileNotFoundError, match=r"yes/ holds 3 PNG files and 4 are needed"):
        load_generated(few, tmp_path / "generated", besides=generated, report=silent)


def test_generated_pictures_besides_those_of_the_training_are_others(
    training: Brains, tmp_path: Path
) -> None:
    _, test = split_brains(brain_phantoms())
    used = load_generated(training, tmp_path, report=silent)
    others = load_generated(test, tmp_path, besides=used, report=silent)
    assert others.labels.bincount().tolist() == test.labels.bincount().tolist() == [20, 31]
    distance, _ = nearest_neighbours(others.images, used.images)
    assert float(distance.min()) > 0.05


def test_too_few_exported_pictures_are_counted(training: Brains, tmp_path: Path) -> None:
    (tmp_path / "no").mkdir()
    with pytest.raises(FileNotFoundError, match=r"no/ holds 0 PNG files and 58 are needed: run lab 4"):
        load_generated(training, tmp_path, report=silent)


def test_of_a_class_that_was_not_exported_the_course_s_own_are_taken(
    training: Brains, tmp_path: Path
) -> None:
    folder, level = tmp_path / "generated", 77
    (folder / "yes").mkdir(parents=True)
    for number in range(training.counts[1]):
        Image.new("L", (32, 32), level).save(folder / "yes" / f"epoch_001_image_{number:03d}.png")
    lines: list[str] = []
    generated = load_generated(training, folder, report=lines.append)
    courses = load_generated(training, tmp_path / "none", report=silent)
    assert (generated.pixels[generated.labels == 1] == level).all()
    assert torch.equal(generated.of_class("no"), courses.of_class("no"))
    expected = f"pictures in {folder}/yes and, as {folder}/no is missing, the course's own of that class: "
    assert lines == [expected + "58 without a tumour, 93 with one, 32x32"]
    real = Brains(training.pixels, training.labels, "mri")
    with pytest.raises(FileNotFoundError, match="imitates drawn phantoms, no other pictures"):
        load_generated(real, folder, report=silent)


def test_real_pictures_are_not_joined_with_generated_phantoms(tmp_path: Path) -> None:
    real = Brains(torch.zeros(4, 32, 32, dtype=torch.uint8), torch.tensor([0, 0, 1, 1]), "real MRI pictures")
    with pytest.raises(FileNotFoundError, match="imitates drawn phantoms, no other pictures"):
        load_generated(real, tmp_path, report=silent)


def test_phantoms_of_another_size_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has 32x32 pixels"):
        load_generated(brain_phantoms(1, 1, size=64), tmp_path, report=silent)


def test_a_strip_holds_pictures_in_order(tmp_path: Path) -> None:
    paths = []
    for level in (5, 250, 90):
        paths.append(tmp_path / f"{level}.png")
        Image.new("L", (32, 32), level).save(paths[-1])
    write_strip(paths, tmp_path / "strip.png")
    with Image.open(tmp_path / "strip.png") as strip:
        assert np.asarray(strip)[::32, 0].tolist() == [5, 250, 90]


# --- copies ----------------------------------------------------------------------------------------


def test_of_pictures_that_are_the_same_the_first_is_kept() -> None:
    brains = brain_phantoms(2, 2)
    # A copy with a little noise, as one that was saved anew, and a copy of a copy.
    noisy = (brains.pixels[1].int() + torch.randint(-2, 3, (32, 32))).clamp(0, 255).to(torch.uint8)
    pixels = torch.cat([brains.pixels, noisy[None], noisy[None], brains.pixels[:1] // 2])
    labels = torch.tensor([0, 0, 1, 1, 0, 1, 0])
    kept = Brains(pixels, labels, "some").without_copies()
    assert kept.copies == 2 and kept.labels.tolist() == [0, 0, 1, 1, 0]
    assert torch.equal(kept.pixels, torch.cat([brains.pixels, brains.pixels[:1] // 2]))


def test_no_two_phantoms_are_the_same() -> None:
    assert brain_phantoms().without_copies().copies == 0


# --- backbones -------------------------------------------------------------------------------------


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where COURSE_DATA holds weights of EfficientNet-B3, untrained ones."""
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    return tmp_path / WEIGHTS


def test_the_small_backbone_is_taken_where_there_are_no_weights(weights: Path) -> None:
    lines: list[str] = []
    backbone = make_backbone("auto", torch.device("cuda"), report=lines.append)
    assert lines == ["backbone: small network, 64 features"]
    assert backbone(torch.zeros(3, 1, 32, 32)).shape == (3, 64)
    with pytest.raises(FileNotFoundError, match=r"there is no efficientnet_b3\S+ in COURSE_DATA"):
        make_backbone("efficientnet", report=silent)


@pytest.mark.slow
def test_efficientnet_is_taken_on_a_gpu_where_its_weights_are_at_hand(weights: Path) -> None:
    torch.save(efficientnet_b3().state_dict(), weights)
    lines: list[str] = []
    backbone = make_backbone("auto", torch.device("cuda"), report=lines.append)
    assert lines == ["backbone: EfficientNet-B3 with weights from ImageNet, 1536 features"]
    assert backbone.features == 1536 and backbone(torch.zeros(2, 1, 32, 32)).shape == (2, 1536)
    make_backbone("auto", torch.device("cpu"), report=lines.append)
    assert lines[-1].startswith("backbone: small network")


def test_weights_that_torchvision_has_downloaded_are_found(weights: Path, tmp_path: Path) -> None:
    assert find_weights() is None
    cached = tmp_path / "hub" / "checkpoints" / WEIGHTS
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"")
    assert find_weights() == cached


def test_damaged_weights_and_unknown_backbones_are_named(weights: Path) -> None:
    weights.write_bytes(b"cut off")
    with pytest.raises(RuntimeError, match="does not hold the weights of EfficientNet-B3"):
        make_backbone("efficientnet", report=silent)
    with pytest.raises(ValueError, match="kind='resnet' is unknown: choose one of auto, small, efficientnet"):
        make_backbone("resnet")


# --- neighbours and figures ------------------------------------------------------------------------


def test_the_nearest_neighbour_is_found_at_its_root_mean_square_distance() -> None:
    reference = torch.stack([torch.full((1, 4, 4), level) for level in (-1.0, 0.0, 1.0)])
    distance, place = nearest_neighbours(torch.full((2, 1, 4, 4), 0.25), reference)
    assert place.tolist() == [1, 1] and distance.tolist() == pytest.approx([0.25, 0.25])
    with pytest.raises(ValueError, match="pictures of one shape are needed"):
        nearest_neighbours(torch.zeros(1, 1, 4, 4), torch.zeros(0, 1, 4, 4))


def test_lesions_stand_out_from_the_head_and_nothing_else_does() -> None:
    brains = brain_phantoms(100, 100, seed=5)
    no, yes = (patch_contrast(brains.of_class(name)) for name in CLASSES)
    threshold = (no.mean() + yes.mean()) / 2
    assert (no < threshold).all() and float((yes > threshold).float().mean()) > 0.9
    # A brighter picture, one bright pixel, and a bright patch outside the head have no lesion.
    picture = torch.full((1, 1, 32, 32), -0.5)
    picture[..., 16, 16] = 1.0
    picture[..., :3, :3] = 1.0
    assert float(patch_contrast(picture)) < 0.2
    picture[..., 10:13, 10:13] = 1.0
    assert float(patch_contrast(picture)) > 1.0
    with pytest.raises(ValueError, match="size, size"):
        patch_contrast(torch.zeros(2, 3, 32, 32))


@pytest.mark.parametrize(("log", "scale"), [(False, "linear"), (True, "log")])
def test_intervals_have_the_scale_that_is_asked_for(log: bool, scale: str) -> None:
    figure = intervals({"a": (0.1, 0.07, 0.12), "b": (10.0, 9.0, 11.0)}, title="t", xlabel="x", log=log)
    assert figure.axes[0].get_xscale() == scale


def test_intervals_are_drawn_below_each_other_in_their_order() -> None:
    figure = intervals(
        {"real": (0.9, 0.8, 1.0), "both": (0.95, 0.9, 1.0)},
        title="t",
        xlabel="x",
        points={"real": [0.9]},
        line=0.5,
    )
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["real", "both"]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]


def test_panels_of_intervals_share_their_axes() -> None:
    rows = {"real": [(0.9, 0.8, 1.0), (0.9, 0.85, 0.95)], "both": [(0.5, 0.4, 0.6), (0.5, 0.3, 0.7)]}
    figure = interval_panels(
        {"few": rows, "many": rows},
        title="t",
        xlabel="x",
        legend=["seeds", "pictures"],
        points={"few": {"real": [0.9, 0.8]}},
        line=0.0,
        marked={"many": ["both"]},
    )
    few, many = figure.axes
    assert [label.get_text() for label in few.get_yticklabels()] == ["real", "both"]
    assert few.get_xlim() == many.get_xlim() and few.get_ylim()[0] > few.get_ylim()[1]
    assert len(few.patches) == 0 and len(many.patches) == 1
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["seeds", "pictures"]


def test_captions_stand_in_their_pictures() -> None:
    figure = image_grid(torch.zeros(4, 1, 8, 8), title="t", columns=2, captions=["a", "", "c"])
    places = {text.get_text(): text.get_position() for text in figure.axes[0].texts if text.get_text()}
    assert places["a"] == (4, 10) and places["c"] == (4, 20)


def test_confusion_matrices_show_shares_of_each_row_if_asked() -> None:
    labels, predicted = np.array([0, 0, 1, 1, 1]), np.array([0, 1, 1, 1, 1])
    named = {"a": (labels, predicted)}
    figure = confusion_matrices(named, classes=["no", "yes"], xlabel="p", ylabel="t", shares=True)
    assert [text.get_text() for text in figure.axes[0].texts] == ["50.0%", "50.0%", "0.0%", "100.0%"]


def test_confusion_matrices_count_true_labels_in_rows() -> None:
    labels, predicted = np.array([0, 0, 1, 1, 1]), np.array([0, 1, 1, 1, 1])
    figure = confusion_matrices(
        {"a": (labels, predicted), "b": (labels, labels)}, classes=["no", "yes"], xlabel="p", ylabel="t"
    )
    first = figure.axes[0]
    assert [text.get_text() for text in first.texts] == ["1", "1", "0", "3"]
    assert first.get_ylabel() == "t" and figure.axes[1].get_ylabel() == ""
