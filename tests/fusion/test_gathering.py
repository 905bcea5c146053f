"""What is gathered for a question is the store's own, bounded, the best first, and the same every time."""

from dataclasses import replace

import numpy as np
import pytest

from fusion.answerer import Answerer
from fusion.context import Context
from fusion.gathering import CANDIDATES, FACTS, LEAST, PASSAGES, Gatherer, VectorsKept
from fusion.reasoned import Guess
from kg import ontology
from kg.memory_store import MemoryStore
from kg.store import Learned
from nlp.embed import MiniLM, Vectors
from tests.fusion.graphs import FILMS, GUY, LEVY, film, graph, person, place


class Counting(MiniLM):
    """An encoder that counts the texts that it is given."""

    encoded = 0

    def encode(self, texts: "list[str]") -> Vectors:  # type: ignore[override]
        self.encoded += len(texts)
        return super().encode(texts)


@pytest.fixture(scope="module")
def embedder() -> Counting:
    return Counting(threads=1)


@pytest.fixture(scope="module")
def store(embedder: Counting) -> MemoryStore:
    return graph(FILMS, embedder=embedder)


@pytest.fixture(scope="module")
def answerer(store: MemoryStore, embedder: Counting) -> Answerer:
    return Answerer(store, embedder=embedder, ontology=ontology.default())


def gathered(answerer: Answerer, gatherer: Gatherer, question: str) -> Context:
    asked, facts = answerer.understand(question)
    choice = answerer.explain(question).choice
    return gatherer.gather(asked, facts, choice, answerer.search(question))


def holds(context: Context, store: MemoryStore) -> None:
    """What every context promises."""
    assert len(context.facts) <= FACTS
    assert len(context.passages) <= PASSAGES
    assert len(context.candidates) <= CANDIDATES
    ids = [fact.id for fact in context.facts]
    assert len(set(ids)) == len(ids)
    triples = [(fact.subject, fact.relation, fact.object) for fact in context.facts]
    assert {fact.id for fact in store.facts_between(triples)} == set(ids)
    assert {end for fact in context.facts for end in (fact.subject, fact.object)} <= context.names.keys()
    for guess in context.candidates:
        assert {fact.id for fact in guess.path} <= set(ids)
        assert guess.entity.id in {guess.path[-1].subject, guess.path[-1].object}
    view, names = context.view, list(context.names)
    n, e, c = len(names), len(context.facts), len(context.candidates)
    assert view.names.shape[0] == view.vectors.shape[0] == view.topics.shape[0] == n
    assert view.subjects.shape == view.rows.shape == view.objects.shape == (e,)
    assert view.scores.shape == (c, 3)
    assert np.isfinite(view.scores).all()
    assert [names[at] for at in view.subjects] == [fact.subject for fact in context.facts]
    assert [names[at] for at in view.objects] == [fact.object for fact in context.facts]
    assert [names[at] for at in view.candidates] == [guess.entity.id for guess in context.candidates]
    assert view.rows.max(initial=-1) < len(view.relations)


@pytest.mark.parametrize(
    "question",
    [
        "Where was the director of Free Guy born?",
        "Which films did Shawn Levy direct?",
        "Who lives in the house of Free Guy?",
        "What is the meaning of life?",
        "弗里·盖的导演是谁？",
    ],
)
def test_what_every_context_promises(answerer: Answerer, store: MemoryStore, embedder: Counting, question: str) -> None:
    gatherer = Gatherer(store, embedder=embedder)
    context = gathered(answerer, gatherer, question)
    holds(context, store)
    again = gathered(answerer, Gatherer(store, embedder=embedder), question)
    assert (again.facts, again.passages, again.candidates) == (context.facts, context.passages, context.candidates)
    assert np.array_equal(again.view.names, context.view.names)


