"""The `course` command.

Each command imports what it needs when it runs: help and mistyped commands are answered at once.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from autograder.instructor.error_report import report_error
from autograder.instructor.options import CLAIM_SEEDS, LIKENESS, TIME_LIMIT_S, Format, Target
from autograder.instructor.settings import CourseError, load_course
from autograder.instructor.versions import installed_versions
from autograder.language import set_language

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Console()


@dataclass
class Invocation:
    """What one call of `course` was asked for, besides its command.

    Attributes:
        debug: whether to show where an error came from.
    """

    debug: bool = False


Lab = Annotated[str, typer.Argument(help="id of a lab, such as lab1_regression")]
SomeLab = Annotated[str | None, typer.Argument(help="id of a lab; all labs if left out")]
GradebookFolder = Annotated[
    Path | None, typer.Option("--folder", help="holds submitted/ and the gradebook; default: the checkout")
]


def warn(line: str) -> None:
    """Show something that an instructor should know."""
    console.print(f"[yellow]![/] {escape(line)}", highlight=False, soft_wrap=True)


def _say_versions(asked: bool) -> None:
    """Say what is installed, as a report of an error needs it, and end."""
    if asked:
        console.print(f"course {', '.join(installed_versions())}", highlight=False, soft_wrap=True)
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    debug: Annotated[
        bool, typer.Option("--debug", envvar="COURSE_DEBUG", help="show where an error came from")
    ] = False,
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_say_versions, help="say what is installed"),
    ] = False,
) -> None:
    """Build, release, grade and check the labs of this course. The gradebook is nbgrader's."""
    context.ensure_object(Invocation).debug = debug


@app.command(context_settings={"ignore_unknown_options": True})
def new(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[LAB] [--title-LANGUAGE TEXT]...",
            help="id of a new lab, such as lab1_regression, and its title in each language of the course",
        ),
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="take the lab back, and what was built")] = False,
    force: Annotated[bool, typer.Option("--force", help="remove also what people have written")] = False,
    folder: Annotated[
        Path | None, typer.Option("--course", help="make a whole course of your own in this new folder")
    ] = None,
    package: Annotated[
        str, typer.Option(help="what its notebooks import; default: made of the folder's name")
    ] = "",
    language: Annotated[str, typer.Option(help="of its solutions; default: the first of --languages")] = "",
    languages: Annotated[
        str, typer.Option(help="of its releases, such as en,es; default: --language, else en")
    ] = "",
    library: Annotated[
        str, typer.Option(help="where it gets this library: a checkout's folder, or an address pip takes")
    ] = "",
) -> None:
    """Make a lab from a template, or a whole course; neither needs anything before it is built."""
    from autograder.instructor.new import CourseOptions
    from autograder.instructor.new.command import run_new

    codes = tuple(code.strip() for code in languages.split(",")) if languages else ()
    run_new(
        console,
        words or [],
        folder,
        CourseOptions(package, language, codes, library),
        remove=remove,
        force=force,
    )


@app.command()
def reference(
    output: Annotated[
        Path | None, typer.Option(help="file to write; default: docs/reference.md of the checkout")
    ] = None,
) -> None:
    """Write the page with every check and everything that is supplied, from the docstrings."""
    from autograder.instructor.reference import write_reference

    path = output or load_course().root / "docs" / "reference.md"
    console.print(f"[green]✓[/] {escape(str(write_reference(path)))}", soft_wrap=True)


@app.command()
def demands(
    lab: SomeLab = None,
    begin_file: Annotated[
        bool, typer.Option("--begin", help="write a demands.toml with all sentences; there must be none")
    ] = False,
) -> None:
    """Hold each sentence of the labs' texts against the checks; write the pages that say what looks at it."""
    from autograder.instructor.demands import begin
    from autograder.instructor.demands_page import write_demands
    from autograder.instructor.files import write

    course = load_course()
    for name in [course.require_lab(lab)] if lab else course.labs:
        source = course.demands(name)
        if begin_file:
            if source.exists():
                raise CourseError(f"{name} has a {source.name} already.")
            written = write(source, begin(course, name))
        elif source.exists():
            written = write_demands(course, name)
        else:
            warn(f"{name} has no {source.name}: `course demands {name} --begin` writes one.")
            continue
        console.print(f"[green]✓[/] {escape(str(written.relative_to(course.root)))}")


