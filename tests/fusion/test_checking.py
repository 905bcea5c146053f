"""What a model says is believed as far as the store bears it out, claim by claim, and no further."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion.checking import answered, check
from fusion.claims import Claim
from fusion.decode import Said
from fusion.named import Named
from fusion.prompt import Shown, name_shown, shown
from fusion.trace import Passage
from fusion.verify import borne, same_value, walks
from kg.facts import Entity, Evidence, Fact
from kg.memory_store import MemoryStore
from kg.store import Reading
from tests.fusion.graphs import FILMS, GABOR, GUY, LEVY, NIGHT, graph, person, place

STORE = graph(FILMS)
FACTS = sorted(STORE.all_facts(), key=lambda fact: fact.id)
ENTITIES = {entity.id: entity for entity in STORE.all_entities()}
MONTREAL = place("Montreal")


def fact(subject: Entity, relation: str, object: Entity) -> Fact:
    found = STORE.facts_between([(subject.id, relation, object.id)])
    return found[0] if found else Fact(subject.id, relation, object.id)


DIRECTED, BORN = fact(GUY, "directed_by", LEVY), fact(LEVY, "born_in", MONTREAL)


def named(entity: Entity, *path: Fact, text: str = "") -> Said:
    return Said(Claim(text or entity.name), entity=entity, facts=path)


def quoted(words: str, store: MemoryStore = STORE) -> Said:
    [chunk] = [hit.chunk for hit in store.search_chunks(words, limit=5) if words in hit.chunk.text][:1]
    start = chunk.text.index(words)
    passage = Passage(chunk, next(r.source for r in store.document_records([chunk.document])), "", 1.0)
    one = Shown(passage, shown(chunk.text))
    return Said(Claim(shown(words), passage=1), passage=one, start=start, end=start + len(words))


def test_what_holds_is_answered_and_says_what_was_checked() -> None:
    said = [named(MONTREAL, DIRECTED, BORN), quoted("born on 23 July 1968")]
    answer = answered("Where?", said, Named((GUY,)), STORE, confidence=0.4, reason="said")
    assert answer.text == "Montreal, born on 23 July 1968"
    assert answer.entities == (MONTREAL,)
    assert [path.facts for path in answer.paths] == [(DIRECTED, BORN)]
    assert answer.checked == (
        "Montreal (Place): the graph holds it, and 2 facts that lead to it",
        "'born on 23 July 1968': characters 11 to 31 of Person Shawn Levy",
    )
    assert {citation.fact for citation in answer.citations} == {DIRECTED.id, BORN.id, None}
    assert answer.reason == "said"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (named(place("Atlantis"), BORN), "no such entity"),
        (named(MONTREAL, BORN, text="Toronto"), "no such name"),
        (named(MONTREAL), "facts that it rests on"),
        (named(MONTREAL, fact(LEVY, "died_in", MONTREAL)), "facts that it rests on"),
        (named(MONTREAL, DIRECTED), "do not lead"),
        (named(MONTREAL, BORN, DIRECTED), "do not lead"),
        (named(MONTREAL, fact(NIGHT, "directed_by", LEVY), BORN), "do not lead"),  # not from what is asked about
        (replace(quoted("born on 23 July 1968"), start=10), "does not have these characters"),
        (replace(quoted("born on 23 July 1968"), claim=Claim("born in 1999", passage=1)), "does not have"),
        (replace(quoted("born on 23 July 1968"), start=5, end=5), "does not have"),
    ],
)
def test_what_does_not_hold_is_left_out(said: Said, why: str) -> None:
    alone = answered("Where?", [said], Named((GUY,)), STORE, confidence=1.0)
    assert alone.abstained
    assert why in alone.reason
    beside = answered("Where?", [said, named(LEVY, DIRECTED)], Named((GUY,)), STORE, confidence=1.0)
    assert beside.text == "Shawn Levy"
    assert why in beside.reason
    assert len(beside.checked) == 1


def test_what_is_asked_about_is_no_answer() -> None:
    said = [named(LEVY, DIRECTED), named(GUY, DIRECTED)]
    one = answered("Who made Free Guy?", said, Named((GUY,)), STORE, confidence=1.0)
    assert one.text == "Shawn Levy"
    assert one.reason == "'Free Guy' was said and left out: it is what the question is about"
    alike = answered("Who made Free Guy?", said, Named((GUY, LEVY)), STORE, confidence=1.0)  # if both had one name
    assert alike.abstained
    several = Named((GUY, NIGHT), several=True)
    assert answered("Free Guy or Night at the Museum?", said, several, STORE, confidence=1.0).entities == (LEVY, GUY)


def test_a_quotation_that_only_repeats_the_question_is_no_answer() -> None:
    question = "When was Shawn Levy born?"
    said = [quoted("Levy born"), quoted("23 July 1968")]
    answer = answered(question, said, Named((LEVY,)), STORE, confidence=1.0)
    assert answer.text == "23 July 1968"
    assert answer.reason == "'Levy born' was said and left out: it only repeats words of the question"
    assert [one.wrong for one in check(question, said[:1], Named((LEVY,)), STORE)] == [
        "it only repeats words of the question"
    ]
    assert answered(question, said[:1], Named((LEVY,)), STORE, confidence=1.0).abstained
    assert not answered("When did he live?", said[:1], Named(), STORE, confidence=1.0).abstained


def test_a_question_that_names_something_is_answered_from_there() -> None:
    released = fact(GUY, "released_on", Entity("Date", "2021"))
    assert answered("When?", [named(MONTREAL, BORN)], Named((NIGHT,)), STORE, confidence=1.0).abstained
    assert borne(GUY.id, (released,), Named((GUY, NIGHT), several=True))  # which of the two
    assert not borne(GUY.id, (released,), Named((GUY,)))
    assert not borne(GUY.id, (), Named((GUY,)))


def test_a_fact_that_nothing_named_leads_to_may_be_stated_alone() -> None:
    assert answered("Where?", [named(MONTREAL, BORN)], Named(), STORE, confidence=1.0).text == "Montreal"


def test_what_is_forgotten_meanwhile_is_not_said() -> None:
    store = graph(FILMS)
    said = [named(LEVY, DIRECTED), quoted("Free Guy released on 2021", store)]
    assert not answered("Who?", said, Named((GUY,)), store, confidence=1.0).abstained
    store.delete([record.id for record in store.documents(prefix="Film Free Guy")])
    assert answered("Who?", said, Named((GUY,)), store, confidence=1.0).abstained


def test_a_claim_whose_facts_cannot_be_quoted_is_left_out_beside_one_whose_can() -> None:
    store = graph(FILMS)
    [chunk] = store.chunks([next(iter(DIRECTED.evidence)).chunk])
    wrong = Fact(LEVY.id, "met", GABOR.id, frozenset({Evidence(chunk.id, 10_000, 10_010, "test", 0.9)}))
    [record] = store.document_records([chunk.document])
    store.write([Reading(record, tuple(store.chunks_of(record.id)), (GUY, LEVY, GABOR), (), (DIRECTED, wrong))])
    said = [named(GABOR, wrong), named(GUY, DIRECTED)]
    answer = answered("Who?", said, Named((LEVY,)), store, confidence=1.0)
    assert answer.text == "Free Guy"
    assert "'Pál Gábor' was said and left out: the sources do not have" in answer.reason
    assert len(answer.checked) == 1
    assert [bool(one.wrong) for one in check("Who?", said, Named((LEVY,)), store)] == [True, False]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("1,200 m", "1.2 km", True),
        ("95 min", "1 h 35 min", True),
        ("23 July 1968", "July 23, 1968", True),
        ("1970年7月30日", "30 July 1970", True),
        ("1968", "July 1968", False),
        ("1968", "1969", False),
        ("95 min", "95 m", False),
        ("Paris", "Paris", False),  # no value at all
    ],
)
def test_dates_and_numbers_are_the_same_by_value(one: str, other: str, same: bool) -> None:
    assert same_value(one, other) is same


def test_a_value_may_be_written_otherwise() -> None:
    day = Entity("Date", "23 July 1968")
    answer = answered(
        "When?", [named(day, fact(LEVY, "born_on", day), text="July 23, 1968")], Named((LEVY,)), STORE, confidence=1.0
    )
    assert answer.text == "23 July 1968"
    wrong = answered(
        "When?", [named(day, fact(LEVY, "born_on", day), text="July 24, 1968")], Named((LEVY,)), STORE, confidence=1.0
    )
    assert wrong.abstained


def test_ways_begin_where_they_should() -> None:
    assert walks((DIRECTED, BORN), MONTREAL.id) == GUY.id
    assert walks((DIRECTED,), GUY.id) == LEVY.id
    assert walks((BORN, DIRECTED), MONTREAL.id) is None
    assert walks((), MONTREAL.id) == MONTREAL.id


MADE_UP = Fact(LEVY.id, "invented", person("Ann").id)
ANY_FACT = st.sampled_from([*FACTS, MADE_UP])
ANY_ENTITY = st.sampled_from([*ENTITIES.values(), person("Ann")])
SAID = st.builds(
    lambda entity, facts, text: Said(Claim(text or name_shown(entity.name)), entity=entity, facts=tuple(facts)),
    ANY_ENTITY,
    st.lists(ANY_FACT, max_size=3),
    st.sampled_from(["", "", "", "Ann"]),
)


@given(st.lists(SAID, max_size=4), st.lists(ANY_ENTITY, max_size=2), st.booleans())
def test_nothing_that_is_answered_is_made_up(said: list[Said], topics: list[Entity], several: bool) -> None:
    answer = answered("?", said, Named(tuple(topics), several=several), STORE, confidence=0.5)
    assert several or {*topics}.isdisjoint(answer.entities)
    assert answer.abstained == (not answer.checked)
    held = {one.id for one in FACTS}
    assert {fact.id for path in answer.paths for fact in path.facts} <= held
    assert {entity.id for entity in answer.entities} <= ENTITIES.keys()
    assert answer.text == ", ".join(dict.fromkeys(entity.name for entity in answer.entities))
    for entity in answer.entities:
        assert any(entity.id in (path.facts[-1].subject, path.facts[-1].object) for path in answer.paths)