def test_no_chance_is_more_than_certain(answerer: Answerer, store: MemoryStore, embedder: Counting) -> None:
    asked, facts = answerer.understand("Where was the director of Free Guy born?")
    choice = answerer.explain(asked.text).choice
    assert choice is not None
    [fact] = store.facts_between([(GUY.id, "directed_by", LEVY.id)])
    guess = Guess(LEVY, 1.0 + 1e-6, 1.5, -0.5, True, (fact,))  # as rounding, or a sum of plans, may leave them
    context = Gatherer(store, embedder=embedder).gather(asked, facts, replace(choice, guesses=(guess,)), ())
    assert (context.view.scores[0] == np.log(np.array([1.0, LEAST, 1.0], np.float32))).all()


def test_what_leads_to_candidates_comes_first(answerer: Answerer, store: MemoryStore, embedder: Counting) -> None:
    context = gathered(answerer, Gatherer(store, embedder=embedder), "Where was the director of Free Guy born?")
    best = context.candidates[0]
    assert best.entity.name == "Montreal"
    assert context.facts[:2] == best.path
    topics = dict(zip(context.names, context.view.topics.tolist(), strict=True))
    assert topics[GUY.id] == 1.0
    assert topics[LEVY.id] == 0.0


def test_facts_near_the_question_come_before_others(answerer: Answerer, store: MemoryStore, embedder: Counting) -> None:
    context = gathered(answerer, Gatherer(store, embedder=embedder), "In which nation does Shawn Levy hold a passport?")
    relations = [fact.relation for fact in context.facts if LEVY.id in (fact.subject, fact.object)]
    assert relations[0] in ("nationality", "born_in")
    assert [guess.entity.id for guess in context.candidates]  # what the nearest facts join Levy to


def test_names_are_encoded_once(answerer: Answerer, store: MemoryStore, embedder: Counting) -> None:
    gatherer = Gatherer(store, embedder=embedder)
    question = "Where was the director of Free Guy born?"
    asked, facts = answerer.understand(question)
    gatherer.gather(asked, facts, None, ())
    before = embedder.encoded
    gatherer.gather(asked, facts, None, ())
    assert embedder.encoded == before


def test_no_more_vectors_are_kept_than_may_be(embedder: Counting) -> None:
    kept = VectorsKept(embedder, most=2)
    found = kept.of(["a", "b", "c"])
    before = embedder.encoded
    assert np.array_equal(kept.of(["b", "c"]), found[1:])
    assert embedder.encoded == before
    kept.of(["a"])
    assert embedder.encoded == before + 1


def test_without_an_encoder_words_decide(store: MemoryStore) -> None:
    answerer = Answerer(store, embedder=None, ontology=ontology.default())
    context = gathered(answerer, Gatherer(store, embedder=None), "Where was the director of Free Guy born?")
    holds(context, store)
    assert context.view.names.shape[1] == 0
    assert context.candidates[0].entity.name == "Montreal"


def test_what_was_learned_of_entities_is_seen(embedder: Counting) -> None:
    store = graph(FILMS, embedder=embedder)
    store.write_learned(Learned("m", "2026-01-01T00:00:00Z", store.version(), 2, 0), [(LEVY.id, (0.5, -1.0))])
    answerer = Answerer(store, embedder=embedder, ontology=ontology.default())
    context = gathered(answerer, Gatherer(store, embedder=embedder), "Who directed Free Guy?")
    vectors = dict(zip(context.names, context.view.vectors.tolist(), strict=True))
    assert vectors[LEVY.id] == [0.5, -1.0]
    assert vectors[GUY.id] == [0.0, 0.0]
    bare = gathered(answerer, Gatherer(store, embedder=embedder, viewed=False), "Who directed Free Guy?")
    assert bare.view.vectors.shape[1] == bare.view.names.shape[1] == 0


def test_much_of_one_relation_leaves_room_for_others(embedder: Counting) -> None:
    hub, home = person("Ada Falk"), place("Odense")
    store = graph([*((film(f"Film {at:03}"), "directed_by", hub) for at in range(300)), (hub, "born_in", home)])
    answerer = Answerer(store, embedder=embedder, ontology=ontology.default())
    asked, facts = answerer.understand("What does Ada Falk direct?")
    context = Gatherer(store, embedder=embedder).gather(asked, facts, None, ())
    holds(context, store)
    assert "born_in" in {fact.relation for fact in context.facts}
    assert len(context.facts) == FACTS
