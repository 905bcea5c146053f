"""What does a question after a write wait for, where names and facts are held in memory?

``python -m benchmarks.after_write`` draws graphs of 30,000 and 300,000 names with three facts a name, makes the index
of names and the graph that plans walk, and then brings both up to date with 20 new names and 40 new facts. Processor
time of one thread, the least of five; reading the store is left out.

``--names N …`` for other sizes, ``--no-write`` only prints.
"""

import argparse
import random
import sys
import time
from collections.abc import Callable, Sequence
from string import ascii_lowercase
from typing import TypeVar

from benchmarks.rows import Row, write_rows
from kg import mirror_changes, name_changes
from kg.facts import Entity, EntityId, Triple
from kg.mirror import Mirror
from kg.name_index import NameIndex
from kg.store import Changes

NAME = "after_write"
SEED = 1
RELATIONS = ["born_in", "knows", "likes", "made"]
TYPES = ["Person", "Film", "Place"]
NEW = 20  # names
TIMES = 5

T = TypeVar("T")


def entities(first: int, count: int, draw: random.Random, words: Sequence[str]) -> list[Entity]:
    """Things of two words and a number, by id."""
    made = (
        Entity(draw.choice(TYPES), f"{draw.choice(words)} {draw.choice(words)} {first + number}".title())
        for number in range(count)
    )
    return sorted(made, key=lambda entity: entity.id)


def least(make: Callable[[], T]) -> tuple[float, T]:
    """Milliseconds of this thread, the least of several, and what was made last."""
    found: list[float] = []
    for _ in range(TIMES):
        begun = time.thread_time()
        made = make()
        found.append(1e3 * (time.thread_time() - begun))
    return min(found), made


def measure(names: int, command: str) -> list[Row]:
    """The rows of one size."""
    begun = time.perf_counter()
    draw = random.Random(SEED)
    words = ["".join(draw.choices(ascii_lowercase, k=draw.randint(3, 9))) for _ in range(20_000)]
    held = entities(0, names, draw, words)
    ids = [entity.id for entity in held]
    drawn = {(draw.choice(ids), draw.choice(RELATIONS), draw.choice(ids)) for _ in range(3 * names)}
    facts: list[Triple] = sorted(drawn)
    new = entities(names, NEW, draw, words)
    added: list[Triple] = [(one.id, relation, draw.choice(ids)) for one in new for relation in ("knows", "made")]
    fresh: list[EntityId] = [one.id for one in new]

    def made() -> Mirror:
        graph = Mirror.of(facts, entities=ids, relations=RELATIONS)
        assert len(graph.places) == names
        return graph

    changes = Changes(frozenset(fresh), frozenset(added))
    index_anew, index = least(lambda: NameIndex.of(held))
    index_after, _ = least(lambda: name_changes.changed(index, fresh, new, version=1))
    graph_anew, graph = least(made)

    def changed() -> Mirror:
        after = mirror_changes.changed(graph, changes, fresh, added, version=1)
        assert len(after.places) == names + NEW
        return after

    graph_after, _ = least(changed)
    values = {
        ("index of names", "made anew"): index_anew,
        ("index of names", "brought up to date"): index_after,
        ("graph that plans walk", "made anew"): graph_anew,
        ("graph that plans walk", "brought up to date"): graph_after,
    }
    return [
        Row(
            data=f"drawn, {names:,} names, {len(facts):,} facts",
            split=f"{NEW} new names, {len(added)} new facts",
            system=how,
            measure=what,
            value=round(value, 1),
            unit="ms",
            seeds=[SEED],
            seconds=round(time.perf_counter() - begun, 1),
            command=command,
        )
        for (what, how), value in values.items()
    ]


def main() -> None:
    """Measure every size, and write the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--names", type=int, nargs="+", default=[30_000, 300_000])
    parser.add_argument("--no-write", action="store_true")
    options = parser.parse_args()
    command = " ".join((f"python -m benchmarks.{NAME}", *sys.argv[1:]))
    rows = [row for names in options.names for row in measure(names, command)]
    if options.no_write:
        for row in rows:
            print(f"{row['data']} · {row['system']} · {row['measure']}: {row['value']} {row['unit']}")
    else:
        write_rows(NAME, rows)


if __name__ == "__main__":
    main()
