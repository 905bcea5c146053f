"""The steps of an answer as they are taken: pieces of what will be said, void where it begins anew."""

from collections.abc import Sequence

import pytest
from torch import Tensor

from fusion.answerer import Answerer
from fusion.errors import LanguageModelError, LanguageModelMemoryError
from fusion.fused import FusedReader
from fusion.gathering import Gatherer
from fusion.language.causal import HuggingFaceModel, Run
from fusion.outcome import outcome
from fusion.speaking import LocalSpeaker
from fusion.steps import Given, Linked, Piece
from kg import ontology
from kg.memory_store import MemoryStore
from tests.fusion.graphs import FILMS, graph

OPEN = "Which movies are the work of Shawn Levy?"  # no word of it is a relation of the graph


@pytest.fixture(scope="module")
def store() -> MemoryStore:
    return graph(FILMS)


def answerer(store: MemoryStore, model: HuggingFaceModel, *, beams: int = 1) -> Answerer:
    gatherer = Gatherer(store, embedder=None, viewed=False)
    fused = FusedReader(store, gatherer, LocalSpeaker(model, beams=beams), least=0.0)
    return Answerer(store, embedder=None, ontology=ontology.default(), fused=lambda: fused)


def test_a_stream_returns_what_is_generated_at_once(model: HuggingFaceModel) -> None:
    whole = model.generate("Paris is")
    assert "".join(model.stream("Paris is")) == whole.text
    assert outcome(model.stream("Paris is")) == whole


@pytest.mark.parametrize("beams", [1, 2])
def test_the_steps_lead_to_the_answer(store: MemoryStore, model: HuggingFaceModel, beams: int) -> None:
    made = answerer(store, model, beams=beams)
    linked, given, *pieces, answer = made.stream(OPEN)
    assert isinstance(linked, Linked)
    assert "Shawn Levy" in [one.entity.name for one in linked.links]
    assert isinstance(given, Given)
    assert given.prompt.facts
    assert pieces
    assert all(isinstance(piece, Piece) for piece in pieces)
    assert answer == made.ask(OPEN)


def test_who_closes_it_ends_the_writing_and_gives_up_the_turn(store: MemoryStore, model: HuggingFaceModel) -> None:
    made = answerer(store, model)
    stream = made.stream(OPEN)
    while not isinstance(next(stream), Piece):
        pass
    stream.close()
    assert made.ask(OPEN) == list(made.stream(OPEN))[-1]  # it would wait for ever


def test_a_question_within_an_answer_is_refused_and_does_not_wait_for_ever(
    store: MemoryStore, model: HuggingFaceModel
) -> None:
    made = answerer(store, model)
    stream = made.stream(OPEN)
    while not isinstance(next(stream), Piece):
        pass
    with pytest.raises(LanguageModelError, match="read that to its end"):
        made.ask(OPEN)
    stream.close()
    assert made.ask(OPEN).reason


def test_without_memory_it_reads_less_and_then_says_so(
    store: MemoryStore, model: HuggingFaceModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, sizes, most = model._begin, list[int](), 300

    def begin(ids: Sequence[int], prefix: Tensor | None) -> Run:
        sizes.append(len(ids))
        if len(ids) > most:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")  # as torch says it on a processor
        return whole(ids, prefix)

    monkeypatch.setattr(model, "_begin", begin)
    steps = list(answerer(store, model).stream(OPEN))
    assert sizes[0] > most >= sizes[-1]
    given = [step for step in steps if isinstance(step, Given)]
    assert len(given) == len(sizes)
    assert given[-1].prompt.tokens < given[0].prompt.tokens
    most = 0
    with pytest.raises(LanguageModelMemoryError, match="no memory left"):
        answerer(store, model).ask(OPEN)


def test_what_else_goes_wrong_is_not_taken_for_want_of_memory(
    model: HuggingFaceModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def begin(ids: Sequence[int], prefix: Tensor | None) -> Run:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(model, "_begin", begin)
    with pytest.raises(RuntimeError, match="mat1"):
        model.generate("Paris")
