"""Every answer against the store before anyone sees it: facts exist, quotations are the characters, paths join.

What fails is removed: a path with a fact that is not there, and one of whose facts no true quotation is left although
they have evidence. An answer that loses all of its paths, or all of its quotations, is withdrawn.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from fusion.answer import Answer, Citation, abstain
from fusion.named import Named
from fusion.operators.values import read_date, read_number
from kg.facts import ChunkId, EntityId, Fact, FactId, Path
from kg.store import GraphStore


def verify(
    answer: Answer,
    store: GraphStore,
    chunks: Mapping[Citation, ChunkId],
    *,
    joint: bool = False,
    predicting: bool = False,
) -> Answer:
    """The answer without what the store does not bear out. ``chunks`` says where each quotation was cut.

    With ``predicting``, facts that the answer marks as predicted may be missing from the store.

    A ``joint`` answer rests on all of its paths together, as a comparison does: it falls with the first of them.

    Raises:
        StoreError: the store failed.
    """
    if answer.abstained:
        return answer
    claimed = {fact.id: fact for path in answer.paths for fact in path.facts}
    held = {f.id: f for f in store.facts_between([(f.subject, f.relation, f.object) for f in claimed.values()])}
    expected = (answer.predicted or {}).keys() - held.keys() if predicting else set()
    borne = held.keys() | expected
    paths = tuple(
        path for path in answer.paths if path.facts and connected(path) and all(f.id in borne for f in path.facts)
    )
    named = answer.names or {}
    paths = tuple(p for p in paths if all(f.subject in named and f.object in named for f in p.facts))
    citations = true_citations(answer.citations, store, chunks, held)
    kept = {fact.id for path in paths for fact in path.facts}
    citations = tuple(c for c in citations if c.fact is None or c.fact in kept)
    unheld = len(answer.paths) - len(paths)
    if unheld and (joint or not paths):
        return abstain(answer.question, "what was found did not hold when it was checked against the graph")
    paths = tuple(path for path in paths if quoted(path.facts, held, citations))
    lost = len(answer.paths) - len(paths)
    if lost > unheld and (joint or not paths):
        return abstain(answer.question, "the quotations found did not hold when they were checked against the sources")
    kept = {fact.id for path in paths for fact in path.facts}
    citations = tuple(c for c in citations if c.fact is None or c.fact in kept)
    if not answer.paths and not citations:
        return abstain(answer.question, "the quotations found did not hold when they were checked against the sources")
    ends = {id for path in paths for id in (path.facts[-1].subject, path.facts[-1].object)}
    entities = answer.entities
    if lost:
        entities = tuple(entity for entity in entities if entity.id in ends)
        if not entities:
            return abstain(answer.question, "what was found did not hold when it was checked against the graph")
        answer = replace(answer, text=", ".join(entity.name for entity in entities))
    predicted = {id: chance for id, chance in (answer.predicted or {}).items() if id in kept & expected} or None
    return replace(answer, entities=entities, paths=paths, citations=citations, predicted=predicted)


def connected(path: Path) -> bool:
    """Whether each fact of a path shares an entity with the one before."""
    pairs = zip(path.facts, path.facts[1:], strict=False)
    return all({one.subject, one.object} & {other.subject, other.object} for one, other in pairs)


def walks(path: Sequence[Fact], to: EntityId) -> EntityId | None:
    """Where a way begins that ends at an entity, each fact going on from the one before; None if it is no way."""
    here = to
    for fact in reversed(path):
        if here not in (fact.subject, fact.object):
            return None
        here = fact.subject if here == fact.object else fact.object
    return here


def borne(entity: EntityId, path: Sequence[Fact], topics: Named) -> bool:
    """Whether facts bear an entity out as the answer to a question that names the topics.

    They are one way that begins at a topic. Where none is named, or where the entity is one of several things named,
    as in a comparison, a single fact of it will do. Nothing bears out the one thing that a question is about.
    """
    start = walks(path, entity)
    if start is None or not path or topics.asked_about(entity):
        return False
    return start in topics or (len(path) == 1 and (not topics or entity in topics))


def same_value(one: str, other: str) -> bool:
    """Whether two texts are the same date, or the same number in the same unit: "1,200 m" and "1.2 km"."""
    return any(value is not None and value == read(other) for read in (read_date, read_number) if (value := read(one)))


def quoted(path: Sequence[Fact], held: Mapping[FactId, Fact], citations: Sequence[Citation]) -> bool:
    """Whether some fact of a path is quoted, if any that is ``held`` has evidence."""
    evidenced = any(held[fact.id].evidence for fact in path if fact.id in held)
    return not evidenced or not {fact.id for fact in path}.isdisjoint(citation.fact for citation in citations)


def true_citations(
    citations: Sequence[Citation], store: GraphStore, chunks: Mapping[Citation, ChunkId], held: Mapping[FactId, Fact]
) -> tuple[Citation, ...]:
    """Those that are characters of their source, and state the fact that they are given for, if any.

    Raises:
        StoreError: the store failed.
    """
    stored = {chunk.id: chunk for chunk in store.chunks({chunks[c] for c in citations if c in chunks})}
    sources = {record.id: record.source for record in store.document_records({c.document for c in citations})}
    true = []
    for citation in citations:
        chunk = stored.get(chunks[citation]) if citation in chunks else None
        if chunk is None or chunk.document != citation.document or sources.get(citation.document) != citation.source:
            continue
        inside = chunk.start <= citation.start < citation.end <= chunk.end
        quote = chunk.text[citation.start - chunk.start : citation.end - chunk.start]
        if not inside or quote != citation.quote:
            continue
        if citation.fact is None or _states(held.get(citation.fact), chunk.id, citation):
            true.append(citation)
    return tuple(true)


def _states(fact: Fact | None, chunk: ChunkId, citation: Citation) -> bool:
    """Whether the quotation holds the whole of some evidence of the fact that it is given for."""
    evidence = fact.evidence if fact is not None else frozenset()
    return any(e.chunk == chunk and citation.start <= e.start and e.end <= citation.end for e in evidence)
