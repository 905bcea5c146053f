"""The databases under the stores, looked at and emptied behind the stores' backs."""

from typing import Any

from kg.bolt_store import BoltStore
from kg.store import Counts
from kg.tally import Tally


def wipe(store: BoltStore) -> None:
    """Empty a database; its schema stays."""
    store.forget_learned()
    while store._rows("MATCH (n) WHERE NOT n:Graph WITH n LIMIT 10000 DETACH DELETE n RETURN count(*)")[0][0]:
        pass
    store._rows("MATCH (g:Graph) SET g.counts = $counts", {"counts": Tally().text()})


def dump(store: BoltStore) -> tuple[list[Any], list[Any]]:
    """Every node and relationship with its labels, type, ends and properties, the graph's version and history aside."""
    nodes = store._rows("MATCH (n) RETURN labels(n), properties(n)")
    edges = store._rows("MATCH (s)-[r]->(o) RETURN type(r), s.id, o.id, properties(r)")
    return (
        sorted([sorted(labels), sorted(_lasting(properties).items())] for labels, properties in nodes),
        sorted([type, s, o, sorted(properties.items())] for type, s, o, properties in edges),
    )


def _lasting(properties: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if name not in ("version", "history")}


def counted(store: BoltStore) -> Counts:
    """The counts of a graph, found by counting."""
    entities = store._rows("MATCH (e:Entity) RETURN e.type, count(*) ORDER BY e.type")
    facts = store._rows(
        "MATCH (:Entity)-[r]->(:Entity) "
        "RETURN coalesce(r.relation, type(r)) AS relation, count(*), sum(size(r.evidence))"
    )
    return Counts(
        documents=store._rows("MATCH (d:Document) RETURN count(d)")[0][0],
        chunks=store._rows("MATCH (c:Chunk) RETURN count(c)")[0][0],
        entities=sum(count for _, count in entities),
        facts=sum(count for _, count, _ in facts),
        evidence=sum(evidence for _, _, evidence in facts),
        entities_by_type=dict(entities),
        facts_by_relation={relation: count for relation, count, _ in facts},
    )
