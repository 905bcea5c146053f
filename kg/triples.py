"""Files of triples to readings: tables parted by tabs, commas or pipes, Turtle, and N-Triples.

The file is a document whose chunks are blocks of its lines, and the evidence of each fact is the line that states
it. Turtle has no such lines: its document is the same graph as N-Triples, sorted (``kg.ntriples``). A table has
three columns, or a header that names ``subject``, ``relation`` and ``object`` and, if it likes, ``subject_type``,
``object_type``, ``subject_aliases`` and ``object_aliases`` (several parted by ";"). Without a type, a thing is a
``Thing``. A line that cannot be read is reported and counted, and the others are imported.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from kg.decode import check_encoding, decode, one_line, storable
from kg.errors import InputError
from kg.facts import Chunk, ChunkId, Document, Entity, EntityId, Evidence, Fact, Occurrence
from kg.sources import open_file, source_of
from kg.statements import DEFAULT_TYPE, LONGEST_NAME, Known, Named, Problems, Statement
from kg.store import DocumentRecord, Reading

READER = "import-1"
_CHUNK = 1200  # characters
_PART = 2000  # statements and chunks of one reading

_COLUMNS = {
    "subject": ("subject", "head", "主体", "头实体"),
    "relation": ("relation", "predicate", "property", "关系", "谓词"),
    "object": ("object", "tail", "客体", "尾实体"),
    "subject_type": ("subject_type", "head_type", "subject type", "主体类型"),
    "object_type": ("object_type", "tail_type", "object type", "客体类型"),
    "subject_aliases": ("subject_aliases", "subject aliases", "主体别名"),
    "object_aliases": ("object_aliases", "object aliases", "客体别名"),
}


class TripleFile:
    """A file of triples. Each iteration reads it anew; the counts are those of the last one."""

    def __init__(self, path: str | Path, *, encoding: str | None = None) -> None:
        if encoding is not None:
            check_encoding(encoding)
        self._path = Path(path)
        self._encoding = encoding
        self.source = source_of(self._path)
        self.triples = 0
        self.problems = Problems(self.source)

    def __iter__(self) -> Iterator[Reading]:
        """The readings of the file, in order.

        Raises:
            InputError: it cannot be read, or holds no triple.
        """
        self.triples, self.problems = 0, Problems(self.source)
        with open_file(self._path) as stream:
            text, _ = storable(decode(stream, source=self.source, encoding=self._encoding))
        text, statements = self._statements(text)
        start: list[Statement] = []
        for statement in statements:  # as far as the first fact: a file without any is refused before it is written
            start.append(statement)
            if statement.fact:
                break
        else:
            first = f" ({self.problems.lines[0].partition(': ')[2]})" if self.problems.lines else ""
            raise InputError(
                f"{one_line(self.source)}: holds no triple{first}; give subject, relation and object on each line"
            )
        document = Document(self.source, text)
        record = DocumentRecord(document.id, self.source, "", "und", document.text_digest, READER)
        yield from _readings(record, text, self._counted(start, statements))

    def _counted(self, start: Iterable[Statement], rest: Iterable[Statement]) -> Iterator[Statement]:
        for statements in (start, rest):
            for statement in statements:
                self.triples += statement.fact is not None
                yield statement

    def _statements(self, text: str) -> tuple[str, Iterator[Statement]]:
        """The text of the document and what its lines say."""
        suffix = self._path.suffix.lower()
        head = text.lstrip()[:200]
        if suffix in (".ttl", ".turtle", ".n3") or head.lower().startswith(("@prefix", "@base", "prefix ", "base <")):
            from kg.ntriples import from_turtle, read_ntriples

            text = from_turtle(text, source=self.source)
            self.problems.lines_of = "of its sorted N-Triples "
            return text, read_ntriples(text, self.problems)
        if suffix == ".nt" or head.startswith(("<http://", "<https://", "<urn:")):
            from kg.ntriples import read_ntriples

            return text, read_ntriples(text, self.problems)
        return text, _read_table(text, self.problems)


# -- tables -------------------------------------------------------------------------------------------------------


def _read_table(text: str, problems: Problems) -> Iterator[Statement]:
    delimiter, columns, header = _shape(text)
    subject_at, relation_at, object_at = columns["subject"], columns["relation"], columns["object"]
    subject_type_at, object_type_at = columns.get("subject_type"), columns.get("object_type")
    aliased = [
        (columns[f"{end}_aliases"], end == "subject") for end in ("subject", "object") if f"{end}_aliases" in columns
    ]
    width = header or 3
    known: dict[tuple[str, str], Known] = {}

    def entity(cells: Sequence[str], name: str, type_at: int | None) -> Known:
        type = (cells[type_at].strip() or DEFAULT_TYPE) if type_at is not None else DEFAULT_TYPE
        found = known.get((type, name))
        if found is None:
            made = Entity(type, name)
            found = known[type, name] = Known(made, made.id)
        return found

    offset = 0
    for number, line in enumerate(text.split("\n"), 1):
        start, offset = offset, offset + len(line) + 1
        if not line.strip() or (number == 1 and header):
            continue
        quoted = delimiter == "," and '"' in line
        cells = _unquoted(line) if quoted else line.split(delimiter)
        if len(cells) != width:
            problems.add(number, f"has {len(cells)} columns, not {width}; correct it")
            continue
        subject, relation, object = cells[subject_at].strip(), cells[relation_at].strip(), cells[object_at].strip()
        if not (subject and relation and object):
            problems.add(number, "has an empty subject, relation or object; fill it")
            continue
        if len(subject) > LONGEST_NAME or len(relation) > LONGEST_NAME or len(object) > LONGEST_NAME:
            problems.add(number, f"has a name of more than {LONGEST_NAME} characters; shorten it")
            continue
        one, other = entity(cells, subject, subject_type_at), entity(cells, object, object_type_at)
        named: tuple[Named, ...] = ()
        for column, of_subject in aliased:
            named += tuple(_aliases(one if of_subject else other, cells, column, start, line if quoted else None))
        yield Statement(start, start + len(line), (one, relation, other), named)


def _shape(text: str) -> tuple[str, dict[str, int], int]:
    """What parts the columns, where each is, and how many the header has; 0 without one."""
    sample = [line for line in islice(text.split("\n", 200), 200) if line.strip()]
    fitting = {d: sum(line.count(d) == 2 for line in sample) for d in "\t|,"}
    delimiter = max(fitting, key=lambda d: fitting[d])
    for d in "\t|,":
        header = [cell.strip().casefold() for cell in text.partition("\n")[0].split(d)]
        columns = {c: header.index(name) for c, names in _COLUMNS.items() for name in names if name in header}
        if {"subject", "relation", "object"} <= columns.keys():
            return d, columns, len(header)
    return delimiter, {"subject": 0, "relation": 1, "object": 2}, 0


def _unquoted(line: str) -> Sequence[str]:
    try:
        return next(csv.reader([line], strict=True))
    except csv.Error:
        return ()


def _aliases(known: Known, cells: Sequence[str], column: int, start: int, line: str | None) -> Iterator[Named]:
    """The aliases in a cell, where they stand. In a quoted line they stand where they are first found."""
    offset = start + (0 if line is not None else sum(len(cell) + 1 for cell in cells[:column]))
    within = cells[column] if line is None else line
    position = 0
    for alias in cells[column].replace("；", ";").split(";"):
        alias = alias.strip()
        at = within.find(alias, position)
        if alias and alias != known.entity.name and at >= 0:
            position = at + len(alias) if line is None else 0
            yield Named(known, offset + at, offset + at + len(alias))


# -- readings -----------------------------------------------------------------------------------------------------


def _readings(record: DocumentRecord, text: str, statements: Iterable[Statement]) -> Iterator[Reading]:
    """The statements chunk by chunk, some thousands of them a reading."""
    pending = iter(statements)
    statement = next(pending, None)
    part, first, size = _Part(), True, 0
    for start, end in _blocks(text):
        chunk = Chunk(record.id, start, end, text[start:end])
        id = chunk.id
        if size >= _PART:
            yield part.reading(record, first=first, last=False)
            part, first, size = _Part(), False, 0
        part.chunks.append(chunk)
        size += 1
        while statement is not None and statement.start < end:
            part.add(statement, id)
            size += 1
            statement = next(pending, None)
    yield part.reading(record, first=first, last=True)


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Blocks of whole lines, as many as fit into a chunk; a longer line is a block of its own."""
    start = 0
    while start < len(text):
        end = text.rfind("\n", start, start + _CHUNK) + 1
        if len(text) - start <= _CHUNK:
            end = len(text)
        elif end <= start:
            end = text.find("\n", start) + 1 or len(text)
        yield start, end
        start = end


