"""A call of a student's code leaves everything as it found it, but for what its text allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from autograder import open_lab
from autograder.block import Block
from autograder.checks.calling import call_student
from autograder.checks.guard import NOTHING, May, collecting
from autograder.judge import record
from autograder.key import agree
from autograder.language import LANGUAGES
from autograder.messages import Message
from autograder.observation import Observation
from autograder.replay import replay
from tests.notebook_code import run_cell

START = """
import copy, os, random
import numpy as np
import torch
from torch import nn
from torch import manual_seed
from random import seed as seed_python
counter, kept = 0, []
"""


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let every test work in an empty folder, and nothing of it outlive it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.txt").write_text("there before")
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    torch.set_default_device(None)


class World:
    """What a call lends: a network, its optimiser, a batch, a list and a dictionary of tensors."""

    def __init__(self, *, training: bool = True) -> None:
        torch.manual_seed(0)
        self.network = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Dropout(0.5), nn.Linear(3, 1))
        self.network.double().train(training)
        self.optimizer = torch.optim.SGD(self.network.parameters(), lr=0.1, momentum=0.5)
        self.batch = torch.randn(5, 2, dtype=torch.float64)
        self.items = [torch.ones(2, dtype=torch.float64), torch.zeros(2, dtype=torch.float64)]
        self.table = {"first": torch.ones(2, dtype=torch.float64), "name": "value"}

    def lent(self) -> tuple[Any, ...]:
        return self.network, self.optimizer, self.batch, self.items, self.table

    def state(self) -> list[Any]:
        """Return all that a call could have left changed."""
        numbers = [*self.network.parameters(), self.batch, *self.items, self.table["first"]]
        return [
            [layer.training for layer in self.network.modules()],
            [parameter.requires_grad for parameter in self.network.parameters()],
            [None if p.grad is None else p.grad.tolist() for p in self.network.parameters()],
            [tensor.tolist() for tensor in numbers],
            [group["lr"] for group in self.optimizer.param_groups],
            [id(tensor) for tensor in (*self.items, *self.table.values())],
            list(self.table),
        ]


def function_of(body: str) -> tuple[Callable[..., Any], dict[str, Any]]:
    """Return a function of a notebook with some lines as its body, and the names of that notebook."""
    lines = "".join(f"\n    {line}" for line in body.splitlines())
    names = run_cell(f"{START}\ndef f(network, optimizer, batch, items, table):{lines}\n")
    return names["f"], names


def left(body: str, world: World | None = None, may: May = NOTHING) -> list[Message]:
    """Return what a call of a function with these lines leaves changed."""
    world = world or World()
    function, _ = function_of(body)
    with replay(1), collecting() as found:
        call_student(function, *world.lent(), may=may)
    for message in found.messages:
        assert all(message.render(language) for language in LANGUAGES)
    return found.messages


def keys(body: str, world: World | None = None, may: May = NOTHING) -> list[str]:
    return [message.key for message in left(body, world, may)]


# --- what is found -----------------------------------------------------------------------------------

CHANGES = [
    # Modes.
    ("network.eval()", "left_mode"),
    ("network.training = False", "left_mode"),
    ("network[1].eval()", "left_mode_of_layer"),
    ("network[2].training = False", "left_mode_of_layer"),
    # Who wants gradients.
    ("network.requires_grad_(False)", "left_requires_grad"),
    ("network[0].bias.requires_grad = False", "left_requires_grad"),
    # What a network is made of.
    ("network[0].weight = nn.Parameter(network[0].weight.detach().clone())", "left_replaced"),
    ("network[0].bias = None", "left_replaced"),
    ("network[1].running_mean = network[1].running_mean.clone()", "left_replaced"),
    ("network[3] = nn.Linear(3, 1)", "left_replaced"),
    ("network.append(nn.ReLU())", "left_replaced"),
    ("network.register_buffer('more', torch.ones(1))", "left_replaced"),
    # What it holds.
    ("network[0].weight.data.mul_(2)", "left_numbers"),
    ("network[0].weight.data = network[0].weight.data * 2", "left_numbers"),
    ("with torch.no_grad(): network[3].bias.fill_(7.0)", "left_numbers"),
    ("nn.init.normal_(network[3].weight)", "left_numbers"),
    ("network.load_state_dict({k: v + 1 for k, v in network.state_dict().items()})", "left_numbers"),
    # What is left for the next step.
    ("network(batch).sum().backward()", "left_gradients"),
    ("network[0].weight.grad = torch.ones_like(network[0].weight)", "left_gradients"),
    ("network.register_forward_hook(lambda *given: None)", "left_hook"),
    ("network[0].register_full_backward_hook(lambda *given: None)", "left_hook"),
    # Optimisers.
    ("optimizer.param_groups[0]['lr'] = 0.5", "left_optimizer"),
    ("for group in optimizer.param_groups: group['momentum'] = 0.0", "left_optimizer"),
    ("optimizer.add_param_group({'params': [nn.Parameter(torch.ones(1))]})", "left_optimizer"),
    # Tensors.
    ("batch.add_(1)", "left_argument"),
    ("batch[0] = 0", "left_argument"),
    ("batch.data.zero_()", "left_argument"),
    ("batch.numpy()[:] = 0", "left_argument"),
    ("torch.add(batch, 1, out=batch)", "left_argument"),
    ("batch += 1", "left_argument"),
    ("nn.functional.relu(batch, inplace=True)", "left_argument"),
    ("batch.unsqueeze_(0)", "left_argument"),
    ("items[0].add_(1)", "left_argument"),
    ("table['first'].add_(1)", "left_argument"),
    # Lists and dictionaries.
    ("items.append(batch)", "left_container"),
    ("items[0] = items[0] + 1", "left_container"),
    ("items.reverse()", "left_container"),
    ("items.clear()", "left_container"),
    ("table['first'] = table['first'] + 1", "left_container"),
    ("table['more'] = 1", "left_container"),
    ("del table['first']", "left_container"),
    ("table.pop('name')", "left_container"),
    # PyTorch and Python.
    ("torch.set_default_dtype(torch.float32)", "left_setting"),
    ("torch.set_grad_enabled(False)", "left_setting"),
    ("torch.set_default_device('meta')", "left_setting"),
    ("torch.set_num_threads(2)", "left_setting"),
    ("torch.use_deterministic_algorithms(False)", "left_setting"),
    ("torch.use_deterministic_algorithms(True)", "left_setting"),
    ("os.mkdir('below'); os.chdir('below')", "left_setting"),
    # Seeds.
    ("torch.manual_seed(3)", "left_seeded"),
    ("torch.random.manual_seed(3)", "left_seeded"),
    ("manual_seed(3)", "left_seeded"),
    ("torch.seed()", "left_seeded"),
    ("torch.default_generator.manual_seed(3)", "left_seeded"),
    ("torch.set_rng_state(torch.Generator().manual_seed(3).get_state())", "left_seeded"),
    ("torch.manual_seed(3); torch.rand(2)", "left_seeded"),
    ("np.random.seed(3)", "left_seeded"),
    ("random.seed(3)", "left_seeded"),
    ("seed_python(3)", "left_seeded"),
    # The notebook.
    ("global counter; counter += 1", "left_global"),
    ("global fresh; fresh = 1", "left_global"),
    ("global kept; del kept", "left_global"),
    ("globals()['f'] = None", "left_global"),
    # Files.
    ("open('new.txt', 'w').close()", "left_file"),
    ("open('there.txt', 'a').write('more')", "left_file"),
    ("os.remove('there.txt')", "left_file"),
    ("os.mkdir('folder')", "left_file"),
    ("torch.save(batch, 'batch.pt')", "left_file"),
    ("np.savetxt('batch.txt', batch.numpy())", "left_file"),
]


@pytest.mark.parametrize(("body", "key"), CHANGES, ids=[body[:60] for body, _ in CHANGES])
def test_what_a_call_leaves_changed_is_found(body: str, key: str) -> None:
    assert key in keys(body)


IN_PLACE = ["array[0] = 7", "array -= array.mean()", "array.sort()", "np.random.shuffle(array)"]


@pytest.mark.parametrize("body", IN_PLACE)
def test_an_array_that_is_changed_is_found_and_put_back(body: str) -> None:
    names = run_cell(f"import numpy as np\ndef f(array):\n    {body}\n    return array")
    array = np.array([5.0, 1.0, 4.0, 2.0])
    with replay(1), collecting() as found:
        returned = call_student(names["f"], array)
    assert [message.key for message in found.messages] == ["left_argument"]
    assert "`array`" in found.messages[0].render("en")
    assert array.tolist() == [5.0, 1.0, 4.0, 2.0] != returned.tolist()


def test_statistics_that_are_changed_outside_of_training_are_found() -> None:
    assert keys("network[1].running_mean.add_(1)", World(training=False)) == ["left_numbers"]


def test_a_network_that_changes_its_own_numbers_when_it_is_called_is_found() -> None:
    names = run_cell(
        START
        + """
