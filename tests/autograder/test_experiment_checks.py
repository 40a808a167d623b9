"""Checks of an experiment: splits, training sets, augmentation, figures, intervals; and of a classifier."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.stats import bootstrap
from sklearn.model_selection import train_test_split
from torch import nn

from autograder import open_lab
from autograder.block import Block
from autograder.judge import record
from autograder.key import AnswerKey, agree
from autograder.observation import Observation
from autograder.session import Lab

SHAPE = (1, 3, 4)


@pytest.fixture
def lab(lab1_key: AnswerKey) -> Lab:
    return open_lab("lab1_sine_gan", language="en", key=lab1_key)


def seen(lab: Lab, run: Callable[[Block], Any]) -> tuple[Observation, str]:
    """Run one check; return what it observes and what it says."""
    with lab.marks("block", points=1) as block:
        run(block)
    result = block.results[-1]
    assert result.observation is not None
    return result.observation, result.message.render("en")


def said(lab: Lab, run: Callable[[Block], Any]) -> str:
    return seen(lab, run)[1]


# --- splits ----------------------------------------------------------------------------------------


def split(labels: np.ndarray, share: float, seed: int) -> Any:
    return train_test_split(np.arange(len(labels)), test_size=share, stratify=labels, random_state=seed)


def split_seen(lab: Lab, function: Any) -> tuple[Observation, str]:
    return seen(lab, lambda block: block.experiment.split("block.split", function, points=1))


def by_class(labels: np.ndarray, share: float, seed: int) -> Any:
    generator = np.random.default_rng(seed)
    parts: tuple[list[int], list[int]] = ([], [])
    for label in (0, 1):
        members = generator.permutation(np.flatnonzero(labels == label)).tolist()
        cut = round(share * len(members))
        parts[1].extend(members[:cut])
        parts[0].extend(members[cut:])
    return parts


def test_splits_that_choose_other_pictures_are_equally_right(lab: Lab) -> None:
    assert split_seen(lab, split)[0].values == split_seen(lab, by_class)[0].values


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda labels, share, seed: None, "returns None"),
        (lambda labels, share, seed: np.arange(len(labels)), "must return 2 things"),
        (lambda labels, share, seed: (labels > 0, labels > 1), "integer indices with one axis"),
        (lambda labels, share, seed: [part + 1 for part in split(labels, share, seed)], "outside 0"),
        (lambda labels, share, seed: [split(labels, share, seed)[0]] * 2, "indices are in both parts"),
        (lambda labels, share, seed: [part[1:] for part in split(labels, share, seed)], "are in neither"),
        (lambda labels, share, seed: split(labels, share, seed)[::-1], "Is it the second you return?"),
        (
            lambda labels, share, seed: train_test_split(
                np.arange(len(labels)), test_size=share, random_state=seed
            ),
            "must give it the same share",
        ),
    ],
)
def test_a_split_that_leaks_or_is_not_stratified_is_described(lab: Lab, function: Any, message: str) -> None:
    assert message in split_seen(lab, function)[1]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda labels, share, seed: split(labels, share, None), "`random_state=seed`"),
        (lambda labels, share, seed: split(labels, share, 0), "Another seed gives the same."),
    ],
)
def test_a_split_that_cannot_be_repeated_or_does_not_use_its_seed_is_described(
    lab: Lab, function: Any, message: str
) -> None:
    assert message in said(lab, lambda block: block.experiment.split_seed("block.seed", function, points=1))


def by_class_of_pytorch(labels: np.ndarray, share: float, generator: torch.Generator | None) -> Any:
    parts: tuple[list[torch.Tensor], list[torch.Tensor]] = ([], [])
    for label in (0, 1):
        members = torch.from_numpy(np.flatnonzero(labels == label))
        members = members[torch.randperm(len(members), generator=generator)]
        cut = round(share * len(members))
        parts[1].append(members[:cut])
        parts[0].append(members[cut:])
    return torch.cat(parts[0]), torch.cat(parts[1])


def seeded(labels: np.ndarray, share: float, seed: int) -> Any:
    torch.manual_seed(seed)
    return by_class_of_pytorch(labels, share, None)


def with_generator(labels: np.ndarray, share: float, seed: int) -> Any:
    return by_class_of_pytorch(labels, share, torch.Generator().manual_seed(seed))


def seed_seen(lab: Lab, function: Any) -> tuple[Any, str]:
    return seen(lab, lambda block: block.experiment.split_seed("block.seed", function, points=1))


def test_a_split_may_be_seeded_with_a_generator_of_pytorchs(lab: Lab) -> None:
    right, other = seed_seen(lab, split)[0], seed_seen(lab, with_generator)[0]
    assert other.error is None and agree(right, other)


def test_a_split_that_seeds_the_whole_program_is_told_to_use_a_generator_of_its_own(lab: Lab) -> None:
    assert "Use one of your own" in seed_seen(lab, seeded)[1]


def test_a_split_that_is_not_stratified_loses_no_marks_for_its_seed(lab: Lab) -> None:
    def plain(labels: np.ndarray, share: float, seed: int) -> Any:
        return train_test_split(np.arange(len(labels)), test_size=share, random_state=seed)

    right, wrong = (
        seen(
            lab,
            lambda block, function=function: block.experiment.split_seed("block.seed", function, points=1),
        )[0]
        for function in (split, plain)
    )
    assert agree(right, wrong)


# --- training sets ---------------------------------------------------------------------------------

Pair = tuple[torch.Tensor, torch.Tensor]


def mixed(arm: str, real: Pair, fake: Pair) -> Pair:
    return torch.cat([real[0], fake[0]]), torch.cat([real[1], fake[1]])


def set_seen(lab: Lab, function: Any) -> tuple[Observation, str]:
    return seen(lab, lambda block: block.experiment.training_set("block.set", function, "mixed", points=1))


def test_the_order_of_a_training_set_does_not_matter(lab: Lab) -> None:
    def other_order(arm: str, real: Pair, fake: Pair) -> Pair:
        images, labels = mixed(arm, fake, real)
        order = torch.randperm(len(images))
        return images[order], labels[order]

    first, second = set_seen(lab, mixed)[0], set_seen(lab, other_order)[0]
    assert first.values == pytest.approx(second.values, rel=1e-12)


def test_pictures_that_lose_their_labels_are_another_set(lab: Lab) -> None:
    def shuffled(arm: str, real: Pair, fake: Pair) -> Pair:
        images, labels = mixed(arm, real, fake)
        return images.flip(0), labels

    assert set_seen(lab, mixed)[0].values != pytest.approx(set_seen(lab, shuffled)[0].values)


def test_repeating_whole_rounds_only_is_another_set(lab: Lab) -> None:
    def repeated(arm: str, real: Pair, fake: Pair) -> Pair:
        places = torch.arange(len(real[0]) + len(fake[0])) % len(real[0])
        return real[0][places], real[1][places]

    def whole_rounds(arm: str, real: Pair, fake: Pair) -> Pair:
        rounds = (len(real[0]) + len(fake[0])) // len(real[0])
        return real[0].repeat(rounds, 1, 1, 1), real[1].repeat(rounds)

    assert not agree(set_seen(lab, repeated)[0], set_seen(lab, whole_rounds)[0])


def overwritten(arm: str, real: Pair, fake: Pair) -> Pair:
    real[0].mul_(2)
    return mixed(arm, real, fake)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda arm, real, fake: mixed(arm, real, fake)[0][:3], "must return 2 things"),
        (lambda arm, real, fake: ([1], [2]), "a torch.Tensor was expected"),
        (lambda arm, real, fake: (real[0], fake[1]), "one per picture"),
        (lambda arm, real, fake: (real[0].flatten(1), real[1]), "The shape is"),
        (lambda arm, real, fake: (real[0], real[1].float()), "must be integers"),
        (lambda arm, real, fake: (real[0][:0], real[1][:0]), "There is no picture"),
        (overwritten, "changes the tensor that it gets as `real`"),
    ],
)
def test_what_is_no_training_set_is_described(lab: Lab, function: Any, message: str) -> None:
    assert message in set_seen(lab, function)[1]


# --- augmentation ----------------------------------------------------------------------------------


def test_an_augmentation_that_does_nothing_or_writes_to_its_argument_is_described(lab: Lab) -> None:
    def message(function: Any) -> str:
        return said(
            lab,
            lambda block: block.experiment.augmentation(
                "block.augment", function, sample_shape=SHAPE, points=1
            ),
        )

    assert "No picture changed" in message(lambda images: images)
    assert "changes the tensor that it gets as `images`" in message(lambda images: images.add_(1.0))
    assert "The shape is" in message(lambda images: images[:2])
    assert "returns None" in message(lambda images: None)
    assert "torch.from_numpy" in message(lambda images: images.numpy())


# --- numbers and intervals -------------------------------------------------------------------------


def test_numbers_come_as_a_tuple_a_dictionary_or_an_array(lab: Lab) -> None:
    def numbers(function: Any) -> tuple[Observation, str]:
        return seen(
            lab,
            lambda block: block.experiment.numbers(
                "block.numbers", function, lab.supplied_results("values"), names=("mean", "most"), points=1
            ),
        )

    forms = (
        lambda values: (values.mean(), values.max()),
        lambda values: {"most": values.max(), "mean": values.mean(), "more": "ignored"},
        lambda values: np.array([values.mean(), values.max()]),
    )
    observed = [numbers(form)[0].values for form in forms]
    assert observed[0] == observed[1] == observed[2] and len(observed[0]) == 24
    assert "has no key 'most'; it has mean" in numbers(lambda values: {"mean": 1.0})[1]
    assert "must return 2 things: mean, most" in numbers(lambda values: values.mean())[1]


def test_a_tuple_is_no_dictionary_where_one_is_asked_for(lab: Lab) -> None:
    def message(function: Any) -> str:
        return said(
            lab,
            lambda block: block.experiment.numbers(
                "block.numbers",
                function,
                lab.supplied_results("values"),
                names=("mean",),
                dictionary=True,
                points=1,
            ),
        )

    assert "A dictionary was expected and this is tuple" in message(lambda values: (values.mean(), 1.0))
    assert "returns None" in message(lambda values: None)


def paired(lab: Lab, **options: Any) -> Observation:
    def difference(first: np.ndarray, second: np.ndarray) -> tuple[float, float, float]:
        differences = first - second
        found = bootstrap((differences,), np.mean, **options).confidence_interval
        return differences.mean(), found.low, found.high

    return seen(lab, lambda block: block.experiment.paired_interval("block.paired", difference, points=1))[0]


@pytest.mark.parametrize("method", ["percentile", "basic", "BCa"])
@pytest.mark.parametrize("seed", range(3))
def test_resampling_anew_or_by_another_method_gives_an_interval_that_is_accepted(
    lab: Lab, method: str, seed: int
) -> None:
    assert agree(paired(lab, method="percentile", rng=99), paired(lab, method=method, rng=seed))


@pytest.mark.parametrize("confidence", [0.9, 0.99])
def test_an_interval_of_another_confidence_is_refused(lab: Lab, confidence: float) -> None:
    reference = paired(lab, method="percentile", rng=99)
    assert not agree(reference, paired(lab, method="percentile", rng=0, confidence_level=confidence))


# --- a classifier's step ---------------------------------------------------------------------------


def step(classifier: Any, optimizer: Any, images: torch.Tensor, labels: torch.Tensor, penalty: Any) -> float:
    classifier.train()
    optimizer.zero_grad()
    hidden = classifier.hidden(images)
    loss = F.cross_entropy(classifier.classify(hidden), labels)
    (loss + penalty(classifier.dense.weight, classifier.dense.bias, hidden)).backward()
    optimizer.step()
    return loss.item()


STEP_CHECKS = ("loss", "update", "zero_grad", "mode")


def step_seen(lab: Lab, function: Any) -> dict[str, tuple[Observation, str]]:
    return {
        name: seen(
            lab,
            lambda block, name=name: getattr(block.classifier_step(function, sample_shape=SHAPE), name)(
                f"block.{name}", points=1
            ),
        )
        for name in STEP_CHECKS
    }


def without_zero_grad(classifier: Any, optimizer: Any, images: Any, labels: Any, penalty: Any) -> float:
    hidden = classifier.train().hidden(images)
    loss = F.cross_entropy(classifier.classify(hidden), labels)
    (loss + penalty(classifier.dense.weight, classifier.dense.bias, hidden)).backward()
    optimizer.step()
    return loss.item()


def without_train_mode(classifier: Any, optimizer: Any, images: Any, labels: Any, penalty: Any) -> float:
    classifier.train, mode = lambda: classifier, classifier.train
    try:
        return step(classifier, optimizer, images, labels, penalty)
    finally:
        classifier.train = mode


def with_softmax_twice(classifier: Any, optimizer: Any, images: Any, labels: Any, penalty: Any) -> float:
    classifier.train()
    optimizer.zero_grad()
    hidden = classifier.hidden(images)
    loss = F.cross_entropy(classifier.classify(hidden).softmax(dim=1), labels)
    (loss + penalty(classifier.dense.weight, classifier.dense.bias, hidden)).backward()
    optimizer.step()
    return loss.item()


@pytest.mark.parametrize(
    ("function", "refused"),
    [
        (without_zero_grad, {"zero_grad"}),
        (without_train_mode, {"mode"}),
        (with_softmax_twice, {"loss", "update"}),
        (lambda *arguments: step(*arguments) + 1.0, {"loss"}),
    ],
)
def test_each_mistake_in_a_step_costs_its_own_marks(lab: Lab, function: Any, refused: set[str]) -> None:
    right, wrong = step_seen(lab, step), step_seen(lab, function)
    assert {name for name in STEP_CHECKS if not agree(right[name][0], wrong[name][0])} == refused


def penalise_logits(classifier: Any, optimizer: Any, images: Any, labels: Any, penalty: Any) -> float:
    classifier.train()
    optimizer.zero_grad()
    logits = classifier(images)
    loss = F.cross_entropy(logits, labels)
    (loss + penalty(classifier.dense.weight, classifier.dense.bias, logits)).backward()
    optimizer.step()
    return loss.item()


def penalise_the_layer(classifier: Any, optimizer: Any, images: Any, labels: Any, penalty: Any) -> float:
    return step(classifier, optimizer, images, labels, lambda *given: penalty(classifier.dense, *given[1:]))


def through_the_layers(used: tuple[str, ...], penalised: int) -> Any:
    """Return a step that goes from activations to logits by some layers."""

    def function(classifier: Any, optimizer: Any, images: Any, labels: Any, penalty: Any) -> float:
        classifier.train()
        optimizer.zero_grad()
        reached = [classifier.hidden(images)]
        for layer in used:
            reached.append(getattr(classifier, layer)(reached[-1]))
        loss = F.cross_entropy(reached[-1], labels)
        (loss + penalty(classifier.dense.weight, classifier.dense.bias, reached[penalised])).backward()
        optimizer.step()
        return loss.item()

    return function


@pytest.mark.parametrize(
    ("used", "penalised", "refused"),
    [
        (("dropout", "output"), 0, set()),
        (("output",), 0, {"loss", "update"}),
        (("dropout", "output"), 1, {"update"}),
        (("dropout", "classify"), 0, {"loss", "update"}),
    ],
)
def test_a_step_uses_the_dropout_once_and_penalises_what_comes_before_it(
    lab: Lab, used: tuple[str, ...], penalised: int, refused: set[str]
) -> None:
    right, other = step_seen(lab, step), step_seen(lab, through_the_layers(used, penalised))
    assert {name for name in STEP_CHECKS if not agree(right[name][0], other[name][0])} == refused


@pytest.mark.parametrize("function", [penalise_logits, penalise_the_layer])
def test_a_penalty_of_something_else_costs_neither_the_loss_nor_the_mode(lab: Lab, function: Any) -> None:
    right, wrong = step_seen(lab, step), step_seen(lab, function)
    assert agree(right["loss"][0], wrong["loss"][0]) and agree(right["mode"][0], wrong["mode"][0])
    assert "The penalty received as" in wrong["update"][1]


def two_passes(classifier: Any, optimizer: Any, images: Any, labels: Any, penalty: Any) -> float:
    classifier.train()
    optimizer.zero_grad()
    loss = F.cross_entropy(classifier(images), labels)
    hidden = classifier.hidden(images)
    (loss + penalty(classifier.dense.weight, classifier.dense.bias, hidden)).backward()
    optimizer.step()
    return loss.item()


def test_each_pass_moves_the_statistics_so_there_is_one(lab: Lab) -> None:
    right, twice = step_seen(lab, step), step_seen(lab, two_passes)
    assert {name for name in STEP_CHECKS if not agree(right[name][0], twice[name][0])} == {"update"}
    assert "went through `classifier.hidden` 2 times" in twice["update"][1]


def test_a_penalty_that_is_missing_costs_its_own_marks_only(lab: Lab) -> None:
    def unpenalised(classifier: Any, optimizer: Any, images: Any, labels: Any, penalty: Any) -> float:
        return step(classifier, optimizer, images, labels, lambda *given: torch.zeros(()))

    right, light = step_seen(lab, step), step_seen(lab, unpenalised)
    assert {name for name in STEP_CHECKS if not agree(right[name][0], light[name][0])} == {"update"}
    assert "does not call `penalty`" in light["update"][1]


def test_why_a_classifier_does_not_move_is_said(lab: Lab) -> None:
    class Late:
        """An optimiser whose gradients are cleared between backward and step."""

        def __init__(self, optimizer: Any, clear: bool, step: bool) -> None:
            self.optimizer, self.clear, self.stepping = optimizer, clear, step

        def zero_grad(self) -> None:
            pass

        def step(self) -> None:
            if self.clear:
                self.optimizer.zero_grad()
            if self.stepping:
                self.optimizer.step()

    def with_late(clear: bool, stepping: bool) -> Any:
        return lambda c, optimizer, *rest: step(c, Late(optimizer, clear, stepping), *rest)

    assert "`zero_grad()` cleared the gradients" in step_seen(lab, with_late(True, True))["update"][1]
    assert "`step()` of the optimiser was not called" in step_seen(lab, with_late(True, False))["update"][1]


def test_wrong_steps_are_described(lab: Lab) -> None:
    n, *_ = lab.marks("block", points=1).batch_sizes
    assert f"received as activations: ({n}, 2)" in step_seen(lab, penalise_logits)["update"][1]
    idle = step_seen(lab, lambda *arguments: 0.5)
    assert "did not change" in idle["update"][1] and "is not called" in idle["mode"][1]
    assert "gradients" in step_seen(lab, without_zero_grad)["zero_grad"][1]


# --- predictions -----------------------------------------------------------------------------------


def test_predictions_in_train_mode_with_gradients_or_as_columns_are_described(lab: Lab) -> None:
    def message(check: str, function: Any) -> str:
        return said(
            lab,
            lambda block: getattr(block.prediction(function, sample_shape=SHAPE), check)(
                f"block.{check}", points=1
            ),
        )

    def in_mode(training: bool) -> Any:
        return lambda classifier, images: classifier.train(training)(images).softmax(dim=1)[:, 1]

    assert "belongs to the gradient graph" in message("values", in_mode(False))
    assert "they must lie between 0 and 1" in message("values", lambda c, x: c(x)[:, 1].detach() + 5)
    assert "expected" in message("values", lambda c, x: c(x).softmax(dim=1).detach())
    assert "a torch.Tensor was expected" in message("values", lambda c, x: [0.5] * len(x))
    assert "torch.from_numpy" in message("values", lambda c, x: c(x).softmax(dim=1)[:, 1].detach().numpy())
    assert "The classifier is not called" in message("mode", lambda c, x: torch.zeros(len(x)))


# --- the best epoch --------------------------------------------------------------------------------


def fit(classifier: nn.Module, train_epoch: Any, validate: Any, num_epochs: int) -> list[float]:
    history: list[float] = []
    best: Any = None
    for _ in range(num_epochs):
        train_epoch()
        score = validate()
        if not history or score > max(history):
            best = copy.deepcopy(classifier.state_dict())
        history.append(score)
    classifier.load_state_dict(best)
    return history


def fit_seen(lab: Lab, function: Any, aspect: str = "state") -> tuple[Observation, str]:
    return seen(lab, lambda block: block.best_epoch("block.fit", function, aspect=aspect, points=1))


def test_a_state_that_was_not_copied_is_not_that_of_the_best_epoch(lab: Lab) -> None:
    def not_copied(classifier: nn.Module, train_epoch: Any, validate: Any, num_epochs: int) -> list[float]:
        history: list[float] = []
        best: Any = None
        for _ in range(num_epochs):
            train_epoch()
            history.append(validate())
            best = classifier.state_dict() if history[-1] == max(history) else best
        classifier.load_state_dict(best)
        return history

    right, wrong = fit_seen(lab, fit)[0], fit_seen(lab, not_copied)[0]
    assert not agree(right, wrong)
    assert agree(fit_seen(lab, fit, "scores")[0], fit_seen(lab, not_copied, "scores")[0])


def test_keeping_every_epoch_that_beats_the_one_before_is_not_keeping_the_best(lab: Lab) -> None:
    def rising(classifier: nn.Module, train_epoch: Any, validate: Any, num_epochs: int) -> list[float]:
        history: list[float] = []
        best: Any = None
        for _ in range(num_epochs):
            train_epoch()
            history.append(validate())
            if len(history) == 1 or history[-1] > history[-2]:
                best = copy.deepcopy(classifier.state_dict())
        classifier.load_state_dict(best)
        return history

    assert not agree(fit_seen(lab, fit)[0], fit_seen(lab, rising)[0])


def beginning_with(best_score: float) -> Any:
    def function(classifier: nn.Module, train_epoch: Any, validate: Any, num_epochs: int) -> list[float]:
        history: list[float] = []
        best, state = best_score, copy.deepcopy(classifier.state_dict())
        for _ in range(num_epochs):
            train_epoch()
            history.append(validate())
            if history[-1] > best:
                best, state = history[-1], copy.deepcopy(classifier.state_dict())
        classifier.load_state_dict(state)
        return history

    return function


def test_scores_may_be_negative(lab: Lab) -> None:
    right = fit_seen(lab, fit)[0]
    assert agree(right, fit_seen(lab, beginning_with(-math.inf))[0])
    for best_score in (0.0, -1.0):
        assert not agree(right, fit_seen(lab, beginning_with(best_score))[0])
    assert any(score < 0 for score in fit_seen(lab, fit, "scores")[0].values)


def half_kept(classifier: nn.Module, train_epoch: Any, validate: Any, num_epochs: int) -> list[float]:
    before = copy.deepcopy(classifier.norm.state_dict())
    history = fit(classifier, train_epoch, validate, num_epochs)
    classifier.norm.load_state_dict(before)  # type: ignore[union-attr]
    return history


def never_loaded(classifier: nn.Module, train_epoch: Any, validate: Any, num_epochs: int) -> list[float]:
    return [(train_epoch(), validate())[1] for _ in range(num_epochs)]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (never_loaded, "After 6 epochs the classifier is as in the last one"),
        (beginning_with(9.0), "is as it was after number 0, which was not the first with the best score"),
        (half_kept, "as it was after any of the epochs"),
    ],
)
def test_the_epoch_in_which_a_classifier_is_left_is_said(lab: Lab, function: Any, message: str) -> None:
    assert message in fit_seen(lab, function)[1]


def test_scores_that_are_not_returned_cost_no_marks_for_the_state(lab: Lab) -> None:
    def silent(classifier: nn.Module, train_epoch: Any, validate: Any, num_epochs: int) -> None:
        fit(classifier, train_epoch, validate, num_epochs)

    assert agree(fit_seen(lab, fit)[0], fit_seen(lab, silent)[0])
    assert "list of the 6 validation scores" in fit_seen(lab, silent, "scores")[1]


@pytest.mark.parametrize("form", [tuple, np.array, torch.tensor])
def test_scores_may_come_as_another_row_of_numbers(lab: Lab, form: Any) -> None:
    def other(classifier: nn.Module, train_epoch: Any, validate: Any, num_epochs: int) -> Any:
        return form(fit(classifier, train_epoch, validate, num_epochs))

    assert agree(fit_seen(lab, fit, "scores")[0], fit_seen(lab, other, "scores")[0])


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            lambda c, train, validate, n: fit(c, train, validate, n - 1),
            "5 epochs of training and 5 validations; 6",
        ),
        (
            lambda c, train, validate, n: fit(c, train, validate, n + 1),
            "7 epochs of training and 7 validations; 6",
        ),
        (lambda c, train, validate, n: None, "0 epochs of training and 0 validations; 6"),
        (
            lambda c, train, validate, n: fit(c, train, lambda: (validate(), validate())[1], n),
            "6 epochs of training and 12",
        ),
        (
            lambda c, train, validate, n: fit(c, lambda: validate(), lambda: train() or 0.0, n),
            "take no turns",
        ),
        (lambda c, train, validate, n: [train() for _ in iter(int, 1)], "49 epochs of training and 0"),
    ],
)
def test_wrong_turns_of_training_and_validation_are_described(lab: Lab, function: Any, message: str) -> None:
    assert message in fit_seen(lab, function)[1]


# --- outputs of few units --------------------------------------------------------------------------


def test_a_relu_behind_few_outputs_shows_though_they_may_all_be_positive() -> None:
    def two_outputs(rectified: bool) -> Callable[[], nn.Module]:
        last: list[nn.Module] = [nn.ReLU()] if rectified else []
        return lambda: nn.Sequential(
            nn.BatchNorm1d(12), nn.Linear(12, 256), nn.ReLU(), nn.Linear(256, 2), *last
        )

    def observed(seed: int, rectified: bool) -> Observation:
        with record(seed):
            recorded = open_lab("lab1_sine_gan")
        return seen(
            recorded,
            lambda block: block.network_output(
                "block.out", two_outputs(rectified), input_shape=(12,), points=1
            ),
        )[0]

    assert not any(agree(observed(seed, False), observed(seed, True)) for seed in range(20))


# --- a network that is run by its methods ----------------------------------------------------------


class Head(nn.Module):
    """A network whose methods lead to the same output as `forward`."""

    def __init__(self) -> None:
        super().__init__()
        self.dense, self.dropout, self.output = nn.Linear(4, 6), nn.Dropout(0.45), nn.Linear(6, 2)

    def hidden(self, rows: torch.Tensor) -> torch.Tensor:
        return F.relu(self.dense(rows))

    def classify(self, hidden: torch.Tensor) -> torch.Tensor:
        return self.output(self.dropout(hidden))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return self.classify(self.hidden(rows))


class HeadWithoutDropout(Head):
    def classify(self, hidden: torch.Tensor) -> torch.Tensor:
        return self.output(hidden)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return self.output(self.dropout(self.hidden(rows)))


class HeadWithSoftmax(HeadWithoutDropout):
    def classify(self, hidden: torch.Tensor) -> torch.Tensor:
        return self.output(hidden).softmax(dim=1)


class HeadThatTrainsNothingBelow(Head):
    def hidden(self, rows: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return super().hidden(rows)


def test_a_network_whose_parameters_get_no_gradient_or_lacks_a_layer_is_described(lab: Lab) -> None:
    def message(factory: Any, *layers: str) -> str:
        return said(
            lab,
            lambda block: block.network_structure(
                "block.structure",
                factory,
                input_shape=(4,),
                output_shape=(2,),
                parameters=44,
                layers=layers,
                points=1,
            ),
        )

    assert "No gradient reaches 2 parameter tensors" in message(HeadThatTrainsNothingBelow, "dense")
    assert "has no layer `fc`" in message(Head, "dense", "fc")


WAYS = (("forward",), ("hidden", "classify"))


def test_dropout_is_asked_for_on_every_way_through_a_network(lab: Lab) -> None:
    def observed(factory: Any) -> tuple[Observation, str]:
        return seen(
            lab,
            lambda block: block.dropout("block.dropout", factory, input_shape=(4,), ways=WAYS, points=1),
        )

    assert observed(Head)[0].error is None
    assert "no dropout is active" in observed(HeadWithoutDropout)[1]


def test_ways_through_a_network_that_differ_are_described(lab: Lab) -> None:
    def message(factory: Any, ways: Any = WAYS) -> str:
        return said(
            lab,
            lambda block: block.network_output(
                "block.output", factory, input_shape=(4,), ways=ways, points=1
            ),
        )

    assert "`forward` and `hidden` → `classify` do not give the same" in message(HeadWithSoftmax)
    assert "has no method `decide`" in message(Head, (("hidden", "decide"),))
