"""How many multi-hop questions are answered from plain text, and where are the others lost?

``python -m benchmarks.wiki`` reads the paragraphs of the hundred questions of MultiHopQA-100/wikihop.json (a sample of
2WikiMultiHop) as one corpus, lets the project's own extraction build the graph, and asks it the questions; and asks
them of a graph of the gold evidence triples alone, which no extraction can have lost: the upper bound.

On both graphs the questions are answered by rules alone, and with a planner that was trained on questions made from
that graph (fusion/planner/wording.py), so that no human question was seen.

A wrong or missing answer is counted where it was lost first: *extraction*, a gold triple is not in the graph;
*linking*, a thing that the question starts from is not linked; *planning*, the rest. Nothing was chosen by these
questions, but they are no unseen test: they had been read before, and the words of fusion/cues.py follow their wording.

``--store ADDRESS`` keeps the graph of the text (default ``memory:``), ``--alone`` asks each question of its own
paragraphs only, ``--list`` prints every question that was lost, and ``--no-write`` only prints.
"""

import argparse
import os
import random
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from api.assemble import Services
from api.settings import Settings
from benchmarks.rows import Row, data_folder, merge_rows
from benchmarks.wikihop import Question, gold_store, questions, reached, topics
from fusion.answerer import Answerer
from fusion.evaluate import exact_match, is_right, token_f1
from fusion.planned import PlannedReader
from fusion.planner.model import row_texts
from fusion.planner.training import PlannerConfig, train_planner
from fusion.planner.wording import examples, generate
from fusion.trace import Trace
from kg.facts import Document
from kg.mirror import mirror
from kg.ontology import Ontology
from kg.store import GraphStore
from nlp.embed import TokenEmbedder