class Scaling(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2))
    def forward(self, x):
        self.weight.data *= 2
        return x * self.weight
"""
    )
    with replay(1), collecting() as found:
        network = names["Scaling"]()
        returned = call_student(network, torch.ones(2))
        assert network.weight.tolist() == [1.0, 1.0]
    assert [message.key for message in found.messages] == ["left_numbers"]
    assert "your network" in found.messages[0].render("en") and returned.tolist() == [2.0, 2.0]


def test_a_network_that_puts_new_parameters_in_the_place_of_old_ones_is_found() -> None:
    names = run_cell(
        START
        + """
class Renewing(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2))
    def forward(self, x):
        self.weight = nn.Parameter(self.weight.detach() * 1)
        return x * self.weight
"""
    )
    with replay(1), collecting() as found:
        call_student(names["Renewing"](), torch.ones(2))
    assert [message.key for message in found.messages] == ["left_replaced"]


def test_a_method_of_a_network_is_watched_like_the_network() -> None:
    names = run_cell(
        START
        + """
class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)
    def encode(self, x):
        self.eval()
        return self.layer(x)
"""
    )
    with replay(1), collecting() as found:
        call_student(names["Encoder"]().encode, torch.ones(1, 2))
    assert [message.key for message in found.messages] == ["left_mode"]


def test_a_finding_names_what_was_lent_as_the_student_does() -> None:
    (mode,) = left("network.eval()")
    assert "`network` in train mode and leaves it in eval mode" in mode.render("en")
    (layer,) = left("network[1].eval()")
    assert "BatchNorm1d layer of `network` in eval mode" in layer.render("en")
    (argument,) = left("batch.add_(1)")
    assert "`batch`" in argument.render("en") and "`batch`" in argument.render("es")
    (numbers,) = left("network[0].weight.data.mul_(2)")
    assert "`0.weight` in `network`" in numbers.render("en")
    (name,) = left("global counter; counter += 1")
    assert "`counter`" in name.render("en")
    (file,) = left("open('new.txt', 'w').close()")
    assert "`new.txt`" in file.render("en")


def test_arguments_beyond_the_names_of_a_function_have_a_number() -> None:
    names = run_cell("def f(*given):\n    given[1].add_(1)\n")
    with replay(1), collecting() as found:
        call_student(names["f"], torch.ones(1), torch.ones(1))
    assert "argument 2" in found.messages[0].render("en")


def test_each_thing_is_said_once() -> None:
    function, _ = function_of("network.eval()\ntorch.manual_seed(1)")
    with replay(1), collecting() as found:
        for _ in range(3):
            call_student(function, *World().lent())
    assert sorted(message.key for message in found.messages) == ["left_mode", "left_seeded"]


# --- everything is put back --------------------------------------------------------------------------

# What is made of other objects afterwards stays so: the next call gets new ones anyway.
_STAYS = {"left_replaced", "left_hook", "left_file"}
PUT_BACK = [(body, key) for body, key in CHANGES if key not in _STAYS and "unsqueeze_" not in body]


def outside() -> list[Any]:
    return [
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
        torch.get_default_device(),
        torch.get_num_threads(),
        torch.get_deterministic_debug_mode(),
        Path.cwd(),
    ]


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize(("body", "key"), PUT_BACK, ids=[body[:60] for body, _ in PUT_BACK])
def test_what_was_changed_is_put_back_whether_the_call_returns_or_raises(
    body: str, key: str, fails: bool
) -> None:
    world = World()
    function, names = function_of(f"{body}\nraise ValueError" if fails else body)
    before, held = world.state(), dict(names)
    with replay(1):
        around = outside()
        with collecting() as found:
            try:
                call_student(function, *world.lent())
            except ValueError:
                assert fails
        assert outside() == around
    assert world.state() == before
    assert names == held
    assert (found.messages == []) is fails  # what raises says so itself


def test_a_tensor_that_lost_its_shape_is_found() -> None:
    assert keys("batch.resize_(3)") == ["left_argument"]


# --- what is no finding ------------------------------------------------------------------------------

HARMLESS = [
    "return network(batch)",
    "was = network.training; network.eval(); network(batch); network.train(was)",
    "network.requires_grad_(False); network(batch); network.requires_grad_(True)",
    "return torch.autograd.grad(network(batch).sum(), list(network.parameters()))",
    "x = batch.detach().requires_grad_()\nreturn torch.autograd.grad(network(x).sum(), x, create_graph=True)",
    "return torch.autograd.grad(network(batch.requires_grad_()).sum(), batch, create_graph=True)",
    "with torch.no_grad(): return network(batch)",
    "with torch.inference_mode(): return network(batch)",
    "with torch.set_grad_enabled(False): return network(batch)",
    "network.zero_grad()",
    "network.zero_grad(set_to_none=False)",
    "optimizer.zero_grad()",
    "for p in network.parameters(): p.grad = torch.zeros_like(p)",
    "handle = network.register_forward_hook(lambda *given: None); network(batch); handle.remove()",
    "twin = copy.deepcopy(network); twin.eval(); twin[0].weight.data.zero_()",
    "twin = copy.deepcopy(network); twin(batch).sum().backward()",
    "return network.state_dict()",
    "network.load_state_dict(network.state_dict())",
    "network.double(); network.to('cpu')",
    "changed = batch.clone(); changed.add_(1)",
    "batch = batch + 1",
    "batch = batch.double(); batch = batch / 2",
    "items = items + [batch]",
    "for item in sorted(items, key=lambda t: float(t.sum())): pass",
    "table = {**table, 'more': 1}",
    "return torch.rand(3), torch.randn(3), torch.randperm(3)",
    "return torch.rand(3, generator=torch.Generator().manual_seed(3))",
    "return np.random.default_rng(3).random(2), np.random.rand(), random.random()",
    "return random.Random(3).random()",
    "return np.random.RandomState(3).rand()",
    "state = torch.get_rng_state(); torch.set_rng_state(state)",
    "kept.append(1)",
    "local = counter + 1",
    "here = os.getcwd(); os.mkdir('x'); os.chdir('x'); os.chdir(here); os.rmdir('x')",
    "with open('there.txt') as file: return file.read()",
    "import warnings; warnings.warn('what the call warns about is kept among the names of its notebook')",
    "return batch[:1, 0].std()",
    "threads = torch.get_num_threads(); torch.set_num_threads(2); torch.set_num_threads(threads)",
    "with torch.device('cpu'): return torch.ones(2)",
    "return torch.optim.SGD(network.parameters(), lr=3.0)",
    "return lambda: network",
]


@pytest.mark.parametrize("body", HARMLESS, ids=[body[:60] for body in HARMLESS])
@pytest.mark.parametrize("training", [True, False])
def test_what_is_undone_or_done_to_a_copy_is_no_finding(body: str, training: bool) -> None:
    assert keys(body, World(training=training)) == []


def test_batch_statistics_move_in_train_mode() -> None:
    world = World()
    before = world.network[1].running_mean.clone()
    assert keys("network(batch); return network(batch + 1)", world) == []
    assert not torch.equal(before, world.network[1].running_mean)


def call_network(factory: Callable[[], nn.Module], x: torch.Tensor, *, training: bool = True) -> list[str]:
    with replay(1), collecting() as found:
        call_student(factory().train(training), x.double())
    return [message.key for message in found.messages]


@pytest.mark.parametrize(
    "network",
    [
        lambda: nn.Sequential(nn.LazyLinear(3), nn.LazyBatchNorm1d(), nn.LazyLinear(1)),
        lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(2, 3)),
        lambda: nn.utils.spectral_norm(nn.Linear(2, 3)),
        lambda: nn.utils.parametrizations.weight_norm(nn.Linear(2, 3)),
        lambda: nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Dropout(0.5)),
        lambda: nn.LSTM(2, 3),
        lambda: nn.TransformerEncoderLayer(2, 1, 4),
    ],
)
@pytest.mark.parametrize("training", [True, False])
def test_layers_that_make_or_move_tensors_of_their_own_are_no_finding(network: Any, training: bool) -> None:
    assert call_network(network, torch.ones(4, 2), training=training) == []


def test_tensors_without_numbers_are_no_finding() -> None:
    assert call_network(lambda: nn.Linear(2, 3, device="meta"), torch.ones(4, 2, device="meta")) == []


def test_numbers_that_are_no_numbers_are_the_same_as_before() -> None:
    world = World()
    world.batch.fill_(torch.nan)
    world.network[0].weight.data.fill_(torch.nan)
    assert keys("return batch * 2", world) == []


def test_numbers_of_every_type_are_compared() -> None:
    names = run_cell("def f(x): x[0] = 1")
    for dtype in (torch.uint8, torch.int64, torch.bool, torch.float16, torch.complex64):
        with replay(1), collecting() as found:
            call_student(names["f"], torch.zeros(3, dtype=dtype))
        assert [message.key for message in found.messages] == ["left_argument"], dtype


def test_a_folder_with_a_great_many_files_is_not_listed(tmp_path: Path) -> None:
    for number in range(2100):
        (tmp_path / f"{number}.txt").touch()
    assert keys("open('new.txt', 'w').close()") == []


def test_code_of_no_notebook_has_no_names_to_watch() -> None:
    names = run_cell("def f():\n    global fresh\n    fresh = 1\n", {"__name__": "some_module"})
    with replay(1), collecting() as found:
        call_student(names["f"])
    assert found.messages == []


# --- what a text allows ------------------------------------------------------------------------------

STEP = "optimizer.zero_grad(); network(batch).sum().backward(); optimizer.step()"


@pytest.mark.parametrize(
    ("body", "allowed"),
    [
        (STEP, lambda world: May(train=(world.network, world.optimizer))),
        (STEP, lambda world: May(train=([world.network],))),
        ("nn.init.zeros_(network[0].weight)", lambda world: May(fill=(world.network,))),
        ("batch.add_(1)", lambda world: May(fill=(world.batch,))),
        ("items[0].add_(1)", lambda world: May(fill=(world.items,))),
        ("items.append(1); items[0].add_(1)", lambda world: May(fill=(world.items,))),
        ("table['more'] = 1", lambda world: May(fill=(world.table,))),
        ("optimizer.param_groups[0]['lr'] = 3.0", lambda world: May(fill=(world.optimizer,))),
        ("network.eval()", lambda world: May(set_mode=True)),
        ("network[1].eval()", lambda world: May(set_mode=True)),
        ("torch.manual_seed(3); random.seed(3); np.random.seed(3)", lambda world: May(seed=True)),
        ("open('new.txt', 'w').close()", lambda world: May(write=True)),
    ],
)
def test_what_a_text_allows_is_no_finding(body: str, allowed: Callable[[World], May]) -> None:
    world = World()
    before = world.state()
    assert keys(body, world) != []
    assert world.state() == before or "network" in body
    world = World()
    assert keys(body, world, allowed(world)) == []


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (f"{STEP}; network.eval()", "left_mode"),
        (f"{STEP}; network.requires_grad_(False)", "left_requires_grad"),
        (f"{STEP}; optimizer.param_groups[0]['lr'] *= 0.9", "left_optimizer"),
        (f"{STEP}; batch.add_(1)", "left_argument"),
        (f"{STEP}; torch.manual_seed(1)", "left_seeded"),
        (f"{STEP}; network[0].weight = nn.Parameter(torch.ones(3, 2))", "left_replaced"),
    ],
)
def test_a_network_that_is_trained_is_watched_for_everything_else(body: str, key: str) -> None:
    world = World()
    assert keys(body, world, May(train=(world.network,))) == [key]


def test_training_one_network_does_not_allow_to_move_another() -> None:
    names = run_cell(
        START
        + """
