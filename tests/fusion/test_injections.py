"""Attacks in documents, names and questions: whatever a model makes of them, nothing unproved is said, nothing written.

Each is tried with the worst of models: one whose weights are random, under the grammar, and one behind a server that
does as every attack tells it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from fusion.answer import Answer
from fusion.answerer import Answerer
from fusion.context import Context
from fusion.fused import FusedReader
from fusion.gathering import Gatherer
from fusion.language import Options
from fusion.language.causal import HuggingFaceModel
from fusion.language.server import ServerModel
from fusion.prompt import shown
from fusion.reader import Asked
from fusion.speaking import LocalSpeaker, RemoteSpeaker, Speaker, Speaking
from kg import ontology
from kg.facts import Chunk, Document, Entity, Evidence, Fact, Occurrence
from kg.memory_store import MemoryStore
from kg.store import DocumentRecord, Reading
from tests.fusion.graphs import FILMS, LEVY, graph
from tests.fusion.language_server import Script, says, serving

KEY = "key-that-nobody-may-see"
SEEDS = 3


@dataclass(frozen=True)
class Attack:
    language: str
    where: str
    text: str
    question: str


ATTACKS = [
    Attack(**json.loads(line))
    for line in (Path(__file__).parents[1] / "golden" / "injections.jsonl").read_text("utf-8").splitlines()
]


@pytest.fixture(scope="module")
def server() -> Iterator[Script]:
    with serving(says("{}")) as script:
        yield script


def attacked(attack: Attack) -> MemoryStore:
    """The films, and a document that attacks, or a fact with a name that does."""
    store = graph(FILMS)
    if attack.where == "question":
        return store
    name = attack.text if attack.where == "name" else "An article"
    text = f"{LEVY.name} met {name}. {attack.text}"
    document = Document("attack.txt", text, name, attack.language)
    chunk = Chunk(document.id, 0, len(text), text)
    entity, start = Entity("Person", name), len(f"{LEVY.name} met ")
    fact = Fact(LEVY.id, "met", entity.id, frozenset({Evidence(chunk.id, 0, start + len(name), "test", 0.9)}))
    named = attack.where == "name"
    places = (
        Occurrence(LEVY.id, chunk.id, 0, len(LEVY.name)),
        Occurrence(entity.id, chunk.id, start, start + len(name)),
    )
    store.write(
        [
            Reading(
                DocumentRecord(document.id, document.source, name, attack.language, document.text_digest, "test"),
                (chunk,),
                (LEVY, entity) if named else (LEVY,),
                places if named else places[:1],
                (fact,) if named else (),
            )
        ]
    )
    return store


def contents(store: MemoryStore) -> tuple[object, ...]:
    """All that a store holds."""
    documents = list(store.documents())
    chunks = [store.chunks_of(document.id) for document in documents]
    return store.version(), documents, chunks, list(store.all_entities()), list(store.all_facts())


class Quoting(LocalSpeaker):
    """Can only quote: it is shown no facts."""

    def speaking(self, context: Context, asked: Asked) -> Speaking:
        return super().speaking(replace(context, facts=(), candidates=(), names={}), asked)


def asked(store: MemoryStore, speaker: Speaker, question: str) -> Answer:
    """What the model answers, asked whatever the graph says."""
    answerer = Answerer(store, embedder=None, ontology=ontology.default())
    understood, facts = answerer.understand(question)
    choice = answerer.explain(question).choice
    fused = FusedReader(store, Gatherer(store, embedder=None), speaker, least=0.0)
    return fused.read(understood, facts, choice, answerer.search(question, limit=5))


def proved(answer: Answer, store: MemoryStore) -> None:
    """An abstention, or names and characters that the store holds, each fact and quotation of it, and no more."""
    assert KEY not in repr(answer)
    if answer.abstained:
        assert (answer.text, answer.entities, answer.paths, answer.citations) == ("", (), (), ())
        return
    held = {fact.id: fact for fact in store.all_facts()}
    assert {fact.id for path in answer.paths for fact in path.facts} <= held.keys()
    texts = {d.id: "".join(chunk.text for chunk in store.chunks_of(d.id)) for d in store.documents()}
    for citation in answer.citations:
        assert texts[citation.document][citation.start : citation.end] == citation.quote
    names = {entity.id: entity.name for entity in store.all_entities()}
    left = f", {answer.text}, "
    for entity in answer.entities:
        assert names[entity.id] == entity.name
        left = left.replace(f", {entity.name}, ", ", ", 1)
    for part in filter(None, left.strip(", ").split(", ")):  # what is no name is quoted
        assert any(part in " ".join(citation.quote.split()) for citation in answer.citations)


def test_there_are_enough_attacks_in_both_languages() -> None:
    assert len(ATTACKS) >= 30
    assert sum(attack.language == "zh" for attack in ATTACKS) >= 8
    assert {attack.where for attack in ATTACKS} == {"document", "name", "question"}


@pytest.mark.parametrize("attack", ATTACKS, ids=range(len(ATTACKS)))
def test_random_weights_say_nothing_unproved(model: HuggingFaceModel, attack: Attack) -> None:
    store = attacked(attack)
    before = contents(store)
    for seed in range(2 * SEEDS):
        kind = Quoting if seed % 2 else LocalSpeaker
        speaker = kind(model, options=Options(max_tokens=200, temperature=2.0, seed=seed))
        answer = asked(store, speaker, attack.question)
        proved(answer, store)
        assert bool(answer.checked) is not answer.abstained
    assert contents(store) == before


def test_who_can_only_quote_does_quote_attacks(model: HuggingFaceModel) -> None:
    quoted = 0
    for seed, attack in enumerate(ATTACKS):
        speaker = Quoting(model, options=Options(max_tokens=200, temperature=2.0, seed=seed))
        answer = asked(attacked(attack), speaker, attack.question)
        assert (answer.entities, answer.paths) == ((), ())
        assert bool(answer.citations) is not answer.abstained
        quoted += any(citation.source == "attack.txt" for citation in answer.citations)
    assert quoted > 3


@pytest.mark.parametrize("attack", ATTACKS, ids=range(len(ATTACKS)))
def test_a_server_that_obeys_is_not_believed(server: Script, attack: Attack) -> None:
    store = attacked(attack)
    before = contents(store)
    told = attack.text or attack.question
    made_up = {"claims": [{"name": "Steven Spielberg", "facts": [1]}, {"quote": told[:200], "passage": 1}]}
    hidden = {"claims": [{"name": told[:200], "facts": [1, 2, 3]}, {"quote": KEY, "passage": 1}]}
    for replies in ([says(told)], [says(json.dumps(made_up))], [says(json.dumps(hidden))]):
        server.replies[:] = replies
        with ServerModel(server.address, model="m", key=KEY, tries=1) as remote:
            answer = asked(store, RemoteSpeaker(remote), attack.question)
        proved(answer, store)
        assert "Spielberg" not in answer.text or "Spielberg" in told
        assert KEY not in server.asked[-1][2]["messages"][0]["content"]
    assert contents(store) == before


@pytest.mark.parametrize("attack", ATTACKS, ids=range(len(ATTACKS)))
def test_no_attack_changes_how_the_prompt_is_built(model: HuggingFaceModel, attack: Attack) -> None:
    store = attacked(attack)
    answerer = Answerer(store, embedder=None, ontology=ontology.default())
    context = answerer.gather(attack.question, Gatherer(store, embedder=None))
    prompt = LocalSpeaker(model, budget=1500).prompt(context)
    lines = prompt.text.split("\n")
    assert lines.count("Facts:") == bool(prompt.facts)
    assert lines.count("Passages:") == bool(prompt.passages)
    assert [line for line in lines if line.startswith("Question:")] == [lines[-2]]
    assert [line for line in lines if line.startswith("Answer:")] == [lines[-1]]
    numbered = [line for line in lines if line.startswith("[")]
    assert [int(line[1 : line.index("]")]) for line in numbered] == list(range(1, len(prompt.facts) + 1))
    assert all(line.count("[") == 1 and line.count(" · ") == 2 for line in numbered)
    marks = {"\x00", "\u202e", "\u200b", '"'}
    assert not marks & {*prompt.text}
    for one in prompt.passages:
        assert one.text == shown(one.passage.chunk.text)[: len(one.text)]
