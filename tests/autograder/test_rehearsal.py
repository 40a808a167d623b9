"""A call is rehearsed on a GPU that is not there: what would stop is found, and right code never is."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from autograder import open_lab
from autograder.checks.rehearsal import rehearsals, rehearsed
from autograder.judge import record
from autograder.language import LANGUAGES
from autograder.messages import Message
from autograder.replay import replay
from tests.notebook_code import run_cell

START = """
import copy, math
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
device = torch.device("cpu")
done = []
"""


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    yield
    assert list(tmp_path.iterdir()) == []


class Layered(nn.Module):
    """A network (n, 2) -> (n, 3) with all that networks are made of."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(2, 4)
        self.norm = nn.BatchNorm1d(4)
        self.dropout = nn.Dropout(0.3)
        self.output = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.output(self.dropout(self.norm(self.hidden(x)).relu()))
        return result


def lent() -> tuple[Any, ...]:
    """Return a network, an optimiser of its parameters, a batch and labels."""
    network = Layered()
    optimizer = torch.optim.Adam(network.parameters())
    return network, optimizer, torch.randn(5, 2), torch.randint(0, 3, (5,))


def rehearse(function: Any, make: Callable[[], tuple[Any, ...]] = lent, **settings: bool) -> list[Message]:
    """Return what a rehearsal of a call finds."""
    found: list[Message] = []
    with replay(1), rehearsals(found.append, set()):
        rehearsed(function, make(), {}, **settings)
    for message in found:
        assert all(message.render(language) for language in LANGUAGES)
    return found


