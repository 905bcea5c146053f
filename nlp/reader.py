"""Document → readings: split, parse, extract, link, check against the ontology, embed.

A pure function of each document and of the gazetteer's names that occur in it: what stands before or after a
document in the stream changes nothing. Long documents are read in sections, so memory does not grow with them.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from kg.facts import Chunk, Document, Entity, EntityId, Evidence, Fact, Occurrence, Topic, merge_facts
from kg.ontology import Ontology
from kg.store import DocumentRecord, Reading
from nlp.chunk import split
from nlp.embed import Embedder
from nlp.gazetteer import Gazetteer
from nlp.language import parse
from nlp.spans import Extraction, Extractor, Linker, Links, Mention
from nlp.topics import declare

SECTION = 128  # chunks of one document that are linked and written together
BATCH = 128  # chunks that are parsed and embedded together
BATCH_BESIDE = 512  # the same where several processes parse: starting them takes a second or so

_Vectors = dict[str, tuple[float, ...]]  # by the id of the chunk


@dataclass(slots=True)
class Tally:
    """What reading came to: how much was read, how mentions were linked, and what was dropped and why."""

    characters: int = 0
    chunks: int = 0
    mentions: int = 0
    facts: int = 0
    linked: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class _Section:
    document: Document
    topic: Topic | None
    chunks: tuple[Chunk, ...]
    first: bool
    last: bool


class Reader:
    """Turns documents into what the store keeps of them."""

    def __init__(
        self,
        *,
        extractors: dict[str, Extractor],
        linker: Linker,
        ontology: Ontology,
        embedder: Embedder | None,
        processes: int = 1,
    ) -> None:
        """Take one extractor a language ("en", "zh"); texts in other languages are kept and searched, not extracted.

        ``processes`` is how many parse English text side by side.
        """
        self._extractors = extractors
        self._linker = linker
        self._ontology = ontology
        self._embedder = embedder
        self._processes = processes

    @property
    def name(self) -> str:
        """Changes whenever documents should be read again because they would be read otherwise."""
        parts = [f"{code}:{extractor.name}" for code, extractor in sorted(self._extractors.items())]
        parts.append(self._linker.name)
        if self._embedder is not None:
            parts.append(self._embedder.name)
        return " ".join(parts)

    def record(self, document: Document, *, complete: bool) -> DocumentRecord:
        """The record under which the store keeps a document that this reader has read."""
        return DocumentRecord(
            id=document.id,
            source=document.source,
            title=document.title,
            language=document.language,
            text_digest=document.text_digest,
            reader=self.name,
            topic=declare(document),
            complete=complete,
        )

    def read(self, documents: Iterable[Document], gazetteer: Gazetteer, tally: Tally) -> Iterator[Reading]:
        """Read the documents in order: one reading or more for each, the last marked so."""
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="clew-embedder") as beside:
            # The encoder leaves the interpreter to the parser, and is given its next batch before it is done.
            pending: tuple[list[_Section], Future[_Vectors]] | None = None
            for batch in _batches(self._sections(documents), BATCH if self._processes == 1 else BATCH_BESIDE):
                embedding = beside.submit(self._embed, batch)
                if pending is not None:
                    yield from self._read_batch(*pending, gazetteer, tally)
                pending = batch, embedding
            if pending is not None:
                yield from self._read_batch(*pending, gazetteer, tally)

    def _sections(self, documents: Iterable[Document]) -> Iterator[_Section]:
        for document in documents:
            topic = declare(document)
            chunks: list[Chunk] = []
            first = True
            for chunk in split(document):
                if len(chunks) == SECTION:
                    yield _Section(document, topic, tuple(chunks), first, last=False)
                    chunks, first = [], False
                chunks.append(chunk)
            yield _Section(document, topic, tuple(chunks), first, last=True)

    def _read_batch(
        self, sections: list[_Section], embedding: Future[_Vectors], gazetteer: Gazetteer, tally: Tally
    ) -> Iterator[Reading]:
        extractions = self._extract(sections, gazetteer)
        vectors = embedding.result()
        for section in sections:
            found = [extractions[chunk.id] for chunk in section.chunks if chunk.id in extractions]
            mentions = [mention for extraction in found for mention in extraction.mentions]
            links = self._linker.link(section.document, section.topic, mentions, gazetteer)
            tally.linked += links.decisions
            for extraction in found:
                tally.dropped += extraction.dropped
            if section.document.language not in self._extractors:
                tally.dropped[f"language {section.document.language}: searched, not extracted"] += len(section.chunks)
            reading = self._ground(section, extractions, links, vectors, tally)
            tally.characters += sum(len(chunk.text) for chunk in section.chunks)
            tally.chunks += len(section.chunks)
            tally.mentions += len(reading.occurrences)
            tally.facts += len(reading.facts)
            yield reading

    def _extract(self, sections: list[_Section], gazetteer: Gazetteer) -> dict[str, Extraction]:
        extractions: dict[str, Extraction] = {}
        for code, extractor in self._extractors.items():
            units = [(s, chunk) for s in sections if s.document.language == code for chunk in s.chunks]
            if not units:
                continue  # to ask the parser for nothing would load its model
            texts = [chunk.text for _, chunk in units]
            for (section, chunk), parsed in zip(units, parse(texts, code, processes=self._processes), strict=True):
                extractions[chunk.id] = extractor.extract(chunk, parsed, topic=section.topic, gazetteer=gazetteer)
        return extractions

    def _embed(self, sections: list[_Section]) -> _Vectors:
        if self._embedder is None:
            return {}
        units = [(s.document.title, chunk) for s in sections for chunk in s.chunks]
        rows = self._embedder.encode([f"{title}. {chunk.text}" if title else chunk.text for title, chunk in units])
        return {chunk.id: tuple(row) for (_, chunk), row in zip(units, rows.tolist(), strict=True)}

    def _ground(
        self,
        section: _Section,
        extractions: dict[str, Extraction],
        links: Links,
        vectors: _Vectors,
        tally: Tally,
    ) -> Reading:
        entities: dict[EntityId, Entity] = {}
        occurrences: set[Occurrence] = set()
        facts: list[Fact] = []

        def entity_of(mention: Mention) -> Entity:
            entity = links.entities[mention]
            return entities.setdefault(entity.id, entity)

        for chunk in section.chunks:
            extraction = extractions.get(chunk.id)
            if extraction is None:
                continue
            extractor = self._extractors[section.document.language].name
            for mention in extraction.mentions:
                if not mention.coreferent:
                    occurrences.add(Occurrence(entity_of(mention).id, chunk.id, mention.start, mention.end))
            for claim in extraction.claims:
                subject, object = links.entities[claim.subject], links.entities[claim.object]
                violation = self._ontology.violation(subject.type, claim.relation, object.type)
                if violation is not None:
                    tally.dropped[f"ontology: {violation}"] += 1
                elif subject.id == object.id:
                    tally.dropped[f"{claim.relation}: subject and object are one"] += 1
                else:
                    entities.setdefault(subject.id, subject)
                    entities.setdefault(object.id, object)
                    evidence = Evidence(chunk.id, claim.start, claim.end, extractor, round(claim.confidence, 3))
                    facts.append(Fact(subject.id, claim.relation, object.id, frozenset((evidence,))))
        return Reading(
            document=self.record(section.document, complete=section.last),
            chunks=section.chunks,
            entities=tuple(entities[id] for id in sorted(entities)),
            occurrences=tuple(sorted(occurrences)),
            facts=tuple(merge_facts(facts)),
            vectors=tuple(vectors[chunk.id] for chunk in section.chunks) if vectors else (),
            first=section.first,
            last=section.last,
        )


def _batches(sections: Iterable[_Section], size: int) -> Iterator[list[_Section]]:
    batch: list[_Section] = []
    for section in sections:
        batch.append(section)
        if sum(len(s.chunks) for s in batch) >= size:
            yield batch
            batch = []
    if batch:
        yield batch
