"""A graph that is wiped and begun anew at its address, with as many things as before: the new one answers."""

import os
import shutil
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from api.assemble import Services
from api.settings import Settings
from kg import cypher, supervisor
from kg.bolt_store import BoltStore
from kg.embedded import open_embedded
from kg.errors import NoGraphError
from kg.facts import Entity
from kg.graph_node import GraphNode
from kg.memory_store import MemoryStore
from kg.mirror_file import kept_mirror
from kg.name_file import kept_name_index
from kg.names import GraphNames
from kg.store import GraphStore
from tests.fusion.graphs import Statement, film, person, readings
from tests.kg.databases import wipe

OLD, NEW = film("Amber Road"), film("Paper Lantern")
IDA, OTTO = person("Ida Falk"), person("Otto Brandt")


def tell(store: GraphStore, statements: Sequence[Statement]) -> None:
    store.write(readings(statements))


def delete_all(store: BoltStore) -> None:
    """What a person does who wants an empty database."""
    store._rows("MATCH (n) DETACH DELETE n")


def names_and_mirror(store: GraphStore, folder: Path) -> tuple[list[Entity], set[tuple[str, str, str]]]:
    index = kept_name_index(store, folder / "names.safetensors", most=100, notify=print)
    assert index is not None
    mirror = kept_mirror(store, folder / "mirror.safetensors", notify=print)
    return index.find_entities(["amber road", "paper lantern"]), set(mirror.triples())


def check_files(before: GraphStore, after: GraphStore, folder: Path) -> None:
    """``after`` holds another graph, at the address of ``before`` and of the same size."""
    assert names_and_mirror(after, folder) == ([NEW], {(NEW.id, "directed_by", OTTO.id)})
    assert before.counts() == after.counts()


def test_memory(tmp_path: Path) -> None:
    one, other = MemoryStore(), MemoryStore()
    tell(one, [(OLD, "directed_by", IDA)])
    assert names_and_mirror(one, tmp_path) == ([OLD], {(OLD.id, "directed_by", IDA.id)})
    tell(other, [(NEW, "directed_by", OTTO)])
    check_files(one, other, tmp_path)


def test_a_deleted_folder(tmp_path: Path) -> None:
    for old, new in ((OLD, IDA), (NEW, OTTO)):
        folder = tmp_path / "graph"
        store = open_embedded(str(folder), idle=0.1, heap="256m")
        try:
            tell(store, [(old, "directed_by", new)])
            assert names_and_mirror(store, tmp_path / "kept") == ([old], {(old.id, "directed_by", new.id)})
        finally:
            store.close()
        ended = supervisor.lock(folder / "supervisor.lock", wait=True)
        assert ended is not None
        os.close(ended)
        shutil.rmtree(folder)


def check_running(store: BoltStore, folder: Path) -> None:
    """A store, indexes in memory and a service that were there before see the new graph."""
    wipe(store)
    delete_all(store)
    names = GraphNames(store)
    services = Services(Settings(store=store.address, model=folder), store=store)
    tell(store, [(OLD, "directed_by", IDA)])
    version, counts = store.version(), store.counts()
    assert names_and_mirror(store, folder) == ([OLD], {(OLD.id, "directed_by", IDA.id)})
    assert names.at(version, most=100).find_entities(["amber road"]) == [OLD]
    assert services.answerer.ask("Who directed Amber Road?").entities == (IDA,)
    delete_all(store)
    tell(store, [(NEW, "directed_by", OTTO)])
    assert store.counts() == counts
    assert store.version() != version
    assert store.changes(version) is None
    assert names_and_mirror(store, folder) == ([NEW], {(NEW.id, "directed_by", OTTO.id)})
    assert names.at(store.version(), most=100).find_entities(["amber road", "paper lantern"]) == [NEW]
    assert services.answerer.ask("Who directed Paper Lantern?").entities == (OTTO,)
    assert services.answerer.ask("Who directed Amber Road?").entities == ()
    delete_all(store)
    assert store.counts().entities == 0  # begun anew by looking at it, too
    assert services.answerer.ask("Who directed Paper Lantern?").abstained
    delete_all(store)
    store.forget_learned()

    def emptied(query: str, *args: Any, **parameters: Any) -> list[list[Any]]:
        if query == cypher.VERSION:
            delete_all(store)
        return store._rows(query, *args, **parameters)

    node = GraphNode(store.address, run=emptied, sql=store._sql if store._door.http else None, exclusive=nullcontext)
    with pytest.raises(NoGraphError, match="deleted whenever it is begun"):
        node.version()


def test_embedded(embedded_store: BoltStore, tmp_path: Path) -> None:
    check_running(embedded_store, tmp_path)


@pytest.mark.neo4j
def test_neo4j(neo4j_store: BoltStore, tmp_path: Path) -> None:
    check_running(neo4j_store, tmp_path)
