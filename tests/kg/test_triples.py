"""Triple files become readings whose chunks tile the file and whose evidence is the line that states the fact."""

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.errors import InputError
from kg.facts import Document, Entity, Occurrence
from kg.memory_store import MemoryStore
from kg.readings import check
from kg.triples import TripleFile

Named = tuple[str, str]  # type, name


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def load(path: str, content: str | bytes, **options: str) -> tuple[MemoryStore, TripleFile]:
    """A store that holds the file, after every reading was found whole."""
    Path(path).write_bytes(content if isinstance(content, bytes) else content.encode())
    file = TripleFile(path, **options)
    readings = list(file)
    assert [r.first for r in readings] == [True] + [False] * (len(readings) - 1)
    assert [r.last for r in readings] == [False] * (len(readings) - 1) + [True]
    store = MemoryStore()
    for reading in readings:
        check(reading, {entity.id: entity for entity in reading.entities})
        store.write([reading])
    return store, file


def facts(store: MemoryStore) -> set[tuple[Named, str, Named]]:
    names = {entity.id: (entity.type, entity.name) for entity in store.all_entities()}
    return {(names[fact.subject], fact.relation, names[fact.object]) for fact in store.all_facts()}


def plain(store: MemoryStore) -> set[tuple[str, str, str]]:
    return {(s, r, o) for (_, s), r, (_, o) in facts(store)}


def text_of(store: MemoryStore) -> str:
    (record,) = store.documents()
    chunks = store.chunks_of(record.id)
    for chunk, following in itertools.pairwise(chunks):
        assert chunk.end == following.start
    text = "".join(chunk.text for chunk in chunks)
    assert Document(record.source, text).text_digest == record.text_digest
    return text


def quotes(store: MemoryStore) -> set[str]:
    text = text_of(store)
    return {text[e.start : e.end] for fact in store.all_facts() for e in fact.evidence}


# -- tables -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("kb.txt", "Kismet|directed_by|William Dieterle\nKismet|release_year|1944\n"),
        ("kb.tsv", "Kismet\tdirected_by\tWilliam Dieterle\nKismet\trelease_year\t1944"),
        ("kb.csv", 'Kismet,directed_by,William Dieterle\r\n"Kismet",release_year,1944\r\n'),
        ("kb.csv", "subject,relation,object\nKismet,directed_by,William Dieterle\nKismet,release_year,1944\n"),
        ("kb.csv", "头实体,关系,尾实体\nKismet,directed_by,William Dieterle\nKismet,release_year,1944\n"),
        ("kb", "object\trelation\tsubject\nWilliam Dieterle\tdirected_by\tKismet\n\n1944\trelease_year\tKismet\n"),
    ],
)
def test_tables_of_every_kind(name: str, content: str) -> None:
    store, file = load(name, content)
    assert facts(store) == {
        (("Thing", "Kismet"), "directed_by", ("Thing", "William Dieterle")),
        (("Thing", "Kismet"), "release_year", ("Thing", "1944")),
    }
    assert text_of(store) == content.replace("\r\n", "\n")
    assert quotes(store) <= set(content.replace("\r\n", "\n").split("\n"))
    assert (file.triples, file.problems.count) == (2, 0)
    assert {e.extractor for f in store.all_facts() for e in f.evidence} == {"import-1"}
    assert {e.confidence for f in store.all_facts() for e in f.evidence} == {1.0}


@pytest.mark.parametrize("delimiter", ["\t", ","])
def test_a_header_may_give_types_and_aliases(delimiter: str) -> None:
    rows = [
        ["subject", "subject_type", "subject_aliases", "relation", "object", "object_type", "object_aliases"],
        ["阿司匹林", "Drug", "Aspirin; ASA", "treats", "发热", "Symptom", "发烧；高热"],
        ["Kismet", "", "", "directed_by", "Dieterle", "", "Dieterle"],
    ]
    store, _ = load("kb.txt", "\n".join(map(delimiter.join, rows)))
    assert facts(store) == {
        (("Drug", "阿司匹林"), "treats", ("Symptom", "发热")),
        (("Thing", "Kismet"), "directed_by", ("Thing", "Dieterle")),
    }
    aliases = {entity.name: entity.aliases for entity in store.all_entities()}
    assert aliases == {"阿司匹林": ("ASA", "Aspirin"), "发热": ("发烧", "高热"), "Kismet": (), "Dieterle": ()}


