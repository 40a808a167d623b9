"""Who hands in a notebook: one student or two, each with an id and a typed declaration."""

from __future__ import annotations

from autograder.checks.base import Checks
from autograder.messages import CheckFailed, add_texts

TEXTS = add_texts(__package__, "identity")


class IdentityChecks(Checks):
    """The check of the identity cell."""

    def identity(
        self,
        student_id_1: str,
        signature_1: str,
        student_id_2: str = "",
        signature_2: str = "",
    ) -> bool:
        """Check who hands in: one or two student ids, each with a typed signature."""

        def observe() -> str:
            self.session.identities = ()
            ids = students((student_id_1, signature_1), (student_id_2, signature_2))
            self.session.identities = ids
            return "identified"

        # Every name is right: what is recorded says only that there is one.
        return self.run_function("identity", 0.0, observe, verified=False)


def students(first: tuple[object, object], second: tuple[object, object]) -> tuple[str, ...]:
    """Return the ids of those who hand in.

    Args:
        first: id and signature of the first student.
        second: id and signature of the second; both empty when the first works alone.

    Raises:
        CheckFailed: if an id or a signature is missing, or both ids are the same.
    """
    ids = [_student(1, *first)]
    if second[0] not in ("", None) or second[1] not in ("", None):
        ids.append(_student(2, *second))
        if ids[0] == ids[1]:
            raise CheckFailed("identity_twice")
    return tuple(ids)


def _student(number: int, student_id: object, signature: object) -> str:
    """Return one checked id; which ids there are is not known here, so any will do."""
    if not isinstance(student_id, str) or not student_id.strip():
        raise CheckFailed("identity_id", name=f"student_id_{number}", seen=repr(student_id)[:40])
    if not isinstance(signature, str) or not signature.strip():
        raise CheckFailed("identity_signature", name=f"signature_{number}", seen=repr(signature)[:40])
    return student_id.strip()
