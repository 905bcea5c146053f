"""Settings: the one place that reads the environment. `docs/settings.md` has a line for each."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from api.errors import SettingsError

PREFIX = "CLEW_"


class Settings(BaseSettings):
    """What can be set from outside: each field is read from ``CLEW_`` and its name in capitals."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True)

    store: Annotated[str, Field(min_length=1)] = "embedded:.clew/graph"
    """Address of the graph: ``embedded:PATH``, ``bolt://HOST:PORT`` and its kin, or ``memory:``."""
    store_user: str = "neo4j"
    """User of a Bolt server."""
    store_password: SecretStr = SecretStr("")
    """Password of a Bolt server; never printed."""
    store_heap: Annotated[str, Field(pattern=r"^[1-9]\d*[mg]$")] = "1g"
    """The most memory that the embedded graph's server may use, as Java writes it."""
    store_idle_seconds: Annotated[float, Field(ge=0, le=86_400)] = 60
    """How long the embedded graph's server outlives the last program that used it."""
    embedder: str | None = None
    """Where the weights of all-MiniLM-L6-v2 are: a folder, or ``hub:OWNER/NAME``; without it, the package."""
    language_model: str = ""
    """A language model: a server's URL, ``hub:OWNER/NAME``, a folder, ``gemma`` (3 270M), or ``none``; without it, that
    of the adapter, where there is one."""
    language_model_name: str = ""
    """Which of a server's models; without it, the only one that it has."""
    language_model_key: SecretStr = SecretStr("")
    """Key of a server; never printed."""
    language_model_precision: Literal["auto", "float32", "bfloat16", "int8", "int4"] = "auto"
    """Precision of a model in this process."""
    language_model_waiting: Annotated[int, Field(ge=0, le=1000)] = 16
    """How many questions may wait for a model in this process; more are turned away."""
    ontology: Path | None = None
    """A Turtle file of types and relations in place of the one that Clew ships."""
    model: Path | None = None
    """Folder of the learned model; without it, ``model`` in the embedded graph's folder, or one in ``.clew``."""
    processes: Annotated[int, Field(ge=1, le=64)] = 1
    """How many processes parse English text side by side."""
    host: str = "127.0.0.1"
    """Address that ``clew serve`` listens on."""
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    """Port that ``clew serve`` listens on."""
    max_body_bytes: Annotated[int, Field(ge=1)] = 16 * 1024 * 1024
    """The largest request body that the API takes."""
    max_question_characters: Annotated[int, Field(ge=1)] = 1000
    """The longest question or search text that is taken, by the API and on the command line."""
    no_color: Annotated[str, Field(validation_alias=AliasChoices("NO_COLOR"))] = ""
    """Any value turns colour off (https://no-color.org)."""

    def password(self) -> str:
        """The password in the clear, for the store alone."""
        return self.store_password.get_secret_value()


def read(*, store: str | None = None) -> Settings:
    """Read the settings; a store named on the command line goes before the environment.

    Raises:
        SettingsError: a setting has a value that it cannot have.
    """
    try:
        settings = Settings()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = f"{PREFIX}{first['loc'][0]}".upper()
        # The value itself is left out: it may be a secret put into the wrong variable.
        raise SettingsError(f"{name}: {first['msg'].lower()}; docs/settings.md says what it may be") from error
    return settings if store is None else settings.model_copy(update={"store": store})


def variable(field: str) -> str:
    """The name of the environment variable that sets a field."""
    alias = Settings.model_fields[field].validation_alias
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else f"{PREFIX}{field}".upper()