def test_quoted_cells_may_hold_commas_quotes_and_aliases() -> None:
    content = 'subject,relation,object,object_aliases\n"Dieterle, ""Bill""",made,"Kismet, a film","Kismet; The Film"\n'
    store, _ = load("kb.csv", content)
    assert plain(store) == {('Dieterle, "Bill"', "made", "Kismet, a film")}
    assert {alias for entity in store.all_entities() for alias in entity.aliases} == {"Kismet", "The Film"}
    assert text_of(store) == content


def test_bad_lines_are_named_and_the_others_are_imported() -> None:
    long = "x" * 1001
    content = f"A|r|B\nA|r\nA|r|B|C\n|r|B\nA| |B\n{long}|r|B\n\nC|r|D\n"
    store, file = load("kb.txt", content)
    assert plain(store) == {("A", "r", "B"), ("C", "r", "D")}
    assert text_of(store) == content
    assert file.problems.lines == [
        "kb.txt: line 2 has 2 columns, not 3; correct it",
        "kb.txt: line 3 has 4 columns, not 3; correct it",
        "kb.txt: line 4 has an empty subject, relation or object; fill it",
        "kb.txt: line 5 has an empty subject, relation or object; fill it",
        "kb.txt: line 6 has a name of more than 1000 characters; shorten it",
    ]
    assert (file.triples, file.problems.count) == (2, 5)


def test_a_file_that_is_read_again_is_counted_again() -> None:
    _, file = load("kb.txt", "A|r|B\nA|r\n")
    assert len(list(file)) == 1
    assert (file.triples, file.problems.count) == (1, 1)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("kb.txt", b"", "kb.txt: is empty; there is nothing to read"),
        ("kb.txt", b"\x89PNG\r\n\x1a\n" + bytes(90), "kb.txt: is a PNG image, not text"),
        ("kb.txt", b"no triple here\n", r"kb.txt: holds no triple \(line 1 has 1 columns, not 3; correct it\)"),
        ("kb.csv", b"subject,relation,object\n", "kb.csv: holds no triple; give subject, relation and object"),
        ("kb.ttl", b"@prefix : <http://x/> .\n:a :b ;;;. :c", "kb.ttl: line 2 is not Turtle"),
        ("kb.ttl", b"# nothing\n", "kb.ttl: holds no triple; "),
        ("kb.nt", b"<http://x/a> <http://x/b>\n", r"kb.nt: holds no triple \(line 1 is not an N-Triple; correct it\)"),
    ],
)
def test_files_without_triples_are_refused(name: str, content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=f"^{message}"):
        load(name, content)


def test_paths_that_cannot_be_read_are_refused() -> None:
    Path("folder").mkdir()
    with pytest.raises(InputError, match=r"^missing\.txt: does not exist; check the path$"):
        list(TripleFile("missing.txt"))
    with pytest.raises(InputError, match=r"^folder: is a folder; name the file$"):
        list(TripleFile("folder"))
    with pytest.raises(InputError, match="no such encoding"):
        TripleFile("kb.txt", encoding="klingon")


def test_the_encoding_is_detected_or_given() -> None:
    row = "高血压\t有症状\t头痛和这个病的其他表现\n"
    for encoding in ("gb18030", "utf-16", "utf-8-sig"):
        store, _ = load("kb.tsv", row.encode(encoding))
        assert plain(store) == {tuple(row.strip().split("\t"))}
    store, _ = load("kb.tsv", "Путин\tr\tМосква".encode("koi8-r"), encoding="koi8-r")
    assert plain(store) == {("Путин", "r", "Москва")}


def test_names_of_every_kind_are_kept() -> None:
    names = ["#Horror", "🎉 party", "שלום", "a'b\"c`d", "') DETACH DELETE n //", "\u2028line", "back\\slash"]
    store, _ = load("kb.tsv", "\n".join(f"{name}\tr`]->() //\tB" for name in names))
    assert plain(store) == {(name.strip(), "r`]->() //", "B") for name in names}


def test_long_files_come_in_parts_and_repeated_facts_keep_every_line() -> None:
    rows = [f"subject {i % 3000}|r|object {i % 7}" for i in range(21_000)]
    store, file = load("kb.txt", "\n".join(rows))
    assert file.triples == 21_000
    assert store.counts().facts == 21_000
    store, file = load("kb.txt", "A|r|B\n" * 10_000)
    (fact,) = store.all_facts()
    assert len(fact.evidence) == file.triples == 10_000
    assert quotes(store) == {"A|r|B"}


