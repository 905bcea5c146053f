"""A Neo4j server of our own, from the distribution that CLEW_TEST_NEO4J names, for as long as a benchmark needs it."""

import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from kg.bolt_store import answers
from kg.door import Door

STARTING = 120.0  # seconds


@contextmanager
def neo4j_server(home: Path, *, heap: str = "1g") -> Iterator[tuple[str, str]]:
    """The address and password of an empty server whose files lie in ``home``; it ends with the block."""
    distribution = Path(os.environ["CLEW_TEST_NEO4J"]).absolute()
    bolt, http = _free_port(), _free_port()
    password = secrets.token_hex(16)
    (home / "conf").mkdir(parents=True)
    (home / "conf" / "neo4j.conf").write_text(
        f"server.bolt.listen_address=127.0.0.1:{bolt}\n"
        f"server.http.listen_address=127.0.0.1:{http}\n"
        f"server.directories.data={home / 'data'}\n"
        f"server.directories.logs={home / 'logs'}\n"
        f"server.directories.run={home / 'run'}\n"
        f"server.memory.heap.initial_size={heap}\n"
        f"server.memory.heap.max_size={heap}\n"
        "dbms.usage_report.enabled=false\n"
        "db.tx_log.preallocate=false\n"
    )
    environment = os.environ | {"NEO4J_CONF": str(home / "conf"), "NEO4J_HOME": str(home), "NEO4J_HEAP": heap}
    admin: list[str | Path] = [distribution / "bin" / "neo4j-admin", "dbms", "set-initial-password", password]
    subprocess.run(admin, env=environment, check=True, capture_output=True)
    with (home / "console.log").open("wb") as log:
        server = subprocess.Popen(
            [distribution / "bin" / "neo4j", "console"],
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        address = f"bolt://127.0.0.1:{bolt}"
        _await(address, password)
        yield address, password
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)


def _await(address: str, password: str) -> None:
    deadline = time.monotonic() + STARTING
    while not answers(Door(address, "neo4j", password)):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{address}: Neo4j did not answer within {STARTING:.0f} s")
        time.sleep(0.3)


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
