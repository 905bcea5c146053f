"""Sharing an embedded graph: real processes, real kills. Nothing may be lost, and nothing may be left running."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from kg import embedded, supervisor
from kg.bolt_store import BoltStore
from kg.door import Door, answers
from kg.embedded import open_embedded
from kg.errors import StoreAccessError, StoreAddressError, StoreFullError, StoreUnavailableError
from tests.readings import reading

IDLE = 1.0  # seconds
PATIENCE = 60.0  # seconds that anything may take on a busy machine
ROOT = Path(__file__).parents[2]

# Opens the graph, says so, and does as it is told: a line "write NAME" or "count"; it ends with its input.
PROGRAM = f"""
import sys
from kg.embedded import open_embedded
from tests.readings import reading
store = open_embedded(sys.argv[1], idle={IDLE}, heap="256m")
print("open", flush=True)
for line in sys.stdin:
    what, _, name = line.strip().partition(" ")
    if what == "write":
        store.write([reading(name, "text of " + name)])
    print(store.counts().documents, flush=True)
store.close()
"""


class Program:
    """Another program that uses the graph."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(folder)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    @property
    def _in(self) -> IO[str]:
        assert self.process.stdin is not None
        return self.process.stdin

    def hear(self) -> str:
        """The next line that it prints."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def do(self, line: str) -> str:
        """Tell it something and hear the answer."""
        self._in.write(line + "\n")
        self._in.flush()
        return self.hear()

    def end(self) -> int:
        """Let it end in good order."""
        self._in.close()
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        """End it as the kernel would when memory runs out."""
        self.process.kill()
        self.process.wait(PATIENCE)

    def close(self) -> None:
        """Leave nothing behind, whatever the test found."""
        if self.process.poll() is None:
            self.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None and not pipe.closed:
                pipe.close()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "graph"
    yield place
    if place.is_dir():
        until(lambda: not running(place), "the server to end")


@pytest.fixture
def start(folder: Path, request: pytest.FixtureRequest) -> Callable[[], Program]:
    def begin() -> Program:
        program = Program(folder)
        request.addfinalizer(program.close)
        return program

    return begin


def until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"waited too long for {what}"
        time.sleep(0.05)


def told(folder: Path) -> dict[str, int]:
    """What server.json says."""
    found: dict[str, int] = json.loads((folder / "server.json").read_text())
    return found


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits for its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def running(folder: Path) -> list[int]:
    """The processes whose command line names the folder, or that are its supervisor."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                line = (process / "cmdline").read_bytes()
                inside = os.readlink(process / "cwd") == str(folder)
            except OSError:
                continue  # it has just ended, or is not ours
            if (str(folder).encode() in line and b"java" in line) or inside:
                found.append(int(process.name))
    return [pid for pid in found if alive(pid)]


linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@linux
def test_the_second_program_joins_and_the_server_outlives_the_first(folder: Path, start: Callable[[], Program]) -> None:
    first, second = start(), start()
    assert (first.hear(), second.hear()) == ("open", "open")
    server = told(folder)["java"]
    assert len(running(folder)) == 2
    assert first.do("write a") == "1"
    assert second.do("write b") == "2"
    assert first.end() == 0
    time.sleep(2 * IDLE)
    assert second.do("write c") == "3"
    assert told(folder)["java"] == server
    assert second.end() == 0
    until(lambda: not running(folder), "the server to end")
    assert not (folder / "server.json").exists()
    third = start()
    assert third.hear() == "open"
    assert third.do("count") == "3"


@linux
def test_programs_that_are_killed_leave_nothing_running(folder: Path, start: Callable[[], Program]) -> None:
    first, second = start(), start()
    assert (first.hear(), second.hear()) == ("open", "open")
    assert first.do("write a") == "1"
    first.kill()
    assert second.do("write b") == "2"
    second.kill()
    until(lambda: not running(folder), "the server to end")
    third = start()
    assert third.hear() == "open"
    assert third.do("count") == "2"


@linux
def test_a_program_that_comes_back_in_time_finds_the_server_warm(folder: Path, start: Callable[[], Program]) -> None:
    first = start()
    assert first.hear() == "open"
    server = told(folder)["java"]
    first.kill()
    with_store = open_embedded(str(folder), idle=IDLE)
    try:
        assert told(folder)["java"] == server
    finally:
        with_store.close()


@linux
@pytest.mark.parametrize("victim", ["java", "supervisor"])
def test_a_server_that_dies_is_started_again(folder: Path, victim: str) -> None:
    store = open_embedded(str(folder), idle=IDLE, heap="256m")
    try:
        store.write([reading("a", "text")])
        before = told(folder)
        os.kill(before[victim], signal.SIGKILL)
        until(lambda: not alive(before["java"]), "Java to end")
        assert store.counts().documents == 1
        store.write([reading("b", "text")])
        assert store.counts().documents == 2
        assert told(folder)["java"] != before["java"]
    finally:
        store.close()


