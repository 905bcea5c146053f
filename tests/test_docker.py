"""docker-compose.yml and the Dockerfile, as far as they can be held without a Docker engine."""

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.cli import COMMANDS
from api.settings import Settings, variable

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    return found


@pytest.fixture(scope="module")
def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text("utf-8")


def test_the_database_is_neo4j_5_26_with_a_named_volume(compose: dict[str, Any]) -> None:
    neo4j = compose["services"]["neo4j"]
    assert neo4j["image"] == "neo4j:5.26-community"
    assert neo4j["volumes"] == ["graph:/data"]
    assert "graph" in compose["volumes"]


def test_every_port_is_published_on_loopback_alone(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service["ports"]]
    assert sorted(port.rsplit(":", 1)[1] for port in ports) == ["7474", "7687", "8000"]
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_password_comes_from_the_environment_and_has_no_default(compose: dict[str, Any]) -> None:
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    uses = re.findall(r"\$\{CLEW_STORE_PASSWORD[^}]*\}", text)
    assert len(uses) == 2
    assert all(use.startswith("${CLEW_STORE_PASSWORD:?") for use in uses)
    assert compose["services"]["neo4j"]["environment"]["NEO4J_AUTH"].startswith("neo4j/${")


def test_the_api_waits_for_a_healthy_database(compose: dict[str, Any], dockerfile: str) -> None:
    assert compose["services"]["api"]["depends_on"] == {"neo4j": {"condition": "service_healthy"}}
    assert compose["services"]["neo4j"]["healthcheck"]["test"][0] == "CMD-SHELL"
    assert "HEALTHCHECK" in dockerfile


def test_the_api_gets_only_settings_that_there_are(compose: dict[str, Any], dockerfile: str) -> None:
    known = {variable(field) for field in Settings.model_fields}
    used = {*compose["services"]["api"]["environment"], *re.findall(r"CLEW_\w+", dockerfile)}
    assert used <= known


def test_the_image_holds_what_the_package_is_made_of(dockerfile: str) -> None:
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["packages"]["find"]
    copied = {word for line in re.findall(r"^COPY (.+)$", dockerfile, re.MULTILINE) for word in line.split()}
    assert {name.rstrip("*") for name in packages["include"]} <= copied
    for name in copied - {"./"}:
        assert (ROOT / name).exists(), name
        assert f"!{name}" in (ROOT / ".dockerignore").read_text("utf-8").splitlines()


def test_the_container_starts_a_command_that_there_is(dockerfile: str) -> None:
    command = re.search(r"^CMD (\[.+\])$", dockerfile, re.MULTILINE)
    assert command is not None
    words = shlex.split(command.group(1).strip("[]").replace(",", " "))
    assert words[0] == "clew"
    assert words[1] in COMMANDS


def test_the_image_runs_as_a_user_without_rights(dockerfile: str) -> None:
    assert re.search(r"^USER clew$", dockerfile, re.MULTILINE)
