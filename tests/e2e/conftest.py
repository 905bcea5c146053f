"""`clew` as people run it: a process of its own, in an empty folder, for a user with an empty home."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

CLEW = Path(sys.executable).with_name("clew")


@dataclass(frozen=True)
class Clew:
    """Runs commands in one folder."""

    folder: Path
    environment: dict[str, str]

    def run(self, *arguments: str, input: bytes | None = None, **extra: str) -> subprocess.CompletedProcess[bytes]:
        """Run a command to its end."""
        return subprocess.run(
            [CLEW, *arguments],
            cwd=self.folder,
            env=self.environment | extra,
            input=b"" if input is None else input,
            capture_output=True,
            timeout=300,
            check=False,
        )

    def out(self, *arguments: str, input: bytes | None = None) -> str:
        """What a command that must succeed prints."""
        done = self.run(*arguments, input=input)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """Start a command and leave it running, in a process group of its own."""
        return subprocess.Popen(
            [CLEW, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all: preparing the encoder anew in each test would only take time."""
    return tmp_path_factory.mktemp("cache")


def made(folder: Path, cache: Path) -> Clew:
    """`clew` in an empty folder, for a user with an empty home."""
    work, home = folder / "work", folder / "home"
    work.mkdir()
    home.mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "XDG_CACHE_HOME": str(cache),
        "LANG": "C.UTF-8",
        "HF_HUB_OFFLINE": "1",
        "CLEW_LANGUAGE_MODEL": "none",  # the one that is shipped takes a minute to prepare in an empty cache
        "CLEW_STORE_HEAP": "256m",
        "CLEW_STORE_IDLE_SECONDS": "3",
    }
    return Clew(work, environment)


@pytest.fixture
def clew(tmp_path: Path, cache: Path) -> Clew:
    return made(tmp_path, cache)
