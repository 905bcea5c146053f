"""Examples from questions: what they are made of, what they teach, and what is counted."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from fusion.answerer import Answerer
from fusion.claims import NONE
from fusion.decode import Grammar
from fusion.evaluate import normalise
from fusion.gathering import Gatherer
from fusion.language.causal import HuggingFaceModel
from fusion.named import named
from fusion.planner.questions import Question
from fusion.speaking import LocalSpeaker
from fusion.tuning.curriculum import KINDS, Curriculum, Made, Wanted
from fusion.tuning.examples import Examples, read, write
from kg import ontology
from kg.memory_store import MemoryStore
from kg.store import GraphStore
from nlp.embed import MiniLM

GIVEN = (
    Question(1, "Who is the wife of Shawn Levy?", ("Serena Levy",), "Shawn Levy"),
    Question(2, "Is Shawn Levy Canadian?", ("yes",), "Shawn Levy"),
    Question(3, "Where was Pál Gábor born?", ("Budapest",), "Pál Gábor"),
)
WANTED = Wanted(40, languages=("en",))


@pytest.fixture(scope="module")
def speaker(model: HuggingFaceModel) -> LocalSpeaker:
    return LocalSpeaker(model)


@pytest.fixture(scope="module")
def curriculum(store: MemoryStore, embedder: MiniLM, speaker: LocalSpeaker) -> Curriculum:
    def answerer(of: GraphStore) -> Answerer:
        return Answerer(of, embedder=embedder, ontology=ontology.default())

    return Curriculum(store, speaker, answerer, ontology=ontology.default(), embedder=embedder)


def test_chains_are_told_with_whether_they_are_right(made: Made, tmp_path: Path) -> None:
    some = [(one, posed) for one, posed in zip(made.examples, made.posed, strict=True) if one.chains]
    assert {chain.right for one, _ in some for chain in one.chains} == {True, False}
    for one, posed in some:
        assert one.question == posed.text
        for chain in one.chains:
            assert not chain.right or normalise(chain.text.split(" · ")[-1]) in {*map(normalise, posed.gold)}
    write(tmp_path / "some.jsonl", Examples("test", made.examples))
    again = read(tmp_path / "some.jsonl").examples
    assert [(one.question, one.chains) for one in again] == [(one.question, one.chains) for one in made.examples]


@pytest.fixture(scope="module")
def made(curriculum: Curriculum) -> Made:
    return curriculum.make(WANTED, GIVEN)


def test_there_are_examples_of_every_kind(made: Made) -> None:
    kinds = Counter(made.kinds)
    assert set(kinds) == {*KINDS}
    assert kinds["generated"] == WANTED.of("generated")
    assert kinds["passages"] == WANTED.of("passages")
    for kind, counts in made.counts.items():
        assert kinds[kind] == sum(count for what, count in counts.items() if what.startswith("made"))
    assert made.counts["given"] == {
        "made: facts": 1, "made: none": 1, "dropped: answered by yes or no, or by nothing": 1,
    }  # fmt: skip


def test_every_target_is_what_the_grammar_of_its_prompt_has(
    made: Made, curriculum: Curriculum, store: MemoryStore, embedder: MiniLM, speaker: LocalSpeaker
) -> None:
    """The prompts of answering are those of training, and what is taught of them can be said."""
    answerer = Answerer(store, embedder=embedder, ontology=ontology.default())
    gatherer = Gatherer(store, embedder=embedder)
    checked = 0
    for example, posed, kind in zip(made.examples, made.posed, made.kinds, strict=True):
        if kind in ("generated", "given"):
            prompt = speaker.prompt(answerer.gather(posed.text, gatherer, topics=posed.topics))
            assert prompt.text == example.prompt
            asked, _ = answerer.understand(posed.text, topics=posed.topics)
            topics = named(asked.links)
            grammar = Grammar(
                prompt, speaker.model.vocabulary, ends=speaker.model.ends, topics=topics, unfit=asked.unfit
            )
            tokens = speaker.model.tokenize(example.target).ids
            for at, token in enumerate(tokens):
                assert token in grammar.allowed(tokens[:at])
            assert speaker.model.ends & {*grammar.allowed(tokens)}
            checked += 1
    assert checked > WANTED.of("generated")


def test_what_only_the_text_answers_is_quoted(made: Made) -> None:
    for example, posed, kind in zip(made.examples, made.posed, made.kinds, strict=True):
        if kind == "passages":
            assert example.target.startswith(' "')
            assert any(name in example.target for name in posed.gold)


def test_what_nothing_answers_is_none(made: Made, store: MemoryStore) -> None:
    names = {entity.id: entity.name for entity in store.all_entities()}
    for example, posed, kind in zip(made.examples, made.posed, made.kinds, strict=True):
        if kind == "unanswerable":
            assert example.target == f" {NONE}"
            assert posed.facts
            for subject, relation, object in posed.facts:
                assert f"{names[subject]} · {relation.replace('_', ' ')} · {names[object]}\n" not in example.prompt


def test_the_sources_of_questions_that_are_to_have_no_answer_are_withheld(
    curriculum: Curriculum, store: MemoryStore
) -> None:
    [source] = [hit.chunk for hit in store.search_chunks("Pál Gábor", limit=9) if "Pál Gábor born" in hit.chunk.text]
    asked = [Question(at, f"Where is Pál Gábor from? ({at})", ("Hungary",), "Pál Gábor") for at in range(40)]
    wanted = Wanted(8, {"unanswerable": 1.0}, languages=("en",))
    told = "Pál Gábor born on"
    known, unknown = (
        curriculum.make(wanted, asked, sources=sources) for sources in ({one.text: {source.id} for one in asked}, {})
    )
    texts = {one.text for one in asked}
    mine = [(one, posed) for one, posed in zip(known.examples, known.posed, strict=True) if posed.text in texts]
    assert mine
    for one, posed in mine:
        assert posed.sources == {source.id}
        assert one.target == f" {NONE}"
        assert told not in one.prompt
        assert "Pál Gábor · born" not in one.prompt
    assert not texts & {posed.text for posed in unknown.posed}  # what answers them is not known


def test_the_same_seed_makes_the_same(made: Made, curriculum: Curriculum) -> None:
    again, other = curriculum.make(WANTED, GIVEN), curriculum.make(replace(WANTED, seed=2), GIVEN)
    lines = [(one.prompt, one.target) for one in made.examples]
    assert lines == [(one.prompt, one.target) for one in again.examples]
    assert lines != [(one.prompt, one.target) for one in other.examples]
    assert Examples("e", made.examples).digest() == Examples("e", again.examples).digest()


def test_dev_asks_for_nothing_that_is_learned(made: Made, tmp_path) -> None:
    train, dev = made.split(0.3)
    assert train
    assert dev
    assert len(train) + len(dev) == len(made.examples)
    asked = {id(example): (posed.gold, posed.topics) for example, posed in zip(made.examples, made.posed, strict=True)}
    assert {asked[id(one)] for one in train}.isdisjoint(asked[id(one)] for one in dev)
    write(tmp_path / "train.jsonl", Examples("e", train))
    assert [one.target for one in read(tmp_path / "train.jsonl").examples] == [one.target for one in train]


@pytest.mark.parametrize(
    ("count", "shares", "why"), [(0, {}, "count"), (1, {"poems": 1.0}, "poems"), (1, {"given": 0.0}, "shares")]
)
def test_what_cannot_be_wanted(count: int, shares: dict[str, float], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Wanted(count, shares)
