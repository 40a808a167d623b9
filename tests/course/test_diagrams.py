"""Diagrams: legible in both languages, and every number in them is one that torch computes."""

from __future__ import annotations

import html
import io
import itertools
import re
from functools import cache

import pytest
import torch
import torch.nn.functional as F
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.patches import FancyBboxPatch
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from PIL import Image
from torch.nn.utils.rnn import pack_padded_sequence

from autograder.instructor.neutral import clean_html
from autograder.instructor.settings import load_course
from autograder.instructor.source import code_cells, read_source
from autograder.language import LANGUAGES, set_language
from course import diagrams
from course.authoring.glossary import load_glossary
from course.diagrams import penalty, sequences, weights
from course.diagrams.canvas import SMALL
from course.diagrams.convolutions import PADDING, STRIDE
from course.diagrams.diagram import Diagram
from course.diagrams.palette import GENERATED, GRADIENT, INK, JUDGE, MUTED, REAL
from course.diagrams.texts import DiagramText, Words
from tests.conftest import ROOT


@pytest.fixture(params=diagrams.__all__)
def name(request: pytest.FixtureRequest) -> str:
    """Every diagram in turn."""
    return str(request.param)


@cache
def drawn(name: str, language: str | None) -> Diagram:
    """Return a diagram, drawn once for all tests."""
    diagram: Diagram = getattr(diagrams, name)(language)
    return diagram


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    """Every language in turn."""
    return str(request.param)


def texts(diagram: Diagram) -> list[Text]:
    return [text for axes in diagram.figure.axes for text in axes.texts]


@cache
def measured(diagram: Diagram) -> dict[Text, Bbox]:
    """Return where each text is drawn, in pixels."""
    canvas = FigureCanvasAgg(diagram.figure)
    canvas.draw()
    return {text: text.get_window_extent(canvas.get_renderer()) for text in texts(diagram)}


def named(diagram: Diagram, name: str) -> list[str]:
    """Return the texts of one name, in the order in which they were written."""
    return [text.get_text() for text in texts(diagram) if text.get_gid() == name]


def matrix(diagram: Diagram, name: str, *shape: int) -> torch.Tensor:
    return torch.tensor([float(said) for said in named(diagram, name)]).reshape(shape)


# --- how they look ----------------------------------------------------------------------------------------


def test_no_text_lies_on_another_or_leaves_the_figure(name: str, language: str) -> None:
    diagram = drawn(name, language)
    places = measured(diagram)
    sheet = diagram.figure.bbox.padded(-4)
    for text, box in places.items():
        assert box.x0 >= sheet.x0 and box.x1 <= sheet.x1, text.get_text()
        assert box.y0 >= sheet.y0 and box.y1 <= sheet.y1, text.get_text()
    for (one, first), (other, second) in itertools.combinations(places.items(), 2):
        assert not first.overlaps(second), (one.get_text(), other.get_text())


def test_what_stands_in_a_box_does_not_leave_it(name: str, language: str) -> None:
    diagram = drawn(name, language)
    places = measured(diagram)
    boxes = [
        patch.get_window_extent()
        for patch in diagram.figure.axes[0].patches
        if isinstance(patch, FancyBboxPatch)
    ]
    for text, place in places.items():
        middle = ((place.x0 + place.x1) / 2, (place.y0 + place.y1) / 2)
        for box in boxes:
            if box.contains(*middle):
                assert box.x0 <= place.x0 and place.x1 <= box.x1, text.get_text()
                assert box.y0 <= place.y0 and place.y1 <= box.y1, text.get_text()


def test_letters_are_large_enough_and_the_figure_fits_a_notebook(name: str, language: str) -> None:
    diagram = drawn(name, language)
    assert all(text.get_fontsize() >= SMALL >= 9 for text in texts(diagram))
    width, height = diagram.figure.get_size_inches()
    assert width == 9 and height <= 4


def test_a_notebook_gets_a_sharp_picture_with_its_width_and_what_it_shows(name: str) -> None:
    diagram = drawn(name, "en")
    picture, beside = diagram._repr_png_()
    assert Image.open(io.BytesIO(picture)).width == 2 * beside["width"] == 1800
    assert beside["alt"] == repr(diagram) and len(diagram.alt) > 80
    assert diagram._repr_html_().startswith(f'<img alt="{html.escape(diagram.alt)}" width="900" ')


