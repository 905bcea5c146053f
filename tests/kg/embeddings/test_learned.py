"""A store's graph is learned, foretold and doubted; the graph itself stays what it was."""

from functools import partial
from pathlib import Path

import pytest

from kg import ontology
from kg.embeddings.config import Epoch, TrainConfig
from kg.embeddings.errors import NothingToLearnError, NotLearnedError
from kg.embeddings.learn import PROBE, WHOLE
from kg.embeddings.learn import learn as learn_all
from kg.embeddings.learned import LearnedGraph
from kg.embeddings.models import config_for
from kg.export import export_jsonl
from kg.facts import Chunk, Document, Entity, Evidence, Fact
from kg.memory_store import MemoryStore
from kg.store import DocumentRecord, Reading

learn = partial(learn_all, newcomers=False)  # for those see test_newcomers.py
CONFIG = TrainConfig(dimension=32, epochs=60, batch_size=100, patience=10)
COUNTRIES = [Entity("Country", name) for name in ("Lotharingia", "Burgundy", "Neustria")]
CITIES = [Entity("City", f"{country.name} City {n}") for country in COUNTRIES for n in range(3)]
PEOPLE = [Entity("Person", f"Person {n}") for n in range(120)]
UNKNOWN = 12  # people whose nation nobody says


def city(person: int) -> int:
    return person % len(CITIES)


def reading(source: str, stated: list[tuple[Entity, str, Entity]]) -> Reading:
    document = Document(source, "Somebody said so.")
    chunk = Chunk(document.id, 0, len(document.text), document.text)
    evidence = frozenset({Evidence(chunk.id, 0, 8, "test-1", 1.0)})
    return Reading(
        document=DocumentRecord(document.id, source, "", "en", document.text_digest, "test-1"),
        chunks=(chunk,),
        entities=tuple({end for head, _, tail in stated for end in (head, tail)}),
        facts=tuple(Fact(head.id, relation, tail.id, evidence) for head, relation, tail in stated),
    )


