"""Mutants are wrong answers, rewrites right ones: both are made out of solutions, always the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.instructor.audit import audit_lab
from autograder.instructor.bank import load_equivalent_mutants
from autograder.instructor.mutation.base import Operator
from autograder.instructor.mutation.registry import MUTANTS, REWRITES
from autograder.instructor.mutation.scoring import Wish
from autograder.instructor.mutation.variants import Variant, of_cell, sample, solution_of, variants
from autograder.instructor.programs import meaning
from autograder.instructor.settings import Course, CourseError
from autograder.instructor.source import read_lab
from tests.conftest import LAB1

OPERATORS = {operator.name: operator for operator in (*MUTANTS, *REWRITES)}


def made(operator: str, source: str, sizes: tuple[int, ...] = ()) -> list[Variant]:
    solution = solution_of(source, frozenset({"torch", "nn"}), sizes)
    return list(of_cell(solution, "cell", [OPERATORS[operator]], "mutant"))


def changes(operator: str, source: str, sizes: tuple[int, ...] = ()) -> list[str]:
    return [variant.change for variant in made(operator, source, sizes)]


STEP = """
def step(network, loss_function, optimizer, x):
    optimizer.zero_grad()
    loss = loss_function(network(x))
    loss.backward()
    return loss
"""


# --- mutants ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operator", "source", "expected"),
    [
        ("unwrap_block", "with torch.no_grad():\n    y = 1\n", {"with torch.no_grad(): → (nothing)"}),
        ("negate_condition", "if a:\n    b = 1\n", {"if a: → if not (a):"}),
        ("stop_loop", "for a in b:\n    c(a)\n", {"c(a) → c(a) ⏎ break"}),
        ("change_number", "a = 3\n", {"a = 3 → a = 4"}),
        ("change_number", "a = 0.5\n", {"a = 0.5 → a = 1.0"}),
        ("change_word", "a = True\n", {"a = True → a = False"}),
        ("change_word", "a = 'sum'\n", {"a = 'sum' → a = 'sumx'"}),
        ("change_sign", "a = b < c\n", {"a = b < c → a = b <= c"}),
        ("change_sign", "a += b\n", {"a += b → a -= b"}),
        ("change_sign", "a = -b\n", {"a = -b → a = b"}),
        ("drop_argument", "f(a, b=c)\n", {"f(a, b=c) → f(b=c)", "f(a, b=c) → f(a)"}),
        ("swap_arguments", "f(a, b, c=d)\n", {"f(a, b, c=d) → f(b, a, c=d)"}),
        ("forget_keyword", "f(a, b=c)\n", {"f(a, b=c) → f(a, c)"}),
        (
            "drop_argument",
            "a = torch.optim.Adam(b, lr=0.001)\n",
            {"a = torch.optim.Adam(b, lr=0.001) → a = torch.optim.Adam(lr=0.001)"},
        ),
        ("forget_keyword", "a = torch.optim.Adam(b, lr=c)\n", set()),
        ("exchange_call", "a = torch.rand(2)\n", {"a = torch.rand(2) → a = torch.randn(2)"}),
        ("exchange_call", "a = nn.ReLU()\n", {"a = nn.ReLU() → a = nn.LeakyReLU()"}),
        ("exchange_call", "a.eval()\n", {"a.eval() → a.train()"}),
        ("remove_method", "a = b(c).detach()\n", {"a = b(c).detach() → a = b(c)"}),
        ("remove_method", "a = torch.rand(2)\n", set()),
        ("pin_device", "a = f(device=d)\n", {'a = f(device=d) → a = f(device="cpu")'}),
        ("pin_device", "a = b.to(d)\n", {'a = b.to(d) → a = b.to("cpu")'}),
        (
            "pin_precision",
            "a = torch.ones(2)\n",
            {
                "a = torch.ones(2) → a = torch.ones(2).double()",
                "a = torch.ones(2) → a = torch.ones(2).half()",
            },
        ),
    ],
)
def test_mutant_changes_one_thing(operator: str, source: str, expected: set[str]) -> None:
    assert set(changes(operator, source)) == expected


def test_statements_are_left_out_one_by_one_but_no_docstring() -> None:
    source = 'def f(a):\n    """Text."""\n    a = 1\n    return a\n'
    assert changes("remove_statement", source) == ["a = 1 → pass", "return a → pass"]


def test_call_that_is_made_for_its_effect_is_moved() -> None:
    codes = [variant.code.splitlines()[2:] for variant in made("move_call", STEP)]
    zero, loss, back, end = [f"    {line.strip()}" for line in STEP.strip().splitlines()[1:]]
    assert [loss, back, zero, end] in codes and [zero, loss, end, back] in codes


def test_gradients_cleared_before_any_are_made_are_no_mistake() -> None:
    codes = [variant.code.splitlines()[2:] for variant in made("move_call", STEP)]
    zero, loss, back, end = [f"    {line.strip()}" for line in STEP.strip().splitlines()[1:]]
    assert [loss, zero, back, end] not in codes


@pytest.mark.parametrize(
    ("layers", "count"),
    [
        ("nn.ReLU(), nn.Dropout(0.3)", 0),
        ("nn.Dropout(0.3), nn.LeakyReLU(0.2)", 0),
        ("nn.LeakyReLU(0.2), nn.Flatten()", 0),
        ("nn.Tanh(), nn.Dropout(0.3)", 1),
        ("nn.Linear(2, 3), nn.ReLU()", 1),
    ],
)
def test_layers_that_give_the_same_in_either_order_are_not_exchanged(layers: str, count: int) -> None:
    assert len(made("swap_arguments", f"model = nn.Sequential({layers})\n")) == count + layers.count("2, 3")


def test_sizes_are_those_of_the_check_cell() -> None:
    assert changes("pin_size", "n = len(x)\nm = x.shape[0]\n", (17,)) == [
        "n = len(x) → n = 17",
        "m = x.shape[0] → m = 17",
    ]
    source = "def f(network, count):\n    return network(torch.rand(count))\n"
    assert changes("freeze_parameter", source, (17,)) == [
        "def f(network, count): → def f(network, count): ⏎ count = 17"
    ]


def test_flags_are_left_behind_when_the_work_is_done() -> None:
    source = "def f(network, x):\n    return network(x)\n"
    codes = [variant.code for variant in (*made("leave_flag", source), *made("leave_network", source))]
    assert all(code.index("made = network(x)") < code.index("return made") for code in codes)
    assert any("    network.eval()\n    return made" in code for code in codes)
    assert any("    torch.set_grad_enabled(False)\n    return made" in code for code in codes)


def test_flags_are_left_behind_before_a_block_is_left() -> None:
    source = "def f(x):\n    with torch.no_grad():\n        return g(x)\n"
    codes = [variant.code for variant in made("leave_flag", source)]
    assert all("        made = g(x)\n        torch." in code for code in codes)


def test_methods_of_a_cell_that_uses_numpy_may_be_those_of_arrays() -> None:
    assert len(made("as_function", "a = (b + c).sum()\n")) == 1
    assert made("as_function", "a = np.mean(b)\nc = (a + b).sum()\n") == []


def test_a_loss_has_no_state_to_leave_behind() -> None:
    assert made("leave_network", "def f(loss, a, b):\n    return loss(a, b)\n") == []
    assert made("leave_network", "def f(loss_function, a):\n    return loss_function(a)\n") == []


def test_seed_is_set_first() -> None:
    source = 'def f(a):\n    """Text."""\n    return a\n'
    assert made("set_seed", source)[0].code.splitlines()[2] == "    torch.manual_seed(0)"


# --- rewrites --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operator", "source", "after"),
    [
        (
            "rename_locals",
            "def f(a):\n    b = a.b\n    return g(b, b=b)\n",
            "my_b = a.b\nreturn g(my_b, b=my_b)",
        ),
        (
            "rename_locals",
            "def f(self, a):\n    self.b, (c, d) = a\n    return c\n",
            "self.b, (my_c, my_d) = a\nreturn my_c",
        ),
        ("swap_assignments", "def f(a):\n    b = a\n    c = g()\n    return b\n", "c = g()\nb = a"),
        ("into_helper", "def f(a):\n    return a\n", "def _f(a):\nreturn a\ndef f(a):\nreturn _f(a)"),
        ("as_lambda", "def f(a):\n    return a\n", "f = lambda a: a"),
        ("hint_types", "def f(a):\n    return a\n", "def f(a: object) -> object:"),
        ("exchange_equal", "a = b.view(2)\n", "a = b.reshape(2)"),
        ("as_method", "a = torch.sin(b)\n", "a = (b).sin()"),
        ("name_arguments", "a = nn.Linear(2, 3)\n", "a = nn.Linear(2, out_features=3)"),
        ("shape_as_tuple", "a = torch.ones(n, 1)\n", "a = torch.ones((n, 1))"),
        ("move_to_device", "a = torch.ones(1, device=d)\n", "a = torch.ones(1).to(d)"),
        ("draw_in_place", "a = torch.randn(n)\n", "a = torch.empty(n).normal_()"),
        ("swap_factors", "a = 2 * b\n", "a = b * 2"),
        ("functional_loss", "a = nn.BCELoss()\n", "a = nn.functional.binary_cross_entropy"),
        ("subclass_layer", "a = nn.Linear(2, 3)\n", "class MyLinear(nn.Linear):\npass\na = MyLinear(2, 3)"),
    ],
)
def test_rewrite_says_the_same_otherwise(operator: str, source: str, after: str) -> None:
    assert [variant.after for variant in made(operator, source)] == [after]


def test_assignments_that_need_each_other_keep_their_order() -> None:
    assert made("swap_assignments", "def f(a):\n    b = a\n    c = b\n    return c\n") == []
    both_draw = "def f(n):\n    a = torch.rand(n)\n    b = torch.rand(n)\n    return a, b\n"
    assert made("swap_assignments", both_draw) == [], "which is drawn first may count"


# --- what is made ----------------------------------------------------------------------------------


def test_nothing_is_made_that_is_no_program_or_the_solution_itself(course: Course) -> None:
    notebook = read_lab(course, LAB1)
    solutions = {meaning(cell.source) for cell in notebook.cells if cell.cell_type == "code"}
    found = list(variants(notebook, LAB1, MUTANTS, "mutant"))
    meanings = [(variant.cell, meaning(variant.code)) for variant in found]
    assert len(set(meanings)) == len(meanings) > 200
    assert not {None, *solutions} & {each for _, each in meanings}


def test_only_what_students_write_is_changed() -> None:
    source = (
        "def f(n=3):\n    a = 1\n    ### BEGIN SOLUTION\n    a = 2\n    ### END SOLUTION\n    return a + 4\n"
    )
    assert changes("change_number", source) == ["a = 2 → a = 3"]


def test_the_same_variants_are_made_every_time(course: Course) -> None:
    notebook = read_lab(course, LAB1)
    first, second = (list(variants(notebook, LAB1, REWRITES, "rewrite")) for _ in range(2))
    assert first == second
    ids = [variant.id for variant in first]
    assert len(set(ids)) == len(ids)
    assert sample(first, 5, 1) == sample(second, 5, 1) != sample(first, 5, 2)
    assert sample(first, None, 1) == first


def test_id_stays_when_something_else_changes() -> None:
    one, other = made("change_number", "a = 3\n")[0], made("change_number", "b = c\na = 3\n")[0]
    assert one.id == other.id and one.id.startswith("mutant.cell.change_number.")


def test_equal_changes_have_ids_of_their_own() -> None:
    ids = [variant.id for variant in made("change_number", "f(3)\nf(3)\n")]
    assert len(set(ids)) == 2 and ids[1] == f"{ids[0]}.2"


def test_operators_have_names_of_their_own() -> None:
    assert len(OPERATORS) == len(MUTANTS) + len(REWRITES)
    assert all(isinstance(operator, Operator) and operator.edits.__doc__ for operator in OPERATORS.values())


# --- declared equivalents --------------------------------------------------------------------------

DECLARED = """
[[equivalent_mutant]]
cell = "train_data"
operator = "exchange_call"
before = "train_data = torch.zeros(length, 2)"
after = "train_data = torch.ones(length, 2)"
reason = "All of it is written over."
"""


def test_mutant_is_declared_equivalent_with_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "answers.toml"
    path.write_text(DECLARED)
    (entry,) = load_equivalent_mutants(path)
    assert entry.reason == "All of it is written over."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (DECLARED.replace("All of it is written over.", ""), "reason must be a text that is not empty"),
        (DECLARED.replace("operator", "operation"), "line 4, .*no key 'operation'"),
        (DECLARED.replace("equivalent_mutant", "mutants"), "only .*equivalent_mutant.* not mutants"),
    ],
)
def test_bad_declaration_is_described(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "answers.toml"
    path.write_text(text)
    with pytest.raises(CourseError, match=said):
        load_equivalent_mutants(path)


@pytest.mark.slow
def test_declared_mutant_that_is_not_made_any_more_is_an_error(
    elsewhere: Course,
    tmp_path: Path,
) -> None:
    path = tmp_path / "bank.toml"
    path.write_text(DECLARED.replace("torch.ones", "torch.threes"))
    with pytest.raises(
        CourseError, match=r"equivalent_mutant 1 \(train_data, exchange_call, .*no such mutant"
    ):
        audit_lab(elsewhere, LAB1, bank=path, seeds=[], wish=Wish(mutants=True, count=1))


# --- scores ----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_sample_is_judged_and_counted(elsewhere: Course) -> None:
    wish = Wish(mutants=True, rewrites=True, count=6, seed=3)
    audit = audit_lab(elsewhere, LAB1, seeds=[], only=lambda answer: False, wish=wish)
    assert audit.scores is not None
    assert [finding.said for finding in audit.scores.refused] == []
    assert audit.scores.accepted == (6, 6) and audit.scores.killed[1] == 6
    data = audit.as_json()
    assert data["rewrites_accepted"] == {"count": 6, "of": 6}
    assert len(data["survivors"]) == 6 - data["mutants_killed"]["count"]
