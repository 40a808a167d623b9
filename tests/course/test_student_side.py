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
    curve_panels,
    curves,
    histograms,
    image_grid,
    loss_curves,
    loss_panels,
    probability_maps,
    scatter,
    scatter_panels,
    stacked_curves,
    table,
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
    assert quality.wasserstein == pytest.approx(5 * math.pi / 8, abs=0.01)


def test_quality_of_real_points_has_no_fault() -> None:
    quality = sine_quality(sine_points(1000))
    assert quality.outside == 0.0 and quality.wasserstein < 0.15


def test_quality_tells_a_heap_with_a_few_points_that_cover_the_curve() -> None:
    angles = torch.cat([torch.full((968,), math.pi), (torch.arange(32) + 0.5) / 32 * 2 * math.pi])
    quality = sine_quality(torch.stack([angles, angles.sin()], dim=1))
    assert quality.distance < 1e-6 and quality.coverage == 1.0 and quality.outside == 0.0
    assert quality.wasserstein > 1.4


def test_quality_tells_points_on_the_sine_beyond_its_period() -> None:
    angles = torch.cat(
        [sine_points(800)[:, 0], torch.linspace(6.3, 12.0, 150), torch.linspace(-3.0, -0.1, 50)]
    )
    quality = sine_quality(torch.stack([angles, angles.sin()], dim=1))
    assert quality.distance < 1e-6 and quality.coverage == 1.0
    assert quality.outside == pytest.approx(0.2) and quality.wasserstein > 0.5
    assert "outside 20%" in str(quality)


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


