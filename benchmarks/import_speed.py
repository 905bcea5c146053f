"""How fast are triples imported, against a bare driver loop that sends the same rows?

``python -m benchmarks.import_speed`` imports the 128,185 triples of MetaQA's knowledge base as `clew import` does
(read, cut into chunks, evidence for each fact, full-text indexes, one document that can be replaced or deleted) into
a fresh embedded graph, and, with CLEW_TEST_NEO4J, into a fresh Neo4j. The bare loop sends each thing once by UNWIND
and MERGE on a unique id, then the triples by UNWIND and MERGE per relation, 5,000 rows a transaction, with nothing
else kept and no index but the unique one. Both get a server of their own, started anew with the same settings, in
turns; start-up is not counted. The figures are medians.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import neo4j
from pydantic import SecretStr

from api.assemble import Services
from api.settings import Settings
from benchmarks.neo4j_server import neo4j_server
from benchmarks.rows import data_folder, write_rows
from kg import supervisor
from kg.embedded import open_embedded
from kg.triples import TripleFile

FILE = data_folder() / "MetaQA" / "kb_recovered.txt"
ROWS = 5000  # a transaction of the bare loop
COMMAND = "python -m benchmarks.import_speed"


def clew(settings: Settings) -> float:
    """Seconds of `clew import`, from the file to the last transaction."""
    services = Services(settings)
    try:
        ingestor = services.ingestor  # the store is open and its schema there
        begun = time.perf_counter()
        ingestor.import_file(TripleFile(FILE).__iter__)
        seconds = time.perf_counter() - begun
        assert services.store.counts().evidence == len(triples())
        return seconds
    finally:
        services.close()


def bare(driver: neo4j.Driver, database: str | None) -> float:
    """Seconds of a loop that sends the same rows and nothing else."""
    with driver.session(database=database) as session:
        session.run("CREATE CONSTRAINT bare_id IF NOT EXISTS FOR (n:Bare) REQUIRE n.id IS UNIQUE").consume()
        begun = time.perf_counter()
        names = sorted({name for subject, _, object in triples() for name in (subject, object)})
        for start in range(0, len(names), ROWS):
            rows = [{"id": name, "name": name} for name in names[start : start + ROWS]]
            query = "UNWIND $rows AS row MERGE (n:Bare {id: row.id}) SET n.name = row.name"
            session.execute_write(_send, query, rows)
        by_relation: defaultdict[str, list[dict[str, str]]] = defaultdict(list)
        for subject, relation, object in triples():
            by_relation[relation].append({"subject": subject, "object": object})
        for relation, pairs in by_relation.items():
            query = (
                "UNWIND $rows AS row MATCH (s:Bare {id: row.subject}) MATCH (o:Bare {id: row.object}) "
                f"MERGE (s)-[:`{relation}`]->(o)"
            )
            for start in range(0, len(pairs), ROWS):
                session.execute_write(_send, query, pairs[start : start + ROWS])
        seconds = time.perf_counter() - begun
        found = session.run("MATCH (:Bare)-[r]->(:Bare) RETURN count(r)").single(strict=True)[0]
        assert found == len(set(triples())), found
        return seconds


def _send(transaction: neo4j.ManagedTransaction, query: str, rows: list[dict[str, str]]) -> None:
    transaction.run(query, rows=rows).consume()


def triples() -> list[tuple[str, str, str]]:
    """The rows of the file."""
    rows = [line.split("|") for line in FILE.read_text("utf-8").splitlines()]
    return [(subject, relation, object) for subject, relation, object in rows]


# -- servers ------------------------------------------------------------------------------------------------------


@contextmanager
def embedded_server(folder: Path) -> Iterator[None]:
    """An embedded graph's server that has ended when the block has."""
    store = open_embedded(str(folder), idle=1.0)
    try:
        yield
    finally:
        store.close()
        held = supervisor.lock(folder / "supervisor.lock", wait=True)  # free once the server is gone
        if held is not None:
            os.close(held)


def embedded_clew(folder: Path) -> float:
    """Clew's import into a fresh embedded graph."""
    with embedded_server(folder):
        return clew(Settings(store=f"embedded:{folder}"))


def embedded_bare(folder: Path) -> float:
    """The bare loop into another such server."""
    with embedded_server(folder):
        told = json.loads((folder / "server.json").read_text("utf-8"))
        address = f"bolt://127.0.0.1:{told['port']}"
        with neo4j.GraphDatabase.driver(address, auth=("root", told["password"])) as driver:
            return bare(driver, "clew")


def neo4j_clew(folder: Path) -> float:
    """Clew's import into a fresh Neo4j."""
    with neo4j_server(folder) as (address, password):
        return clew(Settings(store=address, store_user="neo4j", store_password=SecretStr(password)))


def neo4j_bare(folder: Path) -> float:
    """The bare loop into another such server."""
    with neo4j_server(folder) as (address, password):
        auth = ("neo4j", password)
        with neo4j.GraphDatabase.driver(address, auth=auth, notifications_min_severity="OFF") as driver:
            return bare(driver, None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    rounds: int = parser.parse_args().rounds
    systems: dict[str, tuple[Callable[[Path], float], Callable[[Path], float]]] = {
        "embedded (ArcadeDB)": (embedded_clew, embedded_bare)
    }
    if os.environ.get("CLEW_TEST_NEO4J"):
        systems["Neo4j"] = (neo4j_clew, neo4j_bare)
    count = len(triples())
    found = []
    for server, (ours, loop) in systems.items():
        times: dict[str, list[float]] = {"clew import": [], "bare driver loop": []}
        for _ in range(rounds):
            for system, measure in (("clew import", ours), ("bare driver loop", loop)):
                with tempfile.TemporaryDirectory() as folder:
                    times[system].append(measure(Path(folder) / "graph"))
                print(f"{server}: {system}: {times[system][-1]:.2f} s", flush=True)
        middle = {system: statistics.median(seconds) for system, seconds in times.items()}
        about = {"data": "MetaQA kb_recovered.txt", "split": f"{count:,} triples", "seeds": [], "command": COMMAND}
        for system, seconds in middle.items():
            rate = round(count / seconds)
            found.append(
                about
                | {"system": f"{system}, {server}", "measure": "rate", "value": rate, "unit": "triples/s"}
                | {"seconds": round(seconds, 2)}
            )
        ratio = middle["bare driver loop"] / middle["clew import"]
        found.append(
            about
            | {"system": f"clew import, {server}", "measure": "rate, as a share of the bare loop's", "unit": "ratio"}
            | {"value": round(ratio, 3), "seconds": round(sum(map(sum, times.values())), 2)}
        )
    write_rows("import_speed", found)


if __name__ == "__main__":
    main()
