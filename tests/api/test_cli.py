"""The door of the command line: every error is one line and a documented code, with a traceback only on request."""

import json
import subprocess
import sys

import pytest

from api import cli
from api.errors import Exit

NOWHERE = "bolt://127.0.0.1:1"


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("clew: ")
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err
    return captured.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nonsense"], "nonsense"),
        (["stats", "--nonsense"], "--nonsense"),
        (["ask"], "question"),
        (["search", "x", "--limit", "0", "--store", "memory:"], "limit"),
        (["export", "--format", "xml", "--store", "memory:"], "format"),
        (["ask", "", "--store", "memory:"], "empty"),
        (["ask", " \n", "--store", "memory:"], "empty"),
        (["ask", "x" * 1001, "--store", "memory:"], "CLEW_MAX_QUESTION_CHARACTERS"),
        (["ask", "lone \udcff", "--store", "memory:"], "UTF-8"),
        (["stats", "--store", "redis://localhost"], "redis"),
        (["stats", "--store", ""], "store"),
    ],
)
def test_a_wrong_command_line_says_what_is_wrong(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(arguments) == Exit.USAGE
    assert says.lower() in one_line(capsys).lower()


def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("CLEW_PORT", "harbour")
    assert cli.run(["stats", "--store", "memory:"]) == Exit.USAGE
    assert "CLEW_PORT" in one_line(capsys)


def test_a_store_that_is_down_is_said_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["stats", "--store", NOWHERE]) == Exit.STORE
    assert "127.0.0.1:1" in one_line(capsys)


@pytest.mark.parametrize(
    "address",
    ["redis://me:hunter2@host", "bolt://me:hunter2@host", "bolt://me:hunter2@host:x", "bolt://me:hunter2@h?x"],
)
def test_a_password_in_an_address_is_refused_and_not_repeated(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["stats", "--store", address]) == Exit.USAGE
    assert "hunter2" not in one_line(capsys)


def test_debug_shows_the_traceback() -> None:
    with pytest.raises(Exception, match=r"127\.0\.0\.1:1"):
        cli.run(["stats", "--store", NOWHERE, "--debug"])


def test_a_bug_is_one_line_too(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(*arguments: object, **options: object) -> None:
        raise KeyError("x\ny")

    monkeypatch.setattr(cli, "app", broken)
    assert cli.run(["stats"]) == Exit.BUG
    assert "--debug" in one_line(capsys)


def test_the_store_may_be_named_before_or_behind_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--store", "memory:", "stats", "--json"]) == Exit.DONE
    before = json.loads(capsys.readouterr().out)
    assert cli.run(["--store", NOWHERE, "stats", "--json", "--store", "memory:"]) == Exit.DONE
    assert json.loads(capsys.readouterr().out) == before
    assert before["store"] == "memory:"


def test_help_and_version_need_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--version"]) == Exit.DONE
    assert capsys.readouterr().out.startswith("clew ")
    assert cli.run([]) == Exit.DONE
    assert "ingest" in capsys.readouterr().out
    for name in cli.COMMANDS:
        assert cli.run([name, "--help"]) == Exit.DONE
        assert f"clew {name}" in capsys.readouterr().out


def test_what_is_not_there_is_said_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["show", "Nobody", "--store", "memory:"]) == Exit.INCOMPLETE
    assert "Nobody" in one_line(capsys)
    assert cli.run(["delete", "nothing", "--store", "memory:"]) == Exit.INCOMPLETE
    assert "clew documents" in one_line(capsys)


def test_an_interrupt_while_an_object_is_taken_apart_is_heard() -> None:
    program = """
import signal, sys, time
from api import cli

class Leaving:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)

def command(arguments):
    Leaving()
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        return 130
    return 0

cli.run = command
cli.main()
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=50)
    assert found.returncode == 130, found.stderr
    assert found.stderr == b""