def test_axes_hold_every_point_that_is_drawn() -> None:
    far = torch.tensor([[-4.0, 0.0], [3.0, 9.0], [12.0, -5.0], [float("nan"), 1.0]])
    for figure in (
        scatter(far, title="far", reference=sine_points(10)),
        scatter_panels({"far": far, "near": sine_points(5)}, title="both", reference=sine_points(10)),
    ):
        for axes in figure.axes:
            (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
            assert left < -4 and right > 12 and bottom < -5 and top > 9
    assert scatter(sine_points(10), title="near").axes[0].get_xlim() == pytest.approx((-0.8, 7.1))


def test_maps_show_probabilities_where_they_belong_and_are_grey_where_there_are_none() -> None:
    def right_is_real(points: torch.Tensor) -> torch.Tensor:
        return torch.where(points[:, 1] > 1.5, torch.nan, (points[:, 0] > 3).float())

    generated = sine_points(20) - 1
    rows = {
        "first": (generated, (right_is_real, lambda points: right_is_real(points)[:, None])),
        "second": (sine_points(20), (right_is_real, right_is_real)),
    }
    figure = probability_maps(
        rows, columns=("flat", "column"), real=sine_points(20), title="maps", legend=("real", "made"), side=40
    )
    panels = figure.axes[:4]
    for axes in panels:
        picture = np.ma.filled(axes.images[0].get_array(), np.nan)
        assert picture.shape == (40, 40)
        assert picture[5, 0] == 0 and picture[5, -1] == 1 and np.isnan(picture[-1]).all()
    assert [axes.get_title() for axes in panels] == ["flat", "column", "", ""]
    assert "first" in panels[0].get_ylabel() and "second" in panels[2].get_ylabel() and panels[3].get_xlabel()
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["real", "made"]


def test_maps_can_show_a_part_of_the_axis() -> None:
    far = torch.tensor([[12.0, 0.0]])
    rows = {"row": (far, (lambda points: points[:, 0] * 0 + 0.5,))}
    options = {
        "columns": ("half",),
        "real": sine_points(20),
        "title": "maps",
        "legend": ("real", "made"),
        "side": 9,
    }
    whole, part = probability_maps(rows, **options), probability_maps(rows, xlim=(-1, 8), **options)
    assert whole.axes[0].get_xlim()[1] > 12 and part.axes[0].get_xlim() == (-1, 8)


def test_panels_can_stand_in_rows_with_the_reference_as_a_line_on_top() -> None:
    named = {str(number): sine_points(5, seed=number) for number in range(4)}
    figure = scatter_panels(named, title="four", reference=sine_points(30), columns=2, line=True)
    assert [axes.get_title() for axes in figure.axes] == list(named)
    for axes in figure.axes:
        samples, reference = axes.lines
        assert len(samples.get_xdata()) == 5 and (np.diff(reference.get_xdata()) >= 0).all()
    assert figure.axes[0].get_ylabel() and figure.axes[3].get_xlabel()


def test_losses_can_be_smoothed_and_cut_off_above() -> None:
    history = LossHistory()
    for step in range(10):
        history.record(discriminator=step % 2, generator=9.0)
    (axes,) = loss_curves(history, title="losses", smooth=2, top=1.5).axes
    pale, mean, *_ = axes.lines
    assert pale.get_ydata().tolist() == history.discriminator and set(mean.get_ydata()) == {0.5}
    assert mean.get_xdata()[0] == 1 and axes.get_ylim()[1] == 1.5


def test_film_says_how_many_points_lie_outside_its_frame() -> None:
    film = GifRecorder(sine_points(50))
    points = sine_points(10)
    assert len(film._draw(points, "all within").axes[0].texts) == 0
    points[:3] += 100
    (text,) = film._draw(points, "three without").axes[0].texts
    assert text.get_text().endswith(": 3")


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
    assert grid.shape == (32, 62, 3) and axes.get_title(loc="left") == "two"
    assert grid[16, 16].tolist() == [1.0] * 3 and grid[16, 46].tolist() == [0.0] * 3


@pytest.mark.parametrize("size", [8, 16, 28])
def test_each_pixel_of_a_picture_is_a_square_of_whole_size_on_the_screen(size: int) -> None:
    figure = image_grid(torch.zeros(6, 1, size, size), title="six", columns=3, rows=["one", "two"])
    box = figure.axes[0].get_window_extent()
    pixels = np.asarray(figure.axes[0].images[0].get_array()).shape[1]
    assert box.width / pixels == pytest.approx(box.height / (2 * size + 6)) == pytest.approx(round(64 / size))


def test_rows_have_their_names_and_a_wrong_number_of_them_is_told() -> None:
    figure = image_grid(torch.zeros(6, 1, 8, 8), title="six", columns=3, rows=["one", "two"])
    assert [text.get_text() for text in figure.axes[0].texts] == ["one", "two"]
    with pytest.raises(ValueError, match="2 rows and 1 names"):
        image_grid(torch.zeros(6, 1, 8, 8), title="six", columns=3, rows=["one"])


def test_a_table_names_its_columns_and_rows_and_escapes_what_stands_in_it() -> None:
    shown = table(["classes", "distance"], [(10, "0.09"), (1, "<54")], names=["real", "generated"]).data
    assert shown.count("<tr>") == 3 and shown.count("<th></th>") == 1
    assert "<th>distance</th>" in shown and ">generated</th><td>1</td><td>&lt;54</td>" in shown
    assert "<th></th>" not in table(["classes"], [(10,)]).data


def test_rows_of_a_table_have_a_name_each_or_none() -> None:
    with pytest.raises(ValueError, match="2 rows"):
        table(["classes"], [(10,), (1,)], names=["real"])


def test_image_grid_takes_pixels_too() -> None:
    figure = image_grid(torch.tensor([0, 255], dtype=torch.uint8).reshape(2, 1, 1), title="two", columns=2)
    grid = np.asarray(figure.axes[0].images[0].get_array())
    assert (grid[2, 2].tolist(), grid[2, 5].tolist()) == ([0.0] * 3, [1.0] * 3)


def test_a_curve_of_dots_lies_on_one_of_lines_and_a_level_in_the_limits_that_are_set() -> None:
    named = {"line": [1.0, 2.0, 9.0], "dots": [math.nan, 2.0, 9.0]}
    figure = curves(named, title="t", level=(1.5, "level"), ylim=(0.0, 3.0), dots=["dots"])
    (axes,) = figure.axes
    styles = {line.get_label(): (line.get_linestyle(), line.get_marker()) for line in axes.lines}
    assert styles["dots"] == ("None", "o") and styles["line"] == ("-", "None")
    assert axes.get_ylim() == (0.0, 3.0)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["line", "dots", "level"]


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


def test_histograms_share_their_bins_where_asked_to() -> None:
    named = {"a": torch.tensor([0.0, 1.0]), "b": torch.tensor([3.0, 4.0])}
    own, shared = (
        histograms(named, xlabel="x", ylabel="y", bins=4, shared=choice) for choice in (False, True)
    )
    widths = [[axes.patches[0].get_width() for axes in figure.axes] for figure in (own, shared)]
    assert widths == [[0.25, 0.25], [1.0, 1.0]]
    assert [bar.get_height() for axes in shared.axes for bar in axes.patches] == [1, 1, 0, 0, 0, 0, 0, 2]


def test_histograms_stand_below_each_other_on_one_axis_of_values() -> None:
    named = {"a": torch.tensor([0.01, 0.1]), "b": torch.tensor([1.0, 100.0])}
    figure = histograms(
        named, xlabel="x", ylabel="y", bins=4, below=True, log_values=True, line=(1.0, "one"), title="t"
    )
    upper, lower = figure.axes
    assert (upper.get_xlim(), upper.get_xscale()) == (lower.get_xlim(), "log")
    assert (upper.get_ylabel(), upper.get_xlabel(), lower.get_xlabel()) == ("y", "", "x")
    assert [bar.get_height() for axes in figure.axes for bar in axes.patches] == [1, 1, 0, 0, 0, 0, 1, 1]
    assert [list(axes.lines[0].get_xdata()) for axes in figure.axes] == [[1.0, 1.0], [1.0, 1.0]]
    assert figure.get_suptitle() == "t"


def test_curves_may_be_far_apart_and_logarithmic() -> None:
    figure = curves({"a": [10.0, 1.0, 0.1]}, title="t", xlabel="x", ylabel="y", start=25, step=25, log=True)
    (axes,) = figure.axes
    assert list(axes.lines[0].get_xdata()) == [25, 50, 75]
    assert axes.get_yscale() == "log"


def test_panels_of_curves_end_at_the_same_step() -> None:
    named = {"a": [1.0] * 5, "b": [2.0] * 3, "c": []}
    figure = curve_panels(named, title="t", xlabel="x", last=5, log=["b"])
    assert [axes.get_title() for axes in figure.axes] == ["a", "b", "c", ""]
    assert [axes.get_yscale() for axes in figure.axes] == ["linear", "log", "linear", "linear"]
    assert [list(axes.lines[0].get_xdata()) for axes in figure.axes[:3]] == [[1, 2, 3, 4, 5], [3, 4, 5], []]


def test_stacked_curves_share_their_steps_and_have_an_axis_each() -> None:
    figure = stacked_curves({"a": [3.0, 1.0], "b": [100.0, 200.0]}, title="t", xlabel="x", start=25, step=25)
    upper, lower = figure.axes
    assert (upper.get_title(), upper.get_ylabel(), lower.get_ylabel(), lower.get_xlabel()) == (
        "t",
        "a",
        "b",
        "x",
    )
    assert [list(axes.lines[0].get_xdata()) for axes in (upper, lower)] == [[25, 50], [25, 50]]
    assert list(lower.lines[0].get_ydata()) == [100.0, 200.0]


def test_stacked_curves_name_what_begins_where_and_smooth_what_they_are_asked_to() -> None:
    named = {"a": [0.0, 2.0] * 3, "b": [0.0, 1.0] * 3}
    upper, lower = stacked_curves(named, title="t", marks={0: "4 px", 3: "8 px"}, smooth={"a": 2}).axes
    assert [text.get_text() for text in upper.texts] == ["4 px", "8 px"] and not lower.texts
    pale, mean, *lines = upper.lines
    assert list(pale.get_ydata()) == named["a"] and list(mean.get_ydata()) == [1.0] * 5
    assert [line.get_xdata()[0] for line in lines] == [0, 3]
    assert list(lower.lines[0].get_ydata()) == named["b"]


def test_columns_have_their_names_above_them() -> None:
    images = torch.zeros(4, 1, 8, 8)
    figure = image_grid(images, title="four", columns=2, rows=["one", "two"], above=["0.1", "0.2"])
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.texts] == ["0.1", "0.2", "one", "two"]
    low, high = (image_grid(images, title="four", columns=2, above=names) for names in ((), ["a", "b"]))
    assert high.get_size_inches()[1] > low.get_size_inches()[1]