def f(one, other, optimizer, batch):
    optimizer.zero_grad()
    (one(batch) + other(batch)).sum().backward()
    optimizer.step()
"""
    )
    one, other = World(), World()
    with replay(1), collecting() as found:
        may = May(train=(one.network, one.optimizer))
        call_student(names["f"], one.network, other.network, one.optimizer, one.batch, may=may)
    assert [message.key for message in found.messages] == ["left_gradients"]
    assert "`other`" in found.messages[0].render("en")


# --- what it costs -----------------------------------------------------------------------------------

CHECKS = ("cell.first", "cell.second", "cell.third")


def observed(body: str, checks: tuple[str, ...] = CHECKS) -> dict[str, Observation]:
    """Return what the checks of a cell observe of a function."""
    names = run_cell(f"{START}\ndef f(network, batch):\n" + "".join(f"    {x}\n" for x in body.splitlines()))
    with record(5) as recording:
        lab = open_lab("any", language="en")
        with lab.marks("cell", points=3) as block:
            cell(block, names["f"], checks)
    return recording.observations


def cell(block: Block, function: Any, checks: tuple[str, ...]) -> None:
    lab = block.session
    for name in checks:
        network = lab.supplied_network((2,), 3)  # type: ignore[attr-defined]
        rows = lab.supplied_samples(("n", 2), name)  # type: ignore[attr-defined]
        block.fingerprint(name, function, network, rows, points=1)


RIGHT = "return network(batch).detach()"


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (f"network.train(not network.training)\n{RIGHT}", "left_mode"),
        (f"network.requires_grad_(False)\n{RIGHT}", "left_requires_grad"),
        (f"network(batch).sum().backward()\n{RIGHT}", "left_gradients"),
        (f"torch.manual_seed(1)\n{RIGHT}", "left_seeded"),
        (f"torch.set_default_dtype(torch.float32)\n{RIGHT}", "left_setting"),
        (f"torch.set_grad_enabled(False)\n{RIGHT}", "left_setting"),
        (f"global counter\ncounter += 1\n{RIGHT}", "left_global"),
        ("out = network(batch).detach()\nbatch.add_(1)\nnetwork[1].weight.data.mul_(2)\nreturn out", None),
        (f"network.eval()\ntorch.manual_seed(1)\nnp.random.seed(1)\n{RIGHT}", None),
    ],
)
def test_what_is_left_changed_costs_one_check_of_the_cell(body: str, key: str | None) -> None:
    right, other = observed(RIGHT), observed(body)
    first, *others = CHECKS
    error = other[first].error
    assert error == key if key else error and error.startswith("left_")
    assert not agree(right[first], other[first])
    assert all(agree(right[name], other[name]) for name in others)


def test_what_a_later_check_finds_first_costs_that_one() -> None:
    body = "if float(batch.sum()) > -1e9 and counter: network.eval()\n" + RIGHT
    names = run_cell(f"{START}\ndef f(network, batch):\n    {body.splitlines()[0]}\n    {RIGHT}\n")
    with record(5) as recording:
        lab = open_lab("any", language="en")
        with lab.marks("cell", points=3) as block:
            cell(block, names["f"], CHECKS[:1])
            names["counter"] = 1
            cell(block, names["f"], CHECKS[1:])
    errors = [recording.observations[name].error for name in CHECKS]
    assert errors == [None, "left_mode", None]


def test_another_cell_is_charged_anew() -> None:
    names = run_cell(f"{START}\ndef f(network, batch):\n    torch.manual_seed(1)\n    {RIGHT}\n")
    with record(5) as recording:
        lab = open_lab("any", language="en")
        for block_name in ("one", "two"):
            with lab.marks(block_name, points=2) as block:
                cell(block, names["f"], (f"{block_name}.first", f"{block_name}.second"))
    errors = [observation.error for observation in recording.observations.values()]
    assert errors == ["left_seeded", None, "left_seeded", None]


def test_a_result_that_is_the_changed_argument_is_still_the_result() -> None:
    """An argument that is put back must not take the result with it."""
    right, other = observed("return batch + 1"), observed("return batch.add_(1)")
    first, *others = CHECKS
    assert other[first].error == "left_argument"
    assert all(agree(right[name], other[name]) for name in others)


def test_a_view_of_the_changed_argument_is_still_the_result() -> None:
    right, other = observed("return (batch + 1)[:, 0]"), observed("batch += 1\nreturn batch[:, 0]")
    assert all(agree(right[name], other[name]) for name in CHECKS[1:])


def test_nothing_is_compared_where_nobody_collects() -> None:
    function, _ = function_of("network.eval()")
    world = World()
    call_student(function, *world.lent())
    assert not world.network.training


@pytest.mark.parametrize(
    ("body", "training", "found"),
    [
        ("network.eval()", True, []),
        ("network.eval()\nnetwork.train()", True, []),
        ("network.train()", False, ["left_mode"]),
        ("network.eval()", False, []),
    ],
)
def test_a_mode_that_a_text_asks_for_may_stay_and_no_other(
    body: str, training: bool, found: list[str]
) -> None:
    world = World()
    world.network.train(training)
    assert keys(body, world, May(set_mode="eval")) == found


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("import numpy as np\nnp.random.seed(3)\nreturn np.random.rand()", ["left_seeded_global"]),
        ("import random\nrandom.seed(3)\nreturn random.random()", ["left_seeded_global"]),
        ("torch.manual_seed(3)\nreturn torch.rand(2)", ["left_seeded_global"]),
        ("import numpy as np\nreturn np.random.default_rng(3).random()", []),
        ("return torch.rand(2, generator=torch.Generator().manual_seed(3))", []),
        ("import random\nreturn random.Random(3).random()", []),
        ("with torch.random.fork_rng():\n    torch.manual_seed(3)\n    return torch.rand(2)", []),
        ("return torch.rand(2)", []),
    ],
)
def test_a_function_that_is_given_a_seed_seeds_a_generator_of_its_own(body: str, found: list[str]) -> None:
    assert keys(body, may=May(own_seed=True)) == found
