"""Graph databases that tests share: one embedded server and one Neo4j a session, emptied between tests."""

import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import neo4j
import pytest

from kg.bolt_store import BoltStore, answers
from kg.door import Door
from kg.embedded import open_embedded
from kg.open_store import open_store
from kg.supervisor import free_ports
from tests.kg.databases import wipe

STARTING = 120.0  # seconds that Neo4j may take on a busy machine


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
    distribution = os.environ.get("CLEW_TEST_NEO4J")
    if not distribution:
        pytest.skip("needs CLEW_TEST_NEO4J (a Neo4j distribution) or CLEW_TEST_NEO4J_URI (a running server)")
    yield from _throw_away_server(Path(distribution).absolute(), tmp_path_factory.mktemp("neo4j"))


def _throw_away_server(distribution: Path, home: Path) -> Iterator[Door]:
    bolt, http = free_ports(2)
    password = secrets.token_hex(16)
    conf = home / "conf"
    conf.mkdir()
    folders = {name: home / name for name in ("data", "logs", "run", "import", "plugins", "licenses")}
    settings = [
        *(f"server.directories.{name}={folder}" for name, folder in folders.items()),
        "server.default_listen_address=127.0.0.1",
        f"server.bolt.listen_address=127.0.0.1:{bolt}",
        f"server.http.listen_address=127.0.0.1:{http}",
        "server.https.enabled=false",
        "dbms.usage_report.enabled=false",
        "db.tx_log.preallocate=false",
    ]
    for folder in folders.values():
        folder.mkdir()
    (conf / "neo4j.conf").write_text("\n".join(settings) + "\n")
    environment = os.environ | {"NEO4J_CONF": str(conf)}
    subprocess.run(
        [distribution / "bin" / "neo4j-admin", "dbms", "set-initial-password", password],
        env=environment,
        check=True,
        capture_output=True,
    )
    with (home / "console.log").open("wb") as log:
        server = subprocess.Popen(
            [distribution / "bin" / "neo4j", "console"],
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        door = Door(f"bolt://127.0.0.1:{bolt}", "neo4j", password)
        deadline = time.monotonic() + STARTING
        while not answers(door):
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"Neo4j did not start:\n{(home / 'console.log').read_text()[-2000:]}")
            time.sleep(0.2)
        yield door
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)


@pytest.fixture(scope="session")
def neo4j_store(neo4j_door: Door) -> Iterator[BoltStore]:
    """A store in the Neo4j of this session."""
    store = open_store(neo4j_door.uri, user=neo4j_door.user, password=neo4j_door.password)
    assert isinstance(store, BoltStore)
    yield store
    store.close()
