"""What a benchmark found, as rows of JSON that pages are made from."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NotRequired, TypedDict

RESULTS = Path(__file__).with_name("results")
ORDER = ("data", "split", "system", "measure", "value", "unit", "seeds", "seconds", "command", "machine", "commit")


class Row(TypedDict):
    """One number: on what it was measured, of what system, by which command."""

    data: str
    split: str
    system: str
    measure: str
    value: float
    unit: str
    seeds: NotRequired[list[int]]  # those that the number is a mean over; none where nothing is drawn
    seconds: float
    command: str
    machine: NotRequired[str]
    commit: NotRequired[str]


def write_rows(name: str, rows: Sequence[Row] | Sequence[Mapping[str, Any]]) -> Path:
    """Write a benchmark's rows to ``results/NAME.json``, each with this machine and this commit, and print them."""
    about = {"seeds": [], "machine": machine(), "commit": commit()}
    full = [{**about, **row} for row in rows]
    for row in full:
        missing = [key for key in ORDER if key not in row]
        if missing or row.keys() - set(ORDER):
            raise ValueError(f"{name}: a row lacks {missing} or has {sorted(row.keys() - set(ORDER))} too many")
        print(f"{row['data']} · {row['system']} · {row['measure']}: {row['value']} {row['unit']}")
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    lines = [json.dumps({key: row[key] for key in ORDER}, ensure_ascii=False) for row in full]
    path.write_text("[\n" + ",\n".join(lines) + "\n]\n", "utf-8")
    return path


def merge_rows(name: str, rows: Sequence[Row], *, by: Sequence[str] = ("command",)) -> Path:
    """Put rows in the place of those with the same command, beside all others of a benchmark, and write them.

    ``by`` names other keys that tell what takes whose place.
    """
    path = RESULTS / f"{name}.json"
    held: list[Row] = json.loads(path.read_text("utf-8")) if path.exists() else []

    def key(row: Mapping[str, Any]) -> tuple[object, ...]:
        return tuple(row[one] for one in by)

    new = {key(row) for row in rows}
    return write_rows(name, [row for row in held if key(row) not in new] + list(rows))


def give_rows(name: str, rows: Sequence[Row], *, write: bool) -> None:
    """Put rows among a benchmark's, or only print them."""
    if write:
        merge_rows(name, rows)
    else:
        print_rows(rows)


def print_rows(rows: Sequence[Row]) -> None:
    """Print rows that are not to be written."""
    for row in rows:
        print(f"{row['data']} · {row['split']} · {row['system']} · {row['measure']}: {row['value']} {row['unit']}")


def data_folder() -> Path:
    """Where the data sets lie: the folder that CLEW_DATA names, else ``../shared/data`` beside the checkout."""
    named = os.environ.get("CLEW_DATA")
    return Path(named) if named else Path(__file__).parents[2] / "shared" / "data"


def machine() -> str:
    """The processor and how many cores of it may be used."""
    model = platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return f"{model}, {os.cpu_count()} cores"


def commit() -> str:
    """The checked-out commit, marked with + where files differ from it."""
    here = Path(__file__).parent
    head = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=here, capture_output=True, text=True)
    if head.returncode:
        return "unknown"
    command = ["git", "status", "--porcelain", "--untracked-files=no"]
    changed = subprocess.run(command, cwd=here, capture_output=True, text=True).stdout.strip()
    return head.stdout.strip() + ("+" if changed else "")
