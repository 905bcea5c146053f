"""What a model says → an answer, each claim held against the store as it is now; whoever said it, and however.

An entity must be there under the name it was given, and so must every fact that is said to lead to it; these must be
one way, from what the question names to the entity; a single fact will do where it names nothing, or is about several
things and answered by one of them (`verify.borne`). A quotation must be characters of its source, and have a word that
the question does not have (`named.repeats`). What fails is removed, and with nothing left the answer is withdrawn.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from fusion.answer import Answer, Citation, abstain
from fusion.decode import Said
from fusion.extract import whole_sentence
from fusion.named import Named, repeats
from fusion.prompt import name_shown, shown
from fusion.quoting import Cut, quote
from fusion.verify import borne, quoted, same_value, true_citations, verify
from kg.facts import Chunk, ChunkId, Entity, EntityId, Fact, FactId, Path
from kg.store import DocumentRecord, GraphStore


@dataclass(frozen=True, slots=True)
class Checked:
    """A claim, and what is wrong with it, or else what was checked of it; each in one line."""

    said: Said
    wrong: str
    note: str


Against = Callable[[Said], str]  # what in the question a claim goes against, in one line, or nothing


@dataclass(frozen=True, slots=True)
class Held:
    """A store's word on what was said."""

    entities: Mapping[EntityId, Entity]
    facts: Mapping[FactId, Fact]
    chunks: Mapping[ChunkId, Chunk]
    records: Mapping[str, DocumentRecord]


def answered(
    question: str,
    said: Sequence[Said],
    topics: Named,
    store: GraphStore,
    *,
    confidence: float,
    reason: str = "",
    against: Against = lambda one: "",
) -> Answer:
    """The answer that claims make, as far as the store bears them out; ``topics`` are what the question names.

    ``against`` says what in the question a claim goes against, if anything.

    Raises:
        StoreError: the store failed.
    """
    checked, held, cut = _checked(question, said, topics, store, against)
    kept = [(one.said, one.note) for one in checked if not one.wrong]
    failed = [f"{one.said.claim.text!r} was said and left out: {one.wrong}" for one in checked if one.wrong]
    if not kept:
        return abstain(question, "; ".join(failed) or "nothing was said")
    paths = tuple(dict.fromkeys(Path(tuple(held.facts[f.id] for f in one.facts)) for one, _ in kept if one.facts))
    entities = tuple(dict.fromkeys(held.entities[one.entity.id] for one, _ in kept if one.entity is not None))
    stated = {fact.id for path in paths for fact in path.facts}
    cut = {citation: chunk for citation, chunk in cut.items() if citation.fact in stated}
    cut |= {citation: chunk for one, _ in kept for citation, chunk in _cut(one, held).items()}
    ends = {end for path in paths for fact in path.facts for end in (fact.subject, fact.object)}
    answer = Answer(
        question=question,
        text=", ".join(dict.fromkeys(_text(one, held) for one, _ in kept)),
        reason="; ".join(filter(None, (reason, *failed))),
        confidence=round(min(confidence, 1.0), 3),
        entities=entities,
        paths=paths,
        citations=tuple(cut),
        names={entity.id: entity for entity in (*store.entities(ends), *entities)},
    )
    answer = verify(answer, store, cut)
    return answer if answer.abstained else replace(answer, checked=tuple(dict.fromkeys(note for _, note in kept)))


def _sourced(one: Checked, held: Held, citations: Sequence[Citation]) -> Checked:
    """The same, but wrong where no fact of its path can be quoted from the sources that should state it."""
    if one.wrong or quoted(one.said.facts, held.facts, citations):
        return one
    return Checked(one.said, "the sources do not have the quotations of its facts", "")


def check(
    question: str, said: Sequence[Said], topics: Named, store: GraphStore, *, against: Against = lambda one: ""
) -> list[Checked]:
    """Each claim, held against the store as `answered` does it.

    Raises:
        StoreError: the store failed.
    """
    return _checked(question, said, topics, store, against)[0]


