"""Reads the bundled films, asks about them, and says how many answers are right: ``python -m scripts.demo [STORE]``."""

import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from api import settings
from api.assemble import Services
from api.display import Display, note, plain
from api.errors import Exit, exit_code
from api.progress import progress
from fusion.evaluate import is_right
from kg.errors import GraphError

ROOT = Path(__file__).parents[1]
PASSAGES, QUESTIONS = "examples/films/passages.jsonl", "examples/films/questions.jsonl"
STORE = "embedded:.clew/demo"
SHOWN = 5


def read(services: Services, out: Display) -> int:
    from nlp.documents import Options, read

    options = Options(text_field="text", title_field="title", id_field="id")
    out.line(f"Reading {PASSAGES}: introductions of Wikipedia articles, most of them about films")
    begun = time.perf_counter()
    with progress("Reading") if sys.stderr.isatty() else nullcontext(milestones(out)) as tell:
        counts = services.ingestor.ingest(lambda: read([PASSAGES], options=options), whole_files=True, progress=tell)
    spent = time.perf_counter() - begun
    if counts.unchanged:
        out.line(f"{counts.unchanged} passages were in the graph already.")
    held = services.store.counts()
    out.line(
        f"In the graph: {held.documents:,} documents, {held.entities:,} entities, {held.facts:,} facts "
        f"with {held.evidence:,} pieces of evidence (read in {spent:.0f} s)"
    )
    for lost in counts.unreadable:
        note(lost.message)
    return len(counts.unreadable)


def milestones(out: Display) -> Callable[[int, int], None]:
    """Progress for a log: a line at each fifth."""
    told = {0}

    def tell(done: int, total: int) -> None:
        fifth = 5 * done // total if total else 0
        if fifth not in told:
            told.add(fifth)
            out.line(f"  {done} of {total}")

    return tell


def ask(services: Services, out: Display) -> None:
    right = abstained = 0
    missed: list[str] = []
    rows = [json.loads(line) for line in Path(QUESTIONS).read_text("utf-8").splitlines()]
    for number, row in enumerate(rows, 1):
        answer = services.answerer.ask(row["question"])
        if number <= SHOWN:
            out.line()
            out.heading(f"{number}. {row['question']}")
            out.answer(answer)
        if is_right(answer, [row["answer"], *row.get("aliases", [])]):
            right += 1
        else:
            abstained += answer.abstained
            missed.append(f"{row['question']} {answer.text or 'no answer'} (right: {row['answer']})")
    out.line()
    out.line(f"Right: {right} of {len(rows)}. Wrong: {len(missed) - abstained}. No answer: {abstained}.")
    for line in missed:
        out.line(f"  missed: {plain(line)}")


def main() -> int:
    os.chdir(ROOT)
    chosen = settings.read(store=sys.argv[1] if len(sys.argv) > 1 else STORE)
    services = Services(chosen, notify=note)
    out = Display(colour=not chosen.no_color)
    try:
        lost = read(services, out)
        ask(services, out)
        if chosen.store == STORE:
            out.line(f'\nAsk on: .venv/bin/clew ask "Who directed Fortunella?" --store {STORE}')
        return Exit.INCOMPLETE if lost else 0
    except GraphError as error:
        note(f"demo: {error}")
        return exit_code(error)
    finally:
        services.close()


if __name__ == "__main__":
    sys.exit(main())
