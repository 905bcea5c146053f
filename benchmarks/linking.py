"""Is the entity that a question is about found, as it is written and misspelt, and how long does it take?

``python -m benchmarks.linking`` imports MetaQA's triples into a fresh embedded store. Then (1) the topics of the first
1,000 published 1-hop test questions that the graph holds are sought, by the names in memory and by asking the store:
right is a question whose best link (the surest, then the longest) has the topic's name. Again with one seeded typo in
each topic: a letter left out, doubled, replaced, or two turned round. (2) A planner is trained on some published dev
questions, and test questions of one, two and three hops are timed from text to proven answer: linking, planning,
walking, and looking up every fact of every path in the store; quotations are not included.

``--questions N`` for fewer, ``--no-write`` only prints.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from api.assemble import Services
from api.settings import Settings
from benchmarks import kgqa
from benchmarks.rows import Row, data_folder, write_rows
from fusion.planned import PlannedReader
from fusion.planner.model import TOPIC, row_texts
from fusion.planner.training import train_planner
from fusion.question import Link, link
from kg.facts import name_key
from kg.mirror_file import kept_mirror
from kg.triples import TripleFile

NAME = "linking"
SEED = 7
TIMED = 100  # questions of each hop
WARM = 10
LETTERS = "abcdefghijklmnopqrstuvwxyz"
DATA = "MetaQA, kb_recovered.txt"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and the name of its topic."""

    text: str
    topic: str


def questions(hop: int, limit: int, *, held: set[str], typo: random.Random | None = None) -> list[Asked]:
    """The first test questions whose topic the graph holds."""
    found = []
    for one in kgqa.metaqa(data_folder() / "MetaQA", hop, "test")[:limit]:
        if one.topic in held:
            said = one.topic if typo is None else misspelt(one.topic, typo)
            found.append(Asked(one.text.replace(TOPIC, said), one.topic))
    return found


def misspelt(name: str, draw: random.Random) -> str:
    """The name with one typo in one of its letters; another key than the name has."""
    letters = [place for place, letter in enumerate(name) if letter.isalpha()]
    for _ in range(20):
        at = draw.choice(letters or range(max(1, len(name))))
        kind = draw.randrange(4)
        if kind == 0:
            made = name[:at] + name[at + 1 :]
        elif kind == 1:
            made = name[: at + 1] + name[at:]
        elif kind == 2:
            made = name[:at] + draw.choice(LETTERS) + name[at + 1 :]
        else:
            made = name[:at] + name[at + 1 : at + 2] + name[at] + name[at + 2 :]
        if name_key(made) != name_key(name):
            return made
    return name


def found_first(links: Sequence[Link], topic: str) -> bool:
    """Whether the best link has the topic's name."""
    best = min(links, key=lambda one: (-one.score, one.start - one.end, one.entity.id), default=None)
    return best is not None and best.entity.name == topic


