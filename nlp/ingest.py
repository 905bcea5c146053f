"""Documents into the graph, such that the graph is a function of the set of documents and of nothing else.

What a document says depends on its own text and on the names in it that other documents declare as their topics
or that imported files state. So when such names come or go, the stored documents in which they occur are read
again. The order of work makes every moment a safe one to be killed at: first the stored documents that the change
affects are read again, then the new and changed ones are written, last the removed ones go. Until a document is
written its names still count as new, so the same command run again does whatever was left undone.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Protocol

from kg.errors import UnknownDocumentError
from kg.facts import Document, DocumentId, Entity, Topic, name_key
from kg.load import load
from kg.store import DocumentRecord, GraphStore, Reading
from nlp.formats.pieces import Unreadable
from nlp.gazetteer import Gazetteer
from nlp.reader import Reader, Tally
from nlp.topics import declare

IMPORT = "import-"  # how the readers of imported files are called

Declared = list[tuple[DocumentId, Topic]]


@dataclass(slots=True)
class IngestCounts:
    """What an ingestion came to."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    reread: int = 0  # stored documents that were read again because a name in them came or went
    removed: int = 0  # rows that their file no longer holds
    unreadable: list[Unreadable] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)


class Progress(Protocol):
    """Is told how many of how many documents are written."""

    def __call__(self, done: int, total: int) -> None: ...


def _silent(done: int, total: int) -> None:
    """Progress that nobody watches."""


