"""The contract of reading a graph: by name, by neighbours, by words, by vectors."""

from dataclasses import replace

import pytest

from kg.facts import Entity, EntityId, digest
from kg.store import GraphStore
from tests.readings import BAND, COUNTRY, DIABETES, DIRECTOR, FILM, INSULIN, ODD_NAMES, reading, vector


class SearchContract:
    """What a store must find. ``store`` is empty."""

    # -- names --------------------------------------------------------------------------------------------------

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