def notebook(body: str, before: str = "") -> dict[str, Any]:
    """Return the names of a notebook with a function of these lines; `done` fills when it ends."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return run_cell(
        f"{START}{before}\ndef work(network, optimizer, batch, labels):\n{lines}\n"
        "def f(*given):\n    returned = work(*given)\n    done.append(True)\n    return returned\n"
    )


# --- what would stop ---------------------------------------------------------------------------------

# The body, and the line at which it would stop.
MIXED = [
    ("return network(torch.randn(len(batch), 2))", 0),
    ("noise = torch.randn(len(batch), 2)\nnoise.to(batch.device)\nreturn network(noise)", 2),
    ("noise = torch.randn(len(batch), 2)\nnoise.cuda()\nreturn network(noise)", 2),
    ("noise = torch.randn(len(batch), 2, device='cpu')\nreturn network(noise)", 1),
    ("noise = torch.randn(len(batch), 2, device=torch.device('cpu'))\nreturn network(noise)", 1),
    ("noise = torch.randn_like(batch, device='cpu')\nreturn network(noise)", 1),
    ("return network(batch.cpu())", 0),
    ("return network(batch.to('cpu'))", 0),
    ("network.cpu()\nreturn network(batch)", 1),
    ("network.to('cpu')\nreturn network(batch)", 1),
    ("x = batch * 2\ny = torch.ones(5, 2)\nreturn x + y", 2),
    ("return batch - torch.tensor([1.0, 2.0])", 0),
    ("return batch - torch.tensor([[1.0], [2.0], [3.0], [4.0], [5.0]])", 0),
    ("return torch.linspace(0, 1, 2) * batch", 0),
    ("return batch @ torch.eye(2)", 0),
    ("return torch.matmul(batch, torch.ones(2, 3))", 0),
    ("return torch.einsum('ni,ij->nj', batch, torch.eye(2))", 0),
    ("batch = batch + 0\nbatch += torch.ones(5, 2)", 1),
    ("return torch.maximum(batch, torch.zeros(5, 2))", 0),
    ("return batch > torch.zeros(5, 2)", 0),
    ("return torch.cat([batch, torch.zeros(1, 2)])", 0),
    ("return torch.stack([batch, torch.zeros(5, 2)])", 0),
    ("return torch.vstack((batch, torch.zeros(5, 2)))", 0),
    ("return torch.where(batch > 0, batch, torch.zeros(5, 2))", 0),
    ("return batch.masked_fill(torch.ones(5, 2, dtype=torch.bool), 0.0)", 0),
    ("return batch.gather(1, torch.zeros(5, 1, dtype=torch.int64))", 0),
    ("return torch.lerp(batch, torch.zeros(5, 2), 0.5)", 0),
    ("weight = torch.rand(5, 1)\nreturn weight * batch + (1 - weight) * batch", 1),
    ("outputs = network(batch)\nreturn F.mse_loss(outputs, torch.ones(5, 3))", 1),
    ("outputs = network(batch)\nreturn nn.MSELoss()(outputs, torch.ones(5, 3))", 1),
    ("p = network(batch).sigmoid()\nreturn nn.BCELoss()(p, torch.ones(5, 3))", 1),
    ("return F.binary_cross_entropy_with_logits(network(batch), torch.zeros(5, 3))", 0),
    ("return F.cross_entropy(network(batch), torch.zeros(5, dtype=torch.int64))", 0),
    ("return F.nll_loss(F.log_softmax(network(batch), 1), labels.cpu())", 0),
    ("return F.cross_entropy(network(batch), labels, weight=torch.ones(3))", 0),
    ("return nn.CrossEntropyLoss(weight=torch.ones(3))(network(batch), labels)", 0),
    ("return F.linear(batch, torch.ones(4, 2))", 0),
    ("return F.embedding(labels, torch.ones(3, 2))", 0),
    ("return F.one_hot(labels, 3) * torch.arange(3)", 0),
    ("twin = copy.deepcopy(network).cpu()\nreturn twin(batch)", 1),
    ("for p in network.parameters():\n    p.data = p.data - 0.1 * torch.ones(p.shape)", 1),
    ("for row in DataLoader(TensorDataset(torch.ones(6, 2)), batch_size=3):\n    network(row[0])", 1),
    ("return batch + torch.from_numpy(np.ones((5, 2), dtype=np.float32))", 0),
    ("layer = nn.Linear(2, 2)\nreturn layer(batch)", 1),
    ("return nn.PReLU()(batch)", 0),
    ("weight = nn.Linear(2, 2).weight\nreturn batch @ weight", 1),
    ("steps = torch.zeros(3)\nfor i in range(2):\n    steps = steps + network(batch).mean(0)", 2),
]


@pytest.mark.parametrize(("body", "place"), MIXED, ids=[body[-60:] for body, _ in MIXED])
def test_tensors_of_two_devices_are_found_with_their_line(body: str, place: int) -> None:
    found = rehearse(notebook(body)["f"])
    assert [message.key for message in found] == ["gpu_mixed"]
    line = found[0].details["line"]
    assert isinstance(line, Message) and line.details["code"] == body.splitlines()[place].strip()[:80]


def test_a_finding_says_which_tensor_is_on_the_cpu() -> None:
    (found,) = rehearse(notebook("return torch.cat([batch, torch.zeros(7, 2)])")["f"])
    assert "(7, 2) that is on the CPU" in found.render("en")


NUMPY = [
    ("return batch.numpy()", 0),
    ("return np.array(batch)", 0),
    ("return np.asarray(batch)", 0),
    ("x = network(batch).detach()\nreturn x.numpy()", 1),
    ("return network(batch).detach().numpy().mean()", 0),
    ("x = batch.cpu().to(batch.device)\nreturn x.numpy()", 1),
    ("batch.cpu()\nreturn batch.numpy()", 1),
    ("return np.concatenate([batch, batch])", 0),
    ("return np.mean(np.stack([row.numpy() for row in batch]))", 0),
]


@pytest.mark.parametrize(("body", "place"), NUMPY, ids=[body[-60:] for body, _ in NUMPY])
def test_numpy_cannot_read_what_is_on_the_gpu(body: str, place: int) -> None:
    found = rehearse(notebook(body)["f"])
    assert [message.key for message in found] == ["gpu_numpy"]
    line = found[0].details["line"]
    assert isinstance(line, Message) and line.details["code"] == body.splitlines()[place].strip()[:80]


PACK = "from torch.nn.utils.rnn import pack_padded_sequence"
PACKED = """lengths = labels + 1
packed = pack_padded_sequence(batch[:, :, None], lengths{}, batch_first=True, enforce_sorted=False)
return network(packed.data.expand(-1, 2))"""


def test_lengths_of_packed_sequences_must_be_on_the_cpu() -> None:
    def given() -> tuple[Any, ...]:
        network, optimizer, batch, labels = lent()
        return network, optimizer, batch, labels.clamp(max=1)

    (found,) = rehearse(notebook(PACKED.format(""), PACK)["f"], given)
    assert found.key == "gpu_lengths" and "pack_padded_sequence(batch" in found.render("en")
    assert rehearse(notebook(PACKED.format(".cpu()"), PACK)["f"], given) == []


def test_numpy_may_read_data_where_no_network_is_lent() -> None:
    names = run_cell("import numpy as np\ndef f(rows): return np.asarray(rows).mean()")
    assert rehearse(names["f"], lambda: (torch.ones(3),)) == []


NETWORKS = {
    "a tensor that is no buffer": """
class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = torch.ones(2)
    def forward(self, x):
        return x * self.scale
""",
    "a tensor that is made anew": """
class Network(nn.Module):
    def forward(self, x):
        return x + torch.randn(x.shape)
""",
    "one label per sample": """
class Network(nn.Module):
    def forward(self, x):
        return torch.cat([x, torch.ones(len(x), 1)], dim=1)
""",
    "layers in a list of Python's": """
class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = [nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2)]
    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x
""",
    "a layer that is made in forward": """
class Network(nn.Module):
    def forward(self, x):
        return nn.Linear(2, 2)(x)
""",
    "a layer within": """
class Inner(nn.Module):
    def __init__(self):
        super().__init__()
        self.shift = torch.zeros(2)
    def forward(self, x):
        return x + self.shift
class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(Inner(), nn.Linear(2, 2))
    def forward(self, x):
        return self.inner(x)