def kingdom() -> MemoryStore:
    """People are of the nation in whose cities they were born."""
    store = MemoryStore()
    stated = [(CITIES[c], "located_in", COUNTRIES[c // 3]) for c in range(len(CITIES))]
    stated += [(PEOPLE[p], "born_in", CITIES[city(p)]) for p in range(len(PEOPLE))]
    stated += [(PEOPLE[p], "citizen_of", COUNTRIES[city(p) // 3]) for p in range(UNKNOWN, len(PEOPLE))]
    store.write([reading("kingdom", stated)])
    return store


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> tuple[MemoryStore, Path]:
    store, folder = kingdom(), tmp_path_factory.mktemp("model")
    learn(store, folder, CONFIG)
    return store, folder


def test_what_is_missing_is_foretold_with_its_reason(learned: tuple[MemoryStore, Path]) -> None:
    store, folder = learned
    model = LearnedGraph(store, folder, ontology=ontology.default())
    right = 0
    for p in range(UNKNOWN):
        best = model.predict("citizen_of", subject=PEOPLE[p].id, limit=3)[0]
        assert 0 < best.probability < 1
        right += best.object == COUNTRIES[city(p) // 3].id
        if best.object == COUNTRIES[city(p) // 3].id:
            steps = best.reasons[0].path
            assert steps[0] == (PEOPLE[p].id, "born_in", CITIES[city(p)].id)
            assert steps[1] == (CITIES[city(p)].id, "located_in", best.object)
            assert best.reasons[0].holds > 50
    assert right >= UNKNOWN - 1


@pytest.mark.parametrize("scorer", ["rotate", "rgcn", "compgcn-complex"])
def test_other_scorers_learn_it_too(scorer: str, tmp_path: Path) -> None:
    store = kingdom()
    learn(store, tmp_path, config_for(scorer, dimension=32, epochs=60, batch_size=100, patience=10))
    model = LearnedGraph(store, tmp_path, ontology=ontology.default())
    best = [model.predict("citizen_of", subject=PEOPLE[p].id, limit=1)[0].object for p in range(UNKNOWN)]
    assert sum(best[p] == COUNTRIES[city(p) // 3].id for p in range(UNKNOWN)) >= 8  # by chance: 4


def test_a_scorer_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="complex, distmult"):
        config_for("simple")


def test_facts_are_not_foretold(learned: tuple[MemoryStore, Path]) -> None:
    store, folder = learned
    model = LearnedGraph(store, folder, ontology=ontology.default())
    held = {(fact.subject, fact.relation, fact.object) for fact in store.all_facts()}
    for country in COUNTRIES:
        found = model.predict("citizen_of", object=country.id, limit=20)
        assert found
        assert not {(one.subject, one.relation, one.object) for one in found} & held
        assert [one.probability for one in found] == sorted((one.probability for one in found), reverse=True)


def test_the_ontology_bounds_what_is_foretold(learned: tuple[MemoryStore, Path]) -> None:
    store, folder = learned
    model = LearnedGraph(store, folder, ontology=ontology.default())
    types = {entity.id: entity.type for entity in store.all_entities()}
    for one in model.predict("born_in", subject=PEOPLE[0].id, limit=100):
        assert types[one.object] in ("City", "Country")


def test_learning_leaves_the_graph_as_it_was(tmp_path: Path) -> None:
    store = kingdom()
    before, version = list(export_jsonl(store)), store.version()
    report = learn(store, tmp_path, TrainConfig(dimension=8, epochs=2))
    assert list(export_jsonl(store)) == before
    assert store.version() == version
    assert store.learned() == report.learned
    assert report.learned.version == version
    assert set(store.entity_vectors([PEOPLE[0].id])) == {PEOPLE[0].id}


def test_a_run_that_was_cut_short_is_taken_up(tmp_path: Path) -> None:
    whole, cut = kingdom(), kingdom()
    config = TrainConfig(dimension=16, epochs=6, batch_size=100)
    learn(whole, tmp_path / "whole", config)

    def stop(stage: str, epoch: Epoch) -> None:
        if (stage, epoch.number) == (WHOLE, 3):
            raise KeyboardInterrupt

    def count(stage: str, epoch: Epoch) -> None:
        told.append((stage, epoch.number))

    with pytest.raises(KeyboardInterrupt):
        learn(cut, tmp_path / "cut", config, watch=stop)
    told: list[tuple[str, int]] = []
    learn(cut, tmp_path / "cut", config, watch=count)
    assert PROBE not in {stage for stage, _ in told}  # that training had ended
    ids = [person.id for person in PEOPLE]
    assert cut.entity_vectors(ids) == whole.entity_vectors(ids)


def test_learning_the_same_again_changes_nothing(tmp_path: Path) -> None:
    store = kingdom()
    first = learn(store, tmp_path, TrainConfig(dimension=16, epochs=5))
    vectors = store.entity_vectors([person.id for person in PEOPLE])
    told: list[str] = []
    again = learn(store, tmp_path, TrainConfig(dimension=16, epochs=5), watch=lambda stage, epoch: told.append(stage))
    assert told == []
    assert store.entity_vectors([person.id for person in PEOPLE]) == vectors
    assert (again.dev, again.epochs) == (first.dev, first.epochs)


def test_a_strange_fact_is_doubted_first(tmp_path: Path) -> None:
    store = kingdom()
    strange = (PEOPLE[20], "citizen_of", CITIES[0])
    store.write([reading("gossip", [strange])])
    learn(store, tmp_path, CONFIG)
    doubts = LearnedGraph(store, tmp_path, ontology=ontology.default()).suspicious(limit=10)
    assert (strange[0].id, strange[1], strange[2].id) in {(d.subject, d.relation, d.object) for d in doubts[:3]}
    assert [doubt.deviation for doubt in doubts] == sorted(doubt.deviation for doubt in doubts)
    assert doubts[0].deviation < -2


def test_a_changed_graph_is_noticed_and_learned_on(tmp_path: Path) -> None:
    store = kingdom()
    learn(store, tmp_path, CONFIG)
    first = LearnedGraph(store, tmp_path, ontology=ontology.default())
    assert (first.stale, first.current()) == ("", True)
    newcomer = Entity("Person", "A Newcomer")
    store.write([reading("news", [(newcomer, "born_in", CITIES[4])])])
    known = store.learned()
    assert known is not None
    assert known.version != store.version()
    assert not first.current()
    model = LearnedGraph(store, tmp_path, ontology=ontology.default())
    assert model.stale.startswith("1 entity new; ")
    with pytest.raises(NotLearnedError, match="clew learn --update"):
        model.predict("citizen_of", subject=newcomer.id)
    assert model.predict("citizen_of", subject=PEOPLE[0].id)
    report = learn(store, tmp_path, CONFIG, update=True)
    assert report.carried == len(PEOPLE) + len(CITIES) + len(COUNTRIES)
    updated = LearnedGraph(store, tmp_path, ontology=ontology.default())
    assert updated.stale == ""
    assert updated.predict("citizen_of", subject=newcomer.id)[0].object == COUNTRIES[1].id


def test_what_cannot_be_done_is_said(tmp_path: Path) -> None:
    store = MemoryStore()
    with pytest.raises(NothingToLearnError):
        learn(store, tmp_path, CONFIG)
    with pytest.raises(NotLearnedError, match="clew learn"):
        LearnedGraph(store, tmp_path, ontology=ontology.default())


def test_an_unknown_relation_is_named(learned: tuple[MemoryStore, Path]) -> None:
    model = LearnedGraph(*learned, ontology=ontology.default())
    with pytest.raises(NotLearnedError, match=r"'loves'.*born_in"):
        model.predict("loves", subject=PEOPLE[0].id)


def test_a_graph_too_small_to_hold_facts_out(tmp_path: Path) -> None:
    store = MemoryStore()
    store.write([reading("small", [(PEOPLE[0], "knows", PEOPLE[1]), (PEOPLE[1], "knows", PEOPLE[1])])])
    report = learn(store, tmp_path, TrainConfig(dimension=8, epochs=5))
    assert report.dev is None
    assert report.calibration.examples == 0
    found = LearnedGraph(store, tmp_path, ontology=ontology.default()).predict("knows", subject=PEOPLE[0].id)
    assert [one.object for one in found if one.object == PEOPLE[1].id] == []
