"""Equal graphs export to equal bytes, other programs can read them, and RDF comes back as the same graph."""

import io
import json
import random
from collections.abc import Iterable, Sequence
from pathlib import Path

import networkx
import pytest
import rdflib
from hypothesis import given
from hypothesis import strategies as st

from kg.export import WRITERS, export_graphml, export_jsonl
from kg.facts import Chunk, Document, Entity, Evidence, Fact, Occurrence, Topic
from kg.memory_store import MemoryStore
from kg.rdf import entity_iri, export_turtle, relation_iri
from kg.store import DocumentRecord, Reading
from kg.triples import TripleFile

ODD = ["a 'b' \"c\"", "line\nbreak", "🎉", "שלום", "') DETACH DELETE n //", "<&>", "50%", "a/b#c:d", "..", "\x07bell",
       "名 前", "back\\slash", "tab\tand\rreturn", "\u2028"]  # fmt: skip


def reading(source: str, *statements: Sequence[str]) -> Reading:
    """A document whose lines are "subject relation object", each stated by its line; an alias may follow."""
    lines = ["|".join(statement) + "\n" for statement in statements]
    document = Document(source, "".join(lines), title=f"About {source}", language="en")
    record = DocumentRecord(
        document.id, source, document.title, "en", document.text_digest, "test-1", Topic(source, "Thing")
    )
    chunks, entities, facts, occurrences, start = [], [], [], [], 0
    for line, (subject, relation, object, *aliases) in zip(lines, statements, strict=True):
        chunk = Chunk(document.id, start, start + len(line), line)
        one, other = Entity("Film", subject), Entity("Person", object)
        chunks.append(chunk)
        entities += [one, other]
        facts.append(
            Fact(one.id, relation, other.id, frozenset([Evidence(chunk.id, start, chunk.end - 1, "test-1", 0.5)]))
        )
        for alias in aliases:
            at = start + line.rindex(alias)
            occurrences.append(Occurrence(one.id, chunk.id, at, at + len(alias)))
        start = chunk.end
    return Reading(record, tuple(chunks), tuple(entities), tuple(occurrences), tuple(facts))


def stored(readings: Iterable[Reading]) -> MemoryStore:
    store = MemoryStore()
    for one in readings:
        store.write([one])
    return store


READINGS = [
    reading("a.txt", ("Kismet", "directed_by", "Dieterle", "Kismet (1944)"), ("Kismet", "written_by", "Knoblock")),
    reading("b.txt", ("Kismet", "directed_by", "Dieterle"), ("Kismet", "liked_by", "Dieterle")),
    reading("odd.txt", *((name.replace("|", ""), f"r {name}", name) for name in ODD)),
]


@pytest.mark.parametrize("format", WRITERS)
def test_equal_graphs_export_to_equal_bytes(format: str) -> None:
    expected = list(WRITERS[format](stored(READINGS)))
    for seed in range(5):
        shuffled = random.Random(seed).sample(READINGS, len(READINGS))
        store = stored([reading("gone.txt", ("Gone", "directed_by", "Dieterle")), *shuffled, *shuffled])
        store.delete([Document("gone.txt", "").id])
        assert list(WRITERS[format](store)) == expected
    assert list(WRITERS[format](stored(READINGS[:2]))) != expected


def test_json_lines_hold_everything() -> None:
    lines = [json.loads(line) for line in export_jsonl(stored(READINGS[:2]))]
    kinds = [line["kind"] for line in lines]
    assert [kinds.count(kind) for kind in ("document", "chunk", "entity", "occurrence", "fact")] == [2, 4, 3, 1, 3]
    texts = {line["id"]: line["text"] for line in lines if line["kind"] == "chunk"}
    (kismet,) = [line for line in lines if line["kind"] == "entity" and line["name"] == "Kismet"]
    assert kismet["aliases"] == ["Kismet (1944)"]
    directed = [line for line in lines if line["kind"] == "fact" and line["relation"] == "directed_by"]
    assert [sorted(texts[e["chunk"]] for e in line["evidence"]) for line in directed] == [
        ["Kismet|directed_by|Dieterle\n", "Kismet|directed_by|Dieterle|Kismet (1944)\n"]
    ]
    assert lines[0]["topic"] == {"name": "a.txt", "type": "Thing", "description": "", "aliases": []}