def test_the_words_for_a_diagram_arrive_on_feedback_pages(name: str, language: str) -> None:
    diagram = drawn(name, language)
    shown = clean_html(diagram._repr_html_())
    assert html.unescape(shown).count(diagram.alt) == 1 and 'width="900"' in shown and "base64" in shown


def test_a_diagram_is_the_same_each_time_and_takes_no_random_number_of_the_notebook(name: str) -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    assert getattr(diagrams, name)("es").png == drawn(name, "es").png
    assert torch.equal(torch.get_rng_state(), state)


# Seen by those without red or green cones; after Machado, Oliveira and Fernandes, 2009.
PROTANOPIA = [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
]
DEUTERANOPIA = [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.011820, 0.042940, 0.968881],
]
LINES = [shade.line for shade in (REAL, GENERATED, JUDGE, GRADIENT)]


def linear(colours: list[str]) -> torch.Tensor:
    """Return amounts of red, green and blue light."""
    return torch.tensor([to_rgb(colour) for colour in colours]) ** 2.2


@pytest.mark.parametrize("seen", [PROTANOPIA, DEUTERANOPIA], ids=["protanopia", "deuteranopia"])
def test_the_colours_differ_for_colour_blind_people_too(seen: list[list[float]]) -> None:
    shown = (linear(LINES) @ torch.tensor(seen).T).clamp(0, 1) ** (1 / 2.2)
    for one, other in itertools.combinations(shown, 2):
        assert (one - other).norm() > 0.25


def test_letters_in_any_colour_can_be_read_on_white() -> None:
    light = linear([*LINES, INK, MUTED]) @ torch.tensor([0.2126, 0.7152, 0.0722])
    assert (1.05 / (light + 0.05)).min() > 4.5


# --- what they say ----------------------------------------------------------------------------------------


def test_every_text_is_there_in_both_languages_and_in_the_words_of_the_glossary(language: str) -> None:
    terms = load_glossary(load_course(ROOT))
    for key, entry in DiagramText.texts().items():
        assert set(entry) == set(LANGUAGES)
        said = re.sub(r"\{.*?\}", "…", entry[language])
        assert [word for term in terms for word in term.rejected_in(said, language)] == [], key


def test_every_text_is_said_by_a_diagram(monkeypatch: pytest.MonkeyPatch) -> None:
    said = set()
    real = Words.__call__
    monkeypatch.setattr(Words, "__call__", lambda self, key, **gaps: said.add(key) or real(self, key, **gaps))
    for name in diagrams.__all__:
        getattr(diagrams, name)()
    assert said == set(DiagramText.texts())


def test_a_diagram_speaks_the_language_of_the_notebook(name: str, language: str) -> None:
    set_language(language)
    assert repr(getattr(diagrams, name)()) == repr(drawn(name, language))


def test_each_diagram_is_shown_by_one_cell_of_a_lab() -> None:
    course = load_course(ROOT)
    cells = [cell.source for lab in course.labs for cell in code_cells(read_source(course.source(lab)))]
    shown = [name for source in cells for name in re.findall(r"^diagrams\.(\w+)\(\)$", source, re.MULTILINE)]
    assert sorted(shown) == sorted(diagrams.__all__)


# --- numbers ----------------------------------------------------------------------------------------------


def test_a_convolution_shows_the_numbers_of_torch(language: str) -> None:
    diagram = drawn("strided_convolution", language)
    padded, kernel = matrix(diagram, "padded", 1, 1, 8, 8), matrix(diagram, "kernel", 1, 1, 3, 3)
    output = matrix(diagram, "output", 1, 1, 3, 3)
    picture = padded[:, :, PADDING:-PADDING, PADDING:-PADDING]
    assert torch.equal(output, F.conv2d(picture, kernel, stride=STRIDE, padding=PADDING))
    assert torch.equal(padded, F.pad(picture, [PADDING] * 4))
    assert summed(diagram) == output[0, 0, 0, 1]
    assert named(diagram, "size")[0].endswith(f"= {len(output[0, 0])}$")


def test_a_transposed_convolution_shows_the_numbers_of_torch(language: str) -> None:
    diagram = drawn("transposed_convolution", language)
    given, kernel = matrix(diagram, "input", 1, 1, 2, 2), matrix(diagram, "kernel", 1, 1, 3, 3)
    output, painted = matrix(diagram, "output", 1, 1, 3, 3), matrix(diagram, "painted", 1, 1, 5, 5)
    assert torch.equal(output, F.conv_transpose2d(given, kernel, stride=STRIDE, padding=PADDING))
    assert torch.equal(painted, F.conv_transpose2d(given, kernel, stride=STRIDE))
    assert summed(diagram) == output[0, 0, 0, 1]
    assert named(diagram, "size")[0].endswith(f"= {len(output[0, 0])}$")


