"""The parent of an embedded graph's server: a small process of its own that starts Java and sees that it ends.

Run as a script, with the standard library alone; it is told what to do by JSON on standard input, and leaves the
terminal and the program that started it. It holds ``supervisor.lock`` as long as it lives. Programs that use the
graph hold ``clients.lock`` together; when nobody has held it for the idle time, the server is ended. The kernel lets
go of the locks of a program that is killed, so nothing that happens to a program can leave a server behind. If this
process is killed itself, Java dies with it (on Linux at once; elsewhere the next start ends what was left).
"""

import ctypes
import errno
import fcntl
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

TICK = 0.25  # seconds between two looks


def free_ports(count: int) -> list[int]:
    """Loopback ports that nobody listens on, below those that systems lend to outgoing connections."""
    sockets: list[socket.socket] = []
    try:
        while len(sockets) < count:
            one = socket.socket()
            try:
                one.bind(("127.0.0.1", 10_000 + secrets.randbelow(20_000)))
            except OSError as error:
                one.close()
                if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                    raise
            else:
                sockets.append(one)
        return [int(one.getsockname()[1]) for one in sockets]
    finally:
        for one in sockets:
            one.close()


def lock(path: Path, *, wait: bool = False, shared: bool = False) -> int | None:
    """Take the lock on a file; None when somebody else has it. Closing the descriptor lets go of it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def write_private(path: Path, text: str) -> None:
    """Put a file in place at once, readable by this user alone."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    part.replace(path)


def _die_with_parent() -> None:
    """In the child, before it becomes Java: be killed when the parent ends, however it ends."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def _end_leftover(folder: Path) -> None:
    """End a server that outlived its parent, where the system did not see to that."""
    try:
        pid = int(json.loads((folder / "server.json").read_text(encoding="utf-8"))["java"])
    except (OSError, ValueError, KeyError, TypeError):
        return
    try:
        shown = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    except OSError:
        return
    if str(folder) in shown.stdout and "ArcadeDBServer" in shown.stdout:
        os.kill(pid, signal.SIGKILL)


class Server:
    """A running Java, and the file that tells programs where it is."""

    def __init__(self, folder: Path, command: list[str]) -> None:
        self.folder = folder
        port, http_port = free_ports(2)
        password = secrets.token_hex(24)
        # Users are made anew with the password; a file keeps it off the command line, where everybody sees it.
        (folder / "config" / "server-users.jsonl").unlink(missing_ok=True)
        write_private(folder / "password", password)
        options = [
            f"-Darcadedb.server.rootPasswordPath={folder / 'password'}",
            f"-Darcadedb.bolt.port={port}",
            f"-Darcadedb.server.httpIncomingPort={http_port}",
        ]
        self.java = subprocess.Popen(
            [command[0], *options, *command[1:]],
            cwd=folder,
            preexec_fn=_die_with_parent,  # safe: this process has one thread
        )
        told = {
            "port": port,
            "http_port": http_port,
            "password": password,
            "supervisor": os.getpid(),
            "java": self.java.pid,
        }
        self.told = json.dumps(told)
        self.tell()

    def tell(self) -> None:
        """Write where the server is, unless that is written already."""
        path = self.folder / "server.json"
        try:
            if path.read_text(encoding="utf-8") == self.told:
                return
        except (OSError, ValueError):
            pass  # gone or spoilt: written again below
        write_private(path, self.told)

    def stop(self) -> None:
        """End Java, in good order if it can."""
        (self.folder / "server.json").unlink(missing_ok=True)
        (self.folder / "password").unlink(missing_ok=True)
        self.java.terminate()
        try:
            self.java.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.java.kill()
            self.java.wait()


def supervise(folder: Path, command: list[str], idle: float) -> None:
    """Start the server and stay until it has ended."""
    _end_leftover(folder)
    server = Server(folder, command)
    last_used = time.monotonic()
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    while server.java.poll() is None and not stopping:
        time.sleep(TICK)
        clients = lock(folder / "clients.lock")
        if clients is None:
            last_used = time.monotonic()
            server.tell()
            continue
        if time.monotonic() - last_used < idle:
            os.close(clients)
            continue
        # Nobody uses the graph. Whoever comes now waits at this lock until the server is gone, and starts another.
        server.stop()
        os.close(clients)
        return
    server.stop()


def main() -> None:
    """Read what to do, leave the program that started this, and supervise."""
    told = json.load(sys.stdin)
    folder = Path(told["folder"])
    # Taken before the fork and kept across it: when this returns to the program that waits for it, the lock is held.
    if lock(folder / "supervisor.lock") is None:
        return
    log = os.open(folder / "server.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    if os.fork():
        os._exit(0)
    silence = os.open(os.devnull, os.O_RDWR)
    for descriptor, target in ((0, silence), (1, log), (2, log)):
        os.dup2(target, descriptor)
    os.chdir(folder)
    supervise(folder, told["command"], float(told["idle"]))


if __name__ == "__main__":
    main()
