"""Where things are, and what `course.toml` says."""

from __future__ import annotations

import contextlib
import re
import tomllib
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, model_validator

from autograder.errors import did_you_mean
from autograder.instructor.errors import CourseError
from autograder.instructor.limits import Limits
from autograder.instructor.tables import STRICT, Problem, Table, checked, problems, read_toml

__all__ = ["Course", "CourseError", "load_course"]

_FILE = "course.toml"
_SEED = "a whole number, such as seed = 2023"
_TITLE = 'a text by language, such as { en = "Regression" }'
_MOMENT = "a time, such as 2026-11-20T23:59:00, or a day, without quotation marks"
_LANGUAGES = 'a list of languages, such as ["es", "en"]'
# As in the tags of cells and the names of folders.
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?")


def is_language(value: object) -> bool:
    """Tell whether something has the form of a language's code, such as "es" or "pt-BR"."""
    return isinstance(value, str) and _LANGUAGE.fullmatch(value) is not None


def _language(value: str) -> str:
    if not is_language(value):
        raise ValueError(f'{value!r} is no code of a language, such as "es" or "pt-BR".')
    return value


def _package(value: str) -> str:
    if not all(part.isidentifier() for part in value.split(".")):
        raise ValueError(f'{value!r} is no name of a package, such as "course".')
    return value


def _moment(value: object) -> object:
    if not isinstance(value, date):  # which times are too
        raise ValueError(f"{value!r} is not {_MOMENT}.")
    return value


def _zone(value: str) -> str:
    if value not in zoneinfo.available_timezones():
        close = did_you_mean(value, sorted(zoneinfo.available_timezones()))
        raise ValueError(f'{value!r} is no time zone, such as "America/Mexico_City".{close}')
    return value


Zone = Annotated[str, AfterValidator(_zone)]
Moment = Annotated[Any, AfterValidator(_moment)]
Percent = Annotated[float, Field(ge=0, le=100)]
Language = Annotated[str, AfterValidator(_language)]
Package = Annotated[str, AfterValidator(_package)]


class CourseTable(BaseModel):
    """The section [course]."""

    model_config = STRICT
    language: Language = Field(description='the code of a language, such as language = "es"')
    languages: list[Language] = Field(description=_LANGUAGES, min_length=1)
    id: str = Field(default="", description='a text, such as id = "my-course"')
    package: Package | None = Field(default=None, description='a text, such as package = "course"')
    packages: list[Package] | None = Field(
        default=None, description='a list of packages, such as ["course"]', min_length=1
    )

    # Whose clock due dates are meant by, and times that name no zone.
    timezone: Zone = Field(
        default="UTC",
        description='a time zone of the IANA database, such as timezone = "America/Mexico_City"',
    )
    roster: str = Field(default="", description="the name of a file that says who is in the class")

    @model_validator(mode="after")
    def _consistent(self) -> CourseTable:
        if self.language not in self.languages:
            raise ValueError(f"languages must be a list with {self.language!r} in it, not {self.languages}.")
        if len(set(self.languages)) != len(self.languages):
            raise ValueError(f"languages names one twice: {self.languages}.")
        if self.package is not None and self.packages is not None:
            raise ValueError("give package or packages, not both.")
        return self


class TlsTable(BaseModel):
    """The section [grading.tls]; whether its files are there is looked at when they are used."""

    model_config = STRICT
    ca: str = Field(description="the name of a file", min_length=1)
    cert: str = Field(description="the name of a file", min_length=1)
    key: str = Field(description="the name of a file", min_length=1)


class LateTable(BaseModel):
    """The section [late]: what lateness costs."""

    model_config = STRICT
    per_day: Percent = Field(description="a percentage for each day begun, such as per_day = 10")
    cap: Percent = Field(default=100.0, description="a percentage, at most, such as cap = 50")
    grace_min: float = Field(default=0.0, ge=0, le=10080, description="minutes that cost nothing, such as 15")
    of: Literal["given", "full"] = Field(default="given", description='"given" or "full"')


class LabTable(BaseModel):
    """A section [labs.LAB]."""

    model_config = STRICT
    seed: int = Field(description=_SEED)
    title: dict[str, str] = Field(default={}, description=_TITLE)
    # Called before the lab is built, as prepare(course, lab, report); returns the files that it wrote.
    prepare: str | None = Field(
        default=None, description='a function, such as "package.module:function"', pattern=r"^[\w.]+:[\w.]+$"
    )
    options: dict[str, Any] = Field(default={}, description="a table of what `prepare` needs")
    # By the clock of the course's zone. A day alone means its end where something is due, else its beginning.
    due: Moment | None = Field(default=None, description=_MOMENT)
    model_answers: Moment | None = Field(default=None, description=_MOMENT)
    # Whether every sentence about outputs is to have a claim, or to say why it has none.
    claims: bool = Field(default=False, description="true or false, such as claims = true")


