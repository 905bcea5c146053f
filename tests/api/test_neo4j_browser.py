"""The twelve queries of docs/neo4j-browser.md, as they stand there, on the bundled films in a real Neo4j."""

import json
import random
import re
from pathlib import Path

import pytest
from neo4j import GraphDatabase

from api.assemble import Services
from api.settings import Settings
from kg.bolt_store import BoltStore
from kg.door import Door
from kg.store import Learned
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


def test_there_are_twelve() -> None:
    assert len(QUERIES) == 12


@pytest.fixture(scope="module")
def films(neo4j_store: BoltStore, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The passages that the queries name, and a vector for each of their entities."""
    lines = (ROOT / "examples" / "films" / "passages.jsonl").read_text("utf-8").splitlines(keepends=True)
    chosen = [line for line in lines if json.loads(line)["title"] in TITLES]
    assert len(chosen) == len(TITLES)
    path = tmp_path_factory.mktemp("films") / "passages.jsonl"
    path.write_text("".join(chosen), "utf-8")
    wipe(neo4j_store)
    Services(Settings(), store=neo4j_store).ingestor.ingest(lambda: read([path]))
    chance = random.Random(20261122)
    vectors = [(entity.id, [chance.gauss(0, 1) for _ in range(8)]) for entity in neo4j_store.all_entities()]
    learned = Learned("by-chance", "2026-11-22T10:00:00Z", neo4j_store.version(), 8, len(vectors))
    neo4j_store.write_learned(learned, vectors)


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


@pytest.mark.neo4j
def test_the_vectors_are_not_stale_and_found_by_cosine(films: None, neo4j_door: Door, neo4j_store: BoltStore) -> None:
    record, nearest = (query for query in QUERIES if "g.learned_model" in query or "entity_vector" in query)
    with GraphDatabase.driver(neo4j_door.uri, auth=(neo4j_door.user, neo4j_door.password)) as driver:
        ((model, _, entities, stale),) = driver.execute_query(record).records
        found = {row["node.name"]: row["cosine"] for row in driver.execute_query(nearest).records}
    assert (model, entities, stale) == ("by-chance", neo4j_store.counts().entities, False)
    (person,) = (entity for entity in neo4j_store.find_entities(["tim burstall"]) if entity.name == "Tim Burstall")
    vector = neo4j_store.entity_vectors([person.id])[person.id]
    hits = {hit.entity.name: hit.score for hit in neo4j_store.nearest_entities(vector, limit=10)}
    assert found == pytest.approx({name: score for name, score in hits.items() if name != person.name}, abs=1e-4)