""",
}


@pytest.mark.parametrize("code", NETWORKS.values(), ids=NETWORKS.keys())
def test_a_tensor_that_does_not_move_with_its_network_is_found(code: str) -> None:
    names = run_cell(START + code)
    with replay(1):
        network = names["Network"]()
    assert [m.key for m in rehearse(network, lambda: (torch.ones(5, 2),))] == ["gpu_mixed"]


def test_what_is_wanted_on_the_cpu_is_brought_there() -> None:
    names = notebook("return network(batch).detach()")
    assert [m.key for m in rehearse(names["f"], stay=False)] == ["gpu_returned"]
    assert rehearse(names["f"], stay=True) == []
    for body in (
        "return network(batch).detach().cpu()",
        "return network(batch).detach().to('cpu')",
        "return torch.stack([network(batch).detach().cpu() for _ in range(2)])",
        "found = []\nfound.append(network(batch).cpu())\nreturn torch.cat(found)",
        "return network(batch).detach().cpu(), 3",
    ):
        assert rehearse(notebook(body)["f"], stay=False) == [], body
    assert rehearse(notebook("return network(batch).cpu(), batch")["f"], stay=False) != []


# --- what is right -----------------------------------------------------------------------------------

STEP = "optimizer.zero_grad()\nF.cross_entropy(network(batch), labels).backward()\noptimizer.step()\n"

RIGHT = [
    # Tensors on the device of others.
    "return network(batch)",
    "return network(torch.zeros_like(batch)) + network(torch.randn_like(batch))",
    "return network(torch.randn(len(batch), 2, device=batch.device))",
    "return network(torch.randn(len(batch), 2).to(batch.device))",
    "return network(torch.randn(len(batch), 2).to(batch))",
    "noise = torch.randn(len(batch), 2)\nnoise = noise.to(batch.device)\nreturn network(noise)",
    "device = next(network.parameters()).device\nreturn network(torch.randn(5, 2, device=device))",
    "return network(torch.randn(5, 2).type_as(batch)) + batch.new_zeros(5, 3) + batch.new_ones(3)",
    "return batch + batch.new_tensor([1.0, 2.0]) + batch.new_full((2,), 3.0) + batch.new_empty(2).fill_(1)",
    "return batch + torch.tensor([1.0, 2.0], device=batch.device)",
    "return batch + torch.as_tensor([1.0, 2.0], device=batch.device)",
    "return batch * torch.ones(5, 2, device=batch.device) + torch.full_like(batch, 2.0)",
    "return torch.cat([batch, torch.zeros(1, 2, device=batch.device)])",
    "return torch.linspace(0, 1, 2, device=batch.device) * batch",
    "return batch.cuda() + torch.ones(5, 2).cuda()",
    "return batch.to('cuda') + torch.ones(5, 2, device='cuda')",
    "return batch.to('cuda:0', non_blocking=True) + torch.ones(5, 2).to(device='cuda')",
    "return batch.to(0) + torch.ones(5, 2, device=0)",
    "return batch.to(torch.float32) + torch.ones(5, 2, dtype=torch.float32, device=batch.device)",
    "return batch.to(batch.device, torch.float32) + torch.ones(5, 2).to(batch.device, torch.float32)",
    "gpu = torch.device('cuda' if torch.cuda.is_available() else 'cpu')\n"
    "return network(torch.randn(5, 2, device=gpu))",
    "gpu = 'cuda' if torch.cuda.is_available() else 'cpu'\nreturn network(torch.randn(5, 2).to(gpu))",
    "return batch + torch.from_numpy(np.ones((5, 2), dtype=np.float32)).to(batch.device)",
    "layer = nn.Linear(2, 2).to(batch.device)\nreturn layer(batch)",
    "layer = nn.Linear(2, 2, device=batch.device)\nreturn layer(batch)",
    "layers = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.PReLU()).to(device)\nreturn layers(batch)",
    "return nn.Linear(2, 2).cuda()(batch) + nn.ReLU()(batch)",
    "twin = copy.deepcopy(network)\nreturn twin(batch)",
    "return network(torch.randn(5, 2, device=device))",
    "return network(torch.randn(5, 2).to(device)) + torch.ones(3, device=device)",
    "head = nn.Linear(3, 1).to(batch.device)\nreturn head(network(batch))",
    "head = nn.Linear(3, 1, device=batch.device)\nreturn head(network(batch))",
    "network = network.to(device)\nreturn network(batch.to(device))",
    "network.to(batch.device)\nreturn network(batch)",
    "network = network.cpu()\nresult = network(batch.cpu())\nnetwork.to(device)\nreturn result",
    "return batch.is_cuda, batch.device, str(batch.device), batch.device.type",
    # Numbers, and tensors of one number.
    "return batch + torch.tensor(2.0)",
    "return torch.tensor(0.5) * network(batch)",
    "scale = torch.tensor(1.0)\nreturn torch.where(batch > 0, batch, torch.tensor(0.0)) * scale",
    "total = torch.tensor(0.0)\nfor row in network(batch):\n    total = total + row.sum()\nreturn total",
    "return float(network(batch).mean()), network(batch).sum().item(), batch.tolist(), int(labels[0])",
    "return bool((batch > 0).any()), [float(x) for x in batch[0]], len(batch), batch.shape",
    "return max(batch[:, 0]), sorted(batch[:, 0].tolist()), sum(batch[:, 0])",
    "return f'{network(batch).mean():.3f}', str(batch), repr(labels)",
    "if network(batch).mean() > 0: return batch\nreturn -batch",
    "return math.sqrt(batch.square().sum()), round(float(batch.mean()), 3)",
    # NumPy.
    "return batch.cpu().numpy(), network(batch).detach().cpu().numpy()",
    "return np.asarray(batch.cpu()), batch.numpy(force=True), np.array(batch.tolist())",
    "return torch.from_numpy(batch.cpu().numpy() * 2).to(batch.device) + batch",
    "return np.mean([network(batch).mean().item() for _ in range(2)])",
    "return batch[torch.from_numpy(np.array([0, 2]))]",
    # Indices may be on the CPU.
    "return batch[torch.tensor([0, 2])], batch[[0, 2]], batch[torch.randperm(len(batch))]",
    "return batch[torch.arange(5), torch.zeros(5, dtype=torch.int64)]",
    "return batch[torch.arange(5, device=batch.device), labels % 2]",
    "return batch[torch.arange(5), labels % 2]",
    "return batch[torch.ones(5, dtype=torch.bool)], batch[batch[:, 0] > 0], batch[labels == 1]",
    "return batch[:, None].expand(5, 3, 2), batch[..., 0], batch[-1], batch[1:3]",
    "rows = torch.zeros(5, 2, device=batch.device)\nrows[:, 0] = 1.0\nrows[1:] = batch[1:]\n"
    "return rows + batch",
    "rows = batch.clone()\nrows[torch.tensor([0, 1])] = 0.0\nreturn rows",
    "for i in torch.randperm(3): network(batch[i: i + 2])",
    # Copies between devices.
    "kept = torch.zeros(5, 2)\nkept.copy_(batch)\nreturn kept + torch.ones(5, 2)",
    "kept = torch.empty_like(batch)\nkept.copy_(torch.ones(5, 2))\nreturn kept + batch",
    "kept = torch.zeros(5, 2)\nkept[0] = batch[0]\nreturn kept + torch.ones(5, 2)",
    "kept = torch.zeros(3, 2)\nfor i in range(3): kept[i] = batch[i]\nreturn kept.numpy()",
    "with torch.no_grad():\n    for p in network.parameters(): p.copy_(torch.zeros(p.shape))",
    # Losses.
    "return F.mse_loss(network(batch), torch.ones_like(network(batch)))",
    "return nn.BCEWithLogitsLoss()(network(batch), torch.ones(5, 3, device=batch.device))",
    "return F.cross_entropy(network(batch), labels), nn.CrossEntropyLoss()(network(batch), labels)",
    "return nn.CrossEntropyLoss(weight=torch.ones(3)).to(batch.device)(network(batch), labels)",
    "return F.nll_loss(F.log_softmax(network(batch), dim=1), labels)",
    "return (F.one_hot(labels, 3).float() * network(batch)).sum(), F.one_hot(labels, num_classes=3).float()",
    "return F.cross_entropy(network(batch), torch.zeros(5, dtype=torch.int64, device=batch.device))",
    "return (network(batch).argmax(dim=1) == labels).float().mean().item()",
    "return F.embedding(labels, torch.ones(3, 2, device=batch.device))",
    "return F.softmax(network(batch), 1).gather(1, labels[:, None]), labels.bincount(minlength=3)",
    # Gradients.
    STEP,
    STEP + STEP,
    STEP + "return network(batch)",
    "optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, foreach=True)\n" + STEP + STEP,
    "optimizer = torch.optim.SGD(network.parameters(), lr=0.1, foreach=False)\n" + STEP,
    "optimizer = torch.optim.Adam(network.parameters(), foreach=True, weight_decay=0.1)\n" + STEP + STEP,
    "optimizer = torch.optim.AdamW(network.parameters(), foreach=False)\n" + STEP + STEP,
    "optimizer = torch.optim.RMSprop(network.parameters(), foreach=True, centered=True)\n" + STEP + STEP,
    "optimizer = torch.optim.Adagrad(network.parameters())\n" + STEP,
    "def closure():\n    optimizer.zero_grad()\n    loss = network(batch).square().mean()\n"
    "    loss.backward()\n    return loss\nreturn optimizer.step(closure)",
    "scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1)\n" + STEP + "scheduler.step()",
    "network(batch).sum().backward()\nreturn torch.stack([p.grad.norm() for p in network.parameters()])",
    "network(batch).sum().backward()\nreturn nn.utils.clip_grad_norm_(network.parameters(), 1.0)",
    "network(batch).backward(torch.ones_like(network(batch)))",
    "x = batch.clone().requires_grad_()\n(g,) = torch.autograd.grad(network(x).sum(), x, create_graph=True)\n"
    "((g.norm(dim=1) - 1) ** 2).mean().backward()",
    "x = batch.clone().requires_grad_()\nout = network(x)\n"
    "ones = torch.ones_like(out)\n"
    "g = torch.autograd.grad(outputs=out, inputs=x, grad_outputs=ones, create_graph=True)[0]\n"
    "return g + batch",
    "gs = torch.autograd.grad(network(batch).sum(), list(network.parameters()))\n"
    "return [p - 0.1 * g for p, g in zip(network.parameters(), gs)]",
    "with torch.no_grad():\n    for p in network.parameters(): p -= 0.1 * torch.randn_like(p)",
    "for p in network.parameters(): p.data.clamp_(-0.1, 0.1)",
    "for p in network.parameters(): nn.init.normal_(p, 0.0, 0.02)",
    "network.apply(lambda layer: nn.init.zeros_(layer.weight) if isinstance(layer, nn.Linear) else None)",
    "torch.nn.utils.parameters_to_vector(network.parameters()) + 1",
    "network.requires_grad_(False)\nreturn network(batch)",
    "with torch.inference_mode(): return network(batch) + torch.ones(3, device=batch.device)",
    "with torch.enable_grad(): return network(batch.requires_grad_())",
    "return network(batch).detach().clone().requires_grad_() + network(batch)",
    # Copies of networks.
    "twin = copy.deepcopy(network)\ntwin.load_state_dict(network.state_dict())\nreturn twin(batch)",
    "state = {k: v.clone() for k, v in network.state_dict().items()}\nnetwork.load_state_dict(state)\n"
    "return network(batch)",
    "state = {k: v.cpu() for k, v in network.state_dict().items()}\nnetwork.load_state_dict(state)\n"
    "return network(batch)",
    "state = copy.deepcopy(optimizer.state_dict())\n" + STEP + "optimizer.load_state_dict(state)\n" + STEP,
    "twin = type(network)().to(batch.device)\nreturn twin(batch)",
    "average = copy.deepcopy(network)\nfor a, p in zip(average.parameters(), network.parameters()):\n"
    "    a.data.mul_(0.9).add_(p.data, alpha=0.1)\nreturn average(batch)",
    "import io\nstream = io.BytesIO()\ntorch.save(network.state_dict(), stream)",
    # Batches of a data set.
    "rows = TensorDataset(torch.ones(6, 2), torch.zeros(6, dtype=torch.int64))\n"
    "for x, y in DataLoader(rows, batch_size=3, shuffle=True):\n"
    "    F.cross_entropy(network(x.to(batch.device)), y.to(batch.device)).backward()",
    "for x, in DataLoader(TensorDataset(batch.cpu()), batch_size=5): network(x.to(device))",
    "for x, y in DataLoader([(row, 0) for row in torch.ones(6, 2)], 3):\n"
    "    F.cross_entropy(network(x.cuda()), y.cuda())",
    # Functions of PyTorch.
    "return torch.where(batch > 0, batch, 0.0), batch.masked_fill(batch > 0, 0.0), batch.clamp(min=0)",
    "return torch.where(batch > 0, batch, torch.zeros_like(batch)), batch.masked_fill_(batch > 0, 0.0)",
    "e = torch.rand(5, 1, device=batch.device)\nreturn e * batch + (1 - e) * torch.randn_like(batch)",
    "return torch.lerp(batch, torch.zeros_like(batch), 0.3), torch.addcmul(batch, batch, batch)",
    "return F.interpolate(batch[:, :, None], scale_factor=2), F.pad(batch, (1, 1)), F.dropout(batch, 0.5)",
    "return batch.mean(0), batch.std(0), batch.sort(0).values, batch.topk(1), batch.cumsum(0)",
    "return batch.T @ batch",
    "return torch.stack([batch, batch]).flatten(1), torch.cat((batch, batch), 1)",
    "return batch.view(2, 5).permute(1, 0)",
    "return list(zip(batch, labels)), torch.chunk(batch, 2), batch.split(2), batch.unbind()",
    "return torch.einsum('ni,nj->nij', batch, batch), torch.bmm(batch[:, None], batch[:, :, None])",
    "return batch.norm(), torch.cdist(batch, batch), torch.linalg.norm(batch, dim=1)",
    "return torch.distributions.Normal(batch.mean(0), batch.std(0)).sample(), batch.isfinite().all()",
    "return torch.bernoulli(torch.full_like(batch, 0.5)), torch.multinomial(batch.abs(), 1)",
    "return batch.uniform_(), batch.normal_(), batch.var(unbiased=False)",
    "handle = network.register_forward_hook(lambda m, given, out: None)\nnetwork(batch)\nhandle.remove()",
    "seen = []\nhandle = network.hidden.register_forward_hook(lambda m, given, out: seen.append(out))\n"
    "network(batch)\nhandle.remove()\nreturn seen[0] + 1",
    "network.eval()\nout = network(batch)\nnetwork.train()\nreturn out",
]


@pytest.mark.parametrize("body", RIGHT, ids=[body[-70:].replace("\n", "; ") for body in RIGHT])
def test_right_code_is_rehearsed_to_its_end_and_passes(body: str) -> None:
    names = notebook(body)
    assert rehearse(names["f"]) == []
    assert names["done"] == [True]


MODULES = {
    "a buffer": """
