"""Answers as Cypher queries, for a person to run in Neo4j Browser.

A chain of relations is walked as ``kg.mirror`` does; facts are found by their ids.
"""

from collections.abc import Collection, Sequence

from kg.facts import EntityId, Fact
from kg.labels import NEO4J, Naming, quoted


def chain_query(
    topic: EntityId, steps: Sequence[tuple[str, bool]], *, others: bool = True, naming: Naming = NEO4J
) -> str:
    """What is reached from an entity by relations, each walked forwards or backwards, with everything on the way.

    With ``others``, the topic itself is no answer. Never back along the fact that led there, as in a mirror.
    """
    lines = [f"MATCH (topic:Entity {{id: {_id(topic)}}})"]
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


def facts_query(facts: Collection[Fact]) -> str:
    """These facts, each with its two ends."""
    subjects = ", ".join(sorted({_id(fact.subject) for fact in facts}))
    ids = ", ".join(sorted(_id(fact.id) for fact in facts))
    return (
        "MATCH (subject:Entity)-[fact]->(object:Entity)\n"
        f"WHERE subject.id IN [{subjects}] AND fact.id IN [{ids}]\n"
        "RETURN subject, fact, object"
    )


def _id(id: str) -> str:
    """An id, which is a digest, as Cypher writes it."""
    return f"'{''.join(c for c in id if c.isalnum())}'"
