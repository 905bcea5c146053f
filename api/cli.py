"""The command line: `clew …`. Each command is a function of ``api.commands``; this is the door they share."""

import signal
import sys
import threading
from collections.abc import Callable
from importlib.metadata import version
from typing import Annotated

import typer

from api.commands import asking, explaining, graph, learning, predicting, reading, running, setup, training
from api.commands.options import Debug
from api.display import leave_pipe, note
from api.errors import Exit, exit_code
from kg.errors import GraphError

app = typer.Typer(
    name="clew",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # texts are texts; and nothing needs to load Rich to print help
    context_settings={"help_option_names": ["-h", "--help"]},
)

COMMANDS: dict[str, Callable[..., None]] = {
    "ingest": reading.ingest,
    "import": reading.import_file,
    "ask": asking.ask,
    "explain": explaining.explain,
    "search": asking.search,
    "show": asking.show,
    "documents": graph.documents,
    "delete": graph.delete,
    "stats": graph.stats,
    "export": graph.export,
    "learn": learning.learn,
    "train": training.train,
    "similar": predicting.similar,
    "predict": predicting.predict,
    "suspicious": predicting.suspicious,
    "serve": running.serve,
    "doctor": setup.doctor,
}

for _name, _command in COMMANDS.items():
    app.command(_name)(_command)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"clew {version('clew')}")
        raise typer.Exit


@app.callback()
def clew(
    store: Annotated[str | None, typer.Option(metavar="ADDRESS", help="The graph, for any command.")] = None,
    debug: Debug = False,
    show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Build a knowledge graph from texts, and ask it: every answer comes with its thread."""


def main() -> None:
    """Run the command that the process was started with, and exit with its code."""
    sys.unraisablehook = heard_again
    sys.exit(run(sys.argv[1:]))


def heard_again(lost: "sys.UnraisableHookArgs") -> None:
    """Raise a Ctrl-C anew that came while an object was taken apart, where Python drops it with a traceback."""
    if lost.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(lost)
        return
    again = threading.Timer(0.01, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT))
    again.daemon = True
    again.start()


def run(arguments: list[str]) -> int:
    """Run a command; every error becomes one line on standard error and an exit code of ``api.errors.Exit``."""
    debug = "--debug" in arguments
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal of few letters gets escapes, not an error
    try:
        code = int(app(arguments or ["--help"], prog_name="clew", standalone_mode=False) or 0)
        sys.stdout.flush()
    except typer.TyperException as error:
        note(f"clew: {error.format_message()}")
        return Exit.USAGE
    except GraphError as error:
        if debug:
            raise
        note(f"clew: {error}")
        return exit_code(error)
    except typer.Abort:
        note("clew: nothing was done")
        return Exit.INTERRUPTED
    except BrokenPipeError:
        leave_pipe()
    except KeyboardInterrupt:
        code = Exit.INTERRUPTED
    except ModuleNotFoundError as error:
        if debug:
            raise
        note(f"clew: the package {error.name} is not installed; `clew doctor` says what is missing")
        return Exit.SETUP
    except Exception as error:
        if debug:
            raise
        note(f"clew: an error in Clew itself ({type(error).__name__}: {error}); --debug shows where, please report it")
        return Exit.BUG
    if code == Exit.INTERRUPTED:
        note("clew: interrupted; the same command goes on where it stopped")
    return code
