"""What kind of thing a question asks for, by how it begins."""

import pytest

from fusion.asking import unfit, unsaid
from fusion.cues import Lexicon, asked
from fusion.question import link
from kg import ontology
from kg.facts import Entity
from tests.fusion.graphs import date, film, graph, person


@pytest.mark.parametrize(
    ("text", "other", "fit"),
    [
        (
            "What is the place of birth of the director of film Halo?",
            {"Date", "Person", "Occupation"},
            {"City", "Place"},
        ),
        ("What is the date of death of the composer of Halo?", {"Place", "Person"}, {"Date"}),
        ("What nationality is the performer of song Halo?", {"Person", "Date"}, {"Nationality", "Country"}),
        ("Which award did the director of Halo receive?", {"Person", "Place"}, {"Award"}),
        ("Which films did Bo Dahl direct?", {"Person", "Place"}, {"Film"}),
        ("Which signs does gout have?", {"Person"}, {"Symptom", "Disease"}),
        ("Tell me the place of birth of Bo Dahl", set(), {"Date", "Person"}),
        ("What did Bo Dahl make?", set(), {"Date", "Person", "Film"}),
        ("痛风有哪些症状？", set(), {"Disease", "Symptom"}),
    ],
)
def test_what_cannot_be_the_answer(text: str, other: set[str], fit: set[str]) -> None:
    known = ontology.default()
    found = unfit(text, Lexicon(known).cues(text, []), asked(text, known), known)
    assert found >= other
    assert not found & (fit | {"Thing"})


@pytest.mark.parametrize(
    ("question", "steps", "word"),
    [
        ("When did the director of Halo die?", ("directed_by", "born_on"), "die"),
        ("When was the director of Halo born?", ("directed_by", "born_on"), None),
        ("Who is the performer of Halo?", ("directed_by",), None),
        ("Who is the father of Ida Roe?", ("child",), None),
        ("Who is the maternal grandfather of Ida Roe?", ("child",), "maternal grandfather"),
        ("Who is the maternal grandfather of Ida Roe?", ("child", "born_on"), None),
        ("Who is the grandfather of Halo?", ("seen_by",), None),
        ("Ida Roe的外公是谁？", ("child",), "外公"),
        ("痛风的并发症有哪些症状？", ("complication", "symptom"), "并发症"),
        ("铅中毒的并发症有哪些症状？", ("complication", "symptom"), None),
    ],
)
def test_what_words_leave_no_choice_of(question: str, steps: tuple[str, ...], word: str | None) -> None:
    gout, lead = Entity("Disease", "痛风"), Entity("Disease", "铅中毒")
    store = graph(
        [
            (film("Halo"), "directed_by", person("Bo Dahl")),
            (person("Bo Dahl"), "born_on", date("3 May 1990")),
            (person("Bo Dahl"), "child", person("Ida Roe")),
            (film("Halo"), "seen_by", person("Ida Roe")),
            (lead, "complication", gout),
            (gout, "symptom", Entity("Symptom", "关节疼痛")),
            (lead, "symptom", Entity("Symptom", "头晕")),
        ]
    )
    known = ontology.default()
    links = link(store, known, question)
    facts = store.facts([entity.id for entity in store.all_entities()], limit=100)
    topic, path = links[0].entity.id, []
    for relation in steps:
        fact = next(one for one in facts if one.relation == relation and topic in (one.subject, one.object))
        topic = fact.object if fact.subject == topic else fact.subject
        path.append(fact)
    cue = unsaid(Lexicon(known).cues(question, links), links, [tuple(path)], known)
    assert (question[cue.start : cue.end] if cue else None) == word