class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("scale", torch.ones(2))
    def forward(self, x):
        return x * self.scale
""",
    "a buffer that is not kept": """
class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("scale", torch.ones(2), persistent=False)
    def forward(self, x):
        return x * self.scale
""",
    "lists of parameters and layers": """
class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.shifts = nn.ParameterList([nn.Parameter(torch.zeros(2)) for _ in range(3)])
        self.layers = nn.ModuleList([nn.Linear(2, 2) for _ in range(3)])
        self.named = nn.ModuleDict({"last": nn.Linear(2, 2)})
        self.gains = nn.ParameterDict({"last": nn.Parameter(torch.ones(2))})
    def forward(self, x):
        for shift, layer in zip(self.shifts, self.layers):
            x = layer(x) + shift
        return self.named["last"](x) * self.gains["last"]
""",
    "noise on the device of its input": """
class Network(nn.Module):
    def forward(self, x):
        return x + torch.randn(x.shape, device=x.device) + torch.randn_like(x)
""",
    "a tensor of one number": """
class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = torch.tensor(2.0)
    def forward(self, x):
        return x * self.scale
""",
    "a tensor that follows its input": """
class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = torch.ones(2)
    def forward(self, x):
        return x * self.scale.to(x.device)
""",
    "a function with a gradient of its own": """
