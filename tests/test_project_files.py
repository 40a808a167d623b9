"""What stands at the door: workflow, forms for issues, hooks, what the site needs, the README's pictures."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from PIL import Image, ImageChops

from autograder.instructor.settings import Course, CourseError
from course.authoring import thumbnails
from tests.conftest import LAB1, LABS, ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
TEMPLATES = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
FORMS = [path for path in TEMPLATES if path.stem != "config"]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def read_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


# --- the public CI ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def jobs() -> dict[str, Any]:
    return dict(read_yaml(ROOT / ".github" / "workflows" / "ci.yml")["jobs"])


def test_the_workflow_runs_what_ci_runs_and_makes_the_site(jobs: dict[str, Any]) -> None:
    typed = {name: [step["run"] for step in job["steps"] if "run" in step] for name, job in jobs.items()}
    assert typed["tests"][-1] == ".ci/run" and (ROOT / ".ci" / "run").stat().st_mode & 0o100
    assert typed["site"] == ["make site"] and re.search(
        r"^site:", (ROOT / "Makefile").read_text(), re.MULTILINE
    )


def test_the_workflow_has_a_python_that_the_course_runs_on(jobs: dict[str, Any]) -> None:
    images = [
        job["container"] if isinstance(job["container"], str) else job["container"]["image"]
        for job in jobs.values()
    ]
    versions = [image.removeprefix("python:").partition("-")[0] for image in images]
    assert all(SpecifierSet(PROJECT["requires-python"]).contains(version) for version in versions)


def test_the_workflow_may_read_only() -> None:
    assert read_yaml(ROOT / ".github" / "workflows" / "ci.yml")["permissions"] == {"contents": "read"}


# --- issues -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
def test_a_form_asks_in_both_languages_and_each_thing_once(path: Path) -> None:
    form = read_yaml(path)
    assert {"name", "description", "body"} <= set(form)
    fields = [each for each in form["body"] if each["type"] != "markdown"]
    assert len({each["id"] for each in fields}) == len(fields) > 1
    labels = [each["attributes"]["label"] for each in fields]
    one_word_for_both = {"What `course doctor` says"}
    assert all(
        " · " in text
        for text in [form["name"], form["description"], *labels]
        if text not in one_word_for_both
    )
    assert any(each.get("validations", {}).get("required") for each in fields)


def test_what_a_form_names_is_there() -> None:
    texts = [path.read_text(encoding="utf-8") for path in FORMS]
    labs = {lab for text in texts for lab in re.findall(r"\blab\d_\w+", text)}
    assert labs and labs <= set(LABS)
    assert any("SECURITY.md" in text for text in texts) and (ROOT / "SECURITY.md").is_file()


# --- hooks ------------------------------------------------------------------------------------------


def test_the_hooks_are_valid() -> None:
    command = [sys.executable, "-m", "pre_commit", "validate-config", ".pre-commit-config.yaml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_hook_runs_a_program_of_the_environment_on_files_that_are_there() -> None:
    hooks = [hook for each in read_yaml(ROOT / ".pre-commit-config.yaml")["repos"] for hook in each["hooks"]]
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert len(hooks) > 4
    for hook in hooks:
        program, *arguments = hook["entry"].split()
        assert (Path(sys.executable).parent / Path(program).name).is_file(), program
        assert all((ROOT / each).exists() for each in arguments if each.startswith("tests/"))
        pattern = re.compile(hook.get("files", ""))
        assert any(pattern.search(name) for name in tracked.splitlines()), hook["id"]


# --- requirements -----------------------------------------------------------------------------------


def pinned(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text().splitlines()
    found = [line.partition("==") for line in lines if "==" in line and not line.startswith("#")]
    return {canonicalize_name(library): version for library, _, version in found}


def test_what_the_site_needs_burdens_nobody_else() -> None:
    site = {canonicalize_name(Requirement(each).name) for each in PROJECT["optional-dependencies"]["site"]}
    others = [
        each for name, extra in PROJECT["optional-dependencies"].items() if name != "site" for each in extra
    ]
    elsewhere = {canonicalize_name(Requirement(each).name) for each in [*PROJECT["dependencies"], *others]}
    assert site <= set(pinned("requirements-site.txt"))
    assert not site & elsewhere
    assert not set(pinned("requirements-site.txt")) & set(pinned("requirements.txt"))


# --- small pictures ---------------------------------------------------------------------------------


def test_a_small_picture_is_that_of_the_solution_and_light(course: Course, lab: str) -> None:
    chosen = thumbnails.load_thumbnails(course)[lab]
    file = thumbnails.thumbnail_path(course, lab).read_bytes()
    assert len(file) <= 40_000
    fresh = thumbnails.small(thumbnails.solution_figure(course, lab, chosen.cell))
    with Image.open(io.BytesIO(file)) as kept, Image.open(io.BytesIO(fresh)) as made:
        assert ImageChops.difference(kept.convert("RGB"), made.convert("RGB")).getbbox() is None


def test_the_readme_shows_the_small_picture_of_each_lab_with_its_words(course: Course) -> None:
    shown = re.findall(r'<img src="docs/thumbnails/(\w+)\.png" width="\d+" alt="([^"]+)">', README)
    expected = {lab: each.alt["en"] for lab, each in thumbnails.load_thumbnails(course).items()}
    assert dict(shown) == expected and len(shown) == len(LABS)


def test_a_cell_without_a_figure_is_named(course: Course) -> None:
    with pytest.raises(CourseError, match="no cell 'setup' with a figure"):
        thumbnails.solution_figure(course, LAB1, "setup")


def test_a_picture_that_cannot_be_made_light_is_refused() -> None:
    noise = Image.effect_noise((thumbnails.WIDTH, 4000), 100)
    file = io.BytesIO()
    noise.save(file, format="png")
    with pytest.raises(CourseError, match="choose another figure"):
        thumbnails.small(file.getvalue())


def test_a_list_that_lacks_a_lab_is_refused(course: Course, tmp_path: Path) -> None:
    text = (
        (ROOT / "docs" / "thumbnails.toml").read_text(encoding="utf-8").replace("[lab2_mnist_gan]", "[lab2]")
    )
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "thumbnails.toml").write_text(text, encoding="utf-8")
    with pytest.raises(CourseError, match="lab2, lab2_mnist_gan"):
        thumbnails.load_thumbnails(replace(course, root=tmp_path))


# --- the README -------------------------------------------------------------------------------------


def test_the_readme_fits_a_few_screens_and_has_no_badge_that_could_be_false() -> None:
    assert len(README.splitlines()) <= 60
    assert "badge" not in README and "shields.io" not in README


def test_everything_else_is_one_click_away() -> None:
    linked = set(re.findall(r"\]\((docs/[\w-]+\.md|[A-Z]+\.md)\)", README))
    pages = {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md")}
    assert pages <= linked
    assert {"CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"} <= linked
