"""From an address to a store."""

import re
from urllib.parse import urlsplit

from kg.errors import StoreAddressError
from kg.store import GraphStore

_SERVERS = ("bolt", "bolt+s", "bolt+ssc", "neo4j", "neo4j+s", "neo4j+ssc")
_KINDS = "embedded:FOLDER, bolt://HOST:PORT, bolt+s://…, neo4j://…, neo4j+s://… or memory:"


def open_store(
    address: str, *, user: str = "", password: str = "", heap: str | None = None, idle: float | None = None
) -> GraphStore:
    """Open the store at an address; a bolt or neo4j address may name its database as the path.

    ``heap`` bounds the memory of an embedded graph's server, as Java writes it ("512m", "4g"); ``idle`` is how many
    seconds that server outlives its last user.

    Raises:
        StoreAddressError: it is not an address of a kind that Clew knows.
        StoreUnavailableError: nothing answers there.
        StoreAccessError: the user, the password or the folder is refused.
    """
    kind, _, rest = address.partition(":")
    if kind == "memory" and not rest:
        from kg.memory_store import MemoryStore

        return MemoryStore()
    if kind == "embedded" and rest:
        from kg import embedded

        idle = embedded.IDLE if idle is None else idle
        return embedded.open_embedded(rest, heap=heap or embedded.HEAP, idle=idle)
    if kind in _SERVERS and rest.startswith("//"):
        return _open_server(address, user, password)
    raise StoreAddressError(f"{_shown(address)!r} is not the address of a store; give one of: {_KINDS}")


def _open_server(address: str, user: str, password: str) -> GraphStore:
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise StoreAddressError(
            f"{_shown(address)!r} is not the address of a store ({error}); give one of: {_KINDS}"
        ) from error
    if not host or parts.query or parts.fragment:
        raise StoreAddressError(f"{_shown(address)!r} is not the address of a store; give one of: {_KINDS}")
    if parts.username or parts.password:
        raise StoreAddressError(
            f"{parts.scheme}://{host}: the address may not hold a user or password; "
            "set CLEW_STORE_USER and CLEW_STORE_PASSWORD"
        )
    from kg.bolt_store import BoltStore
    from kg.door import Door

    place = f"[{host}]" if ":" in host else host
    uri = f"{parts.scheme}://{place}" + (f":{port}" if port else "")
    database = parts.path.strip("/") or None
    shown = f"{uri}/{database}" if database else uri
    return BoltStore(shown, Door(uri, user or "neo4j", password, database))


def _shown(address: str) -> str:
    """The address without what may be a user and password in it."""
    return re.sub(r"//.*@", "//…@", address, flags=re.DOTALL)
