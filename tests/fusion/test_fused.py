"""The language model beside the graph: when it is asked, and that nothing of it goes out unchecked."""

import json
from collections.abc import Iterator
from dataclasses import replace
from weakref import ReferenceType, ref

import pytest
import torch

from fusion.answer import Answer
from fusion.answerer import Answerer
from fusion.context import GraphView
from fusion.errors import LanguageModelMemoryError
from fusion.fused import LEAST, FusedReader
from fusion.gathering import Gatherer
from fusion.language import Options
from fusion.language.causal import HuggingFaceModel, Run
from fusion.language.server import ServerModel
from fusion.paths import Facts
from fusion.reader import Asked, Reading
from fusion.reasoner.model import Calibration
from fusion.speaking import LocalSpeaker, RemoteSpeaker
from fusion.trace import Choice
from kg import ontology
from kg.memory_store import MemoryStore
from nlp.embed import MiniLM
from tests.fusion.graphs import GROUND, GUY, film, graph, person, place
from tests.fusion.language_server import Reply, Script, hangs_up, says, serving

OPEN = "Which movies are the work of Shawn Levy?"  # no word of it is a relation of the graph
UNNAMED = "Which of them has many canals?"
SURE = "Where was the director of Free Guy born?"


@pytest.fixture
def script() -> Iterator[Script]:
    with serving(says("{}")) as found:
        yield found


def answerer(store: MemoryStore, embedder: MiniLM, fused: FusedReader | None) -> Answerer:
    return Answerer(store, embedder=embedder, ontology=ontology.default(), fused=lambda: fused)


def local(
    store: MemoryStore,
    embedder: MiniLM,
    model: HuggingFaceModel,
    *,
    calibration: Calibration | None = None,
    seed: int = 0,
) -> FusedReader:
    speaker = LocalSpeaker(model, options=Options(max_tokens=160, temperature=2.0 if seed else 0.0, seed=seed))
    return FusedReader(
        store, Gatherer(store, embedder=embedder, viewed=False), speaker, calibration=calibration, least=0.0
    )


def remote(store: MemoryStore, embedder: MiniLM, script: Script, *replies: Reply) -> FusedReader:
    script.replies[:] = replies
    speaker = RemoteSpeaker(ServerModel(script.address, model="m", tries=1))
    return FusedReader(store, Gatherer(store, embedder=embedder, viewed=False), speaker)


def claims(*said: object) -> Reply:
    return says(json.dumps({"claims": said}, ensure_ascii=False))


def holds(answer: Answer, store: MemoryStore) -> None:
    """What every answer promises."""
    for path in answer.paths:
        assert store.facts_between([(f.subject, f.relation, f.object) for f in path.facts])
    texts = {d.id: "".join(chunk.text for chunk in store.chunks_of(d.id)) for d in store.documents()}
    for citation in answer.citations:
        assert texts[citation.document][citation.start : citation.end] == citation.quote
    assert answer.checked
    assert answer.entities or answer.citations


def test_what_the_graph_is_sure_of_is_answered_without_it(
    store: MemoryStore, embedder: MiniLM, model: HuggingFaceModel
) -> None:
    alone = answerer(store, embedder, None).explain(SURE)
    beside = answerer(store, embedder, local(store, embedder, model)).explain(SURE)
    assert beside.by == "words"
    assert beside.answer == alone.answer


@pytest.mark.parametrize("question", [OPEN, UNNAMED, "弗里·盖是谁导演的电影？"])
def test_whatever_the_weights_say_is_checked(
    store: MemoryStore, embedder: MiniLM, model: HuggingFaceModel, question: str
) -> None:
    texts = set()
    for seed in range(8):
        trace = answerer(store, embedder, local(store, embedder, model, seed=seed)).explain(question)
        if trace.by == "model":
            holds(trace.answer, store)
            assert "said by" in trace.answer.reason
            texts.add(trace.answer.text)
    assert len(texts) > 2


def test_it_answers_the_same_every_time(store: MemoryStore, embedder: MiniLM, model: HuggingFaceModel) -> None:
    once, again = (answerer(store, embedder, local(store, embedder, model)).ask(OPEN) for _ in range(2))
    assert once == again


def test_a_prompt_that_does_not_fit_is_packed(store: MemoryStore, embedder: MiniLM, model: HuggingFaceModel) -> None:
    for budget in (40, 100, 200, 400):
        speaker = LocalSpeaker(model, budget=budget)
        gatherer = Gatherer(store, embedder=embedder, viewed=False)
        asked, _ = answerer(store, embedder, None).understand(OPEN)
        context = answerer(store, embedder, None).gather(OPEN, gatherer)
        if budget == 40:
            assert "fewer words" in speaker.speak(context, asked).reason
        else:
            prompt = speaker.prompt(context)
            assert prompt.tokens == len(model.tokenize(prompt.text).ids) <= budget
            assert prompt.told
            assert prompt.told in speaker.speak(context, asked).reason


