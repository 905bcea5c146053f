"""Where a graph's server is, whether it answers, and the SQL that only ArcadeDB has, through its HTTP door."""

import json
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass

from kg import cypher
from kg.bolt_errors import first_line, full
from kg.driver import exceptions, neo4j
from kg.errors import StoreError, StoreUnavailableError

LONGEST = 3600  # seconds of one statement: an index of a million vectors is made by one

# No proxy stands between this program and its own machine.
_LOOPBACK = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Door:
    """Where a server is and who may enter."""

    uri: str
    user: str
    password: str
    database: str | None = None  # None: the user's own
    http: str | None = None  # ArcadeDB's door for SQL


def answers(door: Door) -> bool:
    """Whether the server at the door lets us in and has its database ready: it may be starting, or not be ours."""
    with neo4j.GraphDatabase.driver(door.uri, auth=(door.user, door.password), connection_timeout=5) as driver:
        try:
            with driver.session(database=door.database) as session:
                session.run(cypher.READY).consume()
        except (exceptions.Neo4jError, exceptions.DriverError, OSError):
            return False
    return True


def run_sql(address: str, door: Door, statement: str, *, crowded: Callable[[], bool]) -> None:
    """Run one SQL statement; ``crowded`` tells whether the disk is full, which the server does not always say.

    Raises:
        StoreFullError: there is no room on the disk.
        StoreUnavailableError: nothing answers at the door.
        StoreError: the database refused the statement.
    """
    body = json.dumps({"language": "sql", "command": statement}).encode()
    who = b64encode(f"{door.user}:{door.password}".encode()).decode()
    request = urllib.request.Request(
        f"{door.http}/api/v1/command/{door.database}",
        body,
        {"Authorization": f"Basic {who}", "Content-Type": "application/json"},
    )
    try:
        with _LOOPBACK.open(request, timeout=LONGEST) as response:
            response.read()
    except urllib.error.HTTPError as error:
        said = first_line(error.read().decode("utf-8", "replace"))
        if "No space left" in said or crowded():
            raise full(address) from error
        raise StoreError(f"{address}: the database refused ({said})") from error
    except TimeoutError as error:
        raise StoreUnavailableError(f"{address}: the database took more than {LONGEST} s for one step") from error
    except urllib.error.URLError as error:
        raise StoreUnavailableError(f"{address}: the store stopped answering; run the command again") from error