def test_histograms_can_have_logarithmic_counts_and_a_title() -> None:
    figure = histograms({"a": torch.arange(10.0)}, xlabel="x", ylabel="y", log_counts=True, title="t")
    assert figure.axes[0].get_yscale() == "log" and figure.get_suptitle() == "t"


def test_curves_of_nothing_can_be_drawn() -> None:
    assert isinstance(curves({"a": []}, title="t", xlabel="x", ylabel="y", smooth=20), Figure)


def test_class_bars_have_a_bar_for_every_digit_and_set() -> None:
    figure = class_bars({"real": [0.1] * 10, "fake": [0.2] * 10}, title="t", xlabel="x", ylabel="y")
    assert len(figure.axes[0].patches) == 20


def test_class_bars_can_be_compared_with_a_line_in_per_cent() -> None:
    axes = class_bars({"real": [0.1] * 10}, title="t", xlabel="x", ylabel="y", line=0.1).axes[0]
    assert list(axes.lines[0].get_ydata()) == [0.1, 0.1]
    assert axes.yaxis.get_major_formatter()(0.1) == "10\N{NO-BREAK SPACE}%"


def test_losses_of_several_runs_stand_side_by_side_on_one_logarithmic_axis() -> None:
    runs = {"a": LossHistory(), "b": LossHistory()}
    runs["a"].record(discriminator=0.1, generator=5.0)
    figure = loss_panels(runs, title="t", xlabel="x", ylabel="y")
    left, right = figure.axes
    assert [axes.get_title() for axes in (left, right)] == ["a", "b"]
    assert left.get_ylim() == right.get_ylim() and {left.get_yscale(), right.get_yscale()} == {"log"}
    assert [list(line.get_ydata()) for line in left.lines] == [[0.1], [5.0], [math.log(2)] * 2]


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