class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return 2 * x
    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return 2 * gradient + 0 * x
class Network(nn.Module):
    def forward(self, x):
        return Double.apply(x)
""",
    "recurrent layers": """
class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.LSTM(2, 3, batch_first=True)
        self.cell = nn.GRUCell(3, 3)
    def forward(self, x):
        hidden, _ = self.layer(x[:, None])
        state = torch.zeros(len(x), 3, device=x.device)
        return self.cell(hidden[:, 0], state)
""",
    "attention": """
class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(2, 1, batch_first=True)
    def forward(self, x):
        return self.attention(x[:, None], x[:, None], x[:, None])[0]
""",
    "convolutions and pooling": """
class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Unflatten(1, (1, 1, 2)), nn.ConvTranspose2d(1, 3, 4, 2, 1), nn.BatchNorm2d(3), nn.ReLU(),
            nn.Conv2d(3, 2, 3, padding=1), nn.GroupNorm(1, 2), nn.LeakyReLU(0.2), nn.MaxPool2d(2),
            nn.Upsample(scale_factor=2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LayerNorm(2), nn.PReLU(),
        )
    def forward(self, x):
        return self.layers(x)
""",
    "an embedding": """
class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(4, 2)
    def forward(self, x):
        ids = torch.zeros(len(x), dtype=torch.int64, device=x.device)
        return x + self.embedding(ids) + self.embedding(torch.arange(len(x), device=x.device) % 4)
