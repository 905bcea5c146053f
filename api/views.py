"""What is shown, made from what is stored: one function a shape of ``api.schemas``."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from api import schemas
from api.errors import UnknownEntityError
from kg.errors import UnknownDocumentError
from kg.facts import Chunk, ChunkId, Document, DocumentId, Entity, EntityId, Fact, name_key
from kg.sources import source_of
from kg.store import DocumentRecord, GraphStore

if TYPE_CHECKING:
    from fusion.answer import Answer
    from fusion.question import Link
    from fusion.steps import Step
    from fusion.trace import Passage
    from nlp.ingest import IngestCounts


def answer(found: "Answer") -> schemas.AnswerOut:
    """An answer with its thread."""
    return schemas.AnswerOut(
        question=found.question,
        answer=found.text,
        abstained=found.abstained,
        reason=found.reason,
        confidence=found.confidence,
        entities=[entity(e) for e in found.entities],
        paths=[
            [
                _step(triple, (found.predicted or {}).get(fact.id))
                for fact, triple in zip(path.facts, named, strict=True)
            ]
            for path, named in zip(found.paths, found.triples(), strict=True)
        ],
        citations=[
            schemas.CitationOut(document=c.source, start=c.start, end=c.end, quote=c.quote) for c in found.citations
        ],
        candidates=[schemas.CandidateOut(entity=entity(c.entity), description=c.description) for c in found.candidates],
        checked=list(found.checked),
    )


def step(question: str, taken: "Step | Answer") -> tuple[str, schemas.Shape]:
    """A step of answering a question, and its name."""
    from fusion.steps import Given, Linked, Piece

    if isinstance(taken, Linked):
        return "linked", schemas.LinkedOut(links=[link(question, one) for one in taken.links])
    if isinstance(taken, Given):
        prompt = taken.prompt
        counts = {"facts": len(prompt.facts), "passages": len(prompt.passages)}
        return "given", schemas.GivenOut(model=taken.model, **counts, left_out=prompt.told)
    if isinstance(taken, Piece):
        return "piece", schemas.PieceOut(text=taken.text)
    return "answer", answer(taken)


def link(question: str, one: "Link") -> schemas.LinkOut:
    """What a question may name."""
    return schemas.LinkOut(
        text=question[one.start : one.end],
        start=one.start,
        end=one.end,
        entity=entity(one.entity),
        score=one.score,
    )


def _step(triple: tuple[str, str, str], probability: float | None) -> schemas.PredictedStep | schemas.Step:
    subject, relation, object = triple
    if probability is None:
        return schemas.Step(subject=subject, relation=relation, object=object)
    return schemas.PredictedStep(subject=subject, relation=relation, object=object, probability=probability)


def entity(one: Entity) -> schemas.EntityOut:
    """An entity."""
    return schemas.EntityOut(id=one.id, type=one.type, name=one.name, aliases=list(one.aliases))


def document(record: DocumentRecord) -> schemas.DocumentOut:
    """A document."""
    return schemas.DocumentOut(
        id=record.id, source=record.source, title=record.title, language=record.language, complete=record.complete
    )


def document_page(store: GraphStore, *, prefix: str, after: str, limit: int) -> schemas.DocumentPage:
    """The documents whose source starts with the prefix, from behind the cursor ``after`` (a source)."""
    records = list(islice((r for r in store.documents(prefix=prefix) if r.source > after), limit + 1))
    shown = records[:limit]
    return schemas.DocumentPage(
        documents=[document(r) for r in shown], next=shown[-1].source if len(records) > limit else None
    )


def find_documents(store: GraphStore, wanted: Iterable[str]) -> list[DocumentRecord]:
    """The documents that a person means: by id, by source, or all rows of a file; by source.

    Raises:
        UnknownDocumentError: one of them means none.
    """
    found: dict[DocumentId, DocumentRecord] = {}
    for text in wanted:
        file = source_of(Path(text))
        ids = [DocumentId(text), *(Document(source=source, text="").id for source in (text, file))]
        records = store.document_records(ids) or list(store.documents(prefix=f"{file}#"))
        if not records:
            raise UnknownDocumentError(f"no document {text!r} in the graph; `clew documents` lists what there is")
        found.update((record.id, record) for record in records)
    return sorted(found.values(), key=lambda record: record.source)


def ingest(counts: "IngestCounts") -> schemas.IngestOut:
    """What reading came to."""
    tally = counts.tally
    return schemas.IngestOut(
        new=counts.new,
        changed=counts.changed,
        unchanged=counts.unchanged,
        reread=counts.reread,
        removed=counts.removed,
        unreadable=[schemas.UnreadableOut(source=u.source, message=u.message) for u in counts.unreadable],
        characters=tally.characters,
        chunks=tally.chunks,
        mentions=tally.mentions,
        facts=tally.facts,
        linked=dict(tally.linked.most_common()),
        dropped=dict(tally.dropped.most_common()),
    )


def stats(store: GraphStore) -> schemas.Stats:
    """How much the graph holds."""
    counts = store.counts()
    return schemas.Stats(
        store=store.address,
        documents=counts.documents,
        chunks=counts.chunks,
        entities=counts.entities,
        facts=counts.facts,
        evidence=counts.evidence,
        entities_by_type=counts.entities_by_type,
        facts_by_relation=counts.facts_by_relation,
    )


def entity_page(store: GraphStore, *, type: str | None, after: str, limit: int) -> schemas.EntityPage:
    """Entities by name, from behind the cursor ``after``."""
    found = store.list_entities(type=type, after=after, limit=limit + 1)
    shown = found[:limit]
    return schemas.EntityPage(
        entities=[entity(e) for e in shown], next=cursor(shown[-1]) if len(found) > limit else None
    )


def cursor(last: Entity) -> str:
    """Where a list of entities goes on: behind this one."""
    return f"{last.name}\t{last.id}"


def named(store: GraphStore, text: str) -> list[Entity]:
    """The entities with this id, else those with this name or alias."""
    return store.entities([EntityId(text)]) or store.find_entities([name_key(text)])


def find_entities(store: GraphStore, text: str, *, type: str | None = None, limit: int) -> list[Entity]:
    """The entities that a person means by a text: by id, else by name or alias, else by shared words."""
    # A type narrows what a search has found, so more is searched for than is shown.
    found = named(store, text) or [
        hit.entity for hit in store.search_entities(text, limit=limit if type is None else 20 * limit)
    ]
    return [e for e in found if type is None or e.type == type][:limit]


def entity_detail(store: GraphStore, id: EntityId, *, facts: int, mentions: int) -> schemas.EntityDetail:
    """An entity, where it is named, and what is said of it.

    Raises:
        UnknownEntityError: the graph does not hold it.
    """
    one = known(store, id)
    stated = store.facts([id], limit=facts + 1)
    named = store.occurrences(entities=[id])
    shown = named[:mentions]
    quotes = _Quotes.read(store, {o.chunk for o in shown})
    return schemas.EntityDetail(
        entity=entity(one),
        mentions=[
            schemas.CitationOut(
                document=quotes.source(o.chunk), start=o.start, end=o.end, quote=quotes.cut(o.chunk, o.start, o.end)
            )
            for o in shown
        ],
        mentions_total=len(named),
        facts=facts_out(store, stated[:facts]),
        more_facts=len(stated) > facts,
    )


def neighbourhood(store: GraphStore, id: EntityId, *, hops: int, limit: int) -> schemas.SubgraphOut:
    """The entities near one, and the facts that join them.

    Raises:
        UnknownEntityError: the graph does not hold it.
    """
    known(store, id)
    near = store.neighbourhood([id], hops=hops, limit=limit)
    return schemas.SubgraphOut(
        center=id,
        entities=[entity(e) for e in near.entities.values()],
        facts=facts_out(store, near.facts, entities=near.entities),
    )


def chosen(store: GraphStore, ids: Collection[str]) -> list[EntityId]:
    """The entities that a person says a question means.

    Raises:
        UnknownEntityError: the graph does not hold one of them.
    """
    return [known(store, EntityId(id)).id for id in ids]


def known(store: GraphStore, id: EntityId) -> Entity:
    """The entity of this id.

    Raises:
        UnknownEntityError: the graph does not hold it.
    """
    found = store.entities([id])
    if not found:
        raise UnknownEntityError(f"no entity {id!r}; `clew search` and GET /entities find the ids")
    return found[0]


def facts_out(
    store: GraphStore, facts: Sequence[Fact], *, entities: dict[EntityId, Entity] | None = None
) -> list[schemas.FactOut]:
    """Facts by name, each piece of evidence with its quotation."""
    ends = {id for fact in facts for id in (fact.subject, fact.object)}
    names = entities if entities is not None else {e.id: e for e in store.entities(ends)}
    quotes = _Quotes.read(store, {e.chunk for fact in facts for e in fact.evidence})
    return [
        schemas.FactOut(
            id=fact.id,
            subject=entity(names[fact.subject]),
            relation=fact.relation,
            object=entity(names[fact.object]),
            evidence=[
                schemas.EvidenceOut(
                    document=quotes.source(e.chunk),
                    start=e.start,
                    end=e.end,
                    quote=quotes.cut(e.chunk, e.start, e.end),
                    extractor=e.extractor,
                    confidence=e.confidence,
                )
                for e in sorted(fact.evidence)
            ],
        )
        for fact in facts
    ]


def search(found: "Iterable[Passage]") -> schemas.SearchOut:
    """Passages, best first."""
    return schemas.SearchOut(
        passages=[
            schemas.PassageOut(
                document=passage.source,
                title=passage.title,
                start=passage.chunk.start,
                end=passage.chunk.end,
                text=passage.chunk.text,
                score=passage.score,
            )
            for passage in found
        ]
    )


@dataclass(frozen=True, slots=True)
class _Quotes:
    """Cuts quotations out of chunks, and names their documents."""

    chunks: dict[ChunkId, Chunk]
    sources: dict[DocumentId, str]

    @classmethod
    def read(cls, store: GraphStore, ids: Collection[ChunkId]) -> "_Quotes":
        chunks = {chunk.id: chunk for chunk in store.chunks(ids)}
        records = store.document_records({chunk.document for chunk in chunks.values()})
        return cls(chunks, {record.id: record.source for record in records})

    def source(self, id: ChunkId) -> str:
        return self.sources[self.chunks[id].document]

    def cut(self, id: ChunkId, start: int, end: int) -> str:
        chunk = self.chunks[id]
        return chunk.text[start - chunk.start : end - chunk.start]
