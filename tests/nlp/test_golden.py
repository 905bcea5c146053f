"""Sentences with the facts that they must yield, no more and no less: the rules, the linker and the ontology at work.

The lines of tests/golden/*.jsonl hold a title (may be empty), a text, and triples of names. A line with no facts
is a text that must yield nothing.
"""

import json
from pathlib import Path

import pytest

from kg import ontology
from kg.facts import Chunk, Document
from nlp.gazetteer import Gazetteer
from nlp.language import parse
from nlp.link import NameLinker
from nlp.relations import RuleExtractor
from nlp.topics import declare

GOLDEN = Path(__file__).parents[1] / "golden"


def lines(name: str) -> list[dict]:
    return [json.loads(line) for line in (GOLDEN / name).read_text(encoding="utf-8").splitlines()]


def facts(document: Document) -> set[tuple[str, str, str]]:
    known = ontology.default()
    topic, gazetteer = declare(document), Gazetteer()
    chunk = Chunk(document.id, 0, len(document.text), document.text)
    parsed = next(parse([document.text], document.language))
    extraction = RuleExtractor(known).extract(chunk, parsed, topic=topic, gazetteer=gazetteer)
    assert {m for c in extraction.claims for m in (c.subject, c.object)} <= set(extraction.mentions)
    entities = NameLinker(known).link(document, topic, extraction.mentions, gazetteer).entities
    found = set()
    for claim in extraction.claims:
        assert 0 <= claim.start < claim.end <= len(document.text)
        assert 0 < claim.confidence <= 1
        subject, object = entities[claim.subject], entities[claim.object]
        if known.violation(subject.type, claim.relation, object.type) is None and subject != object:
            found.add((subject.name, claim.relation, object.name))
    return found


@pytest.mark.parametrize("line", lines("english.jsonl"), ids=lambda line: line["text"][:50])
def test_english(line):
    document = Document("golden", line["text"], line["title"], "en")
    assert facts(document) == {tuple(fact) for fact in line["facts"]}


@pytest.mark.parametrize("line", lines("chinese.jsonl"), ids=lambda line: line["text"][:20])
def test_chinese(line):
    document = Document("golden", line["text"], line["title"], "zh")
    assert facts(document) == {tuple(fact) for fact in line["facts"]}


def test_there_are_enough_and_some_yield_nothing():
    english, chinese = lines("english.jsonl"), lines("chinese.jsonl")
    assert len(english) >= 60
    assert len(chinese) >= 30
    assert sum(not line["facts"] for line in english) >= 8
    assert sum(not line["facts"] for line in chinese) >= 4


def test_a_place_goes_by_the_name_with_the_larger_place_too():
    text = "Ann Lee was born in Rosedale, Indiana."
    parsed = next(parse([text], "en"))
    topic = declare(Document("golden", text, "Ann Lee", "en"))
    extraction = RuleExtractor(ontology.default()).extract(
        Chunk("golden", 0, len(text), text), parsed, topic=topic, gazetteer=Gazetteer()
    )
    written = {text[m.start : m.end] for m in extraction.mentions if m.name == "Rosedale"}
    assert written == {"Rosedale", "Rosedale, Indiana"}