""",
    "spectral normalisation": """
class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.utils.parametrizations.spectral_norm(nn.Linear(2, 2))
        self.other = nn.utils.spectral_norm(nn.Linear(2, 2))
    def forward(self, x):
        return self.other(self.layer(x))
""",
    "weights that are scaled when they are used": """
class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, 2))
        self.scale = math.sqrt(2 / 2)
    def forward(self, x):
        return F.linear(x, self.weight * self.scale)
""",
    "statistics of the batch": """
class Network(nn.Module):
    def forward(self, x):
        deviation = x.std(dim=0, unbiased=False).mean()
        return torch.cat([x, deviation.expand(len(x), 1)], dim=1)
""",
    "layers that are made when they are needed": """
class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.LazyLinear(3)
    def forward(self, x):
        return self.layer(x)
""",
}


@pytest.mark.parametrize("code", MODULES.values(), ids=MODULES.keys())
@pytest.mark.parametrize("training", [True, False])
def test_right_networks_are_rehearsed_to_their_end_and_pass(code: str, training: bool) -> None:
    names = run_cell(f"{START}{code}")
    run_cell(
        "def f(network, batch):\n    network(batch.requires_grad_()).sum().backward()\n    done.append(True)",
        names,
    )

    def make() -> tuple[Any, ...]:
        return names["Network"]().train(training), torch.randn(5, 2)

    assert rehearse(names["f"], make) == []
    assert names["done"] == [True]
    assert rehearse(*(lambda network, batch: (network, lambda: (batch,)))(*make())) == []


def test_functions_that_have_other_devices_among_their_defaults_are_rehearsed() -> None:
    names = run_cell(
        START + "def f(network, n, *, device=device):\n    return network(torch.ones(n, 2, device=device))"
    )
    names["f"].__kwdefaults__ = {"device": "cuda"}
    assert rehearse(names["f"], lambda: (lent()[0], 3)) == []


def test_what_cannot_be_rehearsed_passes() -> None:
    class Uncopied(nn.Module):
        def __deepcopy__(self, memo: Any) -> None:
            raise RuntimeError("not to be copied")

    names = run_cell("import torch\ndef f(network): return torch.ones(2) + network\ndef g(network): 1 / 0")
    assert rehearse(names["f"], lambda: (Uncopied(),)) == []
    assert rehearse(names["g"], lambda: (nn.Linear(1, 1),)) == []  # the call itself will tell
    assert rehearse(names["f"], lambda: (3,)) == []
    assert rehearse(names["f"], lambda: (torch.ones(2, device="meta"),)) == []


def test_a_function_is_rehearsed_once_in_a_cell() -> None:
    names = notebook("return network(torch.ones(5, 2))")
    found: list[Message] = []
    with replay(1), rehearsals(found.append, set()):
        for _ in range(3):
            rehearsed(names["f"], lent(), {})
    assert len(found) == 1


# --- nothing of it is left ---------------------------------------------------------------------------


def test_a_rehearsal_leaves_what_was_lent_as_it_is() -> None:
    names = notebook(f"{STEP}network.eval()\nbatch.add_(1)\nnetwork.requires_grad_(False)")

    def numbers(network: Any, batch: torch.Tensor) -> list[Any]:
        return [tensor.tolist() for tensor in (*network.parameters(), *network.buffers(), batch)]

    with replay(1), rehearsals(lambda message: None, set()):
        held = lent()
        network, optimizer, batch, _ = held
        before = numbers(network, batch)
        rehearsed(names["f"], held, {})
        after = numbers(network, batch)
    assert names["done"] == [True] and after == before
    assert all(layer.training for layer in network.modules()) and not optimizer.state
    assert all(p.requires_grad and p.grad is None for p in network.parameters())
    tensors = [*network.parameters(), *network.buffers(), batch]
    assert not any(name.startswith("_rehearsed") for tensor in tensors for name in vars(tensor))


DRAWS = "torch.rand(3); torch.randn(2); np.random.rand(); random.random(); torch.randperm(4)"


@pytest.mark.parametrize(
    "body",
    [
        DRAWS,
        f"torch.manual_seed(3); {DRAWS}",
        f"torch.set_rng_state(torch.get_rng_state()); {DRAWS}",
        "np.random.seed(3); random.seed(3)",
        f"{DRAWS}; network(torch.ones(5, 2))",
    ],
)
def test_a_rehearsal_draws_no_random_number_of_the_replay(body: str) -> None:
    names = notebook(body, "import random\n")

    def draw(rehearsing: bool) -> list[Any]:
        with replay(1) as running, rehearsals(lambda message: None, set()):
            torch.manual_seed(0)
            given = lent()
            torch.rand(2)
            if rehearsing:
                rehearsed(names["f"], given, {})
            running.generator.look()
            return [
                running.draws.seedings,
                torch.rand(3).tolist(),
                torch.randn(2).tolist(),
                torch.randperm(4).tolist(),
                np.random.rand(),
                random.random(),
            ]

    assert draw(True) == draw(False)


@pytest.mark.parametrize(
    "body",
    [
        "torch.set_default_dtype(torch.float32)",
        "torch.set_grad_enabled(False)",
        "torch.set_num_threads(2)",
        "torch.use_deterministic_algorithms(False)",
        "torch.set_default_device('meta')",
    ],
)
def test_a_rehearsal_leaves_pytorch_as_it_is(body: str) -> None:
    def settings() -> list[Any]:
        return [
            torch.get_default_dtype(),
            torch.is_grad_enabled(),
            torch.get_num_threads(),
            torch.are_deterministic_algorithms_enabled(),
            torch.ones(1).device,
            torch.cuda.is_available(),
        ]

    names = notebook(body)
    try:
        with replay(1), rehearsals(lambda message: None, set()):
            before = settings()
            rehearsed(names["f"], lent(), {})
            assert names["done"] == [True] and settings() == before
    finally:
        torch.set_default_device(None)


def test_a_rehearsal_leaves_the_names_of_the_notebook_as_they_are() -> None:
    names = notebook("global device, fresh, math\ndevice = 1\nfresh = 2\ndel math")
    before = dict(names)
    assert rehearse(names["f"]) == []
    assert names == before and names["device"] == torch.device("cpu")


def test_a_rehearsal_writes_its_files_elsewhere(tmp_path: Path) -> None:
    names = run_cell(
        START
        + """
