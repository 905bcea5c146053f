"""Options that several commands share, and how a command gets its services."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from api import settings
from api.assemble import Services
from api.display import Display, note


def _store(context: typer.Context, value: str | None) -> str | None:
    """The store named behind the command, else the one named before it (`clew --store … stats`)."""
    before = context.find_root().params.get("store")
    return value if value is not None else before


Store = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        callback=_store,
        help="embedded:PATH, bolt://HOST:PORT or memory:, before CLEW_STORE (default embedded:.clew/graph).",
    ),
]
Topics = Annotated[
    list[str] | None,
    typer.Option("--as", metavar="ID", help="What a name means that may mean several things; may be repeated."),
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Predict = Annotated[
    bool, typer.Option("--predict", help="Where the graph lacks a fact, take one that the learned model expects.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@contextmanager
def open_services(store: str | None) -> Iterator[Services]:
    """The services over a store, closed at the end."""
    services = Services(settings.read(store=store), notify=note)
    try:
        yield services
    finally:
        services.close()


def display(services: Services) -> Display:
    """Standard output, in colour where the settings and the terminal have it."""
    return Display(colour=not services.settings.no_color)
