"""Control groups: where they can be made, what they hold a kernel to, what they tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.instructor.kernels import cgroups
from autograder.instructor.kernels.cgroups import Group, Hierarchy
from autograder.instructor.limits import MB, Limits

LIMITS = Limits(memory_mb=100, disk_mb=10, processes=8)


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for files that stand for the system's: it tells where groups are in files of these names."""
    lines = cgroups._lines

    def stand_in(path: str | Path) -> list[str]:
        name = Path(path).name if str(path).startswith("/proc/self/") else None
        return lines(tmp_path / name if name else path)

    monkeypatch.setattr(cgroups, "_lines", stand_in)
    return tmp_path


def mounted(system: Path, *mounts: tuple[str, str, str]) -> None:
    """Let hierarchies be mounted: root, kind and options of each."""
    lines = [
        f"30 20 0:26 {root} {system}/mount rw,relatime shared:9 - {kind} name {options}"
        for root, kind, options in mounts
    ]
    (system / "mountinfo").write_text("\n".join(["20 1 0:1 / / rw - ext4 /dev/root rw", *lines]))


def controlled(folder: Path, controllers: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cgroup.subtree_control").write_text(controllers)
    return folder


def test_in_version_2_groups_are_made_beside_ones_own_where_the_system_hands_on_both_controllers(
    system: Path,
) -> None:
    mounted(system, ("/", "cgroup2", "rw,nsdelegate"))
    (system / "cgroup").write_text("0::/user.slice/app.slice/run-1.scope\n")
    top = controlled(system / "mount", "cpu memory pids")
    controlled(top / "user.slice", "cpu memory")
    app = controlled(top / "user.slice/app.slice", "cpu memory pids")
    controlled(app / "run-1.scope", "")
    both = [Hierarchy(2, {"memory": folder, "pids": folder}) for folder in (app, top)]
    assert list(cgroups._candidates()) == both


def test_a_hierarchy_that_is_mounted_from_elsewhere_holds_no_place(system: Path) -> None:
    mounted(system, ("/machine.slice/a", "cgroup2", "rw"))
    (system / "cgroup").write_text("0::/machine.slice/b\n")
    controlled(system / "mount", "memory pids")
    assert list(cgroups._candidates()) == []


def test_in_version_1_groups_are_made_below_ones_own(system: Path) -> None:
    mounted(system, ("/", "cgroup", "rw,memory"), ("/a", "cgroup", "rw,pids"), ("/", "cgroup2", "rw"))
    (system / "cgroup").write_text("9:name=systemd:/\n8:pids:/a/b\n4:cpu,memory:/x\n0::/\n")
    controlled(system / "mount", "hugetlb")
    mount = system / "mount"
    assert list(cgroups._candidates()) == [Hierarchy(1, {"memory": mount / "x", "pids": mount / "b"})]


def test_what_a_group_of_version_2_is_held_to(tmp_path: Path) -> None:
    group = Group(2, {"memory": tmp_path, "pids": tmp_path})
    group.limit(LIMITS)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "memory.max": str(130 * MB),
        "memory.swap.max": "0",
        "memory.oom.group": "1",
        "pids.max": "40",
    }


def test_what_the_system_holds_for_a_group_of_version_2(tmp_path: Path) -> None:
    group = Group(2, {"memory": tmp_path, "pids": tmp_path})
    assert group.system_memory() == 0 and not group.out_of_memory()
    (tmp_path / "memory.stat").write_text("anon 1\nfile 2\nkernel 40\nslab 30\npagetables 10\nsock 5\n")
    (tmp_path / "memory.events").write_text("low 0\nmax 7\noom 1\noom_kill 1\n")
    assert group.system_memory() == 45 and group.out_of_memory()
    (tmp_path / "memory.stat").write_text("anon 1\nfile 2\nslab 30\npagetables 10\nkernel_stack 3\nsock 5\n")
    assert group.system_memory() == 48


def test_where_no_group_can_be_made_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    from autograder.instructor.kernels import isolation

    monkeypatch.setattr(cgroups, "hierarchy", lambda: None)
    assert cgroups.new_group(LIMITS) is None
    assert any("systemd-run --user --scope course grade" in text for text in isolation._weaknesses("fork"))
