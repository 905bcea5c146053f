"""Facts with the names and the quotations that their ids and offsets stand for."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from kg.facts import Entity, Evidence, Fact
from kg.store import DocumentRecord, GraphStore

_BATCH = 500  # facts looked up at once

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Quote:
    """The characters that state a fact, and the document that holds them."""

    document: DocumentRecord
    evidence: Evidence
    text: str


@dataclass(frozen=True, slots=True)
class QuotedFact:
    """A fact with its entities and its quotations, these by document and place."""

    fact: Fact
    subject: Entity
    object: Entity
    quotes: tuple[Quote, ...]


def quoted_facts(store: GraphStore) -> Iterator[QuotedFact]:
    """Every fact of the graph, by id, streamed."""
    for facts in batches(store.all_facts(), _BATCH):
        entities = {entity.id: entity for entity in store.entities({id for f in facts for id in (f.subject, f.object)})}
        chunks = {chunk.id: chunk for chunk in store.chunks({e.chunk for f in facts for e in f.evidence})}
        records = {record.id: record for record in store.document_records({c.document for c in chunks.values()})}
        for fact in facts:
            quotes = []
            for evidence in fact.evidence:
                chunk = chunks[evidence.chunk]
                text = chunk.text[evidence.start - chunk.start : evidence.end - chunk.start]
                quotes.append(Quote(records[chunk.document], evidence, text))
            quotes.sort(key=lambda quote: (quote.document.source, quote.evidence.start, quote.evidence))
            yield QuotedFact(fact, entities[fact.subject], entities[fact.object], tuple(quotes))


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in lists of at most ``size``."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
