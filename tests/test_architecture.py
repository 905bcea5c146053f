"""Where code may live and what it may import: held by reading the source and by importing the packages."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("kg", "nlp", "fusion", "api")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))

# Importing a package, or the command line, may load none of these.
HEAVY = ("torch", "transformers", "spacy", "neo4j", "onnxruntime", "rdflib", "fastapi", "rich", "scipy", "lxml")

# Who may import what, at run time.
IMPORTERS = {
    "neo4j": {"kg/driver.py"},
    "spacy": {"nlp/language.py"},
    "fastapi": {"api/app.py", "api/deps.py", "api/problems.py"},
    "uvicorn": {"api/commands/running.py"},
    "accelerate": {"kg/embeddings/workers.py"},
    "httpx2": {"fusion/language/server.py"},
}

# Who may read the environment beside api/settings.py, and why.
ENVIRONMENT = {
    "nlp/weights.py": "XDG_CACHE_HOME: where every program of this user keeps its cache",
    "kg/embeddings/__init__.py": "GOMP_SPINCOUNT: set, unless the user has, before torch reads it",
    "kg/embeddings/workers.py": "WORLD_SIZE: how a launcher tells a process that it is one of several",
}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def run_time_imports(node: ast.AST) -> Iterator[str]:
    """The modules that a module imports anywhere but under ``if TYPE_CHECKING``."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for other in child.orelse:
                yield from run_time_imports(other)
        elif isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "imports are absolute"
            yield child.module or ""
        else:
            yield from run_time_imports(child)


@pytest.mark.parametrize("package", sorted(IMPORTERS))
def test_each_foreign_library_has_one_door(package: str) -> None:
    importers = {
        name_of(path)
        for path in MODULES
        if any(module.split(".")[0] == package for module in run_time_imports(tree(path)))
    }
    routes = {name for name in importers if name.startswith("api/routes/")}
    allowed = IMPORTERS[package] | (routes if package == "fastapi" else set())
    assert importers <= allowed


def test_only_the_settings_read_the_environment() -> None:
    readers = set()
    for path in MODULES:
        for node in ast.walk(tree(path)):
            attribute = isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.environ", "os.getenv"}
            imported = (
                isinstance(node, ast.ImportFrom)
                and node.module == "os"
                and any(alias.name in {"environ", "getenv"} for alias in node.names)
            )
            if attribute or imported:
                readers.add(name_of(path))
    assert readers <= {"api/settings.py", *ENVIRONMENT}


def test_only_the_door_catches_everything() -> None:
    catchers = set()
    for path in MODULES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ExceptHandler):
                caught = "" if node.type is None else ast.unparse(node.type)
                if caught in {"", "Exception"} or (caught == "BaseException" and not _reraises(node)):
                    catchers.add(name_of(path))
    assert catchers <= {"api/cli.py", "api/job.py", "api/streaming.py"}  # the command's door; those of threads


def _reraises(handler: ast.ExceptHandler) -> bool:
    return any(isinstance(node, ast.Raise) and node.exc is None for node in ast.walk(handler))


@pytest.mark.parametrize("module", [*PACKAGES, "api.cli", "api.assemble", "fusion.language"])
def test_importing_a_package_loads_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*[m for m in {HEAVY!r} if m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_says_what_it_holds_and_stays_small(path: Path) -> None:
    text = path.read_text("utf-8")
    assert ast.get_docstring(ast.parse(text)), "a module begins with a docstring"
    assert text.count("\n") <= 400


def test_no_module_is_named_for_nothing() -> None:
    assert not {path.stem for path in MODULES} & {"utils", "helpers", "common", "misc", "types"}


def test_scripts_are_short_and_nobody_imports_them() -> None:
    for path in (ROOT / "scripts").rglob("*.py"):
        assert path.read_text("utf-8").count("\n") <= 100, name_of(path)
    for path in MODULES:
        assert not any(module.split(".")[0] == "scripts" for module in run_time_imports(tree(path)))
