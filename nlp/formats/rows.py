"""CSV, TSV, JSON and JSON lines: one document a row.

A row is named, within its file, by its id; else by its title; else by its number (its line, in JSON lines). A second
row of the same name gets " (2)", so that none replaces another.
"""

import csv
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from kg.decode import Line, lines, one_line
from kg.errors import InputError
from nlp.formats.pieces import Lost, Options, Piece

# fmt: off
TEXT_FIELDS = ("text", "content", "contents", "body", "passage", "context", "abstract", "document", "article",
               "paragraph", "page_content", "review", "comment",
               "正文", "内容", "文本", "全文", "摘要", "段落", "正文内容", "文章")
# fmt: on
TITLE_FIELDS = ("title", "headline", "heading", "name", "标题", "题目", "题名", "名称", "篇名")
ID_FIELDS = ("id", "_id", "doc_id", "docid", "编号")
_PATIENCE = 100  # lines that are not JSON before a file of them is given up
_LONGEST_KEY = 200


@dataclass(frozen=True, slots=True)
class _Fields:
    text: str
    title: str | None
    id: str | None


@dataclass(frozen=True, slots=True)
class _Row:
    number: int
    place: str  # "line 3", "row 3": how messages call it
    values: Mapping[str, object] | None
    problem: str = ""  # why there are no values


def read_csv(
    stream: BinaryIO, encoding: str, *, tabs: bool, source: str, options: Options, remarks: list[str]
) -> Iterator[Piece | Lost]:
    """The rows of a table with a header, one at a time.

    Raises:
        InputError: it has no header, or none of its columns is known to be the text.
    """
    csv.field_size_limit(max(csv.field_size_limit(), options.limit))
    rows = _csv_rows(lines(stream, encoding, limit=options.limit), tabs=tabs, source=source)
    return _pieces(rows, source=source, options=options, remarks=remarks)


def read_json_lines(
    stream: BinaryIO, encoding: str, *, source: str, options: Options, remarks: list[str]
) -> Iterator[Piece | Lost]:
    """The objects of a file with one a line, one at a time.

    Raises:
        InputError: its first lines are not JSON, or none of the fields is known to be the text.
    """
    rows = _json_rows(lines(stream, encoding, limit=options.limit))
    return _pieces(_given_up(rows, source), source=source, options=options, remarks=remarks)


def read_json(text: str, *, source: str, options: Options, remarks: list[str]) -> Iterator[Piece | Lost]:
    """The objects of a JSON file: those of its array, of the one array in its object, or its object itself.

    Raises:
        InputError: it is not JSON, holds no objects, or none of their fields is known to be the text.
    """
    name = one_line(source)
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{name}: line {error.lineno}, column {error.colno} is not JSON ({error.msg}); mend it, "
            "or call the file .jsonl if each of its lines is an object"
        ) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{name}: is JSON that cannot be read ({one_line(str(error))[:100]}); mend it") from error
    if isinstance(value, dict):
        if _is_one_document(value, options):
            yield _single(value, _choose(value, source, options), name)
            return
        value = _list_within(value, name)
    if not isinstance(value, list) or not value:
        raise InputError(f"{name}: holds no objects; give an array of objects, or one object, with a text in each")
    rows = (
        _Row(number, f"item {number}", item)
        if isinstance(item, dict)
        else _Row(number, f"item {number}", {"text": item} if isinstance(item, str) else None, "is not an object")
        for number, item in enumerate(value, 1)
    )
    yield from _pieces(rows, source=source, options=options, remarks=remarks)


def _is_one_document(value: Mapping[str, object], options: Options) -> bool:
    """Whether an object is itself a text rather than what holds a list of them."""
    if options.text_field:
        return options.text_field in value
    known = _known(value, TEXT_FIELDS)
    if known and _as_text(value[known]):
        return True
    return not any(isinstance(inner, list | dict) for inner in value.values()) and _text_field(value) is not None


