"""A Neo4j server of our own, from the distribution that CLEW_TEST_NEO4J names, for as long as it is needed."""

import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kg.door import Door, answers
from kg.supervisor import free_ports

STARTING = 120.0  # seconds that it may take on a busy machine


@contextmanager
def neo4j_server(home: Path, *, heap: str = "1g") -> Iterator[tuple[str, str]]:
    """The address and password of an empty server whose files lie in ``home``; it ends with the block.

    Raises:
        TimeoutError: it does not start.
    """
    distribution = Path(os.environ["CLEW_TEST_NEO4J"]).absolute()
    bolt, http = free_ports(2)
    password = secrets.token_hex(16)
    folders = {name: home / name for name in ("data", "logs", "run", "import", "plugins", "licenses")}
    for folder in (home / "conf", *folders.values()):
        folder.mkdir(parents=True)
    settings = [
        *(f"server.directories.{name}={folder}" for name, folder in folders.items()),
        "server.default_listen_address=127.0.0.1",
        f"server.bolt.listen_address=127.0.0.1:{bolt}",
        f"server.http.listen_address=127.0.0.1:{http}",
        "server.https.enabled=false",
        f"server.memory.heap.initial_size={heap}",
        f"server.memory.heap.max_size={heap}",
        "dbms.usage_report.enabled=false",
        "db.tx_log.preallocate=false",
    ]
    (home / "conf" / "neo4j.conf").write_text("\n".join(settings) + "\n")
    environment = os.environ | {"NEO4J_CONF": str(home / "conf"), "NEO4J_HEAP": heap}
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
        deadline = time.monotonic() + STARTING
        while not answers(Door(address, "neo4j", password)):
            if server.poll() is not None or time.monotonic() > deadline:
                raise TimeoutError(f"{address}: Neo4j did not start:\n{(home / 'console.log').read_text()[-2000:]}")
            time.sleep(0.2)
        yield address, password
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)