@dataclass(frozen=True)
class Course:
    """A checkout of the course.

    Attributes:
        root: the folder that holds course.toml.
        language: of solutions and of the release that the gradebook knows.
        languages: of all releases.
        labs: settings of every lab, by id, in order.
        grading: what one submission may use; see `autograder.instructor.limits`.
        tls: certificates for other machines that grade; see `autograder.instructor.grade.certificates`.
        packages: what the labs' notebooks import of the course's own; answer keys lie in the first.
        id: what the gradebook calls the course.
        timezone: of due dates, and of times that name none.
        roster: name of a file that says who is in the class; empty if none does.
        late: what lateness costs, see `LateTable`; empty where nbgrader_config.py says it.
    """

    root: Path
    language: str
    languages: tuple[str, ...]
    labs: dict[str, dict[str, Any]]
    grading: dict[str, Any] = field(default_factory=dict)
    tls: dict[str, Any] = field(default_factory=dict)
    packages: tuple[str, ...] = ("course",)
    id: str = ""
    timezone: str = "UTC"
    roster: str = ""
    late: dict[str, Any] = field(default_factory=dict)

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        """Return the time zone of the course."""
        return zoneinfo.ZoneInfo(self.timezone)

    @property
    def build(self) -> Path:
        """Return the folder for what can be made again and is not committed."""
        return self.root / "build"

    def source(self, lab: str) -> Path:
        """Return the path of a lab's source notebook."""
        return self.root / "source_notebooks" / lab / f"{lab}.py"

    def bank(self, lab: str) -> Path:
        """Return the path of a lab's bank of answers."""
        return self.root / "source_notebooks" / lab / "answers.toml"

    def demands(self, lab: str) -> Path:
        """Return the path of the list of what a lab's text demands; a lab may have none."""
        return self.root / "source_notebooks" / lab / "demands.toml"

    def demands_page(self, lab: str) -> Path:
        """Return the path of the page that is made of it."""
        return self.root / "docs" / "demands" / f"{lab}.md"

    def unclaimed(self, lab: str) -> Path:
        """Return the path of the list of sentences about outputs that need no claim; a lab may have none."""
        return self.root / "source_notebooks" / lab / "claims.toml"

    def notes(self, lab: str, language: str) -> Path:
        """Return the path of the notes on a lab's data, which students get with it."""
        return self.root / "source_notebooks" / lab / f"notes.{language}.md"

    def key(self, lab: str) -> Path:
        """Return the path of a lab's answer key."""
        return self.package(self.packages[0]) / "keys" / f"{lab}.json"

    def package(self, name: str) -> Path:
        """Return the folder of one of the course's packages: in the course's folder, or in src/ there."""
        inner = Path(*name.split("."))
        in_src = self.root / "src" / inner
        return in_src if in_src.is_dir() else self.root / inner

    @property
    def importable(self) -> tuple[str, ...]:
        """Return the course's packages that are there: a course may have none yet."""
        return tuple(name for name in self.packages if self.package(name).is_dir())

    def require_packages(self) -> None:
        """Raise unless the course's packages can be found: nobody looks for keys in a misspelt one.

        Raises:
            CourseError: naming the package, and one that it may be meant for.
        """
        for name in self.packages:
            # A folder that an earlier build made holds keys, and no code.
            if any(self.package(name).rglob("*.py")) or _is_installed(name):
                continue
            raise CourseError(
                f"{_FILE}, [course]: there is no package {name!r}, neither here nor in src/, nor is it "
                f"installed.{did_you_mean(name, self._packages_here())}"
            )

    def _packages_here(self) -> list[str]:
        """Return the packages that lie in the course's folder, or in src/ there."""
        return [
            path.parent.name
            for place in (self.root, self.root / "src")
            for path in place.glob("*/__init__.py")
        ]

    def demo_class(self, lab: str) -> Path:
        """Return the path of a lab's simulated class."""
        return self.root / "source_notebooks" / lab / "demo_class.toml"

    def release(self, lab: str, language: str) -> Path:
        """Return the path of a lab's student notebook."""
        return self.root / "release" / language / lab / f"{lab}.ipynb"

    def solution(self, lab: str) -> Path:
        """Return the path of a lab's executed solution."""
        return self.root / "solutions" / lab / f"{lab}.ipynb"

    def settings(self, lab: str) -> dict[str, Any]:
        """Return what course.toml says of a lab.

        Raises:
            CourseError: if something is wrong with it, naming line and key.
        """
        return dict(self._sound(lab))

    def titles(self, lab: str) -> dict[str, str]:
        """Return a lab's titles, by language; there may be none.

        Raises:
            CourseError: if course.toml gives something else.
        """
        titles: dict[str, str] = self._sound(lab, "title").get("title", {})
        return titles

    def due(self, lab: str) -> datetime | None:
        """Return when a lab is due, in UTC without a zone, as nbgrader keeps times; None if nothing is said.

        Raises:
            CourseError: if course.toml gives something else.
        """
        said: date | None = self._sound(lab, "due").get("due")
        return None if said is None else self._utc(said, end=True)

    def model_answers(self, lab: str) -> datetime | None:
        """Return from when on model answers are given out, as `due`; None if never.

        Raises:
            CourseError: if course.toml gives something else.
        """
        said: date | None = self._sound(lab, "model_answers").get("model_answers")
        return None if said is None else self._utc(said, end=False)

    def _utc(self, said: date, *, end: bool) -> datetime:
        """Return a moment in UTC without a zone; `end`: whether a day means its last minute."""
        if not isinstance(said, datetime):
            said = datetime.combine(said, time(23, 59, 59) if end else time())
        local = said if said.tzinfo else said.replace(tzinfo=self.zone)
        return local.astimezone(UTC).replace(tzinfo=None)

    def seed(self, lab: str) -> int:
        """Return a lab's public seed.

        Raises:
            CourseError: if course.toml gives none.
        """
        seed: int = self._sound(lab, "seed")["seed"]
        return seed

    def problems(self, lab: str) -> list[Problem]:
        """Return all that is wrong with what course.toml says of a lab."""
        table = Table(_FILE, f"[labs.{lab}]", ("labs", lab), self._text(lab))
        return problems(LabTable, self.labs[lab], table)

    def _sound(self, lab: str, key: str | None = None) -> Mapping[str, Any]:
        """Return a lab's table; what is wrong with keys other than `key` is no matter, if one is given.

        Raises:
            CourseError: if something is wrong with it.
        """
        for found in self.problems(lab):
            # A misspelt key may be the seed that is missing.
            misspelt = key == "seed" and found.key not in LabTable.model_fields
            if key is None or found.key in ("", key) or misspelt:
                raise CourseError(found.text)
        return self.labs[lab]

    def _text(self, lab: str) -> str | None:
        """Return the text of course.toml, None if it says something else of a lab by now."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            text = (self.root / _FILE).read_text(encoding="utf-8")
            return text if tomllib.loads(text)["labs"][lab] == self.labs[lab] else None
        return None

    def require_lab(self, lab: str) -> str:
        """Return the id if there is such a lab.

        Raises:
            CourseError: if there is not.
        """
        if lab not in self.labs:
            raise CourseError(
                f"There is no lab {lab!r}. Labs in course.toml: {', '.join(self.labs) or 'none'}."
            )
        return lab


def _is_installed(package: str) -> bool:
    """Tell whether Python finds a package, and not only a folder of its name."""
    try:
        spec = find_spec(package)
    except (ImportError, ValueError):
        return False
    return spec is not None and spec.origin is not None


def load_course(start: Path | None = None) -> Course:
    """Read course.toml of the folder `start` (default: the working folder) or the nearest one above it.

    Raises:
        CourseError: if there is none, or it is not valid.
    """
    folder = (start or Path.cwd()).resolve()
    for root in (folder, *folder.parents):
        path = root / "course.toml"
        if path.is_file():
            break
    else:
        raise CourseError(
            f"No course.toml in {folder} or above it. Run `course` inside a checkout of the course; a class "
            "that lies elsewhere is named there, with --folder."
        )
    return _course(root, *read_toml(path))


def _course(root: Path, data: dict[str, Any], text: str) -> Course:
    """Return the course that course.toml describes; its labs are looked at when they are used.

    Raises:
        CourseError: if something concerns all labs and is wrong.
    """
    grading = data.get("grading", {})
    tls = grading.get("tls", {}) if isinstance(grading, dict) else {}
    late = data.get("late", {})
    for name in ("course", "labs"):
        if not isinstance(data.get(name), dict):
            raise CourseError(f"{_FILE} is not valid: it needs a table [{name}].")
    unknown = set(data) - {"course", "grading", "labs", "late"}
    if unknown:
        raise CourseError(
            f"{_FILE} takes the tables course, grading, labs and late, not {', '.join(sorted(unknown))}."
        )
    table = checked(CourseTable, data["course"], Table(_FILE, "[course]", ("course",), text))
    if isinstance(grading, dict):
        grading = {key: value for key, value in grading.items() if key != "tls"}
    Limits.from_settings(grading, Table(_FILE, "[grading]", ("grading",), text))
    if tls:
        checked(TlsTable, tls, Table(_FILE, "[grading.tls]", ("grading", "tls"), text))
    return Course(
        root,
        table.language,
        tuple(table.languages),
        dict(data["labs"]),
        grading,
        tls,
        tuple(table.packages or [table.package or "course"]),
        table.id or root.name,
        table.timezone,
        table.roster,
        checked(LateTable, late, Table(_FILE, "[late]", ("late",), text)).model_dump() if late else {},
    )