def _list_within(value: Mapping[str, object], name: str) -> object:
    """The one array of objects in an object, or its objects by key."""
    arrays = [
        key for key, inner in value.items() if isinstance(inner, list) and any(isinstance(i, dict) for i in inner)
    ]
    if len(arrays) == 1:
        return value[arrays[0]]
    if not arrays and value and all(isinstance(inner, dict) for inner in value.values()):
        return [{"id": key, **inner} for key, inner in value.items() if isinstance(inner, dict)]
    listed = ", ".join(map(one_line, arrays or list(value)[:20])) or "none"
    what = "has several arrays of objects" if arrays else "has no field known to be a text and no array of objects"
    raise InputError(f"{name}: {what} (fields: {listed}); name the text with --text-field, or save the array alone")


def _single(values: Mapping[str, object], fields: _Fields, name: str) -> Piece:
    text = _as_text(values.get(fields.text))
    if not text:
        raise InputError(f"{name}: its field {fields.text} holds no text; name another with --text-field")
    return Piece(text, _as_text(values.get(fields.title or "")) or "")


def _csv_rows(source_lines: Iterable[Line], *, tabs: bool, source: str) -> Iterator[_Row]:
    name, broken = one_line(source), dict[int, str]()

    def fed() -> Iterator[str]:
        for line in source_lines:
            if line.problem:
                broken[line.number] = line.problem
            yield line.text + "\n"

    feed = fed()
    start = list(itertools.islice(feed, 200))
    first = start[0] if start else ""
    delimiter = "\t" if tabs else max(",;\t|", key=lambda d: (first.count(d), d == ","))
    quoted = not tabs or _is_quoted(start)
    reader = csv.reader(
        itertools.chain(start, feed),
        delimiter=delimiter,
        strict=quoted,
        quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
    )
    try:
        header = [cell.strip() for cell in next(reader, [])]
    except csv.Error as error:
        raise InputError(f"{name}: its first line is not CSV ({error}); put the names of the columns there") from error
    if not any(header):
        raise InputError(f"{name}: has no header; put the names of the columns on its first line")
    number = 0
    while True:
        begins = reader.line_num + 1
        problem = ""
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            cells, problem = [], f"is not CSV ({error})"
            if "unexpected end of data" in str(error):
                problem = "opens a quote that never closes; nothing behind it was read"
        for bad in [line for line in broken if line <= reader.line_num]:
            problem = broken.pop(bad)
        if not cells and not problem:
            continue  # a blank line
        number += 1
        if not problem and len(cells) != len(header):
            problem = f"has {len(cells)} columns where the header has {len(header)}"
        yield _Row(number, f"line {begins}", None if problem else dict(zip(header, cells, strict=True)), problem)


def _is_quoted(start: Iterable[str]) -> bool:
    """Whether quotes enclose cells of a table parted by tabs: most such tables have none, and quotes are characters."""
    cells = [cell for line in start for cell in line.rstrip("\n").split("\t")]
    opened, closed = sum(cell.startswith('"') for cell in cells), sum(cell.endswith('"') for cell in cells)
    return opened == closed > 0


def _json_rows(source_lines: Iterable[Line]) -> Iterator[_Row]:
    for line in source_lines:
        place = f"line {line.number}"
        if line.problem:
            yield _Row(line.number, place, None, line.problem)
            continue
        if not line.text.strip():
            continue
        try:
            value = json.loads(line.text)
        except json.JSONDecodeError as error:
            yield _Row(line.number, place, None, f"is not JSON ({error.msg}, column {error.colno})")
        except (ValueError, RecursionError) as error:
            yield _Row(line.number, place, None, f"is JSON that cannot be read ({one_line(str(error))[:100]})")
        else:
            problem = "" if isinstance(value, dict) else "is not a JSON object"
            yield _Row(line.number, place, value if isinstance(value, dict) else None, problem)