@app.command()
def claims(
    lab: SomeLab = None,
    seeds: Annotated[int, typer.Option(min=1, help="how many, the notebook's own among them")] = CLAIM_SEEDS,
    only_open: Annotated[
        bool, typer.Option("--open", help="list sentences about outputs that have no claim, and run nothing")
    ] = False,
) -> None:
    """Hold what the labs' prose says of outputs against these, under several seeds."""
    from autograder.instructor.claim_seeds import hold_claims
    from autograder.instructor.claims.cells import read_claims
    from autograder.instructor.claims.statements import open_statements
    from autograder.instructor.claims_terminal import show_claims, show_open

    course = load_course()
    passed = True
    for name in [course.require_lab(lab)] if lab else course.labs:
        show_open(console, missing := open_statements(course, name))
        passed &= not (missing and course.settings(name).get("claims", False))
        if only_open or not read_claims(course, name):
            continue
        with console.status(f"{name} …") as status:
            found = hold_claims(course, name, seeds, status.update)
        show_claims(console, found)
        passed &= all(each.passed for each in found)
    if not passed:
        raise typer.Exit(1)


@app.command()
def build(
    lab: SomeLab = None,
    sources: Annotated[
        bool, typer.Option("--sources", help="only what nbgrader's own commands read: build/source")
    ] = False,
) -> None:
    """Rebuild all that is generated: answer keys, release/, solutions/."""
    from autograder.instructor.build import build_lab, write_source
    from autograder.instructor.families import unusable_families

    course = load_course()
    for problem in unusable_families(course):
        warn(problem)
    for name in [lab] if lab else course.labs:
        start = time.perf_counter()
        with console.status(f"{name} …") as status:
            files = [write_source(course, name)] if sources else build_lab(course, name, report=status.update)
        console.print(f"[green]✓[/] {name}: {len(files)} files in {time.perf_counter() - start:.0f} s")
        for path in files:
            console.print(f"  {path.relative_to(course.root)}")


@app.command()
def release(
    lab: Lab,
    folder: GradebookFolder = None,
    force: Annotated[
        bool, typer.Option("--force", help="release what was built although its sources have changed since")
    ] = False,
) -> None:
    """Enter a lab into nbgrader's gradebook, or its changed cells, and bundle it."""
    from autograder.instructor.release import release_lab

    course = load_course()
    for path in release_lab(course, lab, folder, warn, force=force):
        shown = path.relative_to(course.root) if path.is_relative_to(course.root) else path
        console.print(f"[green]✓[/] {escape(str(shown))}", soft_wrap=True)


@app.command()
def bundle(
    lab: SomeLab = None,
    output: Annotated[Path | None, typer.Option(help="folder to write to; default: build/release")] = None,
    folder: Annotated[Path | None, typer.Option(help="of a class: write to release/ there")] = None,
) -> None:
    """Pack what students get, one zip per lab and language: notebook, notes on its data, the wheel."""
    from autograder.instructor.bundle import bundle_labs

    course = load_course()
    target = output or (folder / "release" if folder else None)
    with console.status("building the wheel …"):
        labs, left_out = ([lab], None) if lab else (list(course.labs), warn)
        for path in bundle_labs(course, labs, target, left_out):
            console.print(f"[green]✓[/] {escape(str(path))}", soft_wrap=True)


@app.command("observe")
def observe_reference(
    lab: Lab,
    seed: Annotated[int, typer.Option(help="seed of all replays")],
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "cpu",
    json_file: Annotated[
        Path | None, typer.Option("--json", help="file to write; default: the terminal")
    ] = None,
) -> None:
    """Run the reference solution as a plain script and write what its checks observe."""
    from autograder.instructor.files import write
    from autograder.instructor.observe import as_json, observe

    course = load_course()
    recording = observe(course, lab, seed=seed, device=device)
    text = json.dumps(as_json(recording, lab, device), indent=1) + "\n"
    if json_file is None:
        typer.echo(text, nl=False)
        return
    write(json_file, text)
    console.print(f"[green]✓[/] {len(recording.observations)} observations in {json_file}")


