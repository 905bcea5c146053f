"""`clew serve`: the HTTP service."""

from typing import Annotated

import typer

from api import settings
from api.assemble import Services
from api.commands.options import Debug, Store
from api.display import note
from api.errors import RequestError


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on, before CLEW_HOST (127.0.0.1).")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port, before CLEW_PORT (8000).")] = None,
    store: Store = None,
    debug: Debug = False,
) -> None:
    """Serve the HTTP API until interrupted; /docs describes it."""
    import os
    import signal
    import socket

    import uvicorn

    from api.app import create_app

    chosen = settings.read(store=store)
    host, port = host or chosen.host, port or chosen.port
    services = Services(chosen, notify=note)
    try:
        services.store.version()  # what cannot be reached or opened is said so before anything listens
        services.fused_reader  # noqa: B018
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            listener = socket.create_server((host, port), family=family, backlog=128)
        except OSError as error:
            raise RequestError(
                f"{host}:{port}: cannot listen there ({os.strerror(error.errno or 0)}); choose another --port"
            ) from error
        with listener:
            note(f"Clew listens on http://{f'[{host}]' if ':' in host else host}:{port} (docs: /docs, stop: Ctrl-C)")
            config = uvicorn.Config(create_app(services, hosts=_names(host)), log_level="warning", server_header=False)
            # Uvicorn ends its work in order and then raises the signal again: SIGTERM, too, is to close the store.
            signal.signal(signal.SIGTERM, signal.default_int_handler)
            uvicorn.Server(config).run(sockets=[listener])
    except KeyboardInterrupt:
        note("Stopped.")
    finally:
        services.close()


def _names(host: str) -> set[str] | None:
    """The names under which a service on loopback may be spoken to; beyond loopback any."""
    loopback = {"localhost", "127.0.0.1", "[::1]"}
    bare = f"[{host}]" if ":" in host else host
    return loopback | {bare} if bare in loopback or bare.startswith("127.") else None