class _Part:
    """A reading in the making."""

    def __init__(self) -> None:
        self.chunks: list[Chunk] = []
        self._entities: dict[EntityId, Entity] = {}
        self._occurrences: list[Occurrence] = []
        self._facts: dict[tuple[EntityId, str, EntityId], list[Evidence]] = {}

    def add(self, statement: Statement, chunk: ChunkId) -> None:
        start, end, fact, named = statement
        if fact is not None:
            (subject, subject_id), relation, (object, object_id) = fact
            self._entities[subject_id] = subject
            self._entities[object_id] = object
            evidence = Evidence(chunk, start, end, READER, 1.0)
            self._facts.setdefault((subject_id, relation, object_id), []).append(evidence)
        for (entity, id), name_start, name_end in named:
            self._entities[id] = entity
            self._occurrences.append(Occurrence(id, chunk, name_start, name_end))

    def reading(self, record: DocumentRecord, *, first: bool, last: bool) -> Reading:
        return Reading(
            document=record,
            chunks=tuple(self.chunks),
            entities=tuple(self._entities.values()),
            occurrences=tuple(self._occurrences),
            facts=tuple(Fact(s, r, o, frozenset(evidence)) for (s, r, o), evidence in self._facts.items()),
            first=first,
            last=last,
        )