@app.command()
def audit(
    labs: Annotated[list[str] | None, typer.Argument(help="ids of labs; all labs if left out")] = None,
    jobs: Annotated[int | None, typer.Option(help="processes at a time; default: one per core")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="file to write")] = None,
    bank: Annotated[
        Path | None, typer.Option(help="another bank, in the format of answers.toml; takes one LAB")
    ] = None,
    seed: Annotated[
        list[int] | None, typer.Option(help="seed besides the public one; may be repeated")
    ] = None,
    time_limit: Annotated[float, typer.Option(help="seconds for one answer")] = TIME_LIMIT_S,
    fresh: Annotated[bool, typer.Option(help="forget the verdicts of earlier audits")] = False,
    mutants: Annotated[
        bool, typer.Option("--mutants", help="make wrong answers out of the solutions, and judge them too")
    ] = False,
    rewrites: Annotated[
        bool, typer.Option("--rewrites", help="make right answers out of the solutions, and judge them too")
    ] = False,
    sample: Annotated[
        int | None, typer.Option(min=1, help="mutants and rewrites of a lab to draw; default: all")
    ] = None,
    sample_seed: Annotated[int, typer.Option(help="seed that they are drawn with")] = 0,
) -> None:
    """Measure the grader: run every wrong and equivalent answer of the banks and judge it."""
    from autograder.instructor.audit import audit_lab
    from autograder.instructor.audit_report import audit_progress, show_audits, write_audits
    from autograder.instructor.forgeable import OTHER_SEEDS
    from autograder.instructor.mutation.scoring import Wish

    course = load_course()
    if bank is not None and len(labs or []) != 1:
        raise CourseError("--bank takes exactly one LAB: course audit LAB --bank FILE")
    wish = Wish(mutants, rewrites, sample, sample_seed, fresh) if mutants or rewrites else None
    audits = []
    for lab in labs or course.labs:
        with audit_progress(console, lab) as (begin, advance):
            found = audit_lab(
                course,
                lab,
                bank=bank,
                seeds=tuple(seed) if seed else OTHER_SEEDS,
                jobs=jobs,
                time_limit=time_limit,
                fresh=fresh,
                wish=wish,
                begin=begin,
                advance=advance,
            )
        audits.append(found)
    show_audits(console, audits)
    if json_file is not None:
        write_audits(json_file, audits)
        console.print(f"[green]✓[/] {json_file}")
    if not all(found.passed for found in audits):
        raise typer.Exit(1)


@app.command()
def collect(
    lab: Lab,
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="zip files of Canvas or Moodle, other zip files, folders; lists of times of handing in",
        ),
    ],
    folder: GradebookFolder = None,
    roster: Annotated[
        Path | None,
        typer.Option(help="who is in the class; default: roster in course.toml; the gradebook"),
    ] = None,
    match: Annotated[
        list[str] | None,
        typer.Option(help="whom a platform means, such as moodle:4711=10001; may be repeated, is remembered"),
    ] = None,
    replace: Annotated[
        str | None, typer.Option(help="shell pattern of students whose corrections by hand are given up")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="file to write, with the same as data")
    ] = None,
) -> None:
    """Take in what a learning platform gives, any number of times; what was corrected by hand stays."""
    from autograder.instructor.collect.collecting import CollectOptions, Collector
    from autograder.instructor.collect.terminal import as_json, show_collection
    from autograder.instructor.files import write

    options = CollectOptions(tuple(sources), folder, roster, tuple(match or ()), replace)
    with console.status("reading …"):
        found = Collector(load_course(), lab, options).run()
    show_collection(console, found)
    if json_file is not None:
        write(json_file, json.dumps(as_json(found), indent=1, ensure_ascii=False) + "\n")
        console.print(f"[green]✓[/] {escape(str(json_file))}", soft_wrap=True)


