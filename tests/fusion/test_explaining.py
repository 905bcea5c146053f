"""How and why: the nearest sentences, as they stand in their sources; and nothing where none is near."""

import pytest

from fusion.answerer import Answerer
from fusion.explaining import asks_to_explain
from kg import ontology
from kg.memory_store import MemoryStore
from nlp.embed import MiniLM
from tests.fusion.graphs import document

TEXTS = (
    "Low-rank adaptation\nLow-rank adaptation freezes the weights of a model. It trains two small matrices beside "
    "each, so that few parameters are learned. Microsoft published it in 2021.",
    "Catastrophic forgetting is the loss of old skills while a model learns new ones. It happens because new examples "
    "change the weights that the old skills rest on.",
    "灾难性遗忘\n微调可能导致灾难性遗忘：模型学会新任务以后，在旧任务上的表现下降。回放旧数据可以缓解它。",
)


@pytest.fixture(scope="module")
def answerer() -> Answerer:
    embedder = MiniLM(threads=1)
    store = MemoryStore()
    store.write([document(text, embedder) for text in TEXTS])
    return Answerer(store, embedder=embedder, ontology=ontology.default())


@pytest.mark.parametrize(
    ("question", "asks"),
    [
        ("How does low-rank adaptation work?", True),
        ("Why does forgetting happen?", True),
        ("What is the main role of the projector?", True),
        ("What happens when a model forgets?", True),
        ("Explain how matrices are trained.", True),
        ("如何缓解灾难性遗忘？", True),
        ("对抗训练有什么作用？", True),
        ("How many films did Shawn Levy direct?", False),
        ("How old is Shawn Levy?", False),
        ("Who directed Free Guy?", False),
        ("What is the place of birth of Shawn Levy?", False),
        ("Which film shows how volcanoes work?", False),
        ("李安执导了多少部电影？", False),
    ],
)
def test_what_asks_how_or_why(question: str, asks: bool) -> None:
    assert asks_to_explain(question) is asks


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("How does low-rank adaptation train few parameters of a model?", "It trains two small matrices"),
        ("Why does catastrophic forgetting happen?", "Catastrophic forgetting is the loss of old skills"),
        ("为什么会发生灾难性遗忘？", "微调可能导致灾难性遗忘"),
    ],
)
def test_it_is_explained_in_the_words_of_the_sources(answerer: Answerer, question: str, told: str) -> None:
    trace = answerer.explain(question)
    answer = trace.answer
    assert trace.by == "passages"
    assert told in answer.text
    assert answer.text == " ".join(citation.quote for citation in answer.citations)
    for citation in answer.citations:
        assert any(text[citation.start : citation.end] == citation.quote for text in TEXTS)
    assert 0 < answer.confidence <= 0.35


@pytest.mark.parametrize("question", ["How do volcanoes form?", "Why is the sky blue?", "为什么天空是蓝色的？"])
def test_nothing_is_quoted_that_is_not_near(answerer: Answerer, question: str) -> None:
    assert answerer.ask(question).abstained


def test_a_heading_explains_nothing(answerer: Answerer) -> None:
    answer = answerer.ask("How does low-rank adaptation train few parameters of a model?")
    assert "Low-rank adaptation\n" not in answer.text
    assert all(citation.quote.endswith(".") for citation in answer.citations)


def test_without_an_embedder_nothing_is_explained() -> None:
    embedder = MiniLM(threads=1)
    store = MemoryStore()
    store.write([document(text, embedder) for text in TEXTS])
    answerer = Answerer(store, embedder=None, ontology=ontology.default())
    assert answerer.explain("Why does catastrophic forgetting happen?").answer.abstained
