"""What a checkpoint holds is in its file: another process loads it."""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from autograder.checks import witness
from autograder.checks.guard import collecting
from autograder.messages import CheckFailed
from autograder.replay import replay
from course.checks.checkpoints import Resumed, resume

CPU = torch.device("cpu")


def children() -> set[int]:
    """Return the ids of this process's children; other tests' may be among them."""
    return {child.pid for child in psutil.Process().children()}


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    before = children()
    yield
    assert children() <= before


def save(path: str, epoch: int, networks: dict[str, Any], optimizers: dict[str, Any]) -> None:
    states = [{name: part.state_dict() for name, part in parts.items()} for parts in (networks, optimizers)]
    torch.save([epoch, *states], path)


def restore(state: Any, networks: dict[str, Any], optimizers: dict[str, Any]) -> int:
    epoch, *states = state
    for parts, held in zip((networks, optimizers), states, strict=True):
        for name, part in parts.items():
            part.load_state_dict(held[name])
    return int(epoch)


def load(path: str, networks: dict[str, Any], optimizers: dict[str, Any]) -> int:
    return restore(torch.load(path), networks, optimizers)


KEPT: list[Any] = []


def save_in_memory(path: str, epoch: int, networks: dict[str, Any], optimizers: dict[str, Any]) -> None:
    states = [{name: part.state_dict() for name, part in parts.items()} for parts in (networks, optimizers)]
    KEPT.append(copy.deepcopy([epoch, *states]))
    Path(path).write_text(str(len(KEPT) - 1))


def load_from_memory(path: str, networks: dict[str, Any], optimizers: dict[str, Any]) -> int:
    return restore(KEPT[int(Path(path).read_text())], networks, optimizers)


def save_a_number(path: str, epoch: int, networks: dict[str, Any], optimizers: dict[str, Any]) -> None:
    save_in_memory(path, epoch, networks, optimizers)
    torch.save(torch.tensor(len(KEPT) - 1), path)


def load_by_number(path: str, networks: dict[str, Any], optimizers: dict[str, Any]) -> int:
    return restore(KEPT[int(torch.load(path))], networks, optimizers)


def forgiving(path: str, networks: dict[str, Any], optimizers: dict[str, Any]) -> int:
    return load_from_memory(path, networks, optimizers) if KEPT else 0


def ends(*_: Any) -> int:
    os._exit(3)


def leaves(*_: Any) -> int:
    raise SystemExit


def resumed(save: Any, load: Any) -> tuple[Resumed, Resumed]:
    KEPT.clear()
    with replay(7) as running:
        return resume(save, load, running)


def failure(save: Any, load: Any) -> str:
    with pytest.raises(CheckFailed) as failed:
        resumed(save, load)
    return failed.value.message.key


def test_a_training_that_is_in_its_file_comes_back() -> None:
    seen, expected = resumed(save, load)
    assert torch.equal(seen.numbers(), expected.numbers())


def save_once(path: str, epoch: int, networks: dict[str, Any], optimizers: dict[str, Any]) -> None:
    if not Path(path).exists():
        save(path, epoch, networks, optimizers)


def halved(path: str, epoch: int, networks: dict[str, Any], optimizers: dict[str, Any]) -> None:
    copies = copy.deepcopy(networks)
    for network in copies.values():
        network.half()
    save(path, epoch, copies, optimizers)


@pytest.mark.parametrize("save", [save_once, halved])
def test_a_file_that_is_there_is_written_anew_and_with_all_digits(save: Any) -> None:
    seen, expected = resumed(save, load)
    assert not torch.allclose(seen.numbers(), expected.numbers())


def load_with_new_settings(path: str, networks: dict[str, Any], optimizers: dict[str, Any]) -> int:
    settings = {name: optimizer.state_dict()["param_groups"] for name, optimizer in optimizers.items()}
    epoch = load(path, networks, optimizers)
    for name, optimizer in optimizers.items():
        optimizer.load_state_dict({**optimizer.state_dict(), "param_groups": settings[name]})
    return epoch


def test_a_training_goes_on_at_the_rate_it_had() -> None:
    seen, expected = resumed(save, load_with_new_settings)
    assert torch.equal(seen.parameters, expected.parameters)
    assert not torch.allclose(seen.movement, expected.movement)


def load_average_of_generator(path: str, networks: dict[str, Any], optimizers: dict[str, Any]) -> int:
    epoch = load(path, networks, optimizers)
    if "average" in networks:
        networks["average"].load_state_dict(networks["generator"].state_dict())
    return epoch


