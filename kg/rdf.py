"""The graph as RDF, with its provenance: who is related to whom, and which characters of which document say so.

An entity is an IRI made of its type and name, labelled with its name and aliases; a fact is a triple. Beside it
stands an ``rdf:Statement`` with the fact's id, derived (PROV-O) from quotations, each quoted from its document. A
file written so can be imported again (``kg.ntriples``): the facts, names, types and aliases come back, and the file
itself is then their source.
"""

from collections.abc import Iterator
from urllib.parse import quote

import regex

from kg.facts import Entity, FactId, digest
from kg.quotes import Quote, quoted_facts
from kg.store import DocumentRecord, GraphStore

BASE = "https://clew.example/"
_PREFIXES = {
    "clew": f"{BASE}ontology#",
    "dcterms": "http://purl.org/dc/terms/",
    "prov": "http://www.w3.org/ns/prov#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
# The types of what only says where facts come from; such things are no entities.
PROVENANCE_TYPES = frozenset(
    (f"{_PREFIXES['rdf']}Statement", f"{_PREFIXES['clew']}Quotation", f"{_PREFIXES['clew']}SourceDocument")
)
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ESCAPED = regex.compile(r'[\\"\p{Cc}\u2028\u2029\x85]')


def entity_iri(entity: Entity) -> str:
    """The IRI of an entity: https://clew.example/entity/Film/Kismet."""
    return f"{BASE}entity/{_part(entity.type)}/{_part(entity.name)}"


def relation_iri(relation: str) -> str:
    """The IRI of a relation: https://clew.example/relation/directed_by."""
    return f"{BASE}relation/{_part(relation)}"


def type_iri(type: str) -> str:
    """The IRI of a type: https://clew.example/ontology#Film."""
    return f"{_PREFIXES['clew']}{_part(type)}"


def export_turtle(store: GraphStore) -> Iterator[str]:
    """The graph as Turtle, a statement or a block of them at a time, in an order that depends on content alone."""
    for prefix, iri in _PREFIXES.items():
        yield f"@prefix {prefix}: <{iri}> ."
    for record in store.documents():
        yield from _document(record)
    for entity in store.all_entities():
        iri = entity_iri(entity)
        yield f"<{iri}> a <{type_iri(entity.type)}> ; rdfs:label {_literal(entity.name)} ."
        for alias in entity.aliases:
            yield f"<{iri}> skos:altLabel {_literal(alias)} ."
    for quoted in quoted_facts(store):
        subject, relation, object = (
            f"<{entity_iri(quoted.subject)}>",
            f"<{relation_iri(quoted.fact.relation)}>",
            f"<{entity_iri(quoted.object)}>",
        )
        yield f"{subject} {relation} {object} ."
        yield f"<urn:clew:fact:{quoted.fact.id}> a rdf:Statement ;"
        yield f"  rdf:subject {subject} ; rdf:predicate {relation} ; rdf:object {object}"
        quotations = [f"<urn:clew:quotation:{_quotation_id(quoted.fact.id, one)}>" for one in quoted.quotes]
        yield "".join(f"  ; prov:wasDerivedFrom {iri}\n" for iri in quotations) + "  ."
        for iri, one in zip(quotations, quoted.quotes, strict=True):
            yield _quotation(one, iri)


def _quotation_id(fact: FactId, one: Quote) -> str:
    evidence = one.evidence
    place = (str(evidence.start), str(evidence.end), evidence.extractor, repr(evidence.confidence))
    return digest("quotation", fact, evidence.chunk, *place)


def _document(record: DocumentRecord) -> Iterator[str]:
    yield f"<urn:clew:document:{record.id}> a clew:SourceDocument, prov:Entity ;"
    if record.title:
        yield f"  dcterms:title {_literal(record.title)} ;"
    yield f"  dcterms:language {_literal(record.language)} ; dcterms:source {_literal(record.source)} ."


def _quotation(one: Quote, iri: str) -> str:
    evidence = one.evidence
    return (
        f"{iri} a clew:Quotation, prov:Entity ; prov:wasQuotedFrom <urn:clew:document:{one.document.id}> ; "
        f"prov:value {_literal(one.text)} ; clew:start {evidence.start} ; clew:end {evidence.end} ; "
        f'clew:extractor {_literal(evidence.extractor)} ; clew:confidence "{evidence.confidence!r}"^^xsd:double .'
    )


def _part(name: str) -> str:
    """A name as a part of an IRI: letters and digits of any script stay, all else is percent-encoded."""
    if not name.strip("."):
        return name.replace(".", "%2E")  # "." and ".." would mean the folder and the one above
    return "".join(c if c.isalnum() else quote(c, safe="") for c in name)


def _literal(text: str) -> str:
    return f'"{_ESCAPED.sub(_escape, text)}"'


def _escape(match: "regex.Match[str]") -> str:
    return _ESCAPES.get(match[0]) or f"\\u{ord(match[0]):04X}"
