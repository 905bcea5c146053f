"""Examples from questions: what they are made of, what they teach, and what is counted."""

from collections import Counter
from dataclasses import replace

import pytest

from fusion.answerer import Answerer
from fusion.claims import NONE
from fusion.context import Context
from fusion.decode import Grammar
from fusion.gathering import Gatherer
from fusion.language import open_model
from fusion.language.causal import HuggingFaceModel
from fusion.language.protocol import Tokens
from fusion.planner.questions import Question
from fusion.prompt import Prompt, assemble
from fusion.speaking import LocalSpeaker
from fusion.tuning.curriculum import KINDS, Curriculum, Made, Wanted
from fusion.tuning.examples import Examples, read, write
from fusion.tuning.targets import Target, accepted, target
from kg import ontology
from kg.memory_store import MemoryStore
from kg.store import GraphStore
from nlp.embed import MiniLM
from tests.fusion import tiny_model
from tests.fusion.contexts import context
from tests.fusion.graphs import FILMS, GABOR, GUY, LEVY, NIGHT, date, graph, person, place

GIVEN = (
    Question(1, "Who is the wife of Shawn Levy?", ("Serena Levy",), "Shawn Levy"),
    Question(2, "Is Shawn Levy Canadian?", ("yes",), "Shawn Levy"),
    Question(3, "Where was Pál Gábor born?", ("Budapest",), "Pál Gábor"),
)
WANTED = Wanted(40, languages=("en",))
MONTREAL = place("Montreal")


@pytest.fixture(scope="module")
def embedder() -> MiniLM:
    return MiniLM(threads=1)


@pytest.fixture(scope="module")
def store(embedder: MiniLM) -> MemoryStore:
    return graph(FILMS, embedder=embedder)


@pytest.fixture(scope="module")
def speaker(tmp_path_factory: pytest.TempPathFactory) -> LocalSpeaker:
    model = open_model(str(tiny_model.write(tmp_path_factory.mktemp("model"), context=2048)), device="cpu")
    assert isinstance(model, HuggingFaceModel)
    return LocalSpeaker(model)


@pytest.fixture(scope="module")
def curriculum(store: MemoryStore, embedder: MiniLM, speaker: LocalSpeaker) -> Curriculum:
    def answerer(of: GraphStore) -> Answerer:
        return Answerer(of, embedder=embedder, ontology=ontology.default())

    return Curriculum(store, speaker, answerer, ontology=ontology.default(), embedder=embedder)


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
        "made: chain": 1, "made: none": 1, "dropped: answered by yes or no, or by nothing": 1,
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
            grammar = Grammar(prompt, speaker.model.vocabulary, ends=speaker.model.ends)
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


STATEMENTS = (
    (GUY, "directed_by", LEVY),
    (NIGHT, "directed_by", LEVY),
    (LEVY, "born_in", MONTREAL),
    (GABOR, "born_in", MONTREAL),
    (LEVY, "born_on", date("23 July 1968")),
)
TEXTS = ("Gábor, from Montreal, made films.", "Shawn Levy was born in montreal on July 23, 1968. Is there no other?")


def taught(gold: tuple[str, ...], *, ways=(), texts=TEXTS, statements=STATEMENTS) -> Target:
    given = context(statements, texts, ways=ways)
    names = {one.id: one for one in (GUY, NIGHT, LEVY, GABOR, MONTREAL)} | dict(given.names)
    view = replace(given.view, topics=[1.0 if id == LEVY.id else 0.0 for id in given.names])
    given = replace(given, view=view, names={id: names[id] for id in given.names})
    found = target(prompt := packed(given), given, gold)
    assert accepted(prompt, found)
    return found


def packed(given: Context) -> Prompt:
    def tokenize(text: str) -> Tokens:
        return Tokens(tuple(range(len(text))), tuple((at, at + 1) for at in range(len(text))))

    return assemble(given, tokenize, budget=4000)


def test_the_chain_that_gives_most_answers() -> None:
    ways = [(GUY, [2, 0]), (GUY, [0]), (NIGHT, [1]), (MONTREAL, [2])]
    found = taught(("Free Guy", "Night at the Museum"), ways=ways)
    assert found == Target(found.claims, "chain")
    assert found.text == " Free Guy [1]; Night at the Museum [2]"
    assert taught(("Free Guy",), ways=ways).text == " Free Guy [3][1]"  # leads to nothing else


def test_else_a_fact_of_what_is_asked_about() -> None:
    found = taught(("montreal",))
    assert (found.by, found.text) == ("fact", " Montreal [3]")
    assert taught(("July 23, 1968",)).text == " 23 July 1968 [5]"


def test_else_the_characters_of_a_passage_that_names_it() -> None:
    found = taught(("Montreal",), statements=STATEMENTS[:2])
    assert (found.by, found.text) == ("quotation", ' "montreal" (2)')
    assert taught(("23 July 1968",), statements=STATEMENTS[:2]).text == ' "July 23, 1968" (2)'


def test_never_a_part_of_a_word() -> None:
    assert taught(("real",), statements=STATEMENTS[:2]).by == "none"
    assert taught(("",), statements=STATEMENTS[:2]).by == "none"


def test_else_a_mention_else_nothing() -> None:
    assert taught(("Pál Gábor",), texts=TEXTS[1:]).by == "mention"
    assert taught((person("Ann Lee").name,)).text == f" {NONE}"