@app.command("extend")
def extend_time(
    lab: Lab,
    students: Annotated[
        list[str] | None,
        typer.Argument(metavar="[STUDENT]...", help="ids, logins or addresses; without any, all are listed"),
    ] = None,
    days: Annotated[float, typer.Option(help="days after the due date, such as 2 or 0.5")] = 0.0,
    hours: Annotated[float, typer.Option(help="hours, on top of the days")] = 0.0,
    until: Annotated[
        str, typer.Option(help="another due date, by the course's clock, such as '2026-11-25 23:59'")
    ] = "",
    remove: Annotated[bool, typer.Option("--remove", help="take extensions away")] = False,
    reason: Annotated[str, typer.Option(help="why, to be remembered")] = "",
    roster: Annotated[
        Path | None, typer.Option(help="a list of the class whose column `extension days` says for whom")
    ] = None,
    folder: GradebookFolder = None,
) -> None:
    """Give single students more time, before or after they hand in; nothing is graded again."""
    from autograder.instructor.extend import ExtendOptions, extend
    from autograder.instructor.extend_terminal import show_extensions

    course = load_course()
    options = ExtendOptions(tuple(students or ()), days, hours, until, remove, reason, roster, folder)
    show_extensions(console, course, lab, extend(course, lab, options))


@app.command()
def grade(
    lab: Lab,
    students: Annotated[str, typer.Option(help="shell pattern of student ids")] = "*",
    workers: Annotated[
        int | None, typer.Option(help="submissions at a time; default: one more than processors")
    ] = None,
    isolation: Annotated[
        str | None,
        typer.Option(help="bwrap, fork (fastest) or none (unsafe); default: bwrap where it works, else fork"),
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="address of a running dask scheduler, such as tls://host:8786")
    ] = None,
    insecure: Annotated[
        bool,
        typer.Option(
            help="use a scheduler on the network without TLS: all who reach it can read submissions and the "
            "secret seed, give marks and run code"
        ),
    ] = False,
    force: Annotated[bool, typer.Option(help="grade again what is graded already")] = False,
    folder: GradebookFolder = None,
) -> None:
    """Grade a whole class: isolated, in parallel, with marks that cannot be forged."""
    from autograder.instructor.grade.grader import GradeOptions, Grader
    from autograder.instructor.grade.terminal import grading_progress, show_end, show_start

    options = GradeOptions(
        students=students,
        workers=workers,
        isolation=isolation,
        scheduler=scheduler,
        insecure=insecure,
        force=force,
        folder=folder,
    )
    with contextlib.closing(Grader(load_course(), lab, options)) as grader:
        show_start(console, lab, grader.plan, grader.isolation)
        if scheduler and insecure:
            console.print(
                f"[yellow]![/] --insecure: {escape(scheduler)} may be read and changed by all who reach it"
            )
        total = len(grader.plan.grade) + len(grader.plan.store)
        with grading_progress(console, total) as advance:
            grading = grader.run(advance)
    show_end(console, grading)
    if grading.log is not None:
        console.print(f"[green]✓[/] {grading.log}")
    if grading.interrupted:
        raise typer.Exit(130)


@app.command()
def report(
    lab: SomeLab = None,
    folder: GradebookFolder = None,
    output: Annotated[Path | None, typer.Option(help="folder to write; default: report/ there")] = None,
) -> None:
    """Write a page on a graded class, and the same as CSV and JSON."""
    from autograder.instructor.report.writer import report_all, report_lab

    course = load_course()
    if lab is None:
        files = report_all(course, folder, output, warn)
    else:
        files = report_lab(course, course.require_lab(lab), folder, output)
    for path in files:
        console.print(f"[green]✓[/] {escape(str(path))}", soft_wrap=True)


@app.command()
def feedback(
    lab: Lab,
    target: Annotated[
        Target | None,
        typer.Option("--zip", help="pack the pages for a bulk upload, or by students' names for mail"),
    ] = None,
    students: Annotated[str, typer.Option(help="shell pattern of student ids")] = "*",
    class_figures: Annotated[
        bool, typer.Option("--class-figures", help="say on each page how the class did")
    ] = False,
    roster: Annotated[
        Path | None, typer.Option(help="who is in the class, for names; default: roster in course.toml")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="archive to write; default: in build/export")] = None,
    folder: GradebookFolder = None,
) -> None:
    """Write a feedback page for each student, in the language of their notebook."""
    from autograder.instructor.feedback.production import FeedbackOptions, give_feedback

    options = FeedbackOptions(target, students, class_figures, roster, output, folder)
    with console.status("writing …"):
        found = give_feedback(load_course(), lab, options)
    for warning in found.warnings:
        warn(warning)
    console.print(f"[green]✓[/] {escape(str(found.folder))}: {len(found.pages)} pages", soft_wrap=True)
    if found.packed is not None:
        if left := found.packed.left_out:
            warn(f"not in the archive, as nobody knows what {target} calls them: {', '.join(left)}")
        where = escape(str(found.packed.path))
        console.print(f"[green]✓[/] {where}: {len(found.packed.names)} pages", soft_wrap=True)