def test_a_network_without_an_optimiser_comes_back_by_the_name_that_the_notebook_has() -> None:
    names = ("critic", "generator", "average")
    for loading, alike in ((load, True), (load_average_of_generator, False)):
        with replay(7) as running:
            seen, expected = resume(save, loading, running, averaged=names)
        assert torch.allclose(seen.numbers(), expected.numbers()) is alike


def test_it_is_observed_alike_where_there_is_no_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    forked, _ = resumed(save, load)
    monkeypatch.delattr(os, "fork")
    assert torch.equal(resumed(save, load)[0].numbers(), forked.numbers())


def test_a_training_in_memory_is_missed_in_the_file_where_there_is_no_fork(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "fork")
    assert failure(save_in_memory, load_from_memory) == "checkpoint_not_plain"
    assert failure(save_a_number, load_by_number) == "checkpoint_in_memory"


@pytest.mark.parametrize("load", [load_from_memory, forgiving])
def test_a_training_that_is_kept_in_memory_is_refused_by_name(load: Any) -> None:
    assert failure(save_in_memory, load) == "checkpoint_in_memory"


def save_objects(path: str, epoch: int, networks: dict[str, Any], optimizers: dict[str, Any]) -> None:
    torch.save([epoch, networks, optimizers], path)


def replace_objects(path: str, networks: dict[str, Any], optimizers: dict[str, Any]) -> int:
    epoch, *others = torch.load(path, weights_only=False)
    networks.update(others[0])
    optimizers.update(others[1])
    return int(epoch)


def fill_from_objects(path: str, networks: dict[str, Any], optimizers: dict[str, Any]) -> int:
    epoch, *others = torch.load(path, weights_only=False)
    states = [{name: part.state_dict() for name, part in parts.items()} for parts in others]
    return restore([epoch, *states], networks, optimizers)


def save_twice(path: str, epoch: int, networks: dict[str, Any], optimizers: dict[str, Any]) -> None:
    save(path, epoch, networks, optimizers)
    torch.save(epoch, f"{path}.epoch")


def save_aside(path: str, epoch: int, networks: dict[str, Any], optimizers: dict[str, Any]) -> None:
    save(f"{path}.part", epoch, networks, optimizers)
    Path(f"{path}.part").replace(path)


def load_and_seed(path: str, networks: dict[str, Any], optimizers: dict[str, Any]) -> int:
    torch.manual_seed(0)
    return load(path, networks, optimizers)


def test_what_loading_leaves_changed_is_heard_of_though_another_process_loads() -> None:
    for function, expected in ((load, []), (load_and_seed, ["left_seeded"])):
        with collecting() as findings:
            resumed(save, function)
        assert [message.key for message in findings.messages] == expected


def test_what_is_received_is_filled_and_not_replaced() -> None:
    assert failure(save_objects, replace_objects) == "checkpoint_replaced"
    assert failure(save, lambda path, networks, optimizers: networks.clear() or 3) == "checkpoint_replaced"


def test_a_file_that_needs_trust_is_refused() -> None:
    assert failure(save_objects, load) == "checkpoint_not_plain"
    assert failure(save_objects, fill_from_objects) == "checkpoint_not_plain"


def test_all_goes_into_one_file() -> None:
    assert failure(save_twice, load) == "checkpoint_more_files"
    seen, expected = resumed(save_aside, load)
    assert torch.equal(seen.numbers(), expected.numbers())


def test_what_load_raises_is_said_as_if_it_had_been_raised_here() -> None:
    with pytest.raises(CheckFailed) as failed:
        resumed(save, lambda path, networks, optimizers: torch.load(path)["epoch"])
    message = failed.value.message
    assert message.key == "raised" and message.details["error"] == "TypeError"
    assert "test_checkpoints" not in message.evidence() and "torch.load(path)" in message.render("en")
    assert failure(save, lambda path, networks, optimizers: None) == "returned_none"
    assert failure(save, leaves) == "raised"


def test_a_process_that_ends_is_named() -> None:
    assert failure(save, ends) == "witness_ended"


def test_the_other_process_knows_nothing_of_what_comes_after() -> None:
    told: list[str] = []
    with witness.witness(lambda text: [text, *told], CPU) as ask:
        told.append("secret")
        assert ask("hello") == ["hello"]


def test_an_interrupt_leaves_no_process() -> None:
    with pytest.raises(KeyboardInterrupt), witness.witness(lambda text: time.sleep(60), CPU):
        raise KeyboardInterrupt


def test_a_witness_closes_nothing_but_its_own() -> None:
    with witness.witness(lambda text: text, torch.device("cpu")) as ask:
        assert ask("question") == "question"
        # The system gives out the numbers that asking has just freed.
        numbers = [os.open(os.devnull, os.O_RDONLY) for _ in range(8)]
    for number in numbers:
        os.close(number)  # raises if somebody closed it before