def _given_up(rows: Iterable[_Row], source: str) -> Iterator[_Row]:
    """The rows, unless the first hundred are all broken: then it is not a file of JSON lines."""
    held: list[_Row] | None = []
    for row in rows:
        if held is None:
            yield row
        elif row.values is not None:
            yield from (*held, row)
            held = None
        else:
            held.append(row)
            if len(held) >= _PATIENCE:
                raise InputError(
                    f"{one_line(source)}: none of its first {_PATIENCE} lines can be read ({held[0].place} "
                    f"{held[0].problem}); give a file with one JSON object a line"
                )
    yield from held or ()


def _pieces(rows: Iterable[_Row], *, source: str, options: Options, remarks: list[str]) -> Iterator[Piece | Lost]:
    fields: _Fields | None = None
    taken: dict[int, int] = {}  # hash of a name → rows that have it: some 100 bytes a row
    shared, example = 0, ""
    for row in rows:
        if row.values is None:
            yield Lost(f"{row.place} {row.problem}; mend it")
            continue
        fields = fields or _choose(row.values, source, options)
        text = _as_text(row.values.get(fields.text))
        if not text:
            missing = "has no field" if fields.text not in row.values else "has no text in its field"
            yield Lost(f"{row.place} {missing} {one_line(fields.text)}; fill it, or leave the row out")
            continue
        title = _as_text(row.values.get(fields.title or "")) or ""
        key = _key(row, fields, title)
        if count := taken.get(hash(key), 0):
            taken[hash(key)] = count + 1
            key = f"{key} ({count + 1})"
            shared, example = shared + 1, example or key
        taken[hash(key)] = 1 + taken.get(hash(key), 0)
        yield Piece(text, title, key)
    if shared:
        remarks.append(
            f"{one_line(source)}: {shared} rows have the id or title of an earlier row; a number tells them apart, "
            f"as in {one_line(example)}"
        )


def _key(row: _Row, fields: _Fields, title: str) -> str:
    values = row.values or {}
    for value in (values.get(fields.id or ""), title):
        if isinstance(value, str | int) and not isinstance(value, bool):
            key = " ".join(str(value).split()).replace("#", "%23")  # "#" parts the file from the row
            if key and len(key) <= _LONGEST_KEY:
                return key
    return str(row.number)


def _choose(values: Mapping[str, object], source: str, options: Options) -> _Fields:
    """Which fields hold the text, the title and the id."""
    text = options.text_field or _text_field(values)
    if text is None or (options.text_field and options.text_field not in values):
        listed = ", ".join(one_line(key)[:40] for key in list(values)[:20])
        what = f"has no field {one_line(text)}" if text else "has no field known to be the text"
        raise InputError(f"{one_line(source)}: {what} (fields: {listed}); name it with --text-field")
    for option, field in (("--title-field", options.title_field), ("--id-field", options.id_field)):
        if field and field not in values:
            listed = ", ".join(one_line(key)[:40] for key in list(values)[:20])
            raise InputError(f"{one_line(source)}: has no field {one_line(field)} (fields: {listed}); correct {option}")
    return _Fields(
        text,
        options.title_field or _known(values, TITLE_FIELDS),
        options.id_field or _known(values, ID_FIELDS),
    )


def _text_field(values: Mapping[str, object]) -> str | None:
    """The field known to be the text, or the only one that could be."""
    texts = {key: value for key, value in values.items() if value is None or value == "" or _as_text(value)}
    if known := _known(texts, TEXT_FIELDS):
        return known
    others = {_known(values, TITLE_FIELDS), _known(values, ID_FIELDS)}
    possible = [key for key in texts if key not in others]
    return possible[0] if len(possible) == 1 else None


def _known(values: Mapping[str, object], names: Iterable[str]) -> str | None:
    by_lower = {key.strip().casefold(): key for key in reversed(list(values))}
    return next((by_lower[name] for name in names if name in by_lower), None)


def _as_text(value: object) -> str | None:
    """A text, or the lines of a list of texts."""
    if isinstance(value, list) and value and all(isinstance(part, str) for part in value):
        value = "\n".join(value)
    return value if isinstance(value, str) and value.strip() else None