def test_an_empty_graph_is_exported() -> None:
    assert list(export_jsonl(MemoryStore())) == []
    assert len(networkx.read_graphml(io.BytesIO("\n".join(export_graphml(MemoryStore())).encode()))) == 0
    assert len(rdflib.Graph().parse(data="\n".join(export_turtle(MemoryStore())), format="turtle")) == 0


def test_graphml_is_read_by_networkx() -> None:
    store = stored(READINGS)
    graph = networkx.read_graphml(io.BytesIO("\n".join(export_graphml(store)).encode()), force_multigraph=True)
    assert graph.is_directed()
    assert graph.number_of_edges() == store.counts().facts
    names = {name for _, name in graph.nodes(data="label")}
    assert names >= {name.replace("\x07", "\ufffd") for name in ODD}
    kismet, dieterle = Entity("Film", "Kismet").id, Entity("Person", "Dieterle").id
    assert json.loads(graph.nodes[kismet]["aliases"]) == ["Kismet (1944)"]
    edges = {data["label"]: data for data in graph.get_edge_data(kismet, dieterle).values()}
    assert edges.keys() == {"directed_by", "liked_by"}
    assert edges["liked_by"]["confidence"] == 0.5
    assert [(e["source"], e["quote"]) for e in json.loads(edges["directed_by"]["evidence"])] == [
        ("a.txt", "Kismet|directed_by|Dieterle|Kismet (1944)"),
        ("b.txt", "Kismet|directed_by|Dieterle"),
    ]


def test_turtle_keeps_facts_and_their_provenance() -> None:
    store = stored(READINGS)
    graph = rdflib.Graph().parse(data="\n".join(export_turtle(store)), format="turtle")
    found = graph.query(
        """
        PREFIX prov: <http://www.w3.org/ns/prov#>
        SELECT ?subject ?quote ?source WHERE {
            ?film ?directed ?person .
            ?statement a rdf:Statement ; rdf:subject ?film ; rdf:predicate ?directed ; rdf:object ?person ;
                       prov:wasDerivedFrom ?quotation .
            ?quotation prov:value ?quote ; prov:wasQuotedFrom/<http://purl.org/dc/terms/source> ?source .
            ?film rdfs:label ?subject . ?person rdfs:label "Dieterle" .
        }""",
        initBindings={"directed": rdflib.URIRef(relation_iri("directed_by"))},
    )
    assert sorted(tuple(map(str, row)) for row in found if isinstance(row, rdflib.query.ResultRow)) == [
        ("Kismet", "Kismet|directed_by|Dieterle", "b.txt"),
        ("Kismet", "Kismet|directed_by|Dieterle|Kismet (1944)", "a.txt"),
    ]
    labels = {str(label) for label in graph.objects(None, rdflib.RDFS.label)}
    assert labels >= set(ODD)


def test_exported_turtle_is_imported_as_the_same_graph(tmp_path: Path) -> None:
    store = stored(READINGS)
    path = tmp_path / "graph.ttl"
    path.write_text("\n".join(export_turtle(store)), encoding="utf-8")
    file = TripleFile(path)
    again = stored(file)
    assert {(f.subject, f.relation, f.object) for f in again.all_facts()} == {
        (f.subject, f.relation, f.object) for f in store.all_facts()
    }
    assert list(again.all_entities()) == list(store.all_entities())
    assert file.problems.lines == []


@given(type=st.text(min_size=1), name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_name_makes_a_valid_iri(type: str, name: str) -> None:
    entity = Entity(type.encode("utf-8", "replace").decode(), name)
    iri = entity_iri(entity)
    graph = rdflib.Graph().parse(data=f"<{iri}> <{relation_iri(name)}> <{iri}> .", format="turtle")
    assert {str(subject) for subject in graph.subjects()} == {iri}
    other = entity_iri(Entity(entity.type, name + "x"))
    assert other != iri
