"""A chain of relations as a Cypher query that walks it as ``kg.mirror`` does, for a person to run in Neo4j Browser."""

from collections.abc import Sequence

from kg.facts import EntityId
from kg.labels import NEO4J, Naming, quoted


def chain_query(
    topic: EntityId, steps: Sequence[tuple[str, bool]], *, others: bool = True, naming: Naming = NEO4J
) -> str:
    """What is reached from an entity by relations, each walked forwards or backwards, with everything on the way.

    With ``others``, the topic itself is no answer. Never back along the fact that led there, as in a mirror.
    """
    lines = [f"MATCH (topic:Entity {{id: '{''.join(c for c in topic if c.isalnum())}'}})"]
    here, shown = "topic", ["topic"]
    for number, (relation, forward) in enumerate(steps, 1):
        there = "answer" if number == len(steps) else f"e{number}"
        edge = f"[r{number}:{quoted(naming.relationship(relation))}]"
        lines.append(
            f"MATCH ({here})-{edge}->({there}:Entity)" if forward else f"MATCH ({here})<-{edge}-({there}:Entity)"
        )
        conditions = []
        if number > 1 and steps[number - 2] == (relation, not forward):
            conditions.append(f"r{number} <> r{number - 1}")
        if there == "answer" and others:
            conditions.append("answer <> topic")
        if conditions:
            lines.append(f"WHERE {' AND '.join(conditions)}")
        shown += [f"r{number}", there]
        here = there
    return "\n".join((*lines, f"RETURN {', '.join(shown)}"))
