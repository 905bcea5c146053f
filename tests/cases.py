"""Contracts: what every implementation of a protocol must hold. A test class inherits one and provides the fixture."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from kg.errors import InputError
from kg.facts import DocumentId, Entity, Topic, digest
from kg.store import GraphStore
from tests.cases_changes import ChangesContract
from tests.cases_search import SearchContract
from tests.readings import DIRECTOR, FILM, ODD_NAMES, ODD_RELATIONS, ODD_TYPES, contents, reading, vector


class GraphStoreContract(SearchContract, ChangesContract):
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

    def test_several_threads_may_write_at_once(self, store: GraphStore) -> None:
        def say(number: int) -> None:
            said = reading(
                f"{number}", f"Earl, in {number}.", mentions=[(DIRECTOR, "Earl")], facts=[(FILM, "r", DIRECTOR)]
            )
            store.write([said])
            if number % 3 == 0:
                store.delete([said.document.id])

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(say, range(12)))
        assert [record.source for record in store.documents()] == sorted(str(n) for n in range(12) if n % 3)
        (fact,) = store.all_facts()
        assert len(fact.evidence) == store.counts().evidence == 8

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