def summed(diagram: Diagram) -> float:
    """Return the number whose sum is written out, once it is known that the sum is right."""
    (said,) = named(diagram, "sum")
    products, _, total = said.strip("$").rpartition(" = ")
    pairs = re.findall(r"(\d+) \\cdot (\d+)", products)
    assert sum(float(value) * float(weight) for value, weight in pairs) == float(total)
    return float(total)


def test_the_penalty_is_that_of_the_gradients_shown(language: str) -> None:
    points, gradients = penalty.interpolated()
    slopes = torch.autograd.functional.jacobian(lambda x: penalty.critic(x.T), points).sum(dim=1)
    mean = ((slopes.norm(dim=1) - 1) ** 2).mean()
    assert torch.allclose(gradients, slopes)
    diagram = drawn("gradient_penalty", language)
    assert named(diagram, "mean")[0].endswith(f"{mean:.2f}") and f"{mean:.2f}" in diagram.alt


def test_scaled_weights_give_outputs_of_nearly_one_deviation(language: str) -> None:
    shown = [float(said) for said in named(drawn("equalised_convolution", language), "output")]
    for channels, deviation in zip(weights.CHANNELS, shown, strict=True):
        layer = weights.layer(channels)
        assert layer.scale == pytest.approx((weights.GAIN / (channels * weights.KERNEL**2)) ** 0.5)
        assert layer.stored.std() == pytest.approx(1, abs=0.05)
        assert layer.unscaled * layer.scale == pytest.approx(layer.output, rel=1e-4)
        assert deviation == pytest.approx(layer.output, abs=0.005) == pytest.approx(2**0.5, abs=0.06)


def test_the_deviation_of_a_batch_is_that_of_torch(language: str) -> None:
    diagram = drawn("minibatch_deviation", language)
    batches = matrix(diagram, "batch", 2, 3, 2, 2)
    deviations = batches.std(dim=1, correction=0)
    means = deviations.mean(dim=(1, 2))
    assert torch.allclose(matrix(diagram, "deviation", 2, 2, 2), deviations, atol=0.006)
    assert torch.allclose(matrix(diagram, "mean", 2), means, atol=0.006)
    assert torch.equal(matrix(diagram, "kept", 2, 3, 2, 2), batches)
    assert torch.allclose(matrix(diagram, "channel", 2, 12), means[:, None], atol=0.06)
    assert means[0] > 1 and means[1] == 0


def test_the_state_that_decides_is_the_one_that_a_packed_sequence_ends_with(language: str) -> None:
    diagram = drawn("padded_batch", language)
    tokens = torch.tensor([int(said.split()[-1]) for said in named(diagram, "token")]).reshape(2, 6)
    lengths = torch.tensor([int(said) for said in named(diagram, "length")])
    assert torch.equal((tokens > 0).sum(dim=1), lengths) and lengths[0] > lengths[1]
    embedding, lstm = sequences.reader()
    packed = pack_padded_sequence(embedding(tokens), lengths, batch_first=True)
    _, (last, _) = lstm(packed)
    shown = [float(said.replace("−", "-")) for said in named(diagram, "state")]
    assert shown[lengths[1] - 1] == pytest.approx(last[0, 1].item(), abs=0.006)
    assert abs(shown[-1] - shown[lengths[1] - 1]) > 0.5 and named(diagram, "state")[-1] in diagram.alt


def test_a_blend_begins_with_the_old_picture_and_ends_with_the_new_one() -> None:
    from course.diagrams.growing import blended, pictures

    old, new = pictures()
    assert torch.equal(blended(0.0, old, new), old) and torch.equal(blended(1.0, old, new), new)
    assert torch.equal(old[:, ::2, ::2], old[:, 1::2, 1::2]) and not torch.equal(new, old)


def test_what_is_asked_of_the_discriminative_model_is_answered_by_its_border(language: str) -> None:
    diagram = drawn("both_kinds_of_models", language)
    shares = [
        float(text.get_text().split()[-1])
        for text in texts(diagram)
        if re.search(r": 0\.\d\d$", text.get_text())
    ]
    assert len(shares) == 2 and sum(shares) == pytest.approx(1) and f"{shares[0]:.2f}" in diagram.alt