class Ingestor:
    """Keeps a graph equal to what its documents say; of several threads, one changes it at a time."""

    def __init__(self, store: GraphStore, reader: Reader) -> None:
        self._store = store
        self._reader = reader
        self._lock = Lock()

    def ingest(
        self,
        documents: Callable[[], Iterable[Document | Unreadable]],
        *,
        whole_files: bool = False,
        progress: Progress = _silent,
    ) -> IngestCounts:
        """Read what is new or changed. ``documents`` is called twice: to see what there is, then to read it.

        With ``whole_files``, the documents named ``file#row`` are all that their files hold now: stored rows that
        are not among them are removed, unless a part of the file could not be read.

        Raises:
            StoreError: the store failed; what is written stays, and the same call finishes the work.
        """
        with self._lock:
            counts = IngestCounts()
            stored = self._records()
            arriving: dict[DocumentId, Declared] = {}
            seen: set[DocumentId] = set()
            for item in documents():
                if isinstance(item, Unreadable):
                    counts.unreadable.append(item)
                elif item.id not in seen:
                    seen.add(item.id)
                    if self._is_current(stored.get(item.id), item):
                        counts.unchanged += 1
                        continue
                    counts.new += item.id not in stored
                    counts.changed += item.id in stored
                    topic = declare(item)
                    arriving[item.id] = [(item.id, topic)] if topic else []
            gone = _vanished_rows(stored.values(), seen, counts.unreadable) if whole_files else set()

            def read(gazetteer: Gazetteer) -> Iterator[Reading]:
                return self._reader.read(_once_each(documents(), arriving), gazetteer, counts.tally)

            counts.reread = self._change(stored, arriving, gone, read, progress)
            counts.removed = len(gone)
            return counts

    def import_file(self, readings: Callable[[], Iterable[Reading]], *, progress: Progress = _silent) -> int:
        """Write an imported file; its names are then known when texts are read. How many texts were read again.

        ``readings`` is called twice when the graph holds texts: to see the names, then to write.

        Raises:
            StoreError: the store failed; the same call finishes the work.
        """
        with self._lock:
            stored = self._records()
            arriving: dict[DocumentId, Declared] = {}
            if any(not _is_import(record) for record in stored.values()):
                for reading in readings():
                    arriving.setdefault(reading.document.id, []).extend(_named(reading.document.id, reading.entities))
            return self._change(stored, arriving, set(), lambda _: iter(readings()), progress)

    def delete(self, documents: Collection[DocumentId]) -> int:
        """Forget these documents. How many others were read again because a name in them is no longer known.

        Raises:
            UnknownDocumentError: the graph does not hold one of them; nothing is deleted.
            StoreError: the store failed; the same call finishes the work.
        """
        with self._lock:
            stored = self._records()
            for id in documents:
                if id not in stored:
                    raise UnknownDocumentError(f"document {id}: not in the graph; `clew documents` lists what is")
            return self._change(stored, {}, set(documents), lambda _: iter(()), _silent)

    def _change(
        self,
        stored: Mapping[DocumentId, DocumentRecord],
        arriving: Mapping[DocumentId, Declared],
        gone: set[DocumentId],
        read: Callable[[Gazetteer], Iterator[Reading]],
        progress: Progress,
    ) -> int:
        """Read again what the change affects, write what arrives, delete what is gone; how many were read again."""
        texts = {id for id, record in stored.items() if not _is_import(record)} - arriving.keys() - gone
        after, affected = Gazetteer(()), set[DocumentId]()
        if texts or arriving:  # else nothing is read that names could matter to
            declared = {id: self._declared(record) for id, record in stored.items()}
            staying = {id: pairs for id, pairs in declared.items() if id not in gone} | dict(arriving)
            after = Gazetteer(pair for pairs in staying.values() for pair in pairs)
            if texts:
                before = Gazetteer(pair for pairs in declared.values() for pair in pairs)
                affected = self._affected(before, after) & texts

        total, done = len(affected) + len(arriving), 0

        def written(readings: Sequence[Reading]) -> None:
            nonlocal done
            done += sum(reading.last for reading in readings)
            progress(done, total)

        progress(done, total)
        again = (self._stored_document(stored[id]) for id in sorted(affected))
        load(self._store, self._reader.read(again, after, Tally()), written=written)
        load(self._store, read(after), written=written)
        if gone:
            self._store.delete(gone)
        return len(affected)

    def _affected(self, before: Gazetteer, after: Gazetteer) -> set[DocumentId]:
        """The stored documents that a change of known names may read otherwise."""
        old, new = before.names(), after.names()
        names = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
        if not names:
            return set()
        entities = self._store.find_entities({name_key(name) for name in names})
        occurrences = self._store.occurrences(entities=[entity.id for entity in entities])
        chunks = self._store.chunks({occurrence.chunk for occurrence in occurrences})
        return self._store.documents_containing(names) | {chunk.document for chunk in chunks}

    def _records(self) -> dict[DocumentId, DocumentRecord]:
        return {record.id: record for record in self._store.documents()}

    def _is_current(self, record: DocumentRecord | None, document: Document) -> bool:
        return record is not None and record == self._reader.record(document, complete=True)

    def _declared(self, record: DocumentRecord) -> Declared:
        if not _is_import(record):
            return [(record.id, record.topic)] if record.topic else []
        facts = self._store.facts_in([chunk.id for chunk in self._store.chunks_of(record.id)])
        ids = {id for fact in facts for id in (fact.subject, fact.object)}
        return _named(record.id, self._store.entities(ids))

    def _stored_document(self, record: DocumentRecord) -> Document:
        text = "".join(chunk.text for chunk in self._store.chunks_of(record.id))
        return Document(source=record.source, text=text, title=record.title, language=record.language)


def _is_import(record: DocumentRecord) -> bool:
    return record.reader.startswith(IMPORT)


def _once_each(items: Iterable[Document | Unreadable], wanted: Collection[DocumentId]) -> Iterator[Document]:
    left = set(wanted)
    for item in items:
        if isinstance(item, Document) and item.id in left:
            left.discard(item.id)
            yield item


def _vanished_rows(
    stored: Iterable[DocumentRecord], seen: Collection[DocumentId], unreadable: Iterable[Unreadable]
) -> set[DocumentId]:
    """Rows (``file#row``) of files of which other rows were seen and none failed, and that were not seen themselves."""
    by_id = {record.id: record.source for record in stored}
    broken = {item.source for item in unreadable}
    files = {by_id[id].rpartition("#")[0] for id in seen if id in by_id}
    return {
        id
        for id, source in by_id.items()
        if id not in seen and (file := source.rpartition("#")[0]) and file in files and file not in broken
    }


def _named(document: DocumentId, entities: Iterable[Entity]) -> Declared:
    return [(document, Topic(entity.name, entity.type)) for entity in entities]