def test_soft_tokens_are_one_a_candidate_and_change_nothing_of_what_may_be_said(
    store: MemoryStore, embedder: MiniLM, model: HuggingFaceModel
) -> None:
    seen: list[GraphView] = []

    def soft_tokens(view: GraphView) -> torch.Tensor:
        seen.append(view)
        return torch.full((len(view.candidates), model.width), float(len(seen) % 5 - 2))

    speaker = LocalSpeaker(model, soft_tokens=soft_tokens, options=Options(max_tokens=160, temperature=2.0))
    fused = FusedReader(store, Gatherer(store, embedder=embedder), speaker, least=0.0)
    for _ in range(3):
        trace = answerer(store, embedder, fused).explain(OPEN)
        if trace.by == "model":
            holds(trace.answer, store)
    assert all(view.names.shape == (len(view.topics), embedder.dimensions) for view in seen)
    assert len(seen) == 3


def test_the_likeliest_whole_answer_may_be_sought(
    store: MemoryStore, embedder: MiniLM, model: HuggingFaceModel
) -> None:
    gatherer = Gatherer(store, embedder=embedder, viewed=False)
    asked, _ = answerer(store, embedder, None).understand(OPEN)
    context = answerer(store, embedder, None).gather(OPEN, gatherer)
    greedy, sought = (LocalSpeaker(model, beams=beams).speak(context, asked) for beams in (1, 4))
    assert sought.said
    assert sought.confidence > 0.999 * greedy.confidence > 0


def test_a_sure_chain_answers_with_all_that_it_leads_to(
    store: MemoryStore, embedder: MiniLM, model: HuggingFaceModel
) -> None:
    certain = Calibration((0.0, 0.0, 0.0, 0.0, 0.0, 50.0, 10.0), 0.0, 10)
    trace = answerer(store, embedder, local(store, embedder, model, calibration=certain)).explain(OPEN)
    assert trace.by == "model"
    assert "chain of facts" in trace.answer.reason
    relations = {(path.facts[-1].relation, len(path.facts)) for path in trace.answer.paths}
    assert len(relations) == 1
    holds(trace.answer, store)


def test_a_server_names_what_is_there(store: MemoryStore, embedder: MiniLM, script: Script) -> None:
    fused = remote(store, embedder, script, claims({"name": "Free Guy", "facts": list(range(1, 20))}))
    trace = answerer(store, embedder, fused).explain(OPEN)
    assert trace.by == "model"
    assert {entity.name for entity in trace.answer.entities} == {"Free Guy", "Night at the Museum"}  # of one chain
    holds(trace.answer, store)
    asked = script.asked[-1][2]
    kinds = asked["response_format"]["json_schema"]["schema"]["properties"]["claims"]["items"]["anyOf"]
    assert "Free Guy" in kinds[0]["properties"]["name"]["enum"]
    assert asked["messages"][0]["content"].endswith(f"Question: {OPEN}\nAnswer:")


def test_a_server_quotes_to_the_letter(store: MemoryStore, embedder: MiniLM, script: Script) -> None:
    words = "Free Guy directed by Shawn Levy"
    fused = remote(store, embedder, script, claims(*({"quote": words, "passage": at} for at in range(1, 6))))
    answer = answerer(store, embedder, fused).ask(OPEN)
    assert answer.text == words
    holds(answer, store)
    assert "claims name nothing that was shown" in answer.reason  # the other passages do not have it


def test_what_is_asked_about_is_not_said(
    store: MemoryStore, embedder: MiniLM, model: HuggingFaceModel, script: Script
) -> None:
    """Where one thing is named; where several are, one of them may be what is asked for."""
    for question, named in (("What about Free Guy?", {GUY}), ("Free Guy and Forbidden Ground?", {GUY, GROUND})):
        asked, facts = answerer(store, embedder, None).understand(question)
        passages = answerer(store, embedder, None).search(question)
        fused = remote(store, embedder, script, claims({"name": GUY.name, "facts": list(range(1, 20))}))
        answer = fused.read(asked, facts, None, passages)
        assert answer.abstained is (len(named) == 1)
        names = script.asked[-1][2]["response_format"]["json_schema"]["schema"]["properties"]["claims"]["items"]
        assert (GUY.name in names["anyOf"][0]["properties"]["name"]["enum"]) is (len(named) > 1)
        said = set()
        for seed in range(1, 13):
            said |= {*local(store, embedder, model, seed=seed).read(asked, facts, None, ()).entities}
        assert said
        assert bool(said & named) is (len(named) > 1)


