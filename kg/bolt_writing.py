"""What one write transaction does in a Bolt database: forget what is replaced, add what was read, tidy up.

An entity lives while a relationship touches it; an alias, while a MENTIONS relationship carries it. So forgetting
looks only at what the forgotten chunks name: their lists of facts, and their MENTIONS.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from kg import cypher, records
from kg.errors import NoGraphError
from kg.facts import Chunk, ChunkId, DocumentId, Entity, EntityId, Fact, Triple, merge_facts
from kg.history import History, later
from kg.labels import Naming, quoted
from kg.readings import Batch
from kg.store import Changes
from kg.tally import Tally
from kg.words import entity_words

ROWS = 5000  # rows a statement takes at most

T = TypeVar("T")
Row = dict[str, object]


class Rows(list[Any]):
    """Rows or ids that a statement takes.

    The driver spells out all that a statement takes for its log, though nobody reads that: of a million numbers it
    takes longer than sending them. So these are spelled out short.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"[{len(self)} of them]"


class Transaction(Protocol):
    """What is needed of the driver's transaction."""

    def run(self, query: Any, parameters: dict[str, Any] | None = None) -> Iterable[Any]:
        """Run one statement; its rows come back as sequences."""
        ...


class Writing:
    """One write transaction. Made anew at every try."""

    def __init__(self, transaction: Transaction, naming: Naming) -> None:
        self._transaction = transaction
        self._naming = naming
        self._touched: set[EntityId] = set()  # entities that may have lost their last relationship
        self._lost: defaultdict[EntityId, set[str]] = defaultdict(set)  # aliases that lost an occurrence
        self._renamed: set[EntityId] = set()  # entities that came or went, or whose aliases changed
        self._changed: set[Triple] = set()  # facts that came or went
        self._tally = Tally()
        self._version, self._history = 0, History(0)

    def write(self, batch: Batch) -> None:
        """Replace and add."""
        self._begin()
        documents = {reading.document.id for reading in batch.readings}
        held = {row[0] for row in self._query(cypher.FIND_DOCUMENTS, documents)}
        self._forget_documents(held & batch.replaced)
        added = {c.id for reading in batch.readings if not reading.first for c in reading.chunks}
        self._forget_chunks(self._query(cypher.CHUNKS_TO_REPLACE, added))
        self._tally.documents += len(documents - held)
        used = self._add(batch)
        self._settle(used)
        self._end()

    def delete(self, documents: Collection[DocumentId]) -> None:
        """Forget."""
        self._begin()
        held = {row[0] for row in self._query(cypher.FIND_DOCUMENTS, documents)}
        self._forget_documents(held)
        self._tally.documents -= len(held)
        self._settle(set())
        self._end()

    # -- statements ---------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        step = later(0)
        rows = list(self._transaction.run(cypher.BEGIN_WRITE, {"step": step}))
        if not rows:
            raise NoGraphError
        ((self._version, counts, history),) = rows
        self._tally = Tally.of(counts)
        self._history = History.of(history, version=self._version - step)

    def _end(self) -> None:
        history = self._history.then(self._version, Changes(frozenset(self._renamed), frozenset(self._changed)))
        list(self._transaction.run(cypher.END_WRITE, {"counts": self._tally.text(), "history": history.text()}))

    def _query(self, query: str, ids: Collection[str]) -> list[Any]:
        ordered = sorted(ids)
        return [row for part in _parts(ordered) for row in self._transaction.run(query, {"ids": Rows(part)})]

    def _rows(self, query: str, rows: Sequence[Row]) -> list[Any]:
        return [row for part in _parts(rows) for row in self._transaction.run(query, {"rows": Rows(part)})]

    def _created(self, query: str, rows: Sequence[Row]) -> dict[Any, str]:
        """The element id of each thing that a statement creates, by its id."""
        return {id: element for (pairs,) in self._rows(query, rows) for id, element in pairs}

    # -- forgetting ---------------------------------------------------------------------------------------------

    def _forget_documents(self, held: Collection[DocumentId]) -> None:
        self._forget_chunks(self._query(cypher.CHUNKS_TO_FORGET, held))
        self._query(cypher.DELETE_DOCUMENTS, held)

    def _forget_chunks(self, chunks: Sequence[Any]) -> None:
        """Forget chunks, each given as its id and its list of facts."""
        ids = {id for id, _ in chunks}
        for entity, aliases in self._query(cypher.MENTIONS_TO_FORGET, ids):
            self._touched.add(entity)
            self._lost[entity].update(aliases or ())
        by_relation: defaultdict[str, set[tuple[EntityId, EntityId]]] = defaultdict(set)
        for _, facts in chunks:
            for subject, relation, object in map(records.unpack_triple, facts or ()):
                by_relation[relation].add((subject, object))
        for relation, ends in by_relation.items():
            self._forget_evidence(relation, sorted(ends), ids)
        self._query(cypher.DELETE_CHUNKS, ids)
        self._tally.chunks -= len(ids)

    def _forget_evidence(self, relation: str, ends: Sequence[tuple[EntityId, EntityId]], chunks: set[str]) -> None:
        type = quoted(self._naming.relationship(relation))
        gone: list[Row] = []
        weaker: list[Row] = []
        rows: list[Row] = [{"subject": subject, "object": object} for subject, object in ends]
        for subject, object, one, other, evidence in self._rows(_typed(cypher.EVIDENCE_TO_FORGET, type), rows):
            left = [line for line in evidence if line[: records.ID] not in chunks]
            self._touched |= {subject, object}
            row: Row = {"subject": one, "object": other, "evidence": left}
            (weaker if left else gone).append(row)
            if not left:
                self._changed.add((subject, relation, object))
            self._tally.evidence -= len(evidence) - len(left)
        self._rows(_typed(cypher.SET_EVIDENCE, type), weaker)
        self._rows(_typed(cypher.DELETE_FACTS, type), gone)
        self._tally.facts[relation] -= len(gone)

    def _settle(self, used: Collection[EntityId]) -> None:
        """Delete entities that nothing holds any more, and aliases that nothing uses."""
        unnamed = dict(self._query(cypher.FIND_UNNAMED, self._touched.difference(used)))
        self._query(cypher.DELETE_ENTITIES, unnamed)
        self._tally.entities.subtract(unnamed.values())
        self._renamed.update(unnamed)
        lost = {id: aliases for id, aliases in self._lost.items() if aliases}
        if not lost:
            return
        rows: list[Row] = [{"id": id, "lost": sorted(aliases)} for id, aliases in sorted(lost.items())]
        for id, alias in self._rows(cypher.ALIASES_IN_USE, rows):
            lost[id].discard(alias)
        changed: list[Row] = []
        for id, _, name, aliases in self._query(cypher.ALIASES, [id for id, gone in lost.items() if gone]):
            changed.append(_naming_row(id, name, set(aliases or ()) - lost[id]))
        self._set_aliases(changed)

    def _set_aliases(self, rows: Sequence[Row]) -> None:
        self._rows(cypher.SET_ALIASES, rows)
        self._renamed.update(EntityId(str(row["id"])) for row in rows)

    # -- adding -------------------------------------------------------------------------------------------------

    def _add(self, batch: Batch) -> set[EntityId]:
        """Write what was read; returns the entities that it uses."""
        entities = batch.entities
        chunks = {chunk.id: chunk for reading in batch.readings for chunk in reading.chunks}
        facts = merge_facts(fact for reading in batch.readings for fact in reading.facts)
        spans: defaultdict[tuple[ChunkId, EntityId], set[tuple[int, int]]] = defaultdict(set)
        for reading in batch.readings:
            for occurrence in reading.occurrences:
                spans[occurrence.chunk, occurrence.entity].add((occurrence.start, occurrence.end))
        aliases: defaultdict[EntityId, set[str]] = defaultdict(set)
        mentions: list[tuple[ChunkId, EntityId, Row]] = []
        for (chunk, entity), places in sorted(spans.items()):
            surfaces = {_cut(chunks[chunk], start, end) for start, end in places} - {entities[entity].name}
            if surfaces:
                aliases[entity] |= surfaces
            offsets = [offset for place in sorted(places) for offset in place]
            mentions.append((chunk, entity, {"spans": offsets, "aliases": sorted(surfaces) or None}))
        used = {entity for _, entity in spans} | {end for fact in facts for end in (fact.subject, fact.object)}
        placed, new = self._put_entities({id: entities[id] for id in used}, aliases)
        held = self._put_chunks(batch, facts)
        self._rows(
            cypher.CREATE_MENTIONS,
            [{"chunk": held[chunk], "entity": placed[entity]} | row for chunk, entity, row in mentions],
        )
        self._put_facts(facts, placed, new)
        return used

    def _put_entities(
        self, entities: Mapping[EntityId, Entity], aliases: Mapping[EntityId, set[str]]
    ) -> tuple[dict[EntityId, str], set[EntityId]]:
        """Find or create; returns the element id of each, and which are new."""
        placed: dict[EntityId, str] = {}
        changed: list[Row] = []
        found = [row for (rows,) in self._query(cypher.FIND_ENTITIES_TO_WRITE, entities) for row in rows]
        for id, element, known in found:
            placed[id] = element
            more = aliases.get(id, set()).difference(known or ())
            if more:
                changed.append(_naming_row(id, entities[id].name, more.union(known or ())))
        self._set_aliases(changed)
        new = entities.keys() - placed.keys()
        self._renamed |= new
        by_type: defaultdict[str, list[Row]] = defaultdict(list)
        for id in sorted(new):
            entity = entities[id]
            place = records.sortable(entity.name)
            by_type[entity.type].append(
                {"type": entity.type, "name": entity.name, "key": entity.key}
                | {"sort": place if place != entity.name else None}
                | _naming_row(id, entity.name, aliases.get(id, ()))
            )
        for type, rows in sorted(by_type.items()):
            self._tally.entities[type] += len(rows)
            label = quoted(self._naming.label(type))
            placed |= self._created(cypher.CREATE_ENTITIES.replace("<LABEL>", label), rows)
        return placed, set(new)

    def _put_chunks(self, batch: Batch, facts: Sequence[Fact]) -> dict[ChunkId, str]:
        """Write documents and their chunks; returns the element id of each chunk."""
        documents = {
            reading.document.id: records.document_properties(reading.document, complete=reading.last)
            for reading in batch.readings
        }
        parents = dict(self._rows(cypher.PUT_DOCUMENTS, list(documents.values())))
        said: defaultdict[ChunkId, set[str]] = defaultdict(set)
        for fact in facts:
            line = records.pack_triple(fact)
            for evidence in fact.evidence:
                said[evidence.chunk].add(line)
        rows: list[Row] = []
        for reading in batch.readings:
            for i, chunk in enumerate(reading.chunks):
                row: Row = {
                    "parent": parents[chunk.document],
                    "id": chunk.id,
                    "document": chunk.document,
                    "start": chunk.start,
                    "end": chunk.end,
                    "title": reading.document.title,
                    "text": chunk.text,
                    "facts": sorted(said[chunk.id]) if chunk.id in said else None,
                    "embedding": list(reading.vectors[i]) if reading.vectors else None,
                }
                rows.append(row)
        self._tally.chunks += len(rows)
        return self._created(cypher.CREATE_CHUNKS, rows)

    def _put_facts(self, facts: Sequence[Fact], placed: Mapping[EntityId, str], new: set[EntityId]) -> None:
        by_relation: defaultdict[str, list[Fact]] = defaultdict(list)
        for fact in facts:
            by_relation[fact.relation].append(fact)
        for relation, group in sorted(by_relation.items()):
            name = self._naming.relationship(relation)
            rows: dict[str, dict[str, Any]] = {}
            perhaps: list[Row] = []  # facts that may be there already: both their entities are
            for fact in group:
                id, subject, object = fact.id, placed[fact.subject], placed[fact.object]
                rows[id] = {
                    "id": id,
                    "subject": subject,
                    "object": object,
                    "relation": relation if name != relation else None,
                    "evidence": records.pack_evidence(fact.evidence),
                }
                if fact.subject not in new and fact.object not in new:
                    perhaps.append({"subject": subject, "object": object})
            type = quoted(name)
            stronger: list[Row] = []
            for id, known in self._rows(_typed(cypher.FIND_FACTS, type), perhaps):
                found = rows.pop(id)
                united = sorted({*known, *found["evidence"]})
                self._tally.evidence += len(united) - len(known)
                stronger.append({"subject": found["subject"], "object": found["object"], "evidence": united})
            self._changed.update((fact.subject, relation, fact.object) for fact in group if fact.id in rows)
            self._rows(_typed(cypher.SET_EVIDENCE, type), stronger)
            self._tally.facts[relation] += len(rows)
            self._tally.evidence += sum(len(row["evidence"]) for row in rows.values())
            self._rows(_typed(cypher.CREATE_FACTS, type), list(rows.values()))


def _cut(chunk: Chunk, start: int, end: int) -> str:
    return chunk.text[start - chunk.start : end - chunk.start]


def _naming_row(id: str, name: str, aliases: Collection[str]) -> Row:
    """What changes with an entity's aliases; a property without a value is not kept."""
    ordered = sorted(aliases)
    return {"id": id, "aliases": ordered or None, "words": " ".join(entity_words(name, ordered))}


def _typed(query: str, type: str) -> str:
    return query.replace("<TYPE>", type)


def _parts(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(rows), ROWS):
        yield rows[start : start + ROWS]