@linux
def test_a_spoilt_server_file_is_mended(folder: Path, start: Callable[[], Program]) -> None:
    first = start()
    assert first.hear() == "open"
    server = told(folder)["java"]
    for spoilt in ("", "{}", "\x00\xff", '{"port": 1, "http_port": 1, "password": "x"}'):
        (folder / "server.json").write_text(spoilt)
        second = start()
        assert second.hear() == "open"
        assert second.end() == 0
        assert told(folder)["java"] == server


@linux
def test_an_old_server_file_is_not_believed(folder: Path, start: Callable[[], Program]) -> None:
    folder.mkdir(mode=0o700)
    mine = {"port": 1, "http_port": 1, "password": "x", "supervisor": os.getpid(), "java": os.getpid()}
    (folder / "server.json").write_text(json.dumps(mine))
    program = start()
    assert program.hear() == "open"
    assert program.do("write a") == "1"


@linux
def test_only_this_user_and_this_machine_may_enter(folder: Path) -> None:
    store = open_embedded(str(folder), idle=IDLE, heap="256m")
    try:
        assert folder.stat().st_mode & 0o777 == 0o700
        assert (folder / "server.json").stat().st_mode & 0o777 == 0o600
        found = told(folder)
        command = Path(f"/proc/{found['java']}/cmdline").read_text()
        assert str(found["password"]) not in command
        assert str(found["password"]) not in Path(f"/proc/{found['supervisor']}/cmdline").read_text()
        right = Door(f"bolt://127.0.0.1:{found['port']}", "root", str(found["password"]), "clew")
        assert answers(right)
        assert not answers(Door(right.uri, "root", "wrong", "clew"))
        listening = listening_addresses(found["java"])
        assert listening
        assert all(address.endswith("0100007F") for address in listening), listening
    finally:
        store.close()


def listening_addresses(pid: int) -> list[str]:
    """The addresses on which a process listens, as /proc writes them."""
    sockets = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            sockets.add(os.readlink(descriptor))
        except FileNotFoundError:
            continue  # closed meanwhile
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                found.append(fields[1].partition(":")[0])
    return found


def test_a_path_that_is_a_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("not a graph")
    for path in (file, file / "below"):
        with pytest.raises(StoreAddressError, match="there is a file of that name"):
            open_embedded(str(path))
    assert file.read_text() == "not a graph"


def test_a_path_that_may_not_be_written() -> None:
    with pytest.raises(StoreAccessError, match="cannot be written to"):
        open_embedded("/proc/clew/graph")


def test_a_missing_package(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "PACKAGE", "no_such_package_here")
    with pytest.raises(StoreUnavailableError, match="pip install arcadedb-embedded"):
        open_embedded(str(folder))


def test_a_package_without_java(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "package_without_java").mkdir()
    (tmp_path / "package_without_java" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(embedded, "PACKAGE", "package_without_java")
    with pytest.raises(StoreUnavailableError, match="no Java runtime"):
        open_embedded(str(folder))


def test_a_server_that_cannot_start(folder: Path) -> None:
    with pytest.raises(StoreUnavailableError, match=r"server\.log"):
        open_embedded(str(folder), heap="not-a-size")
    assert "not-a-size" in (folder / "server.log").read_text()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 60 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=60m", "tmpfs", str(place)], capture_output=True)
    if made.returncode:
        pytest.skip("only root may make a small file system to fill")
    yield place
    until(lambda: not running(place / "graph"), "the server to end")
    subprocess.run(["umount", str(place)], check=True)


def fill(store: BoltStore, words: str) -> None:
    for i in range(1000):
        store.write([reading(f"large {i}", f"{i}" + words)])


@linux
def test_a_full_disk(small_disk: Path) -> None:
    words = "".join(chr(ord("a") + i * i * 7 % 31 % 26) + " " * (i % 5 == 0) for i in range(300_000))
    store = open_embedded(str(small_disk / "graph"), idle=IDLE, heap="256m")
    try:
        store.write([reading("first", "text")])
        with pytest.raises(StoreFullError, match="no disk space"):
            fill(store, words)
        assert [chunk.text for chunk in store.chunks_of(reading("first").document.id)] == ["text"]
    finally:
        store.close()


def test_the_lock_of_a_folder_is_let_go(folder: Path) -> None:
    folder.mkdir()
    one = supervisor.lock(folder / "a.lock")
    assert one is not None
    assert supervisor.lock(folder / "a.lock") is None
    os.close(one)
    two = supervisor.lock(folder / "a.lock", shared=True)
    three = supervisor.lock(folder / "a.lock", shared=True)
    assert two is not None
    assert three is not None
    os.close(two)
    os.close(three)
