"""The ten queries of docs/neo4j-browser.md, as they stand there, on the bundled films in a real Neo4j."""

import json
import re
from pathlib import Path

import pytest
from neo4j import GraphDatabase

from api.assemble import Services
from api.settings import Settings
from kg.bolt_store import BoltStore
from kg.door import Door
from nlp.documents import read
from tests.kg.databases import wipe

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "neo4j-browser.md").read_text("utf-8")
QUERIES = re.findall(r"```cypher\n(.*?)```", PAGE, re.DOTALL)
TITLES = {
    "Duet for Four",
    "Tim Burstall",
    "Atomised (film)",
    "Oskar Roehler",
    "My Three Merry Widows",
    "Fernando Cortés",
}


def test_there_are_ten() -> None:
    assert len(QUERIES) == 10


@pytest.fixture(scope="module")
def films(neo4j_store: BoltStore, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The passages that the queries name."""
    lines = (ROOT / "examples" / "films" / "passages.jsonl").read_text("utf-8").splitlines(keepends=True)
    chosen = [line for line in lines if json.loads(line)["title"] in TITLES]
    assert len(chosen) == len(TITLES)
    path = tmp_path_factory.mktemp("films") / "passages.jsonl"
    path.write_text("".join(chosen), "utf-8")
    wipe(neo4j_store)
    Services(Settings(), store=neo4j_store).ingestor.ingest(lambda: read([path]))


@pytest.mark.neo4j
@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.split("\n", 1)[0])
def test_a_query_finds_something_and_neo4j_warns_of_nothing(query: str, films: None, neo4j_door: Door) -> None:
    with GraphDatabase.driver(neo4j_door.uri, auth=(neo4j_door.user, neo4j_door.password)) as driver:
        found = driver.execute_query(query)
        assert found.records
        said = [status for status in found.summary.gql_status_objects if status.is_notification]
        assert [status.status_description for status in said] == []


@pytest.mark.neo4j
def test_the_quotations_are_those_of_the_films(films: None, neo4j_door: Door) -> None:
    query = next(query for query in QUERIES if "AS quote" in query)
    with GraphDatabase.driver(neo4j_door.uri, auth=(neo4j_door.user, neo4j_door.password)) as driver:
        quotes = {(row["s.name"], row["o.name"]): row["quote"] for row in driver.execute_query(query).records}
    assert "Tim Burstall" in quotes["Duet for Four", "Tim Burstall"]
