"""Where should the evidence of a fact live: on its relationship, or in nodes of its own?

``python -m benchmarks.evidence_layout`` writes the first triples of MetaQA's knowledge base as documents of 20 lines,
every fourth fact said again by a second document, in each layout, and then deletes half of the documents exactly:
a fact goes with its last evidence, an entity with its last fact. Both layouts are written as plainly as they can be
and get a fresh server each; with CLEW_TEST_NEO4J, a Neo4j as well. The figures are medians over rounds taken in turns.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import neo4j

from benchmarks.neo4j_server import neo4j_server
from benchmarks.rows import data_folder, write_rows
from kg.embedded import open_embedded
from kg.facts import Document, Entity, Fact, digest

FILE = data_folder() / "MetaQA" / "kb_recovered.txt"
COMMAND = "python -m benchmarks.evidence_layout"
T = TypeVar("T")

LINES = 20  # triples of a document
GROUP = 100  # documents of a transaction


@dataclass(frozen=True, slots=True)
class Said:
    """One line of one document."""

    document: str
    subject: str
    relation: str
    object: str
    fact: str
    start: int
    end: int


class Layout(Protocol):
    """A way to keep evidence."""

    @property
    def schema(self) -> Sequence[str]:
        """What is made before anything is written."""
        ...

    def write(self, run: Callable[..., list[Any]], said: Sequence[Said]) -> None:
        """Add what documents say."""
        ...

    def delete(self, run: Callable[..., list[Any]], documents: Sequence[str]) -> None:
        """Forget documents exactly."""
        ...


IDS = tuple(
    f"CREATE CONSTRAINT {label.lower()}_id IF NOT EXISTS FOR (n:{label}) REQUIRE n.id IS UNIQUE"
    for label in ("Entity", "Chunk")
)
ENTITIES = "UNWIND $rows AS row MERGE (e:Entity {id: row})"
FACTS = (
    "UNWIND $rows AS row MATCH (s:Entity {id: row.subject}) MATCH (o:Entity {id: row.object}) "
    "MERGE (s)-[r:`TYPE`]->(o) ON CREATE SET r.id = row.fact"
)
LONELY = "UNWIND $rows AS row MATCH (e:Entity {id: row}) WHERE NOT EXISTS { (e)--() } DELETE e"


class OnTheRelationship:
    """A list of lines on the fact; each chunk lists its facts."""

    schema = IDS

    def write(self, run: Callable[..., list[Any]], said: Sequence[Said]) -> None:
        run(ENTITIES, sorted({end for s in said for end in (s.subject, s.object)}))
        facts_of: defaultdict[str, list[str]] = defaultdict(list)
        for s in said:
            facts_of[s.document].append(f"{s.subject} {s.object} {s.relation}")
        chunks = [{"id": document, "facts": sorted(facts)} for document, facts in sorted(facts_of.items())]
        run("UNWIND $rows AS row CREATE (:Chunk {id: row.id, facts: row.facts})", chunks)
        for relation, group in by_relation(said).items():
            evidence: defaultdict[str, list[str]] = defaultdict(list)
            for s in group:
                evidence[s.fact].append(f"{s.document} {s.start} {s.end} 1.0 import-1")
            rows = {
                s.fact: {"fact": s.fact, "subject": s.subject, "object": s.object, "evidence": sorted(evidence[s.fact])}
                for s in group
            }
            known = run(
                FACTS.replace("TYPE", relation) + ", r.evidence = row.evidence "
                "WITH row, r WHERE r.evidence <> row.evidence RETURN r.id, r.evidence",
                list(rows.values()),
            )
            united = [rows[id] | {"evidence": sorted({*old, *evidence[id]})} for id, old in known]
            self._set(run, relation, united)

    def delete(self, run: Callable[..., list[Any]], documents: Sequence[str]) -> None:
        facts = run("UNWIND $rows AS row MATCH (c:Chunk {id: row}) UNWIND c.facts AS fact RETURN fact", list(documents))
        gone = set(documents)
        touched: set[str] = set()
        groups: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
        for (line,) in facts:
            subject, object, relation = line.split(" ", 2)
            groups[relation].add((subject, object))
            touched |= {subject, object}
        for relation, ends in groups.items():
            rows = [{"subject": subject, "object": object} for subject, object in sorted(ends)]
            match = (
                "UNWIND $rows AS row MATCH (s:Entity {id: row.subject}) MATCH (o:Entity {id: row.object}) "
                f"MATCH (s)-[r:`{relation}`]->(o) "
            )
            weaker: list[dict[str, Any]] = []
            dead: list[dict[str, Any]] = []
            for subject, object, evidence in run(match + "RETURN s.id, o.id, r.evidence", rows):
                left = [line for line in evidence if line.split(" ", 1)[0] not in gone]
                (weaker if left else dead).append({"subject": subject, "object": object, "evidence": left})
            self._set(run, relation, weaker)
            run(match + "DELETE r", dead)
        run("UNWIND $rows AS row MATCH (c:Chunk {id: row}) DETACH DELETE c", list(documents))
        run(LONELY, sorted(touched))

    @staticmethod
    def _set(run: Callable[..., list[Any]], relation: str, rows: list[dict[str, Any]]) -> None:
        run(
            "UNWIND $rows AS row MATCH (s:Entity {id: row.subject}) MATCH (o:Entity {id: row.object}) "
            f"MATCH (s)-[r:`{relation}`]->(o) SET r.evidence = row.evidence",
            rows,
        )


class InNodes:
    """A node per evidence, joined to its chunk and to both ends of its fact."""

    schema = (*IDS, "CREATE INDEX evidence_fact IF NOT EXISTS FOR (v:Evidence) ON (v.fact)")

    def write(self, run: Callable[..., list[Any]], said: Sequence[Said]) -> None:
        run(ENTITIES, sorted({end for s in said for end in (s.subject, s.object)}))
        run("UNWIND $rows AS row CREATE (:Chunk {id: row})", sorted({s.document for s in said}))
        for relation, group in by_relation(said).items():
            facts = {s.fact: {"fact": s.fact, "subject": s.subject, "object": s.object} for s in group}
            run(FACTS.replace("TYPE", relation), list(facts.values()))
        rows = [
            {
                "fact": s.fact,
                "chunk": s.document,
                "subject": s.subject,
                "relation": s.relation,
                "object": s.object,
                "start": s.start,
                "end": s.end,
            }
            for s in said
        ]
        run(
            "UNWIND $rows AS row MATCH (c:Chunk {id: row.chunk}) MATCH (s:Entity {id: row.subject}) "
            "MATCH (o:Entity {id: row.object}) CREATE (v:Evidence {fact: row.fact, relation: row.relation, "
            "start: row.start, end: row.end, confidence: 1.0, extractor: 'import-1'}) "
            "CREATE (v)-[:IN]->(c) CREATE (v)-[:SUBJECT]->(s) CREATE (v)-[:OBJECT]->(o)",
            rows,
        )

    def delete(self, run: Callable[..., list[Any]], documents: Sequence[str]) -> None:
        found = run(
            "UNWIND $rows AS row MATCH (:Chunk {id: row})<-[:IN]-(v:Evidence) MATCH (v)-[:SUBJECT]->(s) "
            "MATCH (v)-[:OBJECT]->(o) RETURN DISTINCT v.fact, s.id, v.relation, o.id",
            list(documents),
        )
        run("UNWIND $rows AS row MATCH (c:Chunk {id: row})<-[:IN]-(v:Evidence) DETACH DELETE v", list(documents))
        run("UNWIND $rows AS row MATCH (c:Chunk {id: row}) DETACH DELETE c", list(documents))
        said = run("UNWIND $rows AS row MATCH (v:Evidence {fact: row}) RETURN DISTINCT row", [f for f, *_ in found])
        alive = {fact for (fact,) in said}
        dead: defaultdict[str, list[dict[str, str]]] = defaultdict(list)
        for fact, subject, relation, object in found:
            if fact not in alive:
                dead[relation].append({"subject": subject, "object": object})
        for relation, rows in dead.items():
            run(
                "UNWIND $rows AS row MATCH (s:Entity {id: row.subject}) MATCH (o:Entity {id: row.object}) "
                f"MATCH (s)-[r:`{relation}`]->(o) DELETE r",
                rows,
            )
        run(LONELY, sorted({end for _, subject, _, object in found for end in (subject, object)}))


LAYOUTS: dict[str, Layout] = {"on the relationship": OnTheRelationship(), "in nodes": InNodes()}


def by_relation(said: Sequence[Said]) -> dict[str, list[Said]]:
    groups: defaultdict[str, list[Said]] = defaultdict(list)
    for s in said:
        groups[s.relation].append(s)
    return groups


def parts(things: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(things), size):
        yield things[start : start + size]


def documents(count: int) -> list[list[Said]]:
    """What each document says."""
    lines = FILE.read_text("utf-8").splitlines()[:count]
    again = lines[::4]
    found = []
    for part, texts in (("once", lines), ("again", again)):
        for number, group in enumerate(parts(texts, LINES)):
            document = Document(f"{part} {number}", "").id
            start, said = 0, []
            for line in group:
                subject, relation, object = line.split("|")
                ends = Entity("Thing", subject).id, Entity("Thing", object).id
                fact = Fact(ends[0], relation, ends[1]).id
                said.append(Said(document, ends[0], relation, ends[1], fact, start, start + len(line)))
                start += len(line) + 1
            found.append(said)
    return sorted(found, key=lambda said: digest(said[0].document))


def processor_time(folder: Path) -> float:
    """Seconds that this process and the server of the folder have computed: it depends less on what else runs."""
    ticks = 0
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            line = (process / "cmdline").read_bytes()
            stat = (process / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        if b"java" in line and str(folder).encode() in line:
            ticks += int(stat[11]) + int(stat[12])
    return ticks / os.sysconf("SC_CLK_TCK") + time.process_time()


def measure(driver: neo4j.Driver, database: str | None, layout: Layout, count: int, folder: Path) -> dict[str, float]:
    """Write all documents, delete half of them, and check what is left."""
    all = documents(count)
    with driver.session(database=database) as session:
        for statement in layout.schema:
            session.run(statement).consume()

        def transact(work: Callable[..., None], argument: Sequence[Any]) -> None:
            def do(transaction: neo4j.ManagedTransaction) -> None:
                work(lambda query, rows: transaction.run(query, rows=rows).values() if rows else [], argument)

            session.execute_write(do)

        computed = processor_time(folder)
        begun = time.perf_counter()
        for group in parts(all, GROUP):
            transact(layout.write, [s for said in group for s in said])
        written = time.perf_counter() - begun
        nodes, edges = size(session)
        begun = time.perf_counter()
        gone = all[: len(all) // 2]
        for group in parts(gone, GROUP):
            transact(layout.delete, [said[0].document for said in group])
        deleted = time.perf_counter() - begun
        computed = processor_time(folder) - computed
        left = {s.fact for said in all[len(gone) :] for s in said}
        facts = session.run("MATCH (:Entity)-[r]->(:Entity) RETURN count(r)").single(strict=True)[0]
        assert facts == len(left), (facts, len(left))
    said = sum(map(len, all))
    return {
        "writing": round(said / written),
        "exact deleting": round(len(gone) / deleted),
        "processor time of both": round(computed, 1),
        "nodes": nodes,
        "relationships": edges,
        "seconds": written + deleted,
    }


def size(session: neo4j.Session) -> tuple[int, int]:
    nodes = session.run("MATCH (n) WHERE NOT n:Graph RETURN count(n)").single(strict=True)[0]
    return nodes, session.run("MATCH ()-[r]->() RETURN count(r)").single(strict=True)[0]


@contextmanager
def embedded(folder: Path) -> Iterator[tuple[neo4j.Driver, str | None]]:
    store = open_embedded(str(folder), idle=1)
    try:
        yield store._driver, "clew"
    finally:
        store.close()


@contextmanager
def server(folder: Path) -> Iterator[tuple[neo4j.Driver, str | None]]:
    with neo4j_server(folder) as (address, password):
        settings: Any = {"notifications_min_severity": "OFF"}
        with neo4j.GraphDatabase.driver(address, auth=("neo4j", password), **settings) as driver:
            yield driver, None


UNITS = {
    "writing": "statements/s",
    "exact deleting": "documents/s",
    "processor time of both": "s",
    "nodes": "nodes",
    "relationships": "relationships",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--triples", type=int, default=40_000)
    given = parser.parse_args()
    servers = {"embedded (ArcadeDB)": embedded}
    if os.environ.get("CLEW_TEST_NEO4J"):
        servers["Neo4j"] = server
    rows = []
    for name, open_server in servers.items():
        found: dict[str, list[dict[str, float]]] = {layout: [] for layout in LAYOUTS}
        for _ in range(given.rounds):
            for layout, way in LAYOUTS.items():
                with tempfile.TemporaryDirectory() as place:
                    folder = Path(place) / "graph"
                    with open_server(folder) as (driver, database):
                        found[layout].append(measure(driver, database, way, given.triples, folder))
                print(name, layout, found[layout][-1], flush=True)
        for layout, runs in found.items():
            for measure_, unit in UNITS.items():
                rows.append(
                    {
                        "data": "MetaQA kb_recovered.txt",
                        "split": f"first {given.triples:,} triples, every fourth said twice",
                        "system": f"evidence {layout}, {name}",
                        "measure": measure_,
                        "value": round(statistics.median(run[measure_] for run in runs), 1),
                        "unit": unit,
                        "seconds": round(sum(run["seconds"] for run in runs), 2),
                        "command": COMMAND,
                    }
                )
    write_rows("evidence_layout", rows)


if __name__ == "__main__":
    main()
