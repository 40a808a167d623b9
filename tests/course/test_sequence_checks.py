"""Checks of texts as numbers, of networks that read them, of their training, and of its end."""

from __future__ import annotations

import copy
import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

from autograder import open_lab
from autograder.block import Block
from autograder.key import AnswerKey
from autograder.session import Lab
from tests.one_check import message, numbers

VOCABULARY = 12


@pytest.fixture
def lab(lab1_key: AnswerKey) -> Lab:
    return open_lab("lab1_sine_gan", language="en", key=lab1_key)


# --- vocabularies ----------------------------------------------------------------------------------


def build_vocabulary(reviews: list[list[str]], size: int) -> dict[str, int]:
    counts = Counter(word for review in reviews for word in review)
    words = sorted(counts, key=lambda word: (-counts[word], word))[: size - 2]
    return {word: number for number, word in enumerate(words, 2)}


def by_sorting_twice(reviews: list[list[str]], size: int) -> dict[str, int]:
    counts: dict[str, int] = {}
    for review in reviews:
        for word in review:
            counts[word] = counts.get(word, 0) + 1
    ranked = sorted(sorted(counts), key=counts.__getitem__, reverse=True)
    return dict(zip(ranked[: size - 2], range(2, size), strict=False))


def most_common(reviews: list[list[str]], size: int) -> dict[str, int]:
    counts = Counter(word for review in reviews for word in review)
    return {word: number for number, (word, _) in enumerate(counts.most_common(size - 2), 2)}


def vocabulary_check(function: Any) -> Callable[[Block], Any]:
    return lambda block: block.sequences.vocabulary("block.words", function, points=1)


def test_vocabularies_are_the_same_however_they_are_made(lab: Lab) -> None:
    right = numbers(lab, vocabulary_check(build_vocabulary))
    assert numbers(lab, vocabulary_check(by_sorting_twice)) == right
    assert numbers(lab, vocabulary_check(most_common)) != right


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda reviews, size: None, "returns None"),
        (lambda reviews, size: [*build_vocabulary(reviews, size)], "must be a dictionary whose keys"),
        (lambda reviews, size: {n: w for w, n in build_vocabulary(reviews, size).items()}, "keys are words"),
        (lambda reviews, size: {w: str(n) for w, n in build_vocabulary(reviews, size).items()}, "is a str"),
        (lambda reviews, size: {w: n - 2 for w, n in build_vocabulary(reviews, size).items()}, "number 0"),
        (lambda reviews, size: {w: n - 1 for w, n in build_vocabulary(reviews, size).items()}, "number 1"),
        (lambda reviews, size: {w: n + 1 for w, n in build_vocabulary(reviews, size).items()}, "from 3 to 7"),
        (lambda reviews, size: build_vocabulary(reviews, size + 2), "7 words with `size=7`, of 14"),
        (lambda reviews, size: {"<pad>": 7, **build_vocabulary(reviews, size)}, "'<pad>', which is no word"),
        (lambda reviews, size: build_vocabulary([[" ".join(r)] for r in reviews], size), "which is no word"),
        (most_common, "in alphabetical order"),
        (lambda reviews, size: build_vocabulary([[*{*review}] for review in reviews], size), "most frequent"),
    ],
)  # fmt: skip
def test_a_wrong_vocabulary_is_described(lab: Lab, function: Any, said: str) -> None:
    assert said in message(lab, vocabulary_check(function))


# --- ids -------------------------------------------------------------------------------------------


def encode(review: list[str], vocabulary: dict[str, int]) -> Any:
    return [vocabulary.get(word, 1) for word in review]


def encoding_check(function: Any) -> Callable[[Block], Any]:
    return lambda block: block.sequences.encoding("block.ids", function, points=1)


