"""The pages made from ``results/*.json``: docs/benchmarks.md, and the table in the README between its markers.

``python -m benchmarks.tables`` writes them; ``tests/test_benchmarks.py`` holds that they agree with the rows.
"""

import json
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from benchmarks.rows import RESULTS

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
READMES = (ROOT / "README.md", ROOT / "README.zh.md")
BEGIN, END = "<!-- benchmarks:begin -->", "<!-- benchmarks:end -->"

# What the README shows: of each file, the rows whose measure begins so, but those on dev facts, which settings are
# chosen by.
SHOWN = {
    "retrieval": ("recall@2", "recall@5"),
    "ask_latency": ("ask p50", "ask p95", "clew ask, whole process", "clew stats, whole process"),
    "ingest_speed": ("share of spaCy en_core_web_sm", "peak RSS"),
    "import_speed": ("rate, as a share",),
    "extraction": ("recall, all",),
    "link_prediction": ("MRR", "Hits@10", "PyKEEN's time"),
    "kgqa": ("Hits@1", "F1"),
    "linking": ("topic linked first", "text to proven answer p"),
    "wiki": ("exact match", "right among answered"),
}
ABLATIONS = ("fusion",)  # the same measures of many systems: a table for each set of data, a line for each system
WHOLE, HEAD = (
    "all fused",
    ("Hits@1", "right, by any name", "F1 of words", "ROUGE-L"),
)  # what is to be ahead of its parts, and in what

Rows = Sequence[Mapping[str, Any]]


def read(folder: Path = RESULTS) -> dict[str, Rows]:
    """The rows of every benchmark, by its name."""
    return {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))}


def page(results: Mapping[str, Rows]) -> str:
    """docs/benchmarks.md."""
    parts = [
        "# Benchmarks\n",
        "Made by `python -m benchmarks.tables` from `benchmarks/results/*.json`; each table by one command.\n",
    ]
    for name, rows in results.items():
        parts.append(f"## {name}\n")
        if name in ABLATIONS:
            for _, group in groupby(sorted(rows, key=lambda row: row["data"]), key=lambda row: row["data"]):
                parts += _ablation(list(group))
            continue
        for command, group in groupby(rows, key=lambda row: row["command"]):
            same = list(group)
            told = " · ".join(dict.fromkeys(map(_made, same)))
            parts.append(f"`{command}` · {told}\n")
            parts.append(_table(same))
    return "\n".join(parts)


def readme(text: str, results: Mapping[str, Rows]) -> str:
    """The README with its table made anew; the text as it is where it has no markers."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        return text
    rows = [
        row
        for name, measures in SHOWN.items()
        for row in results.get(name, ())
        if row["measure"].startswith(measures) and not row["split"].startswith("dev")
        if "standard deviation" not in row["measure"]
    ]
    return f"{before}{BEGIN}\n{_short(rows) if rows else ''}{END}{after}"


def main() -> None:
    """Write the pages."""
    results = read()
    PAGE.write_text(page(results), "utf-8")
    for path in READMES:
        if path.exists():
            path.write_text(readme(path.read_text("utf-8"), results), "utf-8")


def _table(rows: Rows) -> str:
    lines = ["| data | split | system | measure | value |", "|---|---|---|---|---|"]
    lines += [_line(row["data"], row["split"], row["system"], row["measure"], _value(row)) for row in rows]
    return "\n".join(lines) + "\n"


def _ablation(rows: Rows) -> list[str]:
    """The numbers of one set of data, and in what the whole is not ahead of a part of it."""
    measures = list(dict.fromkeys(row["measure"] for row in rows))
    systems = list(dict.fromkeys(row["system"] for row in rows))
    found = {(row["system"], row["measure"]): row for row in rows}
    parts = [f"### {rows[0]['data']}\n"]
    for split, group in groupby(sorted(rows, key=lambda row: row["split"]), key=lambda row: row["split"]):
        same = list(group)
        what = ", ".join(dict.fromkeys(row["measure"] for row in same))
        about = " · ".join(dict.fromkeys(f"`{row['command']}` · {_made(row)}" for row in same))
        parts.append(f"{split} ({what}): {about}\n")
    lines = [_line("", *measures), _line(*["---"] * (1 + len(measures)))]
    for system in systems:
        cells = [found.get((system, measure)) for measure in measures]
        lines.append(_line(system, *("" if one is None else _value(one) for one in cells)))
    parts.append("\n".join(lines) + "\n")
    behind = [
        f"{measure}: {_value(found[system, measure])} of {system}, {_value(found[WHOLE, measure])} of {WHOLE}"
        for measure in HEAD
        for system in systems
        if system != WHOLE and (system, measure) in found and (WHOLE, measure) in found
        if found[system, measure]["value"] >= found[WHOLE, measure]["value"]
    ]
    if behind:
        parts.append("Not ahead of every part: " + "; ".join(behind) + ".\n")
    return parts


def _made(row: Mapping[str, Any]) -> str:
    return f"{row['machine']} · commit {row['commit']}"


def _short(rows: Rows) -> str:
    """A line for all that was measured of a system on the same data."""
    lines = ["| data | split | system | |", "|---|---|---|---|"]
    for same, group in groupby(rows, key=lambda row: (row["data"], row["split"], row["system"])):
        lines.append(_line(*same, ", ".join(f"{row['measure']} {_value(row)}" for row in group)))
    return "\n".join(lines) + "\n"


def _line(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _value(row: Mapping[str, Any]) -> str:
    return f"{_number(row['value'])} {row['unit']}".strip()


def _number(value: float) -> str:
    if value == int(value) and abs(value) >= 1:
        return f"{int(value):,}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}" if 99.5 <= value < 100 else f"{value:.3g}"  # what is not all is not shown as all


if __name__ == "__main__":
    main()
