"""Contracts: what every implementation of a protocol must hold. A test class inherits one and provides the fixture."""

import itertools
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from kg.errors import InputError
from kg.facts import (
    Chunk,
    Document,
    DocumentId,
    Entity,
    EntityId,
    Evidence,
    Fact,
    Occurrence,
    Topic,
    digest,
    merge_facts,
)
from kg.store import DocumentRecord, GraphStore, Reading


def reading(
    source: str,
    *chunks: str,
    entities: Iterable[Entity] = (),
    mentions: Iterable[tuple[Entity, str]] = (),
    facts: Iterable[tuple[Entity, str, Entity]] = (),
    title: str = "",
    topic: Topic | None = None,
    vectors: tuple[tuple[float, ...], ...] = (),
    extractor: str = "hand-1",
) -> Reading:
    """A reading of a document made of these chunks.

    A mention is an entity and the surface it has in the first chunk that holds that surface; a fact's evidence is
    the whole of the first chunk.
    """
    document = Document(source, "".join(chunks), title=title, language="en")
    starts = itertools.accumulate((len(chunk) for chunk in chunks), initial=0)
    made = tuple(
        Chunk(document.id, start, start + len(text), text) for start, text in zip(starts, chunks, strict=False)
    )
    occurrences = []
    for entity, surface in mentions:
        chunk = next(chunk for chunk in made if surface in chunk.text)
        start = chunk.start + chunk.text.index(surface)
        occurrences.append(Occurrence(entity.id, chunk.id, start, start + len(surface)))
    evidence = frozenset({Evidence(made[0].id, made[0].start, made[0].end, extractor, 0.9)}) if made else frozenset()
    named = [entity for entity, _ in mentions] + [end for s, _, o in facts for end in (s, o)] + list(entities)
    record = DocumentRecord(document.id, source, title, "en", document.text_digest, "hand-1", topic)
    return Reading(
        document=record,
        chunks=made,
        entities=tuple({entity.id: entity for entity in named}.values()),
        occurrences=tuple(occurrences),
        facts=tuple(merge_facts(Fact(s.id, r, o.id, evidence) for s, r, o in facts)),
        vectors=vectors,
    )


def contents(store: GraphStore) -> list[object]:
    """Everything that a store tells of its graph, the version aside: equal graphs have equal contents."""
    documents = list(store.documents())
    chunks = [chunk for record in documents for chunk in store.chunks_of(record.id)]
    entities = list(store.all_entities())
    facts = list(store.all_facts())
    return [
        documents,
        chunks,
        entities,
        facts,
        store.occurrences(entities=[entity.id for entity in entities]),
        store.occurrences(chunks=[chunk.id for chunk in chunks]),
        store.facts_in([chunk.id for chunk in chunks]),
        store.facts([entity.id for entity in entities]),
        store.counts(),
    ]


def vector(*values: float) -> tuple[float, ...]:
    """A unit vector of 384 dimensions that begins with these values."""
    norm = sum(value * value for value in values) ** 0.5
    return tuple(value / norm for value in values) + (0.0,) * (384 - len(values))


FILM = Entity("Film", "Forbidden Ground (2013 film)")
DIRECTOR = Entity("Person", "Johan Earl")
COUNTRY = Entity("Country", "Australia")
BAND = Entity("Organization", "The Who")
DIABETES = Entity("Disease", "糖尿病")
INSULIN = Entity("Drug", "胰岛素")

ODD_NAMES = (
    'double "quotes"',
    "single 'quotes'",
    "back`ticks``",
    "line\nbreak\ttab",
    "😀 emoji 👩‍👩‍👧",
    "مرحبا بالعالم",
    "}) DETACH DELETE n //",
    "' OR 1=1 --",
    "\\u0060 escape \\",
    "a~b,c*d",
    "$name",
    "!!!",
    "  spaces  ",
    "ｆｕｌｌ ｗｉｄｔｈ",
    "名" * 90,
    "x" * 3000,
)
ODD_TYPES = (*ODD_NAMES, "Entity", "Chunk", "Document", "Graph", "Graph_", "", "_", "症状", "film", "Film")
ODD_RELATIONS = (*ODD_NAMES, "HAS_CHUNK", "MENTIONS", "MENTIONS_", "", "症状", "Film", "film", "Entity", "a:b|c&d")


