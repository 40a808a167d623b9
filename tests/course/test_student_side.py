"""Device switch, budget, data, training helpers, figures and pictures of the course."""

from __future__ import annotations

import base64
import copy
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

from autograder import open_lab
from autograder.faults import explain
from autograder.language import LANGUAGES, set_language
from course.budget import budget
from course.data import load_faces, sine_points
from course.device import describe_device, get_device
from course.metrics import sine_quality
from course.plots import (
    GifRecorder,
    ImageGifRecorder,
    class_bars,
    curves,
    gan_diagram,
    histograms,
    image_grid,
    loss_curves,
    scatter,
)
from course.training import History, LossHistory, progress

CPU = torch.device("cpu")


def test_device_comes_from_the_argument_or_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_DEVICE", "cpu")
    assert get_device() == CPU
    monkeypatch.setenv("COURSE_DEVICE", "tpu")
    assert get_device(" CPU ") == CPU
    assert describe_device(CPU).startswith("CPU, threads: ")


@pytest.mark.parametrize("name", ["tpu", "cpu:1", "cuda:x", "cudas"])
def test_unknown_device_is_described(name: str) -> None:
    with pytest.raises(ValueError, match="choose one of auto, cpu, cuda"):
        get_device(name)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_missing_cuda_device_is_described() -> None:
    assert get_device("auto") == CPU
    with pytest.raises(RuntimeError, match="COURSE_DEVICE=auto"):
        get_device("cuda")


def test_budget_depends_on_device_and_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    amounts = {"cpu": 10, "cuda": 50, "grading": 1}
    monkeypatch.delenv("COURSE_MODE", raising=False)
    assert budget(**amounts, device=CPU) == 10
    assert budget(**amounts, device=torch.device("cuda")) == 50
    monkeypatch.setenv("COURSE_MODE", "grading")
    assert budget(**amounts, device=CPU) == 1
    monkeypatch.setenv("COURSE_MODE", "exam")
    with pytest.raises(ValueError, match="practice, grading"):
        budget(**amounts, device=CPU)


def test_sine_points_lie_on_the_curve_and_cover_it() -> None:
    points = sine_points(1000, seed=3)
    assert points.shape == (1000, 2) and points.dtype == torch.float32
    assert torch.allclose(points[:, 1], points[:, 0].sin(), atol=1e-6)
    assert torch.equal(points, sine_points(1000, seed=3))
    assert sine_quality(points).coverage == 1.0 and sine_quality(points).distance < 1e-6


def test_quality_tells_a_repeated_point_from_the_curve() -> None:
    quality = sine_quality(torch.tensor([[math.pi / 2, 1.0]]).repeat(100, 1))
    assert quality.distance < 1e-6 and quality.coverage == 1 / 32


@pytest.mark.parametrize("shape", [(0, 2), (5,), (5, 3)])
def test_quality_of_no_points_is_described(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="shape"):
        sine_quality(torch.zeros(shape))


def test_history_keeps_floats_without_gradient() -> None:
    history = LossHistory()
    history.record(discriminator=torch.tensor(0.5, requires_grad=True), generator=2)
    assert (history.discriminator, history.generator, len(history)) == ([0.5], [2.0], 1)


@pytest.mark.parametrize("bad", [None, "0.5", torch.zeros(2), True, np.zeros(2)])
def test_history_refuses_what_is_no_number_and_keeps_both_lists_equal(bad: object) -> None:
    history = LossHistory()
    with pytest.raises(TypeError, match="record: generator must be one number"):
        history.record(discriminator=0.5, generator=bad)  # type: ignore[arg-type]
    assert history.discriminator == history.generator == []


def test_history_grows_by_the_names_that_it_was_made_with() -> None:
    history = History("critic", "penalty")
    history.record(critic=1, penalty=torch.tensor(2.0))
    assert (history.critic, history.penalty, len(history), repr(history)) == (
        [1.0], [2.0], 1, "History(1 steps)",
    )  # fmt: skip
    with pytest.raises(TypeError, match="record takes critic, penalty; it was given critic"):
        history.record(critic=1)
    with pytest.raises(AttributeError, match="no 'loss', only critic, penalty"):
        _ = history.loss


def test_history_survives_being_copied() -> None:
    history = LossHistory()
    history.record(discriminator=1, generator=2)
    assert copy.deepcopy(history).generator == [2.0]


def test_progress_never_writes_to_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("COURSE_PROGRESS", raising=False)
    monkeypatch.delenv("COURSE_MODE", raising=False)
    assert list(progress(range(3), "epochs")) == [0, 1, 2]
    shown = capsys.readouterr()
    assert "epochs" in shown.out and shown.err == ""
    monkeypatch.setenv("COURSE_PROGRESS", "off")
    assert list(progress(range(3))) == [0, 1, 2]
    assert capsys.readouterr().out == ""


def test_figures_have_titles_and_axis_labels() -> None:
    history = LossHistory()
    history.record(discriminator=0.7, generator=0.7)
    curves = loss_curves(history, title="losses", xlabel="step", ylabel="loss")
    points = scatter(sine_points(10), title="points", reference=sine_points(10), labels=("a", "b"))
    for figure in (curves, points):
        (axes,) = figure.axes
        assert axes.get_title() and axes.get_xlabel() and axes.get_ylabel()
    assert isinstance(gan_diagram(("z", "G", "x", "D", "?")), Figure)


