"""The documentation is true: its commands run, and every command, option, setting, route and exit code is in it."""

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from typer.models import OptionInfo

from api.app import create_app
from api.assemble import Services
from api.cli import COMMANDS
from api.errors import Exit
from api.settings import Settings, variable

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
RUNS = re.compile(r"<!-- runs -->\n```sh\n(.*?)```", re.DOTALL)
SHARED = {"store", "debug", "as_json"}


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


def runnable() -> list[Path]:
    return [path for path in PAGES if RUNS.search(path.read_text("utf-8"))]


@pytest.mark.parametrize("path", runnable(), ids=lambda path: path.name)
def test_what_is_marked_as_runnable_runs(path: Path, tmp_path: Path) -> None:
    script = "set -euo pipefail\n" + "\n".join(RUNS.findall(path.read_text("utf-8")))
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "examples").symlink_to(ROOT / "examples")
    home = tmp_path / "home"
    home.mkdir()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("CLEW_")},
        "HOME": str(home),
        "CLEW_LANGUAGE_MODEL": "none",
        "CLEW_STORE_IDLE_SECONDS": "3",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path / "work", env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_links_between_pages_lead_somewhere() -> None:
    for path in PAGES:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text("utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def options(name: str) -> set[str]:
    """The options that a command has beside those that every command has."""
    found = set()
    hints = get_type_hints(COMMANDS[name], include_extras=True)
    for parameter in inspect.signature(COMMANDS[name]).parameters:
        for extra in get_args(hints[parameter])[1:]:
            if isinstance(extra, OptionInfo) and parameter not in SHARED:
                named = [extra.default] if str(extra.default).startswith("--") else []
                found.update(extra.param_decls or named or [f"--{parameter.replace('_', '-')}"])
    return found


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_and_option_is_documented(name: str) -> None:
    sections = {section.split("\n", 1)[0]: section for section in page("cli.md").split("\n## ")}
    section = sections[f"clew {name}"]
    documented = set(re.findall(r"--[a-z-]+", section)) - {"--json"}
    assert documented == options(name)


def test_no_command_is_documented_that_there_is_not() -> None:
    assert set(re.findall(r"^## clew (\S+)$", page("cli.md"), re.MULTILINE)) == set(COMMANDS)


def test_every_exit_code_is_documented() -> None:
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", page("cli.md"), re.MULTILINE)}
    assert codes == {int(code) for code in Exit}


def test_every_setting_is_documented_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+?) \|", page("settings.md"), re.MULTILINE))
    assert rows.keys() == {variable(field) for field in Settings.model_fields}
    for field, info in Settings.model_fields.items():
        if isinstance(info.default, str | int | float) and info.default:
            assert rows[variable(field)] == f"`{info.default}`"


def test_every_route_is_documented() -> None:
    described = create_app(Services(Settings(store="memory:"))).openapi()["paths"]
    routes = {f"{method.upper()} {path}" for path, methods in described.items() for method in methods}
    assert set(re.findall(r"^\| `([A-Z]+ /[^`]*)` \|", page("api.md"), re.MULTILINE)) == routes