def test_memory_holds_one_part_at_a_time() -> None:
    Path("kb.txt").write_text("".join(f"a{i}|r|b{i}\n" for i in range(20_000)))
    for reading in TripleFile("kb.txt"):
        assert len(reading.facts) + len(reading.chunks) < 2300


NAME = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="|\t,"), min_size=1, max_size=20)


@given(rows=st.lists(st.tuples(NAME, NAME, NAME), min_size=1, max_size=30), broken=st.booleans())
def test_any_names_are_kept_and_every_quote_is_a_line(rows: list[tuple[str, str, str]], broken: bool) -> None:
    kept = {tuple(cell.strip() for cell in row) for row in rows}
    kept = {row for row in kept if all(row)}
    content = "\n".join(["|".join(row) for row in rows] + ["broken"] * broken + ["A|r|B"])
    store, file = load("kb.txt", content, encoding="utf-8")
    assert plain(store) == {*kept, ("A", "r", "B")}
    assert text_of(store) == content.removeprefix("\ufeff")
    assert quotes(store) <= set(text_of(store).split("\n"))
    assert file.problems.count >= broken


# -- RDF ----------------------------------------------------------------------------------------------------------

TURTLE = """
@prefix : <http://films.example/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .

:kismet a :Film, owl:NamedIndividual ;
    rdfs:label "Kismet"@en, "命运"@zh, "Le Sort"@fr ;
    skos:altLabel "Kismet (1944 film)" ;
    :directedBy :William_Dieterle ;
    :released "1944-10-26"^^xsd:date ;
    :minutes 100 ;
    :tagline "The \\"fabulous\\" one" ;
    :seenBy [ rdfs:label "somebody" ] ;
    :lostBy [ :x :y ] .
:other rdfs:label "Kismet" ; a :Film ; :released "1955"^^xsd:gYear .
:William_Dieterle a :Person .
:lonely rdfs:label "Lonely" .
"""


def test_turtle_is_imported_by_its_names_types_and_aliases() -> None:
    store, file = load("films.ttl", TURTLE)
    kismet, other = ("Film", "Kismet (kismet)"), ("Film", "Kismet (other)")
    assert facts(store) == {
        (kismet, "directedBy", ("Person", "William Dieterle")),
        (kismet, "released", ("Date", "26 October 1944")),
        (kismet, "minutes", ("Number", "100")),
        (kismet, "tagline", ("Text", 'The "fabulous" one')),
        (kismet, "seenBy", ("Thing", "somebody")),
        (other, "released", ("Date", "1955")),
    }
    entities = {(e.type, e.name): e.aliases for e in store.all_entities()}
    assert entities[kismet] == ("Kismet", "Kismet (1944 film)", "Le Sort", "命运")
    assert entities[other] == ("Kismet",)
    assert ("Thing", "Lonely") in entities
    assert file.problems.count == 2  # ":lostBy" and ":x", about a blank node that nothing names
    assert all(
        "line" in line and "of its sorted N-Triples is about a" in line and "blank node" in line
        for line in file.problems.lines
    )


def test_a_turtle_document_is_its_sorted_ntriples() -> None:
    store, _ = load("films.ttl", TURTLE)
    text = text_of(store)
    assert text.split("\n")[:-1] == sorted(text.split("\n")[:-1])
    assert "<http://films.example/kismet> <http://films.example/minutes> " in text
    again, _ = load("films.ttl", TURTLE.replace("\n    ", " "))
    assert text_of(again) == text
    assert list(again.all_facts()) == list(store.all_facts())
    assert quotes(store) <= set(text.split("\n"))


def test_ntriples_are_imported_line_by_line() -> None:
    content = (
        '# films\n<http://x/A_b> <http://x/r> <http://x/C%C3%A9> .\n<http://x/A_b> <http://x/r> "z\\u00e9\\n" . # end\n'
        'nonsense\n<http://x/A_b> <http://www.w3.org/2000/01/rdf-schema#label> "Ab"@en-GB .\n'
        f'<http://x/A_b> <http://x/r> "{"x" * 2000}" .\n'
    )
    store, file = load("kb.nt", content)
    assert plain(store) == {("Ab", "r", "Cé"), ("Ab", "r", "zé")}
    assert text_of(store) == content
    assert file.problems.lines == [
        "kb.nt: line 4 is not an N-Triple; correct it",
        "kb.nt: line 6 has an empty text, or one of more than 1000 characters; shorten it",
    ]
    occurrences = store.occurrences(entities=[Entity("Thing", "Ab").id])
    assert [text_of(store)[o.start : o.end] for o in occurrences if isinstance(o, Occurrence)] == ["Ab"]