@app.command()
def export(
    lab: SomeLab = None,
    to: Annotated[Format, typer.Option(help="the system that the file is for")] = (Format.CSV),
    output: Annotated[Path | None, typer.Option(help="file to write; default: in build/export")] = None,
    folder: GradebookFolder = None,
    roster: Annotated[
        Path | None,
        typer.Option(help="who is in the class: an export of Canvas or Moodle, any CSV with ids"),
    ] = None,
    partial: Annotated[
        bool, typer.Option(help="give marks that still wait for a person as they are so far")
    ] = False,
) -> None:
    """Write the marks for Canvas, Moodle or a spreadsheet; what is missing is blank, never 0."""
    from autograder.instructor.export import ExportOptions, export_marks

    options = ExportOptions(to=to, lab=lab, roster=roster, partial=partial, output=output, folder=folder)
    found = export_marks(load_course(), options)
    for warning in found.warnings:
        console.print(f"[yellow]![/] {escape(warning)}", highlight=False)
    labs = f"{len(found.labs)} labs" if len(found.labs) != 1 else found.labs[0]
    where = escape(str(found.path))
    console.print(f"[green]✓[/] {where}: {found.students} students, {labs}", soft_wrap=True)


@app.command()
def similarity(
    lab: Lab,
    folder: GradebookFolder = None,
    threshold: Annotated[float, typer.Option(help="from 0 to 1: list pairs at least this alike")] = LIKENESS,
    output: Annotated[
        Path | None, typer.Option(help="page to write; default: build/similarity/LAB.html")
    ] = None,
) -> None:
    """Rank pairs of submissions by how alike what students wrote is; a reason to look, and no proof."""
    from autograder.instructor.similarity import SimilarityOptions, find_similar
    from autograder.instructor.similarity.page import write_page
    from autograder.instructor.similarity.terminal import show_similarity

    course = load_course()
    options = SimilarityOptions(threshold=threshold, folder=folder)
    with console.status("reading …") as status:
        found = find_similar(course, lab, options, lambda student: status.update(f"{student} …"))
    show_similarity(console, found)
    page = output or (folder or course.build) / "similarity" / f"{lab}.html"
    console.print(f"[green]✓[/] {escape(str(write_page(page, found)))}", soft_wrap=True)


@app.command()
def demo(
    lab: Annotated[str | None, typer.Argument(help="id of a lab; the first if left out")] = None,
    every: Annotated[bool, typer.Option("--all", help="all labs, one after the other")] = False,
    stock: Annotated[
        bool, typer.Option("--stock", help="grade with nbgrader's own commands, without isolation")
    ] = False,
    skip_build: Annotated[
        bool, typer.Option(help="use the notebooks as they are, also where their sources have changed")
    ] = False,
) -> None:
    """Grade a simulated class, and write its report and feedback."""
    from autograder.instructor.demo import first_lab, run

    course = load_course()
    for name in course.labs if every else [lab or first_lab(course)]:
        run(course, console, name, stock=stock, skip_build=skip_build)


@app.command()
def doctor() -> None:
    """Say what is installed, what is missing and how to get it."""
    from autograder.instructor.doctor import run as run_doctor

    if not run_doctor(load_course(), console):
        raise typer.Exit(1)


def main() -> None:
    """Run the command; an error ends in one line, and in a traceback where `--debug` asks for it."""
    set_language("en")  # as all commands speak
    invocation = Invocation()
    try:
        app(obj=invocation)
    except Exception as error:
        sys.exit(report_error(error, sys.argv[1:], debug=invocation.debug))


if __name__ == "__main__":
    main()