def _checked(
    question: str, said: Sequence[Said], topics: Named, store: GraphStore, against: Against
) -> tuple[list[Checked], Held, Cut]:
    """Each claim, what the store says of them, and the quotations of their facts."""
    held = _looked_up(said, store)
    cut = quote(store, list(held.facts.values()))
    true = true_citations(tuple(cut), store, cut, held.facts)
    checked = [
        Checked(one, *(_quotation(one, question, topics, held) if one.entity is None else _named(one, topics, held)))
        for one in said
    ]
    checked = [_sourced(one, held, true) for one in checked]
    return (
        [one if one.wrong or not (why := against(one.said)) else Checked(one.said, why, "") for one in checked],
        held,
        cut,
    )


def _looked_up(said: Sequence[Said], store: GraphStore) -> Held:
    facts = {fact.id: fact for one in said for fact in one.facts}
    chunks = store.chunks({one.passage.passage.chunk.id for one in said if one.passage is not None})
    return Held(
        {entity.id: entity for entity in store.entities({one.entity.id for one in said if one.entity is not None})},
        {f.id: f for f in store.facts_between([(f.subject, f.relation, f.object) for f in facts.values()])},
        {chunk.id: chunk for chunk in chunks},
        {record.id: record for record in store.document_records({chunk.document for chunk in chunks})},
    )


def _named(one: Said, topics: Named, held: Held) -> tuple[str, str]:
    """What is wrong with a claim of an entity, or what was checked of it."""
    assert one.entity is not None
    entity, text = held.entities.get(one.entity.id), one.claim.text
    if entity is None:
        return "the graph has no such entity", ""
    names = (entity.name, *entity.aliases)
    if text not in map(name_shown, names) and not any(same_value(text, name) for name in names):
        return f"{entity.name} has no such name", ""
    if not one.facts or any(fact.id not in held.facts for fact in one.facts):
        return "the graph does not hold the facts that it rests on", ""
    if topics.asked_about(entity.id):
        return "it is what the question is about", ""
    if not borne(entity.id, one.facts, topics):
        return "its facts do not lead to it from what the question names", ""
    count = f"{len(one.facts)} facts that lead" if len(one.facts) > 1 else "a fact that leads"
    return "", f"{entity.name} ({entity.type}): the graph holds it, and {count} to it"


def _quotation(one: Said, question: str, topics: Named, held: Held) -> tuple[str, str]:
    assert one.passage is not None
    chunk = held.chunks.get(one.passage.passage.chunk.id)
    record = None if chunk is None else held.records.get(chunk.document)
    if chunk is None or record is None:
        return "its source is not there any more", ""
    if not 0 <= one.start < one.end or shown(chunk.text)[one.start : one.end] != one.claim.text:
        return f"{record.source} does not have these characters", ""
    if repeats(one.claim.text, question, topics):
        return "it only repeats words of the question", ""
    return "", f"{one.claim.text!r}: characters {chunk.start + one.start} to {chunk.start + one.end} of {record.source}"


def _cut(one: Said, held: Held) -> Cut:
    """The sentence in which a quotation stands."""
    if one.passage is None:
        return {}
    chunk = held.chunks[one.passage.passage.chunk.id]
    start, end = whole_sentence(chunk.text, one.start, one.end)
    source = held.records[chunk.document].source
    return {Citation(chunk.document, source, chunk.start + start, chunk.start + end, chunk.text[start:end]): chunk.id}


def _text(one: Said, held: Held) -> str:
    """What is shown of a claim: the entity's own name, or the source's own characters, in one line."""
    if one.entity is not None:
        return held.entities[one.entity.id].name
    assert one.passage is not None
    return " ".join(held.chunks[one.passage.passage.chunk.id].text[one.start : one.end].split())
