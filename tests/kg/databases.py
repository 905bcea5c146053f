"""The databases under the stores, looked at and emptied behind the stores' backs."""

from typing import Any

from kg.bolt_store import BoltStore


def wipe(store: BoltStore) -> None:
    """Empty a database; its schema stays."""
    while store._rows("MATCH (n) WHERE NOT n:Graph WITH n LIMIT 10000 DETACH DELETE n RETURN count(*)")[0][0]:
        pass


def dump(store: BoltStore) -> tuple[list[Any], list[Any]]:
    """Every node and relationship with its labels, type, ends and properties, the version of the graph aside."""
    nodes = store._rows("MATCH (n) WHERE NOT n:Graph RETURN labels(n), properties(n)")
    edges = store._rows("MATCH (s)-[r]->(o) RETURN type(r), s.id, o.id, properties(r)")
    return (
        sorted([sorted(labels), sorted(properties.items())] for labels, properties in nodes),
        sorted([type, s, o, sorted(properties.items())] for type, s, o, properties in edges),
    )
