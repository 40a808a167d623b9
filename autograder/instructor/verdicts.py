"""What the grader makes of one answer, and what it made of earlier ones."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autograder.instructor.bank import Answer
from autograder.instructor.files import put
from autograder.instructor.hints import JudgedHints
from autograder.instructor.trial import Observations, Trial
from autograder.key import AnswerKey, agree
from autograder.observation import Observation


@dataclass(frozen=True)
class AnswerVerdict:
    """What the grader made of one answer.

    Attributes:
        id: id of the answer in the bank.
        kind: "wrong" or "equivalent".
        refused: names of the checks that refused it, by seed.
        right: whether it was refused, or accepted, as its kind demands at every seed.
        by_check: whether the check that it names refused it at every seed; None if it names none.
        hinted: whether its hint was given in practice; None if it has none.
        faults: sentences that say what was not as it should be.
        hints: that practice gives for it, by language.
    """

    id: str
    kind: str
    refused: dict[int, list[str]]
    right: bool
    by_check: bool | None = None
    hinted: bool | None = None
    faults: tuple[str, ...] = ()
    hints: tuple[dict[str, str], ...] = ()


def refusing(
    expected: Observations, seen: Observations, accepts: Callable[[Observation, Observation], bool]
) -> list[str]:
    """Return the names of the checks of one block that refuse what was seen.

    Args:
        expected: what the reference observes, in all blocks.
        seen: what an answer's check cell observed.
        accepts: tells whether an observation is right, given the expected one and the one seen.
    """
    blocks = {observation.block for observation in seen.values()}
    asked = [o for o in expected.values() if o.block in blocks and o.points > 0]
    if not asked:
        return ["(no check ran)"]
    return [o.name for o in asked if o.name not in seen or not accepts(o, seen[o.name])]


def hints_given(key: AnswerKey, seen: Observations) -> tuple[dict[str, str], ...]:
    """Return the hints that practice gives for what a check cell observed, each once.

    Args:
        key: of the lab.
        seen: under the key's seed.
    """
    refused = {o.name for o in seen.values() if not key.accepts(o)}
    hints = [key.hint(o, refused) for o in seen.values() if o.name in refused]
    found: list[dict[str, str]] = []
    for hint in hints:
        if hint and dict(hint) not in found:
            found.append(dict(hint))
    return tuple(found)


class Assessor:
    """Compares what answers observe with what the reference observes, and with the key.

    Args:
        key: of the lab.
        expected: what the reference observes, by seed.
        judged: of which answers the key's hints are true; None if the answers are not those of its bank.
    """

    def __init__(
        self, key: AnswerKey, expected: dict[int, Observations], judged: JudgedHints | None = None
    ) -> None:
        self._key = key
        self._expected = expected
        self._judged = judged

    def assess(self, trial: Trial) -> AnswerVerdict:
        """Return the verdict on one answer."""
        answer = trial.answer
        if trial.error is not None:
            # No marks without a verdict: a wrong answer that ends its process is refused, by no check.
            unnamed = answer.kind == "wrong" and answer.check is None
            faults = [] if unnamed else [trial.error]
            by_check = None if answer.check is None else False
            return AnswerVerdict(
                answer.id, answer.kind, {}, answer.kind == "wrong", by_check, None, tuple(faults)
            )
        refused = {seed: self.refused(seed, seen) for seed, seen in trial.observations.items()}
        if answer.kind == "equivalent":
            faults = [
                f"seed {seed}: refused by {', '.join(names)}" for seed, names in refused.items() if names
            ]
            right = not faults
            faults += [f"{name} has a hint for it" for name in self._misled(trial)]
            return AnswerVerdict(answer.id, answer.kind, refused, right, faults=tuple(faults))
        faults = [f"seed {seed}: accepted" for seed, names in refused.items() if not names]
        right = not faults
        by_check = None
        if answer.check is not None:
            others = {s: names for s, names in refused.items() if names and answer.check not in names}
            by_check = right and not others
            faults += [f"seed {s}: refused by {', '.join(n)}, not {answer.check}" for s, n in others.items()]
        hinted = self._hinted(trial) if answer.hint and self._judged else None
        if hinted is False:
            faults.append("its hint is not given")
        hints = hints_given(self._key, trial.observations[self._key.seed])
        for hint in self._judged.unjudged(answer.id, answer.code, hints) if self._judged else ():
            faults.append(f"gets a hint of another answer: {hint}")
        return AnswerVerdict(answer.id, answer.kind, refused, right, by_check, hinted, tuple(faults), hints)

    def refused(self, seed: int, seen: Observations) -> list[str]:
        """Return the names of the checks of one block that refuse what was seen."""
        return refusing(self._expected[seed], seen, lambda *both: self._accepts(seed, *both))

    def _accepts(self, seed: int, expected: Observation, seen: Observation) -> bool:
        """Tell whether an observation is right: by the key for the public seed, else by comparison."""
        return self._key.accepts(seen) if seed == self._key.seed else agree(expected, seen)

    def _misled(self, trial: Trial) -> list[str]:
        """Return the checks that accept an answer in practice and yet have a hint for it."""
        seen = trial.observations[self._key.seed].values()
        return [o.name for o in seen if self._key.recognises(o) and self._key.accepts(o)]

    def _hinted(self, trial: Trial) -> bool:
        """Tell whether the check that an answer names, or else some check, gives its hint."""
        seen = trial.observations[self._key.seed].values()
        refused = {o.name for o in seen if not self._key.accepts(o)}
        asked = [o for o in seen if o.name in refused and trial.answer.check in (None, o.name)]
        return any(self._key.hint(observation, refused) == trial.answer.hint for observation in asked)


class KnownVerdicts:
    """The verdicts so far, in a file that survives an interruption."""

    def __init__(self, path: Path, key: AnswerKey, seeds: tuple[int, ...], *, own: bool) -> None:
        self._path = path
        self._stamp = hashlib.sha256(f"{key.dumps()} {seeds} {own}".encode()).hexdigest()
        self._verdicts: dict[str, dict[str, Any]] = {}
        # Nothing there, or no JSON: then nothing is known.
        with contextlib.suppress(OSError, ValueError):
            self._verdicts = json.loads(path.read_text(encoding="utf-8"))

    def _name(self, answer: Answer) -> str:
        """Return the name of an answer's verdict: it changes with the answer, the key and the seeds."""
        content = json.dumps(asdict(answer), sort_keys=True)
        return hashlib.sha256(f"{self._stamp} {content}".encode()).hexdigest()

    def find(self, answer: Answer) -> AnswerVerdict | None:
        """Return the verdict on an answer, if it is known."""
        data = self._verdicts.get(self._name(answer))
        if data is None:
            return None
        refused = {int(seed): names for seed, names in data["refused"].items()}
        return AnswerVerdict(
            **{**data, "refused": refused, "faults": tuple(data["faults"]), "hints": tuple(data["hints"])}
        )

    def keep(self, answer: Answer, verdict: AnswerVerdict) -> None:
        """Add a verdict, and write the file as a whole or not at all.

        A process that ended early may have met a busy machine: that verdict is not written.
        """
        self._verdicts[self._name(answer)] = asdict(verdict)
        lasting = {name: data for name, data in self._verdicts.items() if data["refused"]}
        put(self._path, json.dumps(lasting).encode())

    def forget(self) -> None:
        """Forget all verdicts."""
        self._verdicts = {}
