"""`clew ingest` and `clew import`: texts and triples into the graph."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api import views
from api.commands.options import Debug, Json, Store, display, open_services
from api.display import Display, note, plain, plural
from api.errors import Exit
from api.progress import progress
from api.schemas import ImportedFile, ImportOut, IngestOut, UnreadableOut
from kg.errors import InputError

if TYPE_CHECKING:
    from kg.facts import Document
    from nlp.documents import Unreadable


def ingest(
    path: Annotated[list[str], typer.Argument(help="Files and folders; - is standard input.")],
    text_field: Annotated[str | None, typer.Option(help="Field of rows and objects that holds the text.")] = None,
    title_field: Annotated[str | None, typer.Option(help="Field that holds the title.")] = None,
    id_field: Annotated[str | None, typer.Option(help="Field that names a row, in place of its number.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Encoding of the files, in place of detecting it.")] = None,
    name: Annotated[str, typer.Option(help="What to call standard input.")] = "stdin",
    max_megabytes: Annotated[int, typer.Option(min=1, help="The most text that one document may have.")] = 200,
    store: Store = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Read documents into the graph: txt, Markdown, HTML, PDF, DOCX, CSV, TSV, JSON, JSONL.

    What is unchanged is not read again; a changed document replaces what it said before.
    """
    with open_services(store) as services:
        from nlp.documents import Options, read

        options = Options(
            text_field=text_field,
            title_field=title_field,
            id_field=id_field,
            encoding=encoding,
            max_megabytes=max_megabytes,
        )
        remarks: list[str] = []

        def documents() -> "Iterator[Document | Unreadable]":
            return read(path, options=options, name=name, remarks=remarks)

        with progress("Reading") as tell:
            counts = services.ingestor.ingest(documents, whole_files=True, progress=tell)
        found = views.ingest(counts)
        for remark in remarks:
            note(remark)
        for lost in found.unreadable:
            note(f"clew: {lost.message}")
        out = display(services)
        if as_json:
            out.json(found)
        else:
            _tell(out, found)
    if found.unreadable:
        raise typer.Exit(Exit.INCOMPLETE)


def import_file(
    file: Annotated[list[Path], typer.Argument(help="Tables of triples (TSV, CSV), Turtle or N-Triples.")],
    encoding: Annotated[str | None, typer.Option(help="Encoding of the files, in place of detecting it.")] = None,
    store: Store = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Import triples, as facts that need no reading; their names are then known when texts are read."""
    with open_services(store) as services:
        from kg.triples import TripleFile

        imported: list[ImportedFile] = []
        lost: list[UnreadableOut] = []
        reread = 0
        for path in file:
            triples = TripleFile(path, encoding=encoding)
            try:
                with progress(f"Importing {path.name}") as tell:
                    reread += services.ingestor.import_file(triples.__iter__, progress=tell)
            except InputError as error:
                lost.append(UnreadableOut(source=triples.source, message=str(error)))
                note(f"clew: {error}")
                continue
            for line in triples.problems.lines:
                note(f"clew: {line}")
            untold = triples.problems.count - len(triples.problems.lines)
            if untold:
                note(f"clew: {triples.source}: {plural(untold, 'more line')} could not be read")
            imported.append(
                ImportedFile(source=triples.source, triples=triples.triples, unreadable_lines=triples.problems.count)
            )
        found = ImportOut(files=imported, unreadable=lost, reread=reread)
        out = display(services)
        if as_json:
            out.json(found)
        else:
            for one in found.files:
                left = f"; {plural(one.unreadable_lines, 'line')} could not be read" if one.unreadable_lines else ""
                out.line(f"{plain(one.source)}: {plural(one.triples, 'triple')}{left}")
            if reread:
                out.line(f"Read {plural(reread, 'document')} again for the names that are known now.")
    if lost or any(one.unreadable_lines for one in imported):
        raise typer.Exit(Exit.INCOMPLETE)


def _tell(out: Display, found: IngestOut) -> None:
    documents = ", ".join(
        f"{count:,} {what}"
        for count, what in (
            (found.new, "new"),
            (found.changed, "changed"),
            (found.unchanged, "unchanged"),
            (found.removed, "removed"),
            (found.reread, "read again for a name that came or went"),
            (len(found.unreadable), "unreadable"),
        )
        if count
    )
    out.line(f"Documents: {documents or 'none'}")
    out.line(
        f"Read: {plural(found.characters, 'character')}, {plural(found.chunks, 'chunk')}, "
        f"{plural(found.mentions, 'mention')}, {plural(found.facts, 'fact')}"
    )
    if found.linked:
        out.line(f"Linked: {', '.join(f'{count:,} {plain(how)}' for how, count in found.linked.items())}")
    if found.dropped:
        out.line(f"Not kept: {plural(sum(found.dropped.values()), 'thing')}")
        out.columns([(f"{count:,}", why) for why, count in found.dropped.items()], indent=2)
