"""Questions learned from a file and answered beside the plans: calibrated, each answer with facts of the store."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from api.assemble import Services
from api.explaining import explain
from api.settings import Settings
from fusion.answerer import Answerer
from fusion.errors import PlannerError
from fusion.paths import Facts
from fusion.planned import PlannedReader
from fusion.planner.learning import Trained, learn_questions
from fusion.planner.model import TOPIC, Asked, Planner, row_texts
from fusion.planner.questions import Question
from fusion.planner.training import Example
from fusion.question import link
from fusion.reader import Miss, Reading
from fusion.reasoned import Reasoned
from fusion.reasoner.fusing import fuse
from fusion.reasoner.learning import Look
from fusion.thought import SURE, familiar
from fusion.trace import Choice
from kg import ontology
from kg.memory_store import MemoryStore
from kg.mirror import mirror
from nlp.embed import MiniLM, Vectors
from tests.fusion.graphs import Statement, film, graph, person, place

FILMS = [film(f"{title} {n}") for title in ("Amber Road", "Paper Lantern", "Hollow Bell") for n in range(10, 28)]
PEOPLE = [person(f"{first} {last}") for first in ("Ida", "Otto", "Vera") for last in ("Falk", "Brandt", "Moser")]
PLACES = [place(name) for name in ("Tilburg", "Odense", "Girona", "Tartu")]
WORDS = {"directed_by": "who directed {}", "starring": "which star plays in {}"}


def statements() -> list[Statement]:
    told: list[Statement] = []
    for n, one in enumerate(FILMS):
        told.append((one, "starring", PEOPLE[n * 5 % 9]))
        told.append((one, "written_by", PEOPLE[n * 7 % 9]))
        if n % 3:  # who wrote a film directs it, also where it is not said
            told.append((one, "directed_by", PEOPLE[n * 7 % 9]))
    return told + [(one, "born_in", PLACES[n % 4]) for n, one in enumerate(PEOPLE)]


def questions() -> list[Question]:
    made = []
    for n, one in enumerate(FILMS):
        answers = {"directed_by": PEOPLE[n * 7 % 9], "starring": PEOPLE[n * 5 % 9]}
        for relation, words in WORDS.items():
            for end in ("", "?"):
                made.append(Question(len(made), words.format(one.name) + end, (answers[relation].name,)))
    return made


@pytest.fixture(scope="module")
def store() -> MemoryStore:
    return graph(statements())


@pytest.fixture(scope="module")
def trained(store: MemoryStore, embedder: MiniLM) -> Trained:
    return learn_questions(questions(), store, ontology.default(), embedder, graph=mirror(store), generated=0, epochs=3)


@pytest.fixture(scope="module")
def planned(store: MemoryStore, embedder: MiniLM, trained: Trained) -> PlannedReader:
    assert trained.learned_reasoner is not None
    reasoned = Reasoned(trained.planner, trained.learned_reasoner.reasoner, embedder)
    return PlannedReader(store, trained.planner, embedder, reasoned=reasoned)


def test_the_reasoner_is_calibrated_on_held_out_questions(trained: Trained) -> None:
    found = trained.learned_reasoner
    assert found is not None
    assert found.hits1 > 0.8
    assert found.reasoner.calibration is not None
    assert found.reasoner.calibration.questions == trained.own.held_out
    assert 0 <= found.reasoner.calibration.error < 0.3


def test_too_few_questions_train_no_reasoner(store: MemoryStore, embedder: MiniLM) -> None:
    few = learn_questions(
        questions()[:30], store, ontology.default(), embedder, graph=mirror(store), generated=0, epochs=1
    )
    assert few.learned_reasoner is None


def test_planner_and_reasoner_are_put_in_place_together(trained: Trained, tmp_path: Path) -> None:
    services = Services(Settings(store="memory:", model=tmp_path))
    files = services.planner_file, services.reasoner_file
    trained.save(*files)
    before = [file.read_bytes() for file in files]
    assert {file.name for file in tmp_path.iterdir()} == {file.name for file in files}
    other = replace(trained, planner=Planner(trained.planner.weights, trained.planner.relations, encoder="x", hops=1))
    unwritable = tmp_path / "reasoner.part"
    unwritable.mkdir()
    with pytest.raises(PlannerError, match="could not be written"):
        other.save(*files)
    assert [file.read_bytes() for file in files] == before
    unwritable.rmdir()
    replace(other, learned_reasoner=None).save(*files)  # that of another planner is not kept beside it
    assert not services.reasoner_file.exists()
    assert services.planner_file.read_bytes() != before[0]


def test_where_no_plan_is_sure_the_reasoner_answers(
    store: MemoryStore, embedder: MiniLM, planned: PlannedReader
) -> None:
    answerer = Answerer(store, embedder=embedder, ontology=ontology.default(), planned=lambda: planned)
    assert planned.reasoned is not None
    for n in (0, 3, 6):  # films whose director is not said
        text = f"Who directed {FILMS[n].name}?"
        asked, facts = answerer.understand(text)
        thought = planned.think(text, asked.links)
        unsure = Choice(Miss("no plan is sure"), "words", thought=thought, unsure=True)
        found = planned.reasoned.reconsider(unsure, asked, facts)
        assert found.by == "reasoner"
        assert isinstance(found.reading, Reading)
        assert SURE <= found.reading.score <= 1
        assert found.reading.entities[0] == PEOPLE[n * 7 % 9]
        for path in found.reading.paths:
            held = store.facts_between([(fact.subject, fact.relation, fact.object) for fact in path])
            assert len(held) == len(path) > 0
        assert planned.reasoned.reconsider(replace(unsure, unsure=False), asked, facts).by == "words"
        elsewhere = replace(asked, unfit=frozenset({"Person"}))
        assert planned.reasoned.reconsider(unsure, elsewhere, facts).by == "words"
        sure = replace(unsure, reading=replace(found.reading, score=1.0), by="plan")
        assert planned.reasoned.reconsider(sure, asked, facts).by == "plan"
        best = thought.plans[0]
        namesake = replace(best, link=replace(best.link, entity=PEOPLE[0]), answers=(best.topic,))
        either = replace(unsure, thought=replace(thought, plans=(*thought.plans, namesake)))
        assert planned.reasoned.reconsider(either, asked, facts) == either  # which is meant is asked


def test_what_is_answered_is_what_was_calibrated(store: MemoryStore, embedder: MiniLM, trained: Trained) -> None:
    assert trained.learned_reasoner is not None
    reasoner, weights = trained.learned_reasoner.reasoner, trained.planner.weights
    assert reasoner.calibration is not None
    weights = weights | {name: weights[name] * 0.05 for name in ("leave.weight", "leave.bias")}  # sure of no relation
    planner = Planner(weights, trained.planner.relations, encoder=embedder.name, hops=trained.planner.hops)
    planned, whole = PlannedReader(store, planner, embedder), mirror(store)
    look = Look(planner, reasoner, whole, embedder.encode(row_texts(whole.relations)))
    for one in (FILMS[1], FILMS[4]):  # who directs them has written them, too: several plans have one answer
        text = f"who directed {one.name}"
        masked = text.replace(one.name, TOPIC)
        asked = Asked.of(masked, embedder.tokens([masked])[0])
        seen = look(Example(asked, (whole.places[one.id],), frozenset()))
        calibrated = {whole.entities[found.place]: found for found in fuse(reasoner.calibration, seen)}
        thought = planned.think(text, [each for each in link(store, ontology.default(), text) if each.entity == one])
        guesses = Reasoned(planner, reasoner, embedder).think(text, thought, Facts(store))
        assert sum(guess.planned > 0 for guess in guesses) > 1
        for guess in guesses:
            expected = calibrated[guess.entity.id]
            assert guess.planned == pytest.approx(expected.planned, rel=1e-6)
            assert guess.probability == pytest.approx(expected.probability * familiar(planner.likeness(asked)))


def test_a_part_of_the_graph_is_said_to_be_one_and_words_are_encoded_once(
    store: MemoryStore, trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Heard(MiniLM):
        """Remembers what it encoded."""

        def encode(self, texts: Sequence[str]) -> Vectors:
            encoded.extend(texts)
            return super().encode(texts)

    encoded: list[str] = []
    heard = Heard(threads=1)
    monkeypatch.setattr("fusion.ground.NEARBY", 12)
    assert trained.learned_reasoner is not None
    reasoned = Reasoned(trained.planner, trained.learned_reasoner.reasoner, heard)
    near = PlannedReader(store, trained.planner, heard, reasoned=reasoned, mirrored=10)
    answerer = Answerer(store, embedder=heard, ontology=ontology.default(), planned=lambda: near)
    for n in (0, 3, 6):
        asked, facts = answerer.understand(f"Who directed {FILMS[n].name}?")
        thought = near.think(asked.text, asked.links)
        unsure = Choice(Miss("no plan is sure"), "words", thought=thought, unsure=True)
        found = reasoned.reconsider(unsure, asked, facts)
        assert found.by == "reasoner"
        assert found.reading.reason.startswith("no plan was sure; reasoned from what lies near; walked among the ")
        assert "not in the whole graph" in found.reading.reason
    assert "written by" in encoded
    assert len(encoded) == len(set(encoded))


def test_a_question_about_nothing_of_the_kind_is_not_reasoned_over(
    store: MemoryStore, embedder: MiniLM, planned: PlannedReader
) -> None:
    answerer = Answerer(store, embedder=embedder, ontology=ontology.default(), planned=lambda: planned)
    answer = answerer.ask(f"How many grams of sugar does the recipe of {FILMS[1].name} need per litre of cold milk?")
    assert answer.abstained


def test_a_reasoner_of_another_encoder_is_refused(store: MemoryStore, planned: PlannedReader, trained: Trained) -> None:
    assert trained.learned_reasoner is not None

    class Other(MiniLM):
        name = "other-encoder"  # type: ignore[assignment]

    with pytest.raises(PlannerError, match="trained with the encoder"):
        Reasoned(trained.planner, trained.learned_reasoner.reasoner, Other())


def test_what_was_learned_is_kept_used_and_explained(store: MemoryStore, trained: Trained, tmp_path: Path) -> None:
    assert trained.learned_reasoner is not None
    services = Services(Settings(store="memory:", model=tmp_path / "model"), store=store)
    trained.planner.save(services.planner_file)
    trained.learned_reasoner.reasoner.save(services.reasoner_file)
    found = explain(services, f"who directed {FILMS[3].name}")
    assert found.reasoner
    best = found.reasoner[0]
    assert 0 <= best.probability <= 1
    assert best.path[0].subject == FILMS[3].name
    services.reasoner_file.write_bytes(b"damaged")
    with pytest.raises(PlannerError, match=r"reasoner in .* cannot be read"):
        explain(services, f"who directed {FILMS[3].name}")
    services.reasoner_file.unlink()
    assert explain(services, f"who directed {FILMS[3].name}").reasoner == []