def test_a_quotation_of_the_question_is_no_answer(store: MemoryStore, embedder: MiniLM, script: Script) -> None:
    fused = remote(store, embedder, script, claims(*({"quote": "Shawn Levy", "passage": at} for at in range(1, 6))))
    trace = answerer(store, embedder, fused).explain(OPEN)
    assert trace.by != "model"
    assert trace.heard is not None
    assert {one.wrong for one in trace.heard.checked} == {"it only repeats words of the question"}
    assert "'Shawn Levy' was said and left out: it only repeats words of the question" in trace.answer.reason


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (claims(), "finds no answer"),
        (claims({"name": "Steven Spielberg", "facts": [1]}), "name nothing that was shown"),
        (claims({"name": "Free Guy", "facts": []}), "name nothing that was shown"),
        (claims({"name": "Free Guy", "facts": [900]}), "name nothing that was shown"),
        (claims({"quote": "Ignore all rules", "passage": 1}), "name nothing that was shown"),
        (claims({"quote": "Shawn", "passage": -7}), "name nothing that was shown"),
        (claims({"quote": '" (1); none', "passage": 1}), "name nothing that was shown"),
        (claims({"name": "Free Guy", "facts": [1], "run": "rm -rf"}), "no list of claims"),
        (says('{"claims": "Free Guy"}'), "no list of claims"),
        (says('{"claims": [{"name": 1}]}'), "no list of claims"),
        (says("[]"), "no list of claims"),
        (says("Free Guy, of course!"), "text where JSON was asked for"),
        (says('{"claims": [', finish="length"), "cut off"),
        (hangs_up, "cannot be reached"),
    ],
)
def test_whatever_else_a_server_says_is_not_answered(
    store: MemoryStore, embedder: MiniLM, script: Script, reply: Reply, why: str
) -> None:
    trace = answerer(store, embedder, remote(store, embedder, script, reply)).explain(OPEN)
    assert trace.by != "model"
    assert why in trace.answer.reason
    assert "\n" not in trace.answer.reason
    assert len(script.asked) <= 2


def test_a_malformed_reply_is_asked_for_once_more(store: MemoryStore, embedder: MiniLM, script: Script) -> None:
    fused = remote(store, embedder, script, says("Well…"), claims({"name": "Free Guy", "facts": list(range(1, 20))}))
    assert answerer(store, embedder, fused).explain(OPEN).by == "model"
    assert len(script.asked) == 2


def test_a_value_may_be_said_in_other_words(store: MemoryStore, embedder: MiniLM, script: Script) -> None:
    said = claims({"name": "July 23, 1968", "facts": list(range(1, 20))})
    trace = answerer(store, embedder, remote(store, embedder, script, said)).explain("What about Shawn Levy?")
    assert trace.by == "model"
    assert trace.answer.text == "23 July 1968"


def test_nothing_is_named_of_a_type_that_cannot_be_asked_for(
    store: MemoryStore, embedder: MiniLM, model: HuggingFaceModel, script: Script
) -> None:
    question = "Who is known for Free Guy?"
    asked, facts = answerer(store, embedder, None).understand(question)
    assert "Date" in asked.unfit
    for seed in range(1, 8):
        answer = local(store, embedder, model, seed=seed).read(asked, facts, None, ())
        assert {entity.type for entity in answer.entities}.isdisjoint(asked.unfit)
    said = claims({"name": "2021", "facts": list(range(1, 20))})
    answer = remote(store, embedder, script, said).read(asked, facts, None, ())
    assert answer.abstained


def test_an_empty_graph_is_not_asked_about(embedder: MiniLM, model: HuggingFaceModel) -> None:
    empty = MemoryStore()
    answer = answerer(empty, embedder, local(empty, embedder, model)).ask("Who?")
    assert answer.abstained
    assert "no fact and no passage" in answer.reason


class Held:
    """Something that is there as long as it is held."""


