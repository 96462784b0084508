"""What the parts of `compare` share: the measuring tools, rounds, and tables with ratios."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
os.environ.setdefault("GANTRY_BINARY", str(SOURCE / "build/release/gateway/gantry"))

from trial import Process, wait_for  # noqa: E402

TOOLS = Path(os.environ.get("GANTRY_BENCH_TOOLS", SOURCE / "build/release/tests/bench"))
SIZE = 512 * 1024
COUNT = int(os.environ.get("GANTRY_BENCH_INSTANCES", "1000"))
ROUNDS = int(os.environ.get("GANTRY_BENCH_ROUNDS", "3"))
WIDTHS = (1, 4, 8)


def load(port, associations=1, instances=None, called="GANTRY", bare=False, size=SIZE, responses=None):
    """Stores instances through store_load; its report."""
    command = [TOOLS / "store_load", "--port", port, "--called", called, "--associations", associations,
               "--instances", instances or COUNT, "--size", size]
    command += ["--bare"] if bare else []
    command += ["--responses", responses] if responses else []
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["failed"] == 0, report
    return report


class Tool(Process):
    """A measuring tool that prints its port."""

    def __init__(self, name, here, *arguments):
        log = Path(here) / f"{name}.log"
        log.unlink(missing_ok=True)
        super().__init__([TOOLS / name, *arguments], log)
        self.port = int(wait_for(name, lambda: re.match(r"(\d+)\n", self.tail())).group(1))


def best(measure):
    """The best of some rounds: what the machine can do when nothing else disturbs it."""
    return max(measure() for _ in range(ROUNDS))


def table(title, rows, unit):
    print(f"\n{title}")
    width = max(len(row[0]) for row in rows)
    for name, value, *ratios in rows:
        shown = "         -" if value is None else f"{value:10,.1f}"
        print(f"  {name:<{width}} {shown} {unit}   " + "   ".join(ratios))


def ratio(value, other, name, wanted=None):
    if not value or not other:
        return f"- × {name}"
    text = f"{value / other:.2f} × {name}"
    return text if wanted is None else f"{text} (to reach {wanted}: {'yes' if value / other >= wanted else 'NO'})"


def have(*programs):
    return all(shutil.which(p) for p in programs)


def resident(process, what):
    return int(re.search(rf"{what}:\s+(\d+)", Path(f"/proc/{process.popen.pid}/status").read_text()).group(1)) / 1024
