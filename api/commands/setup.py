"""`clew doctor`: what is installed, which weights and which store are seen, and what to do about what is missing."""

from typing import Annotated

import typer

from api.commands.options import Debug, Json, Store, display, open_services
from api.errors import Exit
from api.schemas import Checks


def doctor(
    thorough: Annotated[
        bool, typer.Option("--thorough", help="Also compare model weights with their digests.")
    ] = False,
    store: Store = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Check the installation, and say what to do about what is missing; exit 1 if something is."""
    from api import checks

    with open_services(store) as services:
        found = list(checks.run(services, thorough=thorough))
        well = all(check.ok for check in found)
        out = display(services)
        if as_json:
            out.json(Checks(ok=well, checks=found))
        else:
            out.columns([("ok" if check.ok else "MISSING", check.name, check.detail) for check in found])
    if not well:
        raise typer.Exit(Exit.INCOMPLETE)