def on_metaqa(limit: int, command: str) -> Iterator[Row]:
    """The rows of one graph."""

    def row(split: str, system: str, measure: str, value: float, unit: str, seconds: float) -> Row:
        return Row(
            data=DATA,
            split=split,
            system=system,
            measure=measure,
            value=round(value, 3),
            unit=unit,
            seeds=[SEED],
            seconds=round(seconds, 1),
            command=command,
        )

    def times(split: str, system: str, measure: str, found: Sequence[float]) -> Iterator[Row]:
        for percent in (50, 95):
            value = float(np.percentile(found, percent))
            yield row(split, system, f"{measure} p{percent}", value, "ms", sum(found) / 1e3)

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        services = Services(Settings(store=f"embedded:{folder}/graph"))
        try:
            path = data_folder() / "MetaQA" / "kb_recovered.txt"
            services.ingestor.import_file(TripleFile(path).__iter__)
            reader = planned(services)
            version = services.store.version()
            held = {entity.name for entity in services.store.all_entities()}
            for typo in (None, random.Random(SEED)):
                asked = questions(1, limit, held=held, typo=typo)
                split = f"1-hop, {len(asked):,} test questions" + (", one typo in each topic" if typo else "")
                for system, names in (
                    ("Clew, names in memory", services.names(version)),
                    ("Clew, names asked of the store", services.store),
                ):
                    seconds, right, linked = [], 0, 0
                    for one in asked:
                        begun = time.perf_counter()
                        links = link(names, services.ontology, one.text)
                        seconds.append((time.perf_counter() - begun) * 1e3)
                        right += found_first(links, one.topic)
                        linked += any(each.entity.name == one.topic for each in links)
                    total = len(asked)
                    yield row(split, system, "topic linked first", 100 * right / total, "%", sum(seconds) / 1e3)
                    yield row(split, system, "topic among the links", 100 * linked / total, "%", sum(seconds) / 1e3)
                    yield from times(split, system, "linking", seconds)
            for hop in (1, 2, 3):
                drawn = questions(hop, 10 * (TIMED + WARM), held=held)
                random.Random(SEED).shuffle(drawn)
                spent = [proven(services, reader, one.text) for one in drawn[: TIMED + WARM]][WARM:]
                split = f"{hop}-hop, {len(spent)} test questions drawn"
                walls, computed = zip(*spent, strict=True)
                yield from times(split, "Clew planner", "text to proven answer", walls)
                yield from times(split, "Clew planner", "text to proven answer, processor time of the asker", computed)
        finally:
            services.close()


def proven(services: Services, reader: PlannedReader, text: str) -> tuple[float, float]:
    """Milliseconds from a question's text to answers whose facts were all found in the store.

    By the clock, and what the processor worked in this thread: the store's own work and all waiting left out.
    """
    begun, worked = time.perf_counter(), time.thread_time()
    asked, facts = services.answerer.understand(text)
    thought = reader.think(asked.text, asked.links, version=facts.version)
    if thought.plans:
        reader.answer(thought, facts)
    return (time.perf_counter() - begun) * 1e3, (time.thread_time() - worked) * 1e3


def planned(services: Services) -> PlannedReader:
    """A planner trained on published dev questions, kept where `clew ask` finds it."""
    path = services.mirror_file
    assert path is not None
    graph = kept_mirror(services.store, path, notify=print)
    names = {entity.name: entity.id for entity in services.store.all_entities()}
    encoder = services.embedder
    examples = []
    for hop in (1, 2, 3):
        drawn = kgqa.metaqa(data_folder() / "MetaQA", hop, "dev")
        random.Random(SEED).shuffle(drawn)
        known = [
            replace(one, topic=names[one.topic], answers=frozenset(names[a] for a in one.answers if a in names))
            for one in drawn[:1000]
            if one.topic in names
        ]
        examples += kgqa.examples(graph, known, encoder)
    texts = encoder.encode(row_texts(graph.relations))
    planner = train_planner(graph, examples, texts, kgqa.METAQA, encoder=encoder.name, progress=kgqa.show)
    planner.acquainted([example.asked for example in examples]).save(services.planner_file)
    services.warm()
    reader = services.planned_reader
    assert reader is not None
    return reader


def main() -> None:
    """Measure, and write the rows."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{NAME}", description=__doc__.partition("\n")[0])
    parser.add_argument("--questions", type=int, default=1000, help="whose topics are sought")
    parser.add_argument("--no-write", action="store_true")
    options = parser.parse_args()
    command = " ".join((f"python -m benchmarks.{NAME}", *sys.argv[1:]))
    rows = []
    for one in on_metaqa(options.questions, command):
        rows.append(one)
        print(f"{one['split']} · {one['system']} · {one['measure']}: {one['value']} {one['unit']}", flush=True)
    if not options.no_write:
        write_rows(NAME, rows)


if __name__ == "__main__":
    main()