def test_film_has_a_frame_for_every_call(tmp_path: Path) -> None:
    film = GifRecorder(sine_points(50))
    for epoch in range(3):
        film.add(sine_points(50, seed=epoch), f"epoch {epoch}")
    shown = film.save(tmp_path / "film.gif")
    with Image.open(tmp_path / "film.gif") as picture:
        assert picture.n_frames == len(film) == 3
    (data,) = re.findall(r"data:image/gif;base64,([^\"]+)", shown.data)
    assert base64.b64decode(data) == (tmp_path / "film.gif").read_bytes()


def test_film_without_frames_is_described(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no frames"):
        GifRecorder(sine_points(5)).save(tmp_path / "film.gif")


# --- pictures of pictures --------------------------------------------------------------------------


def test_image_grid_shows_white_for_one_and_black_for_minus_one() -> None:
    images = torch.cat([torch.ones(1, 1, 28, 28), -torch.ones(1, 1, 28, 28)])
    figure = image_grid(images, title="two", columns=2)
    (axes,) = figure.axes
    grid = np.asarray(axes.images[0].get_array())
    assert grid.shape == (32, 62, 3) and axes.get_title() == "two"
    assert grid[16, 16].tolist() == [1.0] * 3 and grid[16, 46].tolist() == [0.0] * 3


def test_image_grid_takes_pixels_too() -> None:
    figure = image_grid(torch.tensor([0, 255], dtype=torch.uint8).reshape(2, 1, 1), title="two", columns=2)
    grid = np.asarray(figure.axes[0].images[0].get_array())
    assert (grid[2, 2].tolist(), grid[2, 5].tolist()) == ([0.0] * 3, [1.0] * 3)


def test_curves_are_labelled_and_smoothed_over_the_steps_asked_for() -> None:
    figure = curves({"a": [0.0, 2.0] * 10, "b": [1.0] * 20}, title="t", xlabel="x", ylabel="y", smooth=2)
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a", "b"]
    assert set(axes.lines[1].get_ydata()) == {1.0}


def test_curves_begin_at_the_number_asked_for() -> None:
    figure = curves({"a": [3.0, 1.0, 2.0]}, title="t", xlabel="x", ylabel="y", smooth=2, start=1)
    values, mean = figure.axes[0].lines
    assert list(values.get_xdata()) == [1, 2, 3] and list(mean.get_xdata()) == [2, 3]


def test_histograms_stand_side_by_side_under_their_titles() -> None:
    named = {"a": torch.zeros(5), "b": torch.arange(10.0)}
    figure = histograms(named, xlabel="x", ylabel="y", bins=4)
    assert [axes.get_title() for axes in figure.axes] == ["a", "b"]
    assert [sum(bar.get_height() for bar in axes.patches) for axes in figure.axes] == [5, 10]


def test_curves_of_nothing_can_be_drawn() -> None:
    assert isinstance(curves({"a": []}, title="t", xlabel="x", ylabel="y", smooth=20), Figure)


def test_class_bars_have_a_bar_for_every_digit_and_set() -> None:
    figure = class_bars({"real": [0.1] * 10, "fake": [0.2] * 10}, title="t", xlabel="x", ylabel="y")
    assert len(figure.axes[0].patches) == 20


def test_film_of_images_has_a_frame_per_call(tmp_path: Path) -> None:
    film = ImageGifRecorder()
    with pytest.raises(ValueError, match="no frames"):
        film.save(tmp_path / "film.gif")
    for number in range(3):
        film.add(torch.full((16, 1, 28, 28), number / 2 - 0.5), f"epoch {number}")
    film.save(tmp_path / "film.gif")
    assert len(film) == 3 and Image.open(tmp_path / "film.gif").n_frames == 3


# --- the language of what helpers say ----------------------------------------------------------------


def test_helpers_speak_the_language_of_the_lab_that_was_opened() -> None:
    lines: list[str] = []
    for language in LANGUAGES:
        open_lab("lab1_sine_gan", language=language)
        load_faces(count=2, report=lines.append)
    assert lines == ["avatares dibujados: 2 imágenes, 64x64", "drawn avatars: 2 images, 64x64"]


def test_a_device_that_is_asked_for_before_a_lab_is_opened_is_refused_in_every_language() -> None:
    with pytest.raises(ValueError, match=r"no existe: elige entre auto.* / .*is unknown: choose one of auto"):
        get_device("tpu")


def test_a_check_says_what_a_helper_complains_of_in_its_own_language_with_the_same_evidence() -> None:
    faults = []
    for spoken in LANGUAGES:
        set_language(spoken)
        with pytest.raises(TypeError) as caught:
            LossHistory().record(discriminator=None, generator=1.0)  # type: ignore[arg-type]
        faults.append(explain(caught.value))
    assert {fault.render("es") for fault in faults} == {fault.render("es") for fault in faults[:1]}
    assert "debe ser un número, no NoneType" in faults[1].render("es")
    assert faults[0].evidence() == faults[1].evidence()


def test_a_check_names_the_line_of_the_notebook_and_not_that_of_a_helper() -> None:
    cell = "history = LossHistory()\nhistory.record(discriminator=None, generator=1.0)\n"
    with pytest.raises(TypeError) as caught:
        exec(compile(cell, "<cell>", "exec"), {"__name__": "__main__", "LossHistory": LossHistory})
    assert explain(caught.value).details["line"].details["number"] == 2