def f(network, path, folder):
    torch.save(network.state_dict(), path)
    open("here.txt", "w").close()
    (folder / "there.txt").write_text("text")
    done.append(True)
"""
    )
    path = str(tmp_path / "network.pt")
    assert rehearse(names["f"], lambda: (nn.Linear(1, 1), path, tmp_path)) == []
    assert names["done"] == [True] and list(tmp_path.iterdir()) == []


def test_what_a_file_holds_may_be_read_and_overwritten_in_a_rehearsal(tmp_path: Path) -> None:
    names = run_cell(
        START
        + """
def f(network, path):
    network.load_state_dict(torch.load(path))
    torch.save({}, path)
    done.append(True)
"""
    )
    path = tmp_path / "network.pt"
    with replay(1):
        torch.save(nn.Linear(1, 1).state_dict(), path)
    content = path.read_bytes()
    assert rehearse(names["f"], lambda: (nn.Linear(1, 1), str(path))) == []
    assert names["done"] == [True] and path.read_bytes() == content
    path.unlink()  # for the fixture, which looks whether anything is left


class Counting(nn.Module):
    """A stand-in that counts its calls, as the checks of a step have them."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[int, ...]] = []

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        self.calls.append(tuple(x.shape))
        return (x - y).square().mean()


def test_stand_ins_record_no_call_of_a_rehearsal() -> None:
    names = run_cell(
        START + "def f(network, loss, batch):\n    done.append(loss(network(batch), network(batch)))"
    )
    loss = Counting()
    assert rehearse(names["f"], lambda: (Layered(), loss, torch.ones(5, 2))) == []
    assert len(names["done"]) == 1 and loss.calls == []


