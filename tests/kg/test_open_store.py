"""From an address to a store, and what is said when there is none."""

import socket
from pathlib import Path

import pytest

from kg.bolt_store import BoltStore
from kg.door import Door
from kg.errors import StoreAccessError, StoreAddressError, StoreError, StoreUnavailableError
from kg.memory_store import MemoryStore
from kg.open_store import open_store
from kg.supervisor import free_ports


@pytest.mark.parametrize(
    "address",
    [
        "",
        "graph",
        "embedded:",
        "memory:x",
        "http://localhost",
        "bolt:/x",
        "bolt://",
        "bolt://host:port",
        "neo4j://h?a=b",
    ],
)
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(StoreAddressError, match="embedded:FOLDER") as caught:
        open_store(address)
    assert "\n" not in str(caught.value)


def test_a_password_does_not_belong_in_an_address() -> None:
    with pytest.raises(StoreAddressError, match="CLEW_STORE_PASSWORD") as caught:
        open_store("bolt://me:secret@localhost")
    assert "secret" not in str(caught.value)


def test_memory() -> None:
    store = open_store("memory:")
    assert isinstance(store, MemoryStore)
    assert store.address == "memory:"


def test_embedded(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreAddressError, match="file of that name"):
        open_store(f"embedded:{tmp_path / 'file'}")


def test_nothing_answers() -> None:
    (port,) = free_ports(1)
    with pytest.raises(StoreUnavailableError, match=f"bolt://127.0.0.1:{port}: no graph database answers") as caught:
        open_store(f"bolt://127.0.0.1:{port}", password="x")
    assert "\n" not in str(caught.value)


def test_something_else_answers() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        other.settimeout(30)
        port = other.getsockname()[1]
        import threading

        def hang_up() -> None:
            while True:
                try:
                    connection, _ = other.accept()
                except OSError:
                    return
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                connection.close()

        threading.Thread(target=hang_up, daemon=True).start()
        with pytest.raises(StoreError, match=f"bolt://127.0.0.1:{port}") as caught:
            open_store(f"bolt://127.0.0.1:{port}", password="x")
        assert "\n" not in str(caught.value)


def test_an_arcadedb_by_its_address_is_refused(embedded_store: BoltStore) -> None:
    door = embedded_store._door
    with pytest.raises(StoreError, match="give --store embedded:PATH"):
        open_store(f"{door.uri}/clew", user=door.user, password=door.password)
    with pytest.raises(StoreAccessError, match="CLEW_STORE_PASSWORD"):
        open_store(f"{door.uri}/clew", user=door.user, password="wrong")


@pytest.mark.neo4j
def test_a_wrong_password(neo4j_door: Door) -> None:
    with pytest.raises(StoreAccessError, match="CLEW_STORE_USER"):
        open_store(neo4j_door.uri, user=neo4j_door.user, password="wrong password")


@pytest.mark.neo4j
def test_a_wrong_database(neo4j_door: Door) -> None:
    with pytest.raises(StoreError, match="nosuchgraph"):
        open_store(f"{neo4j_door.uri}/nosuchgraph", user=neo4j_door.user, password=neo4j_door.password)