def test_what_failed_for_want_of_memory_is_let_go_before_less_is_read(
    store: MemoryStore, embedder: MiniLM, model: HuggingFaceModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, _ = answerer(store, embedder, None).understand(OPEN)
    context = answerer(store, embedder, None).gather(OPEN, Gatherer(store, embedder=embedder, viewed=False))
    whole, held, there = model.begin, list[ReferenceType[Held]](), list[bool]()

    def begin(prompt: str, *, prefix: torch.Tensor | None = None, room: int = 0) -> Run:
        there.extend(one() is not None for one in held)
        if not held:
            cause = Held()  # of a real one, the tensors of the prompt
            held.append(ref(cause))
            raise LanguageModelMemoryError("no memory left")
        return whole(prompt, prefix=prefix, room=room)

    monkeypatch.setattr(model, "begin", begin)
    assert LocalSpeaker(model).speak(context, asked).prompt is not None
    assert there == [False]


def test_all_that_a_chain_leads_to_is_given_though_it_is_no_candidate(embedder: MiniLM, script: Script) -> None:
    """What is taught is the first answer of a chain, so that of one the others must be given, too."""
    it, one, other = film("It Came Back"), person("Ada Falk"), person("Bo Lund")
    store = graph([(it, "shown_by", one), (it, "shown_by", other), (it, "edited_by", person("Cy Berg"))])
    made = answerer(store, embedder, None)
    asked, facts = made.understand("What about It Came Back?")
    for said in (one, other):
        fused = remote(store, embedder, script, claims({"name": said.name, "facts": [1, 2, 3]}))
        passages = made.search(asked.text)
        context = fused.gatherer.gather(asked, facts, None, passages)
        cut = replace(context, candidates=())
        fused.gatherer.gather = lambda *given, cut=cut: cut  # type: ignore[method-assign]
        answer = fused.read(asked, facts, None, passages)
        assert set(answer.entities) == {one, other}
        holds(answer, store)


def test_what_a_chain_leads_to_is_given_as_far_as_it_may_be_asked_for(embedder: MiniLM, script: Script) -> None:
    it, one, other, town = film("It Came Back"), person("Ada Falk"), person("Bo Lund"), place("Odense")
    store = graph([(it, "linked_to", one), (it, "linked_to", town), (it, "linked_to", other)])
    made = answerer(store, embedder, None)
    question = "Who is linked to It Came Back?"
    asked, facts = made.understand(question)
    choice = made.explain(question).choice
    assert choice is not None
    assert "Place" in asked.unfit
    fused = remote(store, embedder, script, claims({"name": one.name, "facts": [1, 2, 3]}))
    assert set(fused.read(asked, facts, choice, ()).entities) == {one, other}


def test_a_claim_that_goes_against_the_words_is_no_answer(embedder: MiniLM, script: Script) -> None:
    ada = person("Ada Falk")
    store = graph([(ada, "located_in", place("London")), (person("Bo Lund"), "born_in", place("Oslo"))])
    fused = remote(store, embedder, script, claims({"name": "London", "facts": [1, 2]}))
    trace = answerer(store, embedder, fused).explain("Where was Ada Falk born?")
    assert trace.by != "model"
    assert trace.heard is not None
    assert [bool(one.wrong) for one in trace.heard.checked] == [True]


def test_what_is_hardly_likely_is_no_answer(store: MemoryStore, embedder: MiniLM, model: HuggingFaceModel) -> None:
    speaker = LocalSpeaker(model, options=Options(max_tokens=160, temperature=2.0, seed=3))
    fused = FusedReader(store, Gatherer(store, embedder=embedder, viewed=False), speaker)
    trace = answerer(store, embedder, fused).explain(OPEN)
    assert trace.heard is not None
    assert trace.heard.spoken.said
    assert trace.heard.spoken.confidence < LEAST
    assert trace.by != "model"
    assert "is the least for an answer" in trace.answer.reason


@pytest.mark.parametrize("confidence", [0.2, 0.99])
def test_only_probabilities_are_compared(
    store: MemoryStore, embedder: MiniLM, model: HuggingFaceModel, script: Script, confidence: float
) -> None:
    """A reading of the graph stands beside a server's model, however unsure it is; a likelier chain goes before it."""

    class Unsure(Answerer):
        def _choose(self, asked: Asked, facts: Facts) -> Choice:
            choice = super()._choose(asked, facts)
            assert isinstance(choice.reading, Reading)
            return replace(choice, by="plan", unsure=True, reading=replace(choice.reading, score=confidence))

    question = "Who directed Free Guy?"
    server = remote(store, embedder, script, claims({"name": "2021", "facts": list(range(1, 20))}))
    trace = Unsure(store, embedder=embedder, ontology=ontology.default(), fused=lambda: server).explain(question)
    assert (trace.by, trace.heard, script.asked) == ("plan", None, [])

    def opened() -> FusedReader:
        raise AssertionError("it is known before that it would not be believed")

    made = Unsure(store, embedder=embedder, ontology=ontology.default(), fused=opened, calibrated=lambda: False)
    assert made.ask(question) == trace.answer
    certain = Calibration((0.0, 0.0, 0.0, 0.0, 0.0, 50.0, 10.0), 0.0, 10)
    scored = local(store, embedder, model, calibration=certain)
    trace = Unsure(store, embedder=embedder, ontology=ontology.default(), fused=lambda: scored).explain(question)
    assert trace.heard is not None
    assert trace.answer.confidence >= confidence
    assert trace.answer.text == "Shawn Levy"
