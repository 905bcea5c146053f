"""The whole graph as text, line by line: two equal graphs give equal lines, whatever stores hold them."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from itertools import groupby
from xml.sax.saxutils import escape, quoteattr

import regex

from kg.facts import Evidence, canonical_json
from kg.quotes import batches, quoted_facts
from kg.rdf import export_turtle
from kg.store import GraphStore

_BATCH = 500  # entities whose occurrences are looked up at once
_NOT_XML = regex.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def export_jsonl(store: GraphStore) -> Iterator[str]:
    """JSON lines: documents with their chunks, entities with their occurrences, facts with their evidence.

    ``kind`` says which of these a line is. Vectors are left out, since they follow from the texts.
    """
    for record in store.documents():
        yield canonical_json({"kind": "document", **asdict(record)})
        for chunk in store.chunks_of(record.id):
            yield canonical_json({"kind": "chunk", "id": chunk.id, **asdict(chunk)})
    for entities in batches(store.all_entities(), _BATCH):
        occurrences = store.occurrences(entities=[entity.id for entity in entities])
        named = {id: list(group) for id, group in groupby(occurrences, key=lambda occurrence: occurrence.entity)}
        for entity in entities:
            yield canonical_json({"kind": "entity", "id": entity.id, **asdict(entity)})
            for occurrence in named.get(entity.id, ()):
                yield canonical_json({"kind": "occurrence", **asdict(occurrence)})
    for fact in store.all_facts():
        yield canonical_json(
            {
                "kind": "fact",
                "id": fact.id,
                "subject": fact.subject,
                "relation": fact.relation,
                "object": fact.object,
                "evidence": [asdict(evidence) for evidence in sorted(fact.evidence)],
            }
        )


def export_graphml(store: GraphStore) -> Iterator[str]:
    """GraphML: entities as nodes and facts as edges, with the quotations of each as JSON.

    Characters that XML cannot hold are written as U+FFFD.
    """
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">'
    for element, name, kind in (
        ("node", "label", "string"),
        ("node", "type", "string"),
        ("node", "aliases", "string"),
        ("edge", "label", "string"),
        ("edge", "confidence", "double"),
        ("edge", "evidence", "string"),
    ):
        yield f'  <key id="{element}_{name}" for="{element}" attr.name="{name}" attr.type="{kind}"/>'
    yield '  <graph id="clew" edgedefault="directed">'
    for entity in store.all_entities():
        yield f'    <node id="{entity.id}">'
        yield _data("node_label", entity.name)
        yield _data("node_type", entity.type)
        if entity.aliases:
            yield _data("node_aliases", canonical_json(entity.aliases))
        yield "    </node>"
    for quoted in quoted_facts(store):
        fact = quoted.fact
        yield f'    <edge id="{fact.id}" source={quoteattr(fact.subject)} target={quoteattr(fact.object)}>'
        yield _data("edge_label", fact.relation)
        if quoted.quotes:
            yield _data("edge_confidence", str(max(quote.evidence.confidence for quote in quoted.quotes)))
            evidence = [{**_place(q.evidence), "source": q.document.source, "quote": q.text} for q in quoted.quotes]
            yield _data("edge_evidence", canonical_json(evidence))
        yield "    </edge>"
    yield "  </graph>"
    yield "</graphml>"


def _place(evidence: Evidence) -> dict[str, str | int | float]:
    return {
        "start": evidence.start,
        "end": evidence.end,
        "extractor": evidence.extractor,
        "confidence": evidence.confidence,
    }


def _data(key: str, value: str) -> str:
    # A carriage return would be read as a newline unless it is written as a reference.
    text = escape(_NOT_XML.sub("\ufffd", value), {"\r": "&#13;"})
    return f'      <data key="{key}">{text}</data>'


WRITERS: dict[str, Callable[[GraphStore], Iterator[str]]] = {
    "jsonl": export_jsonl,
    "graphml": export_graphml,
    "turtle": export_turtle,
}