NAME = "wiki"
DATA = "MultiHopQA-100/wikihop.json"
TEXT, GOLD = "graph extracted from the text", "graph of the gold evidence triples"
RULES, PLANNED = "rules alone", "planner from generated questions"
STAGES = ("extraction", "linking", "planning")
GENERATED, HELD = 3000, 300
CONFIG = PlannerConfig(epochs=6)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one question."""

    asked: Question
    trace: Trace
    exact: bool  # the official exact match of the answer's text
    f1: float  # of its words, the official one
    right: bool  # by any name of the answer, and however a date is written
    stage: str  # where it was lost; empty where it is right


def ask(question: Question, answerer: Answerer, store: GraphStore) -> Outcome:
    """Answer a question, and say where it was lost."""
    trace = answerer.explain(question.text)
    answer = trace.answer
    right = is_right(answer, question.gold)
    exact = not answer.abstained and any(exact_match(answer.text, gold) for gold in question.gold)
    f1 = 0.0 if answer.abstained else max(token_f1(answer.text, gold) for gold in question.gold)
    stage = ""
    if not right and not exact:
        linked = () if trace.asked is None else [one.entity for one in trace.asked.links]
        if not all(reached(triple, store) for triple in question.evidence):
            stage = "extraction"
        elif not all(any(topic.means(entity) for entity in linked) for topic in topics(question)):
            stage = "linking"
        else:
            stage = "planning"
    return Outcome(question, trace, exact, f1, right or exact, stage)


def planner_of(store: GraphStore, ontology: Ontology, embedder: TokenEmbedder) -> PlannedReader:
    """A planner trained on questions made from a graph."""
    graph = mirror(store)
    types = {entity.id: entity.type for entity in store.all_entities()}
    questions = generate(
        graph, ontology, count=GENERATED + HELD, hops=CONFIG.hops, seed=CONFIG.seed, languages=("en",), types=types
    ).questions
    made = list(questions)
    random.Random(CONFIG.seed).shuffle(made)
    held, learned = (examples(graph, part, embedder.tokens) for part in (made[:HELD], made[HELD:]))
    texts = embedder.encode(row_texts(graph.relations))
    planner = train_planner(graph, learned, texts, CONFIG, encoder=embedder.name, dev=held)
    return PlannedReader(store, planner.acquainted([one.asked for one in learned]), embedder)


def rows_of(system: str, found: Sequence[Outcome], seconds: float, command: str) -> list[Row]:
    """A row a measure; what is lost, for all questions and by their type."""
    count = len(found)
    answered = [one for one in found if not one.trace.answer.abstained]
    row = partial(_row, system=system, seconds=seconds, command=command)
    everything = f"all {count} questions"
    rows = [
        row(everything, "exact match", 100 * sum(one.exact for one in found) / count, "%"),
        row(everything, "F1 of words", 100 * sum(one.f1 for one in found) / count, "%"),
        row(everything, "right, by any name", 100 * sum(one.right for one in found) / count, "%"),
        row(everything, "answered", 100 * len(answered) / count, "%"),
        row(everything, "right among answered", 100 * sum(o.right for o in answered) / max(1, len(answered)), "%"),
    ]
    kinds: defaultdict[str, list[Outcome]] = defaultdict(list)
    for one in found:
        kinds[one.asked.kind].append(one)
    for split, part in [(everything, found), *((f"{len(kinds[k])} {k}", kinds[k]) for k in sorted(kinds))]:
        if split != everything:
            row_right = 100 * sum(one.right for one in part) / len(part)
            rows.append(row(split, "right, by any name", row_right, "%"))
        rows += [row(split, f"lost in {stage}", sum(o.stage == stage for o in part), "questions") for stage in STAGES]
    return rows


def _row(split: str, measure: str, value: float, unit: str, *, system: str, seconds: float, command: str) -> Row:
    return Row(
        data=DATA, split=split, system=system, measure=measure, value=round(value, 2), unit=unit,
        seconds=round(seconds, 1), command=command,
    )  # fmt: skip


def show(system: str, found: Sequence[Outcome]) -> None:
    """Print what was lost."""
    for one in found:
        if one.stage:
            given = one.trace.answer.text or f"({one.trace.answer.reason})"
            print(f"{system} · {one.stage} · {one.asked.kind} · {one.asked.text} · {one.asked.gold[0]} · {given}")
            if one.stage == "extraction":
                print(f"    {[str(t) for t in one.asked.evidence]}")


def documents(asked: Sequence[Question]) -> list[Document]:
    """The paragraphs of some questions, each once."""
    unique = dict.fromkeys(passage for question in asked for passage in question.context)
    return [Document(f"wikihop#{at}", text, title, "en") for at, (title, text) in enumerate(unique) if text.strip()]


def on_text(asked: Sequence[Question], options: argparse.Namespace, command: str) -> list[Row]:
    """All paragraphs as one corpus."""
    services = Services(Settings(store=options.store, processes=os.cpu_count() or 1))
    try:
        begun = time.perf_counter()
        services.ingestor.ingest(lambda: iter(documents(asked)))
        print(f"the text was read in {time.perf_counter() - begun:.0f} s", flush=True)
        return on_graph(TEXT, services.store, services, asked, options, command)
    finally:
        services.close()


def on_graph(
    name: str,
    store: GraphStore,
    services: Services,
    asked: Sequence[Question],
    options: argparse.Namespace,
    command: str,
) -> list[Row]:
    """Questions asked of one graph, by rules and with a planner."""
    rows: list[Row] = []
    for reader in (RULES, PLANNED):
        begun = time.perf_counter()
        planned = planner_of(store, services.ontology, services.embedder) if reader == PLANNED else None
        answerer = answerer_of(store, services, planned)
        found = [ask(question, answerer, store) for question in asked]
        system = f"{name}, {reader}"
        rows += rows_of(system, found, time.perf_counter() - begun, command)
        if options.list:
            show(system, found)
    return rows


def answerer_of(store: GraphStore, services: Services, planned: PlannedReader | None) -> Answerer:
    """What answers questions of one graph, with this planner."""
    return Answerer(store, embedder=services.embedder, ontology=services.ontology, planned=lambda: planned)


def alone(asked: Sequence[Question], command: str) -> list[Row]:
    """Each question with a graph of its own paragraphs, by rules."""
    begun = time.perf_counter()
    found = []
    for question in asked:
        services = Services(Settings(store="memory:"))
        services.ingestor.ingest(documents([question]).__iter__)
        answerer = Answerer(services.store, embedder=services.embedder, ontology=services.ontology)
        found.append(ask(question, answerer, services.store))
        services.close()
    return rows_of(f"{TEXT}, each question's own paragraphs, {RULES}", found, time.perf_counter() - begun, command)


def main() -> None:
    """Measure, and merge the rows into the file."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{NAME}", description=__doc__.partition("\n")[0])
    parser.add_argument("--store", default="memory:")
    parser.add_argument("--alone", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--no-write", action="store_true")
    options = parser.parse_args()
    asked = questions(data_folder() / DATA)
    command = f"python -m benchmarks.{NAME}" + (" --alone" if options.alone else "")
    if options.alone:
        rows = alone(asked, command)
    else:
        services = Services(Settings(store="memory:"))
        rows = on_graph(GOLD, gold_store(asked), services, asked, options, command)
        rows += on_text(asked, options, command)
    if options.no_write:
        for row in rows:
            print(f"{row['split']} · {row['system']} · {row['measure']}: {row['value']} {row['unit']}")
    else:
        merge_rows(NAME, rows)


if __name__ == "__main__":
    main()