def test_observers_see_nothing_of_a_rehearsal() -> None:
    names = notebook("return network(batch)")
    seen: list[Any] = []
    with replay(1) as running, rehearsals(lambda message: None, set()):
        running.observers.append(lambda *operation: seen.append(operation))
        given = lent()
        seen.clear()
        rehearsed(names["f"], given, {})
        assert names["done"] == [True] and seen == [] and len(running.observers) == 1


# --- in a cell ---------------------------------------------------------------------------------------


def errors(code: str) -> list[str | None]:
    """Return what two checks of a cell observe of a network's function."""
    names = run_cell(START + code)
    with record(3) as recording:
        lab = open_lab("any", language="en")
        with lab.marks("cell", points=2) as block:
            for name in ("cell.first", "cell.second"):
                block.fingerprint(
                    name, names["f"], lab.supplied_network((2,), 3), lab.supplied_size("n"), points=1
                )
    return [observation.error for observation in recording.observations.values()]


def test_a_device_mistake_costs_one_check_of_the_cell() -> None:
    assert errors("def f(network, n): return network(torch.ones(n, 2)).detach()") == ["gpu_mixed", None]
    right = "def f(network, n): return network(torch.ones(n, 2, device=next(network.parameters()).device))"
    assert errors(right) == [None, None]
    assert errors("def f(network, n): return network(torch.ones(n, 2, device=device)).detach()") == [
        None,
        None,
    ]


def test_a_method_that_is_called_by_another_is_rehearsed_without_a_trace() -> None:
    """What draws random numbers in a rehearsal within a call is no seed that this call sets."""
    code = (
        START
        + """
class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.dropout = nn.Linear(4, 6), nn.Dropout(0.5)
    def hidden(self, x):
        return self.dropout(self.layer(x))
    def forward(self, x):
        return self.hidden(x)
"""
    )
    names = run_cell(code)
    with record(3) as recording:
        lab = open_lab("any", language="en")
        with lab.marks("cell", points=1) as block:
            block.dropout(
                "cell.dropout", names["Network"], input_shape=(4,), ways=(("forward",), ("hidden",)), points=1
            )
    assert recording.observations["cell.dropout"].error is None


# --- what moves, what is wide, and what takes the notebook's device ---------------------------------


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ("network.cpu()\nreturn network(batch.cpu()).detach()", "network_moved"),
        ("network.to('cpu')\nreturn network(batch.cpu()).detach()", "network_moved"),
        ("return {name: p.cpu() for name, p in network.cpu().state_dict().items()}", "network_moved"),
        ("out = network(batch).sum()\nout.backward(torch.ones(()))", "gpu_mixed"),
        ("out = network(batch)\nreturn torch.autograd.grad(out, batch, torch.ones(out.shape))", "gpu_mixed"),
        ("return network(batch).detach().double()", "double_returned"),
    ],
)
def test_what_shows_on_a_gpu_or_in_float32_only_is_found(body: str, key: str) -> None:
    found = rehearse(notebook(f"batch = batch.detach().requires_grad_()\n{body}")["f"])
    assert [message.key for message in found] == [key]


@pytest.mark.parametrize(
    ("code", "keys"),
    [
        ("def f(rows): return rows * torch.rand(len(rows), device=device)", ["gpu_of_notebook"]),
        ("def f(rows): return rows * torch.rand(len(rows), device=rows.device)", []),
        ("def f(rows): return rows.to(device) * torch.rand(len(rows), device=device)", []),
        ("import numpy as np\ndef f(rows): return torch.from_numpy(np.asarray(rows) / np.pi)", []),
        (
            "import numpy as np\ndef f(rows): return torch.from_numpy(np.linspace(0, 1, 3))",
            ["double_returned"],
        ),
    ],
)
def test_a_function_of_data_works_where_its_data_are(code: str, keys: list[str]) -> None:
    names = run_cell(f"import torch\ndevice = torch.device('cpu')\n{code}")
    assert [message.key for message in rehearse(names["f"], lambda: (torch.ones(3),))] == keys


@pytest.mark.parametrize(("makes", "keys"), [(True, ["double_returned"]), (False, [])])
def test_tensors_that_are_made_of_none_are_as_wide_as_networks_take_them(
    makes: bool, keys: list[str]
) -> None:
    code = "import torch\ndef f(count): return torch.rand(count, 2, dtype=torch.float64)"
    assert [m.key for m in rehearse(run_cell(code)["f"], lambda: (3,), makes=makes)] == keys


def test_data_that_wait_on_the_cpu_are_rehearsed_there_only() -> None:
    mask, global_ = (
        run_cell(f"import torch\ndevice = torch.device('cpu')\ndef f(rows): return {body}")["f"]
        for body in ("rows * torch.rand(len(rows))", "rows * torch.rand(len(rows), device=device)")
    )

    def rows() -> tuple[torch.Tensor]:
        return (torch.ones(3),)

    assert rehearse(mask, rows, data=True) == []
    assert [message.key for message in rehearse(mask, rows)] == ["gpu_mixed"]
    assert [message.key for message in rehearse(global_, rows, data=True)] == ["gpu_of_notebook"]
