"""The default model under the grammar: its own tokens, its own likelihoods."""

import pytest

from fusion.answerer import Answerer
from fusion.claims import Claim, written
from fusion.decode import Grammar
from fusion.fused import FusedReader
from fusion.gathering import Gatherer
from fusion.language import open_model
from fusion.language.causal import HuggingFaceModel
from fusion.prompt import assemble, name_shown
from fusion.speaking import LocalSpeaker
from kg import ontology
from nlp.embed import MiniLM
from tests.fusion.contexts import context
from tests.fusion.graphs import FILMS, film, graph, person

NAMES = (
    "李安",
    "Ståle Storløkken",
    'The "Matrix" [1999]',
    "A.I.; none",
    "½ 🙂 m²",
    "O'Neill-Smith & Söhne, Inc.",
    "none",
)
TEXTS = (
    "Turing (1912–1954) said: “Can machines think?” In 1936, at King's College, he’d shown that some can’t decide.",
    "糖尿病有什么症状？多饮、多尿、多食和体重下降；北京协和医院于1921年成立。",
)


@pytest.fixture(scope="module")
def model() -> HuggingFaceModel:
    found = open_model(device="cpu")
    assert isinstance(found, HuggingFaceModel)
    return found


@pytest.mark.slow
def test_all_that_may_be_said_can_be_written_as_it_is_taught(model: HuggingFaceModel) -> None:
    it = film("It")
    prompt = assemble(context([(it, "starring", person(name)) for name in NAMES], TEXTS), model.tokenize, budget=2000)
    claims = [Claim(name_shown(name), (at,)) for at, name in enumerate(NAMES, start=1)]
    assert len(prompt.facts) == len(NAMES)
    for number, one in enumerate(prompt.passages, start=1):
        grammar = Grammar(prompt)
        for start in range(0, len(one.text), 3):
            for end in range(start + 1, min(start + 40, len(one.text) + 1), 4):
                claim = prompt.quotation(number, start, end)
                assert claim is not None
                if grammar.parse(f" {written([claim])}".encode()) is not None:
                    claims.append(claim)
    assert len(claims) > 60
    for claim in claims:
        grammar = Grammar(prompt, model.vocabulary, ends=model.ends, tokenize=model.tokenize)
        tokens = model.tokenize(f" {written([claim])}").ids
        for at, token in enumerate(tokens):
            assert token in grammar.allowed(tokens[:at]), (claim, tokens[:at])
        assert model.ends <= set(grammar.allowed(tokens))
        said = grammar.read(tokens)
        assert said is not None
        assert [one.claim for one in said] == [claim]


@pytest.mark.slow
def test_its_answers_are_checked(model: HuggingFaceModel) -> None:
    embedder = MiniLM(threads=1)
    store = graph(FILMS, embedder=embedder)
    fused = FusedReader(store, Gatherer(store, embedder=embedder, viewed=False), LocalSpeaker(model))
    answerer = Answerer(store, embedder=embedder, ontology=ontology.default(), fused=lambda: fused)
    trace = answerer.explain("Which movies are the work of Shawn Levy?")
    assert trace.by == "model"
    assert trace.answer.checked
    assert trace.answer == answerer.ask("Which movies are the work of Shawn Levy?")
