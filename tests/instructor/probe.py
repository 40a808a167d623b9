"""Run one hostile notebook and say what came of it, and what the system outside saw; as root or not.

`python -m tests.instructor.probe WAY [ordinary]` prints JSON.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from nbformat.v4 import new_code_cell, new_notebook

from autograder.instructor.limits import Limits
from tests.instructor import reach

# Opens every file of a folder for writing, and writes nothing.
_OPEN = """
import os
opened, tried = [], 0
def on(path):
    global tried
    try:
        tried += 1
        os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY))
        opened.append(path)
    except OSError:
        pass
for top in ('/proc', '/sys'):
    for folder, folders, files in os.walk(top):
        # These are ways to what is elsewhere, and are tried there.
        folders[:] = [name for name in folders if name not in ('task', 'fd', 'map_files', 'cwd', 'root')]
        for name in files:
            on(os.path.join(folder, name))
print(tried > 500, opened[:20])
"""
_MOUNTS = """
import json, os
found = []
for line in open('/proc/self/mountinfo'):
    _, _, device, _, point, options = line.split()[:6]
    if 'rw' in options.split(','):
        found.append((device, point))
print(json.dumps(found))
"""


def main(way: str, *, ordinary: bool) -> dict[str, Any]:
    """Return what a kernel could open and where it could write, and the users of its processes."""
    if ordinary:
        reach.become_ordinary()
        os.environ["HOME"] = tempfile.mkdtemp()
        atexit.register(shutil.rmtree, os.environ["HOME"], ignore_errors=True)
    else:
        reach.make_python_reachable()
    # Only now: these look at who one is.
    from autograder.instructor.kernels import isolation, watchdog
    from autograder.instructor.kernels.execution import run_notebook

    found = isolation.examine(way.partition("+")[0])
    if found.problem or (way == "bwrap+fork" and found.kind != way):
        return {"problem": found.problem or "kernels cannot be forked behind bubblewrap"}
    users: set[int] = set()
    usage_of = watchdog.usage_of

    def looking_on(pid: int) -> watchdog.Usage:
        for number in watchdog._tree(pid):
            lines = Path(f"/proc/{number}/status").read_text().splitlines()
            users.update(int(word) for line in lines if line.startswith("Uid:") for word in line.split()[1:])
        return usage_of(pid)

    watchdog.usage_of = looking_on
    notebook = new_notebook(cells=[new_code_cell(source) for source in (_OPEN, _MOUNTS)])
    run = run_notebook(notebook, isolation=way, limits=Limits())
    texts = ["".join(o.get("text", str(o)) for o in cell.outputs) for cell in run.notebook.cells]
    return {"problem": None, "users": sorted(users), "opened": texts[0], "mounts": json.loads(texts[1])}


def limit_of_processor_time(way: str, limits: Limits) -> str:
    """Return what a kernel prints as its own limit; for a child that has limits of its own."""
    from autograder.instructor.kernels.execution import run_notebook

    source = "import resource\nprint(resource.getrlimit(resource.RLIMIT_CPU))"
    run = run_notebook(new_notebook(cells=[new_code_cell(source)]), isolation=way, limits=limits)
    return "".join(o.get("text", str(o)) for o in run.notebook.cells[0].outputs) or str(run.died)


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], ordinary="ordinary" in sys.argv[2:])))