class GraphStoreContract:
    """What a store must do. ``store`` is empty; every store gives the same answers as ``MemoryStore``."""

    # -- writing and forgetting ---------------------------------------------------------------------------------

    def test_an_empty_store(self, store: GraphStore) -> None:
        assert contents(store)[:4] == [[], [], [], []]
        assert store.counts().entities_by_type == {}
        assert store.search_chunks("anything") == []
        assert store.search_entities("anything") == []
        assert store.nearest_chunks(vector(1.0)) == []
        assert store.find_entities(["anything"]) == []
        assert store.list_entities() == []
        assert store.documents_containing([""]) == set()
        assert store.neighbourhood([FILM.id]).facts == ()

    def test_what_is_written_is_read(self, store: GraphStore) -> None:
        topic = Topic("Forbidden Ground (2013 film)", "Film", "2013 film", ("Forbidden Ground",))
        read = reading(
            "films/1",
            "Forbidden Ground is a film ",
            "by Johan Earl.",
            title="Forbidden Ground",
            topic=topic,
            mentions=[(FILM, "Forbidden Ground"), (DIRECTOR, "Johan Earl")],
            facts=[(FILM, "directed_by", DIRECTOR)],
        )
        store.write([read])
        record = replace(read.document, complete=True)
        assert list(store.documents()) == [record]
        assert store.document_records([record.id, DocumentId(digest("no"))]) == [record]
        assert store.chunks_of(record.id) == list(read.chunks)
        assert store.chunks([chunk.id for chunk in reversed(read.chunks)]) == list(read.chunks)
        film = replace(FILM, aliases=("Forbidden Ground",))
        assert list(store.all_entities()) == sorted([film, DIRECTOR], key=lambda entity: entity.id)
        assert store.entities([FILM.id]) == [film]
        assert list(store.all_facts()) == list(read.facts)
        assert store.occurrences(chunks=[read.chunks[1].id]) == [read.occurrences[1]]
        assert store.occurrences(entities=[FILM.id], chunks=[read.chunks[0].id]) == [read.occurrences[0]]
        assert store.occurrences(entities=[FILM.id], most=1) == [read.occurrences[0]]
        assert store.occurrences(entities=[FILM.id], most=0) == []
        assert store.facts_in([read.chunks[0].id]) == list(read.facts)
        assert store.facts_in([read.chunks[1].id]) == []
        assert store.facts_between([(FILM.id, "directed_by", DIRECTOR.id), (DIRECTOR.id, "directed_by", FILM.id)]) == [
            read.facts[0]
        ]
        counts = store.counts()
        assert (counts.documents, counts.chunks, counts.entities, counts.facts, counts.evidence) == (1, 2, 2, 1, 1)
        assert counts.entities_by_type == {"Film": 1, "Person": 1}
        assert counts.facts_by_relation == {"directed_by": 1}

    def test_writing_twice_changes_nothing(self, store: GraphStore) -> None:
        read = reading("a", "Earl made it.", mentions=[(DIRECTOR, "Earl")], facts=[(FILM, "directed_by", DIRECTOR)])
        store.write([read])
        once = contents(store)
        store.write([read])
        store.write([read, read])
        assert contents(store) == once

    def test_a_changed_document_replaces_what_it_said(self, store: GraphStore) -> None:
        store.write([reading("a", "Earl was here.", mentions=[(DIRECTOR, "Earl")])])
        store.write([reading("a", "Johan was here.", mentions=[(DIRECTOR, "Johan")])])
        assert store.entities([DIRECTOR.id]) == [replace(DIRECTOR, aliases=("Johan",))]
        assert store.find_entities(["earl"]) == []
        assert [chunk.text for chunk in store.chunks_of(next(store.documents()).id)] == ["Johan was here."]

    def test_what_two_documents_say_survives_one(self, store: GraphStore) -> None:
        one = reading("a", "Earl, Earl.", mentions=[(DIRECTOR, "Earl")], facts=[(FILM, "directed_by", DIRECTOR)])
        two = reading("b", "Mr Earl.", mentions=[(DIRECTOR, "Earl")], facts=[(FILM, "directed_by", DIRECTOR)])
        store.write([one, two])
        (fact,) = store.all_facts()
        assert len(fact.evidence) == 2
        assert store.counts().evidence == 2
        store.delete([one.document.id])
        assert list(store.all_facts()) == list(two.facts)
        assert store.find_entities(["earl"]) == [replace(DIRECTOR, aliases=("Earl",))]
        store.delete([two.document.id])
        assert contents(store)[:4] == [[], [], [], []]
        assert store.find_entities(["johan earl"]) == []

    def test_deleting_what_is_not_there(self, store: GraphStore) -> None:
        store.write([reading("a", "text")])
        store.delete([DocumentId(digest("no such document"))])
        assert store.counts().documents == 1

    def test_a_document_in_parts(self, store: GraphStore) -> None:
        whole = reading("a", "First Earl. ", "Then Johan.", mentions=[(DIRECTOR, "Earl"), (DIRECTOR, "Johan")])
        first = replace(whole, chunks=whole.chunks[:1], occurrences=whole.occurrences[:1], last=False)
        second = replace(whole, chunks=whole.chunks[1:], occurrences=whole.occurrences[1:], first=False)
        store.write([whole])
        expected = contents(store)
        store.write([first])
        assert [record.complete for record in store.documents()] == [False]
        assert [chunk.text for chunk in store.chunks_of(whole.document.id)] == ["First Earl. "]
        store.write([second])
        assert contents(store) == expected
        store.write([second])
        assert contents(store) == expected
        store.write([first, second])
        assert contents(store) == expected

    def test_a_document_without_text(self, store: GraphStore) -> None:
        store.write([reading("empty")])
        assert [record.source for record in store.documents()] == ["empty"]

    def test_a_reading_that_does_not_hold_together_is_refused_whole(self, store: GraphStore) -> None:
        good = reading("a", "Earl.", mentions=[(DIRECTOR, "Earl")], facts=[(FILM, "directed_by", DIRECTOR)])
        for bad in (
            replace(good, entities=()),
            replace(good, chunks=()),
            replace(good, facts=(replace(good.facts[0], evidence=frozenset()),)),
            replace(good, vectors=((1.0,), (1.0,))),
        ):
            with pytest.raises(ValueError, match="a: "):
                store.write([reading("b", "fine"), bad])
        assert store.counts().documents == 0

    def test_half_characters_are_refused(self, store: GraphStore) -> None:
        with pytest.raises(InputError, match="half of a character"):
            store.write([reading("a", "broken \ud83d text")])
        assert store.counts().documents == 0

    def test_the_version_grows(self, store: GraphStore) -> None:
        before = store.version()
        read = reading("a", "text")
        store.write([read])
        written = store.version()
        store.delete([read.document.id])
        assert before < written < store.version()

    def test_several_threads_may_write_at_once(self, store: GraphStore) -> None:
        def say(number: int) -> None:
            said = reading(
                f"{number}", f"Earl, in {number}.", mentions=[(DIRECTOR, "Earl")], facts=[(FILM, "r", DIRECTOR)]
            )
            store.write([said])
            if number % 3 == 0:
                store.delete([said.document.id])

        before = store.version()
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(say, range(12)))
        assert [record.source for record in store.documents()] == sorted(str(n) for n in range(12) if n % 3)
        (fact,) = store.all_facts()
        assert len(fact.evidence) == store.counts().evidence == 8
        assert store.version() == before + 16

    # -- names --------------------------------------------------------------------------------------------------

    def test_any_name_type_and_relation(self, store: GraphStore) -> None:
        hub = Entity("Thing", "hub")
        things = [Entity(type, name) for type, name in itertools.zip_longest(ODD_TYPES, ODD_NAMES, fillvalue="other")]
        facts = [
            (hub, relation, thing) for relation, thing in zip(itertools.cycle(ODD_RELATIONS), things, strict=False)
        ]
        facts += [(things[0], relation, hub) for relation in ODD_RELATIONS]
        read = reading("odd", "odd names", facts=facts)
        store.write([read])
        assert set(store.all_entities()) == {hub, *things}
        assert {(f.subject, f.relation, f.object) for f in store.all_facts()} == {(s.id, r, o.id) for s, r, o in facts}
        counts = store.counts()
        assert set(counts.entities_by_type) == {"Thing", *ODD_TYPES}
        assert counts.facts_by_relation.keys() == set(ODD_RELATIONS)
        assert store.facts_in([read.chunks[0].id]) == list(store.all_facts())
        for thing in things:
            assert thing in store.find_entities([thing.key])
            assert thing in store.list_entities(type=thing.type)
        store.delete([read.document.id])
        assert contents(store)[:4] == [[], [], [], []]

    def test_any_surface_text_source_and_title(self, store: GraphStore) -> None:
        text = "\n".join(ODD_NAMES)
        reads = [
            reading(name, text, title=name, mentions=[(DIRECTOR, surface) for surface in ODD_NAMES])
            for name in ODD_NAMES
        ]
        store.write(reads)
        assert [record.source for record in store.documents()] == sorted(ODD_NAMES)
        assert [record.title for record in store.documents()] == sorted(ODD_NAMES)
        assert [record.source for record in store.documents(prefix="}) D")] == ["}) DETACH DELETE n //"]
        (director,) = store.all_entities()
        assert director.aliases == tuple(sorted(ODD_NAMES))
        for name in ODD_NAMES:
            assert store.find_entities([Entity("", name).key]) == [director]
            assert len(store.documents_containing([name])) == len(ODD_NAMES)

    def test_entities_are_found_by_the_key_of_any_name(self, store: GraphStore) -> None:
        other = Entity("Song", "Forbidden, ground!")
        store.write(
            [
                reading(
                    "a",
                    "Forbidden Ground and Forbidden Grounds; The Who",
                    mentions=[(FILM, "Forbidden Ground"), (BAND, "The Who"), (COUNTRY, "Forbidden Grounds")],
                    entities=[other],
                    facts=[(other, "performed_by", BAND)],
                )
            ]
        )
        film = replace(FILM, aliases=("Forbidden Ground",))
        assert store.find_entities(["forbidden ground"]) == sorted([film, other], key=lambda entity: entity.id)
        assert store.find_entities(["forbidden ground 2013 film"]) == [film]
        assert store.find_entities(["the who", "no one"]) == [BAND]
        assert store.find_entities(["who"]) == []
        assert store.find_entities([]) == []

    def test_listing_goes_by_name_from_behind_the_cursor(self, store: GraphStore) -> None:
        things = [Entity(type, name) for type in ("A", "B") for name in ("b", "a", "！", "😀", "a\tb", "Z", "é")]
        store.write([reading("a", "x", facts=[(things[0], "r", thing) for thing in things])])
        expected = sorted(things, key=lambda entity: (entity.name, entity.id))
        listed: list[Entity] = []
        after = ""
        while page := store.list_entities(after=after, limit=3):
            listed += page
            after = f"{page[-1].name}\t{page[-1].id}"
        assert listed == expected
        assert store.list_entities(type="A") == [thing for thing in expected if thing.type == "A"]
        assert store.list_entities(type="no such type") == []

    # -- facts --------------------------------------------------------------------------------------------------

    def test_facts_of_entities(self, store: GraphStore) -> None:
        loop = Entity("Thing", "loop")
        people = [Entity("Person", f"person {i}") for i in range(6)]
        facts = [(person, "born_in", COUNTRY) for person in people] + [(loop, "same_as", loop)]
        store.write([reading("a", "all", facts=facts), reading("b", "some", facts=facts[2:4])])
        assert {f.subject for f in store.facts([COUNTRY.id])} == {person.id for person in people}
        assert [fact.subject for fact in store.facts([loop.id])] == [loop.id]
        assert len(store.facts([COUNTRY.id, people[0].id, loop.id])) == 7
        strongest = store.facts([COUNTRY.id], limit=2)
        assert {fact.subject for fact in strongest} == {people[2].id, people[3].id}
        weak = sorted(f.id for f in store.facts([COUNTRY.id]) if len(f.evidence) == 1)
        third = store.facts([COUNTRY.id], limit=3)
        assert {fact.id for fact in third} - {fact.id for fact in strongest} == {weak[0]}
        assert third == sorted(third, key=lambda fact: fact.id)
        assert len(store.facts([COUNTRY.id, people[5].id], limit=1)) == 2
        assert store.facts([EntityId(digest("none"))]) == []
        assert store.facts([]) == []

    def test_the_neighbourhood(self, store: GraphStore) -> None:
        a, b, c, d, e = (Entity("Thing", name) for name in "abcde")
        store.write([reading("x", "x", facts=[(a, "r", b), (c, "r", b), (c, "s", d), (e, "r", e), (a, "q", b)])])
        one = store.neighbourhood([a.id])
        assert set(one.entities) == {a.id, b.id}
        assert {fact.relation for fact in one.facts} == {"r", "q"}
        two = store.neighbourhood([a.id], hops=2)
        assert two.entities == {entity.id: entity for entity in (a, b, c)}
        assert set(store.neighbourhood([a.id], hops=5).entities) == {a.id, b.id, c.id, d.id}
        assert set(two.facts[:2]) == set(one.facts)
        short = store.neighbourhood([a.id], hops=3, limit=3)
        assert short.facts == two.facts[:3]
        assert store.neighbourhood([e.id], hops=2).facts == tuple(store.facts([e.id]))
        assert set(store.neighbourhood([a.id, EntityId(digest("none"))], hops=0).entities) == {a.id}

    # -- search -------------------------------------------------------------------------------------------------

    def test_searching_chunks(self, store: GraphStore) -> None:
        store.write(
            [
                reading("a", "Insulin lowers the sugar in the blood. ", "Nothing else.", title="Hormones"),
                reading("b", "The pancreas makes insulin, and insulin alone helps."),
                reading("c", "糖尿病是一种慢性病，需要胰岛素。"),
                reading("d", "高血压性心脏病"),
            ]
        )

        def found(text: str, limit: int = 10) -> list[str]:
            return [hit.chunk.text for hit in store.search_chunks(text, limit=limit)]

        assert found("pancreas insulin")[0].startswith("The pancreas")
        assert set(found("INSULIN?")) == {
            "Insulin lowers the sugar in the blood. ",
            "The pancreas makes insulin, and insulin alone helps.",
        }
        assert set(found("hormones")) == {"Insulin lowers the sugar in the blood. ", "Nothing else."}
        assert found("糖尿病") == ["糖尿病是一种慢性病，需要胰岛素。"]
        assert found("什么是心脏病？") == ["高血压性心脏病"]
        assert found("胰岛素 pancreas", 1) != []
        assert found("xylophone") == []
        assert found("the") == []
        scores = [hit.score for hit in store.search_chunks("insulin pancreas sugar")]
        assert scores == sorted(scores, reverse=True)

    def test_any_text_may_be_searched_for(self, store: GraphStore) -> None:
        store.write([reading("a", "plain text", mentions=[(DIRECTOR, "plain")])])
        odd = ["", " ", '"', "*", "AND (", "a OR", "[x TO", "title:plain~2", "\\", '+-&&||!(){}[]^"~*?:\\/', "^", "{}"]
        for text in [*odd, *ODD_NAMES, "word " * 5000, "糖" * 5000, "plain AND text OR NOT (plain)"]:
            store.search_chunks(text)
            store.search_entities(text)
            store.find_entities([text])
            store.documents_containing([text])
        assert len(store.search_chunks("plain AND (")) == 1

    def test_searching_entities(self, store: GraphStore) -> None:
        the_the, who = Entity("Organization", "The The"), Entity("Person", "Beyoncé Who")
        store.write(
            [
                reading(
                    "a",
                    "The Who, The The, Forbidden Ground, 糖尿病, Beyoncé, T2DM, 胰岛素",
                    mentions=[
                        (BAND, "The Who"),
                        (the_the, "The The"),
                        (FILM, "Forbidden Ground"),
                        (DIABETES, "T2DM"),
                        (who, "Beyoncé"),
                        (INSULIN, "胰岛素"),
                    ],
                )
            ]
        )

        def found(text: str) -> list[str]:
            return [hit.entity.name for hit in store.search_entities(text)]

        assert found("The Who")[0] == "The Who"
        assert found("the the")[0] == "The The"
        assert set(found("who")) == {"The Who", "Beyoncé Who"}
        assert found("BEYONCE") == ["Beyoncé Who"]
        assert found("forbidden") == [FILM.name]
        assert found("2013") == [FILM.name]
        assert found("t2dm") == ["糖尿病"]
        assert found("糖尿") == ["糖尿病"]
        assert found("患者需要胰岛素吗") == ["胰岛素"]
        assert found("nobody") == []
        assert len(store.search_entities("the", limit=1)) == 1

    def test_nearest_chunks(self, store: GraphStore) -> None:
        store.write(
            [
                reading("a", "one", "two", vectors=(vector(1.0), vector(1.0, 1.0))),
                reading("b", "three", vectors=(vector(-1.0, 0.1),)),
                reading("c", "without"),
            ]
        )
        hits = store.nearest_chunks(vector(1.0, 0.1), limit=3)
        assert [hit.chunk.text for hit in hits] == ["one", "two", "three"]
        assert [hit.score for hit in hits] == pytest.approx([0.99504, 0.77395, -0.98020], abs=1e-4)
        assert [hit.chunk.text for hit in store.nearest_chunks(vector(0.0, 1.0), limit=1)] == ["two"]
        store.delete([reading("a").document.id])
        assert [hit.chunk.text for hit in store.nearest_chunks(vector(1.0, 0.1), limit=3)] == ["three"]
        store.write([reading("d", "four", vectors=(vector(0.0, 0.0, 1.0),))])
        assert [hit.chunk.text for hit in store.nearest_chunks(vector(0.0, 0.0, 1.0), limit=1)] == ["four"]

    def test_documents_containing(self, store: GraphStore) -> None:
        texts = [
            "Teutberga was a queen.",
            "preForbidden Grounds are",
            "Forbidden  Ground",
            "糖尿病人",
            "don't stop the music",
            "of the and",
            "x" * 300 + " end",
        ]
        ids = {text: reading(text, text).document.id for text in texts}
        store.write([reading(text, text) for text in texts])

        def found(*strings: str) -> set[str]:
            return {text for text in texts if ids[text] in store.documents_containing(strings)}

        assert found("Forbidden Ground") == {"preForbidden Grounds are"}
        assert found("forbidden ground") == set()
        assert found("utberg") == {"Teutberga was a queen."}
        assert found("was a que") == {"Teutberga was a queen."}
        assert found("the") == {"don't stop the music", "of the and"}
        assert found("stop the mus", "尿病") == {"don't stop the music", "糖尿病人"}
        assert found("病人", "病了") == {"糖尿病人"}
        assert found("xx end") == {"x" * 300 + " end"}
        assert found("") == set(texts)
        assert found() == set()
        assert found(*[f"nothing like this {i}" for i in range(2000)], "queen.") == {"Teutberga was a queen."}
