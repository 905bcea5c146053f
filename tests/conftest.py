"""Graph databases that tests share: one embedded server and one Neo4j a session, emptied between tests.

No test in this process asks the adapter that is shipped, which every graph in a checkout would have: those that are
about it name its folder. Processes that tests start are told so by their environment.
"""

import os
from collections.abc import Iterator
from contextlib import closing

import neo4j
import pytest

from api import fusing
from benchmarks.neo4j_server import neo4j_server
from kg.bolt_store import BoltStore
from kg.door import Door
from kg.embedded import open_embedded
from kg.open_store import open_store
from tests.kg.databases import wipe


@pytest.fixture(scope="session", autouse=True)
def no_shipped_adapter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Every graph is without a language model unless its test gives it one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fusing, "SHIPPED", tmp_path_factory.mktemp("models"))
        yield


@pytest.fixture(scope="session")
def embedded_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BoltStore]:
    """A store whose server ends right after the tests."""
    store = open_embedded(str(tmp_path_factory.mktemp("graph")), idle=0.5, heap="512m")
    yield store
    store.close()


@pytest.fixture(scope="session")
def neo4j_door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A Neo4j: the server that CLEW_TEST_NEO4J_URI names, or one of our own from the distribution CLEW_TEST_NEO4J."""
    if uri := os.environ.get("CLEW_TEST_NEO4J_URI"):
        if os.environ.get("PYTEST_XDIST_WORKER"):
            pytest.exit(f"{uri} is one database, which each test empties; run the tests with -n 0", returncode=4)
        user = os.environ.get("CLEW_TEST_NEO4J_USER", "neo4j")
        door = Door(uri, user, os.environ.get("CLEW_TEST_NEO4J_PASSWORD", ""))
        with neo4j.GraphDatabase.driver(uri, auth=(door.user, door.password)) as driver:
            held = driver.execute_query("MATCH (n) WHERE NOT n:Graph RETURN count(n)").records[0][0]
        if held:
            pytest.exit(f"{uri} holds data, which the tests would delete; give them an empty Neo4j", returncode=4)
        yield door
        with closing(BoltStore(uri, door)) as store:
            wipe(store)
        return
    if not os.environ.get("CLEW_TEST_NEO4J"):
        pytest.skip("needs CLEW_TEST_NEO4J (a Neo4j distribution) or CLEW_TEST_NEO4J_URI (a running server)")
    with neo4j_server(tmp_path_factory.mktemp("neo4j"), heap="512m") as (address, password):
        yield Door(address, "neo4j", password)


@pytest.fixture(scope="session")
def neo4j_store(neo4j_door: Door) -> Iterator[BoltStore]:
    """A store in the Neo4j of this session."""
    store = open_store(neo4j_door.uri, user=neo4j_door.user, password=neo4j_door.password)
    assert isinstance(store, BoltStore)
    yield store
    store.close()