def test_ids_may_be_a_list_a_tuple_or_a_tensor(lab: Lab) -> None:
    kinds: list[Callable[[Any], Any]] = [list, tuple, torch.tensor]
    seen = {numbers(lab, encoding_check(lambda r, v, kind=kind: kind(encode(r, v)))) for kind in kinds}
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda review, vocabulary: None, "returns None"),
        (lambda review, vocabulary: " ".join(map(str, encode(review, vocabulary))), "it returns a str"),
        (lambda review, vocabulary: [vocabulary[w] for w in review if w in vocabulary], "for 21 words"),
        (lambda review, vocabulary: [vocabulary.get(word, 0) for word in review], "with 1 for those"),
        (lambda review, vocabulary: sorted(encode(review, vocabulary)), "in their order"),
    ],
)  # fmt: skip
def test_wrong_ids_are_described(lab: Lab, function: Any, said: str) -> None:
    assert said in message(lab, encoding_check(function))


# --- padded batches --------------------------------------------------------------------------------


def collate(sequences: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    tokens = pad_sequence([torch.tensor(sequence) for sequence in sequences], batch_first=True)
    return tokens, torch.tensor([len(sequence) for sequence in sequences])


def by_hand(sequences: list[list[int]]) -> list[torch.Tensor]:
    lengths = torch.tensor([*map(len, sequences)])
    tokens = torch.zeros(len(sequences), int(lengths.max()), dtype=torch.long)
    for row, sequence in zip(tokens, sequences, strict=True):
        row[: len(sequence)] = torch.tensor(sequence)
    return [tokens, lengths]


def collation_check(function: Any, part: str) -> Callable[[Block], Any]:
    return lambda block: block.sequences.collation("block.batch", function, part=part, points=1)


@pytest.mark.parametrize("part", ["tokens", "lengths"])
def test_batches_are_the_same_however_they_are_padded(lab: Lab, part: str) -> None:
    assert numbers(lab, collation_check(collate, part)) == numbers(lab, collation_check(by_hand, part))


def left_padded(sequences: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    tokens, lengths = collate([sequence[::-1] for sequence in sequences])
    return tokens.flip(1), lengths


def full_lengths(sequences: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    tokens, _ = collate(sequences)
    return tokens, torch.full((len(tokens),), tokens.shape[1])


@pytest.mark.parametrize(
    ("function", "part", "said"),
    [
        (lambda sequences: collate(sequences)[0], "tokens", "must return 2 things"),
        (lambda sequences: (collate(sequences)[0].float(), collate(sequences)[1]), "tokens", "float"),
        (lambda sequences: (collate(sequences)[0].int(), collate(sequences)[1]), "tokens", "64-bit"),
        (left_padded, "tokens", "with zeros after its last"),
        (lambda sequences: (pad_sequence([*map(torch.tensor, sequences)]), 0), "tokens", "shape"),
        (lambda sequences: collate(sorted(sequences, key=len, reverse=True)), "lengths", "in their order"),
        (full_lengths, "lengths", "without padding"),
        (lambda sequences: (collate(sequences)[0], [*map(len, sequences)]), "lengths", "list"),
    ],
)  # fmt: skip
def test_a_wrong_batch_is_described(lab: Lab, function: Any, part: str, said: str) -> None:
    assert said in message(lab, collation_check(function, part))


# --- networks --------------------------------------------------------------------------------------


class Reader(nn.Module):
    """A reader whose parts subclasses get wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, 4, padding_idx=0)
        self.dropout = nn.Dropout(0.4)
        self.lstm = nn.LSTM(4, 5, batch_first=True)
        self.output = nn.Linear(5, 1)

    def words(self, tokens: torch.Tensor) -> Any:
        return self.dropout(self.embedding(tokens))

    def state(self, words: torch.Tensor, lengths: torch.Tensor) -> Any:
        packed = pack_padded_sequence(words, lengths.cpu(), batch_first=True, enforce_sorted=False)
        return self.lstm(packed)[1][0][-1]

    def forward(self, tokens: torch.Tensor, lengths: torch.Tensor) -> Any:
        return self.output(self.dropout(self.state(self.words(tokens), lengths))).squeeze(1)


class Gathers(Reader):
    def state(self, words: torch.Tensor, lengths: torch.Tensor) -> Any:
        states, _ = self.lstm(words)
        return states[torch.arange(len(words), device=words.device), lengths - 1]


class Unpacks(Reader):
    def state(self, words: torch.Tensor, lengths: torch.Tensor) -> Any:
        packed = pack_padded_sequence(words, lengths.cpu(), batch_first=True, enforce_sorted=False)
        states, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        return states.gather(1, (lengths - 1)[:, None, None].expand(-1, 1, states.shape[2])).squeeze(1)


class Sorts(Reader):
    def state(self, words: torch.Tensor, lengths: torch.Tensor) -> Any:
        order = lengths.argsort(descending=True)
        packed = pack_padded_sequence(words[order], lengths[order].cpu(), batch_first=True)
        return self.lstm(packed)[1][0][-1][order.argsort()]


class AfterPadding(Reader):
    def state(self, words: torch.Tensor, lengths: torch.Tensor) -> Any:
        return self.lstm(words)[0][:, -1]


class ForgetsToSortBack(Reader):
    def state(self, words: torch.Tensor, lengths: torch.Tensor) -> Any:
        order = lengths.argsort(descending=True)
        packed = pack_padded_sequence(words[order], lengths[order].cpu(), batch_first=True)
        return self.lstm(packed)[1][0][-1]


class Convolves(Reader):
    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(4, 4, 3, padding=1)

    def words(self, tokens: torch.Tensor) -> Any:
        return F.relu(self.convolution(super().words(tokens).transpose(1, 2))).transpose(1, 2)


class ConvolvesPadding(Convolves):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, 4)


class ConvolvesTrained(ConvolvesPadding):
    def __init__(self) -> None:
        super().__init__()
        self.embedding.weight.data[0] = 0.0


def padding_check(factory: Any) -> Callable[[Block], Any]:
    return lambda block: block.sequences.padding("block.padding", factory, vocabulary=VOCABULARY, points=1)


@pytest.mark.parametrize("factory", [Gathers, Unpacks, Sorts])
def test_ways_to_the_last_state_are_equally_right(lab: Lab, factory: Any) -> None:
    assert numbers(lab, padding_check(factory)) == pytest.approx(
        numbers(lab, padding_check(Reader)), abs=1e-9
    )


def test_an_empty_row_for_padding_stays_empty(lab: Lab) -> None:
    assert len(numbers(lab, padding_check(Convolves))) > 3


@pytest.mark.parametrize(
    ("factory", "said"),
    [
        (AfterPadding, "With 3 more columns of padding, the logit of some sequence changes"),
        (ForgetsToSortBack, "whether each state belongs to its sequence"),
        (ConvolvesPadding, "The vector of padding is not zero at the start"),
        (ConvolvesTrained, "a training step would change it"),
    ],
)
def test_a_network_that_reads_padding_is_described(lab: Lab, factory: Any, said: str) -> None:
    assert said in message(lab, padding_check(factory))


def output_check(lab: Lab, factory: Any) -> Callable[[Block], Any]:
    inputs = lab.supplied_sequences(VOCABULARY)
    return lambda block: block.network_output("block.logits", factory, inputs=inputs, points=1)


@pytest.mark.parametrize("factory", [Gathers, Unpacks, Sorts, AfterPadding])
def test_without_padding_only_the_layers_count(lab: Lab, factory: Any) -> None:
    right = numbers(lab, output_check(lab, Reader))
    assert numbers(lab, output_check(lab, factory)) == pytest.approx(right, abs=1e-9)


def test_structure_and_dropout_of_a_network_with_lengths_are_seen(lab: Lab) -> None:
    inputs = lab.supplied_sequences(VOCABULARY)
    parameters = sum(each.numel() for each in Reader().parameters())
    seen = numbers(
        lab,
        lambda block: block.network_structure(
            "block.structure", Reader, inputs=inputs, output_shape=("n",), parameters=parameters, points=1
        ),
    )
    assert len(seen) > 3
    assert (
        len(numbers(lab, lambda block: block.dropout("block.dropout", Reader, inputs=inputs, points=1))) > 3
    )


class StaysOnGpu(Reader):
    def state(self, words: torch.Tensor, lengths: torch.Tensor) -> Any:
        places = torch.arange(len(words))
        return self.lstm(words)[0][places, lengths - 1] * torch.ones(5, device="cpu")


def test_a_network_that_would_stop_on_a_gpu_is_told(lab: Lab) -> None:
    assert "GPU" in message(lab, output_check(lab, StaysOnGpu))


# --- a training step -------------------------------------------------------------------------------


def train_step(model: nn.Module, optimizer: Any, tokens: Any, lengths: Any, targets: torch.Tensor) -> Any:
    model.train()
    optimizer.zero_grad()
    logits = model(tokens, lengths)
    loss = F.binary_cross_entropy_with_logits(logits, targets.to(logits.dtype))
    loss.backward()
    optimizer.step()
    return loss.item()


def by_sigmoid(model: nn.Module, optimizer: Any, tokens: Any, lengths: Any, targets: torch.Tensor) -> Any:
    model.train()
    loss = nn.BCELoss()(torch.sigmoid(model(tokens, lengths)), targets.float())
    model.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach()


def with_outer_flag(
    model: nn.Module, optimizer: Any, tokens: Any, lengths: Any, targets: torch.Tensor
) -> Any:
    model.training = True
    return step_with(train=False)(model, optimizer, tokens, lengths, targets)


def with_graph(model: nn.Module, optimizer: Any, tokens: Any, lengths: Any, targets: torch.Tensor) -> Any:
    optimizer.zero_grad()
    logits = model.train()(tokens, lengths)
    loss = F.binary_cross_entropy_with_logits(logits, targets.to(logits.dtype))
    loss.backward()
    optimizer.step()
    return loss


def step_with(
    loss_of: Callable[..., torch.Tensor] = lambda logits, targets: F.binary_cross_entropy_with_logits(
        logits, targets.to(logits.dtype)
    ),
    *,
    train: bool = True,
    zero: bool = True,
    steps: int = 1,
) -> Any:
    def step(model: nn.Module, optimizer: Any, tokens: Any, lengths: Any, targets: Any) -> Any:
        if train:
            model.train()
        if zero:
            optimizer.zero_grad()
        loss = loss_of(model(tokens, lengths), targets)
        loss.backward()
        for _ in range(steps):
            optimizer.step()
        return loss.item()

    return step


def step_check(function: Any, aspect: str) -> Callable[[Block], Any]:
    return lambda block: getattr(block.sequence_step(function), aspect)(f"block.{aspect}", points=1)


@pytest.mark.parametrize("aspect", ["loss", "update", "zero_grad", "mode"])
def test_steps_that_are_written_otherwise_are_equally_right(lab: Lab, aspect: str) -> None:
    right = numbers(lab, step_check(train_step, aspect))
    assert numbers(lab, step_check(by_sigmoid, aspect)) == pytest.approx(right, abs=1e-7)
    assert numbers(lab, step_check(step_with(), aspect)) == pytest.approx(right, abs=1e-9)


def with_sigmoid(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return F.binary_cross_entropy_with_logits(logits.sigmoid(), targets.to(logits.dtype))


@pytest.mark.parametrize(
    ("function", "aspect", "said"),
    [
        (step_with(with_sigmoid), "loss", "The loss that is returned is not the one expected"),
        (step_with(F.binary_cross_entropy_with_logits), "loss", "RuntimeError"),
        (step_with(steps=2), "update", "`step()` of the optimiser was called 2 times"),
        (step_with(steps=0), "update", "`step()` of the optimiser was not called"),
        (step_with(zero=False), "zero_grad", "radients"),
        (step_with(train=False), "mode", "The model came in eval mode"),
        (with_outer_flag, "mode", "The model came in eval mode"),
        (with_graph, "loss", "with all the graph that led to it"),
    ],
)
def test_a_wrong_step_is_described(lab: Lab, function: Any, aspect: str, said: str) -> None:
    assert said in message(lab, step_check(function, aspect))


@pytest.mark.parametrize("aspect", ["zero_grad", "mode"])
def test_a_wrong_loss_costs_no_marks_of_the_other_checks(lab: Lab, aspect: str) -> None:
    right = numbers(lab, step_check(train_step, aspect))
    assert numbers(lab, step_check(step_with(with_sigmoid), aspect)) == pytest.approx(right, abs=1e-9)


# --- an evaluation ---------------------------------------------------------------------------------


def evaluate(model: nn.Module, batches: Any) -> Any:
    model.eval()
    loss, hits, count = 0.0, 0, 0
    with torch.no_grad():
        for tokens, lengths, targets in batches:
            logits = model(tokens, lengths)
            loss += F.binary_cross_entropy_with_logits(
                logits, targets.to(logits.dtype), reduction="sum"
            ).item()
            hits += int(((logits > 0) == (targets == 1)).sum())
            count += len(targets)
    return loss / count, hits / count


@torch.no_grad()
def all_at_once(model: nn.Module, batches: Any) -> Any:
    model.eval()
    logits = torch.cat([model(tokens, lengths) for tokens, lengths, _ in batches])
    targets = torch.cat([targets for _, _, targets in batches]).to(logits.dtype)
    return F.binary_cross_entropy_with_logits(logits, targets), (
        (logits.sigmoid() > 0.5) == targets
    ).double().mean()


def mean_of_means(model: nn.Module, batches: Any) -> Any:
    each = torch.tensor([evaluate(model, [batch]) for batch in batches], dtype=torch.float64)
    return tuple(each.mean(dim=0).tolist())


@torch.no_grad()
def limit_of_half(model: nn.Module, batches: Any) -> Any:
    model.eval()
    logits = torch.cat([model(tokens, lengths) for tokens, lengths, _ in batches])
    targets = torch.cat([targets for _, _, targets in batches])
    return evaluate(model, batches)[0], ((logits > 0.5) == targets).double().mean()


def with_gradients(model: nn.Module, batches: Any) -> Any:
    for tokens, lengths, _ in batches:
        model.eval()(tokens, lengths)
    return evaluate(model, batches)


@torch.no_grad()
def in_train_mode(model: nn.Module, batches: Any) -> Any:
    for tokens, lengths, _ in batches:
        model(tokens, lengths)
    return 0.5, 0.5


def evaluation_check(function: Any, aspect: str) -> Callable[[Block], Any]:
    return lambda block: getattr(block.sequence_evaluation(function), aspect)(f"block.{aspect}", points=1)


@pytest.mark.parametrize("aspect", ["values", "mode"])
def test_evaluations_that_are_written_otherwise_are_equally_right(lab: Lab, aspect: str) -> None:
    right = numbers(lab, evaluation_check(evaluate, aspect))
    assert numbers(lab, evaluation_check(all_at_once, aspect)) == pytest.approx(right, abs=1e-9)


@pytest.mark.parametrize(
    ("function", "aspect", "said"),
    [
        (mean_of_means, "values", "means over **all** sequences"),
        (limit_of_half, "values", "where the logit is positive"),
        (lambda model, batches: evaluate(model, batches)[0], "values", "must return 2 things"),
        (with_gradients, "values", "with gradients"),
        (in_train_mode, "mode", "in train mode"),
        (lambda model, batches: (0.5, 0.5), "mode", "The model is not called"),
        (lambda model, batches: evaluate(model, batches[:-1]), "mode", "not every batch was visited"),
    ],
)
def test_a_wrong_evaluation_is_described(lab: Lab, function: Any, aspect: str, said: str) -> None:
    assert said in message(lab, evaluation_check(function, aspect))


# --- early stopping --------------------------------------------------------------------------------


class EarlyStopping:
    """Early stopping whose parts subclasses get wrong."""

    def __init__(self, patience: int) -> None:
        self.patience, self.best, self.waited = patience, math.inf, 0
        self.kept: Any = None

    def improves(self, loss: float) -> bool:
        return loss < self.best

    def keep(self, model: nn.Module) -> None:
        self.kept = copy.deepcopy(model.state_dict())

    def step(self, loss: float, model: nn.Module) -> Any:
        if self.improves(loss):
            self.best, self.waited = loss, 0
            self.keep(model)
        else:
            self.waited += 1
        return self.waited >= self.patience

    def restore(self, model: nn.Module) -> None:
        model.load_state_dict(self.kept)


class Counts:
    """Early stopping that looks back over all losses, and keeps a copy of the network."""

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.losses: list[float] = []
        self.copy: Any = None

    def step(self, loss: float, model: nn.Module) -> int:
        if not self.losses or loss < min(self.losses):
            self.copy = copy.deepcopy(model)
        self.losses.append(loss)
        return int(len(self.losses) - 1 - self.losses.index(min(self.losses)) >= self.patience)

    def restore(self, model: nn.Module) -> None:
        with torch.no_grad():
            kept = self.copy.state_dict()
            for name, value in model.state_dict().items():
                value.copy_(kept[name])


class KeepsNoCopy(EarlyStopping):
    def keep(self, model: nn.Module) -> None:
        self.kept = model.state_dict()


class KeepsParameters(EarlyStopping):
    def keep(self, model: nn.Module) -> None:
        self.kept = {name: value.clone() for name, value in model.named_parameters()}

    def restore(self, model: nn.Module) -> None:
        model.load_state_dict(self.kept, strict=False)


class TakesEquals(EarlyStopping):
    def improves(self, loss: float) -> bool:
        return loss <= self.best


class NeverResets(EarlyStopping):
    def step(self, loss: float, model: nn.Module) -> Any:
        waited = self.waited
        super().step(loss, model)
        self.waited = max(waited, self.waited)
        return self.waited >= self.patience


class OneMore(EarlyStopping):
    def step(self, loss: float, model: nn.Module) -> Any:
        super().step(loss, model)
        return self.waited > self.patience


class NeverStops(EarlyStopping):
    def step(self, loss: float, model: nn.Module) -> Any:
        super().step(loss, model)
        return False


class ComparesWithTheLast(EarlyStopping):
    def step(self, loss: float, model: nn.Module) -> Any:
        stop = super().step(loss, model)
        self.best = loss
        return stop


class SaysNothing(EarlyStopping):
    def step(self, loss: float, model: nn.Module) -> Any:
        super().step(loss, model)


def stopping_check(factory: Any, aspect: str) -> Callable[[Block], Any]:
    return lambda block: block.early_stopping(f"block.{aspect}", factory, aspect=aspect, points=1)


class ComparesTheOtherWay(EarlyStopping):
    def improves(self, loss: float) -> bool:
        return self.best == float("inf") or loss > self.best


@pytest.mark.parametrize("factory", [OneMore, NeverStops, SaysNothing])
def test_when_it_stops_costs_no_marks_of_which_state_comes_back(lab: Lab, factory: Any) -> None:
    assert numbers(lab, stopping_check(factory, "restore")) == numbers(
        lab, stopping_check(EarlyStopping, "restore")
    )


@pytest.mark.parametrize("aspect", ["stop", "restore"])
def test_early_stopping_that_is_written_otherwise_is_equally_right(lab: Lab, aspect: str) -> None:
    assert numbers(lab, stopping_check(EarlyStopping, aspect)) == numbers(lab, stopping_check(Counts, aspect))


@pytest.mark.parametrize(
    ("factory", "aspect", "said"),
    [
        (SaysNothing, "stop", "`step` must return `True` or `False`: whether to stop. It returns NoneType"),
        (TakesEquals, "stop", "With patience=3 it stopped after epoch 11"),
        (NeverResets, "stop", "each time that it falls the counting starts anew"),
        (OneMore, "stop", "With patience=3 it stopped after epoch 11"),
        (NeverStops, "stop", "it did not stop"),
        (ComparesWithTheLast, "stop", "below the least one before"),
        (dict, "stop", "TypeError"),
        (lambda patience: nn.Linear(1, 1), "stop", "lacks the method `step`"),
        (KeepsNoCopy, "restore", "is no copy"),
        (KeepsParameters, "restore", "statistics of the normalisation"),
        (ComparesTheOtherWay, "restore", "as it was after epoch 2 of 11"),
        (TakesEquals, "restore", "Of two equal losses the first counts"),
    ],
)
def test_wrong_early_stopping_is_described(lab: Lab, factory: Any, aspect: str, said: str) -> None:
    assert said in message(lab, stopping_check(factory, aspect))


# --- a training that stops -------------------------------------------------------------------------


def fit(model: Any, train_epoch: Any, validate: Any, num_epochs: int, scheduler: Any, stopping: Any) -> Any:
    losses = []
    for _ in range(num_epochs):
        train_epoch()
        losses.append(validate())
        scheduler.step(losses[-1])
        if stopping.step(losses[-1], model):
            break
    stopping.restore(model)
    return losses


def with_while(
    model: Any, train_epoch: Any, validate: Any, num_epochs: int, scheduler: Any, stopping: Any
) -> Any:
    losses: list[float] = []
    stop = False
    while len(losses) < num_epochs and not stop:
        train_epoch()
        loss = validate()
        losses.append(loss)
        scheduler.step(metrics=loss)
        stop = stopping.step(loss, model)
    stopping.restore(model)
    return torch.tensor(losses)


def fit_with(
    *,
    scheduled: Callable[[Any, list[float]], Any] = lambda scheduler, losses: scheduler.step(losses[-1]),
    asked: Callable[[Any, list[float], Any], Any] = lambda stopping, losses, model: stopping.step(
        losses[-1], model
    ),
    returned: Callable[[list[float]], Any] = lambda losses: losses,
    restores: str = "always",
    stops: bool = True,
) -> Any:
    def fit(
        model: Any, train_epoch: Any, validate: Any, num_epochs: int, scheduler: Any, stopping: Any
    ) -> Any:
        losses: list[float] = []
        for _ in range(num_epochs):
            train_epoch()
            losses.append(validate())
            scheduled(scheduler, losses)
            if restores == "each epoch":
                stopping.restore(model)
            if asked(stopping, losses, model) and stops:
                if restores == "when it stops":
                    stopping.restore(model)
                break
        if restores in ("always", "each epoch"):
            stopping.restore(model)
        return returned(losses)

    return fit


def fit_check(function: Any, aspect: str) -> Callable[[Block], Any]:
    return lambda block: block.stopped_training(f"block.{aspect}", function, aspect=aspect, points=1)


@pytest.mark.parametrize("aspect", ["losses", "scheduler", "state"])
def test_trainings_that_are_written_otherwise_are_equally_right(lab: Lab, aspect: str) -> None:
    right = numbers(lab, fit_check(fit, aspect))
    assert numbers(lab, fit_check(with_while, aspect)) == right
    assert numbers(lab, fit_check(fit_with(), aspect)) == right


@pytest.mark.parametrize(
    ("function", "aspect", "said"),
    [
        (fit_with(returned=lambda losses: None), "losses", "this is NoneType"),
        (fit_with(returned=lambda losses: losses[:-1]), "losses", "losses was expected; this is"),
        (fit_with(returned=sorted), "losses", "all of them, in their order"),
        (fit_with(scheduled=lambda scheduler, losses: None), "scheduler", "`scheduler.step` was not called"),
        (fit_with(scheduled=lambda scheduler, losses: scheduler.step()), "scheduler", "given 0 arguments"),
        (fit_with(scheduled=lambda scheduler, losses: scheduler.step(min(losses))), "scheduler", "order"),
        (fit_with(asked=lambda stopping, losses, model: stopping.step(2.0, model)), "state", "of that epoch"),
        (fit_with(asked=lambda stopping, losses, model: stopping.step(losses[-1], 0)), "state", "a int in"),
        (fit_with(asked=lambda stopping, losses, model: False), "state", "was called more than"),
        (fit_with(stops=False), "state", "no longer once `stopping.step` says so"),
        (fit_with(restores="never"), "state", "`stopping.restore(model)` was not called"),
        (fit_with(restores="each epoch"), "state", "Call it once, in the end"),
        (fit_with(restores="when it stops"), "state", "also needed when all epochs are done"),
    ],
)  # fmt: skip
def test_a_wrong_training_is_described(lab: Lab, function: Any, aspect: str, said: str) -> None:
    assert said in message(lab, fit_check(function, aspect))
