"""Settings come from the environment, and errors say which one is wrong without saying what it held."""

import pytest

from api import settings
from api.errors import Exit, SettingsError, exit_code
from api.settings import Settings


def test_a_fresh_machine_uses_the_embedded_store_and_loopback() -> None:
    found = settings.read()
    assert found.store == "embedded:.clew/graph"
    assert (found.host, found.port) == ("127.0.0.1", 8000)
    assert found.password() == ""


def test_the_command_line_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEW_STORE", "bolt://example.org")
    assert settings.read().store == "bolt://example.org"
    assert settings.read(store="memory:").store == "memory:"


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEW_STORE", "")
    assert settings.read().store == "embedded:.clew/graph"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CLEW_PORT", "many"),
        ("CLEW_PORT", "0"),
        ("CLEW_PORT", "65536"),
        ("CLEW_MAX_BODY_BYTES", "-1"),
        ("CLEW_MAX_QUESTION_CHARACTERS", "0"),
        ("CLEW_PROCESSES", "0"),
        ("CLEW_STORE_HEAP", "lots"),
        ("CLEW_STORE_IDLE_SECONDS", "-1"),
    ],
)
def test_a_wrong_value_is_named_but_not_repeated(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"^{name}: ") as caught:
        settings.read()
    assert "\n" not in str(caught.value)
    assert "docs/settings.md" in str(caught.value)
    assert exit_code(caught.value) is Exit.USAGE


def test_the_password_is_never_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEW_STORE_PASSWORD", "correct horse")
    found = settings.read()
    assert found.password() == "correct horse"
    assert "horse" not in f"{found!r} {found} {found.model_dump_json()}"


def test_every_field_has_its_own_variable() -> None:
    variables = [settings.variable(field) for field in Settings.model_fields]
    assert len(set(variables)) == len(variables)
    assert {"CLEW_STORE", "CLEW_STORE_USER", "CLEW_STORE_PASSWORD", "NO_COLOR"} <= set(variables)
