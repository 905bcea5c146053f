"""`clew stats`, `clew documents`, `clew delete`, `clew export`: the graph as a whole."""

import sys
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from api import files, schemas, views
from api.commands.options import Debug, Json, Store, display, open_services
from api.display import leave_pipe, note, plain, plural
from api.errors import RequestError


def stats(store: Store = None, as_json: Json = False, debug: Debug = False) -> None:
    """Say how much the graph holds."""
    with open_services(store) as services:
        found = views.stats(services.store)
        out = display(services)
        if as_json:
            out.json(found)
            return
        out.columns(
            [
                ("store", found.store),
                ("documents", f"{found.documents:,}"),
                ("chunks", f"{found.chunks:,}"),
                ("entities", f"{found.entities:,}"),
                ("facts", f"{found.facts:,}"),
                ("evidence", f"{found.evidence:,}"),
            ]
        )
        for title, tally in (
            ("Entities by type", found.entities_by_type),
            ("Facts by relation", found.facts_by_relation),
        ):
            if tally:
                out.line()
                out.heading(title)
                ranked = sorted(tally.items(), key=lambda item: (-item[1], item[0]))
                out.columns([(name, f"{count:,}") for name, count in ranked], indent=2)


def documents(
    prefix: Annotated[str, typer.Option(help="Only sources that start so.")] = "",
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many.")] = None,
    store: Store = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """List the documents that the graph holds, by source."""
    with open_services(store) as services:
        found = [views.document(record) for record in islice(services.store.documents(prefix=prefix), limit)]
        out = display(services)
        if as_json:
            out.json(schemas.DocumentPage(documents=found))
            return
        for one in found:
            unfinished = "" if one.complete else "  (unfinished: ingest it again)"
            out.line(f"{one.id}  {one.language:<3}  {plain(one.source)}  {plain(one.title)}{unfinished}".rstrip())
        if not found:
            note("No documents; `clew ingest PATH` reads some.")


def delete(
    document: Annotated[
        list[str], typer.Argument(help="Id or source of a document, or a file whose rows are documents.")
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask, however many documents go.")] = False,
    store: Store = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Delete documents: the graph is then as if they had never been read."""
    with open_services(store) as services:
        records = views.find_documents(services.store, document)
        if len(records) > 1 and not yes:
            if not sys.stdin.isatty():
                raise RequestError(f"{len(records)} documents would go; add --yes if they should")
            typer.confirm(f"Delete {len(records)} documents?", abort=True, err=True)
        reread = services.ingestor.delete([record.id for record in records])
        found = schemas.DeleteOut(deleted=[views.document(record) for record in records], reread=reread)
        out = display(services)
        if as_json:
            out.json(found)
            return
        for one in found.deleted:
            out.line(f"Deleted {plain(one.source)}")
        if reread:
            out.line(f"Read {plural(reread, 'other document')} again, since a name in them is no longer known.")


class Format(StrEnum):
    """How a graph can be written."""

    jsonl = "jsonl"
    graphml = "graphml"
    turtle = "turtle"


def export(
    format: Annotated[Format, typer.Option(help="How to write it.")] = Format.jsonl,
    output: Annotated[Path | None, typer.Option(help="File to write; standard output without it.")] = None,
    store: Store = None,
    debug: Debug = False,
) -> None:
    """Write the whole graph; two equal graphs give equal bytes."""
    with open_services(store) as services:
        from kg.export import WRITERS

        lines = (f"{line}\n".encode() for line in WRITERS[format](services.store))
        if output is not None:
            files.write(output, lines)
            return
        try:
            for line in lines:
                sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            leave_pipe()
