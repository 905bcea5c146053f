"""Facts that the graph lacks and its learned vectors expect: used when they are asked for, marked, and never else."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.assemble import Services
from api.display import Display
from api.settings import Settings
from fusion.planner.learning import learn_questions
from fusion.planner.questions import Question
from fusion.trace import Trace
from fusion.verify import verify
from kg import ontology
from kg.facts import Entity, Fact
from kg.memory_store import MemoryStore
from kg.mirror import mirror
from tests.fusion.graphs import Statement, film, graph, person

COUNTRIES = [Entity("Country", name) for name in ("Lotharingia", "Burgundy")]
TOWNS = [Entity("City", name) for name in ("Metz", "Toul", "Autun", "Lyon")]
PEOPLE = [person(f"Anna Falk {number}") for number in range(120)]
FILMS = [film(f"Amber Road {number}") for number in range(120)]
WITHOUT = range(4)  # people of whom no document says the nation


def statements() -> list[Statement]:
    """People are of the nation in whose towns they were born, and each has made a film."""
    told: list[Statement] = [(town, "located_in", COUNTRIES[at // 2]) for at, town in enumerate(TOWNS)]
    for at, one in enumerate(PEOPLE):
        told += [(one, "born_in", TOWNS[at % 4]), (FILMS[at], "directed_by", one)]
        if at not in WITHOUT:
            told.append((one, "of_nation", COUNTRIES[at % 4 // 2]))
    return told


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A graph that was learned, and a planner of questions about its films."""
    from kg.embeddings.config import TrainConfig
    from kg.embeddings.learn import learn

    folder = tmp_path_factory.mktemp("predicting")
    store = graph(statements())
    services = Services(Settings(store="memory:", model=folder), store=store)
    learn(store, folder, TrainConfig(dimension=32, epochs=60, batch_size=100), newcomers=False)
    yield services
    services.close()


@pytest.fixture(scope="module")
def planning(services: Services) -> Services:
    """The same, with a planner."""
    questions = [
        Question(at, words.format(FILMS[at].name), answers)
        for at in range(8, 40)
        for words, answers in (
            ("who directed {}", (PEOPLE[at].name,)),
            ("who is the maker of {}", (PEOPLE[at].name,)),
            ("of which nation is the director of {}", (COUNTRIES[at % 4 // 2].name,)),
            ("to which nation does the one who directed {} belong", (COUNTRIES[at % 4 // 2].name,)),
            ("in which town was the director of {} born", (TOWNS[at % 4].name,)),
        )
    ]
    store = services.store
    trained = learn_questions(
        questions,
        store,
        ontology.default(),
        services.embedder,
        graph=mirror(store),
        generated=0,
        reasoner=False,
        epochs=12,
        seed=1,
    )
    trained.planner.save(services.planner_file)
    yield services
    services.planner_file.unlink()


def expected(trace: Trace, nation: Entity) -> None:
    """The nation is the answer, by one predicted fact that nothing cites."""
    answer = trace.answer
    assert trace.by == "prediction"
    assert answer.entities == (nation,)
    [path] = answer.paths
    last = path.facts[-1]
    assert last.relation == "of_nation"
    assert not last.evidence
    assert answer.predicted is not None
    assert answer.predicted.keys() == {last.id}
    assert 0.5 <= answer.predicted[last.id] <= 1
    assert answer.confidence <= round(answer.predicted[last.id], 3)
    assert all(citation.fact != last.id for citation in answer.citations)
    assert "predicted" in answer.reason


@pytest.mark.parametrize("at", WITHOUT)
def test_words_ask_for_a_missing_fact(at: int, services: Services) -> None:
    question = f"Of which nation is {PEOPLE[at].name}?"
    version = services.store.version()
    plain = services.answerer.ask(question)
    assert plain.predicted is None
    assert COUNTRIES[at // 2] not in plain.entities or not plain.paths
    expected(services.answerer.explain(question, predict=True), COUNTRIES[at // 2])
    assert services.answerer.ask(question) == plain
    assert services.store.version() == version


def test_what_the_graph_says_is_not_predicted(services: Services) -> None:
    question = f"Of which nation is {PEOPLE[7].name}?"
    assert services.answerer.ask(question, predict=True) == services.answerer.ask(question)
    assert services.answerer.ask(question).text == COUNTRIES[1].name


@pytest.mark.parametrize("at", WITHOUT)
def test_a_plan_breaks_off_at_a_missing_fact(at: int, planning: Services) -> None:
    question = f"of which nation is the director of {FILMS[at].name}?"
    assert planning.answerer.ask(question).predicted is None
    trace = planning.answerer.explain(question, predict=True)
    expected(trace, COUNTRIES[at // 2])
    assert [fact.relation for fact in trace.answer.paths[0].facts] == ["directed_by", "of_nation"]
    assert [citation.fact for citation in trace.answer.citations] == [trace.answer.paths[0].facts[0].id]


def test_over_http_and_on_a_terminal_it_is_marked(services: Services, capsys: pytest.CaptureFixture[str]) -> None:
    question = f"Of which nation is {PEOPLE[1].name}?"
    client = TestClient(create_app(services))
    found = client.post("/ask", json={"question": question, "predict": True}).json()
    [[step]] = found["paths"]
    assert step["predicted"] is True
    assert found["confidence"] <= round(step["probability"], 3) <= 1
    assert found["citations"] == []
    assert client.post("/explain", json={"question": question, "predict": True}).json()["answer"] == found
    stated = client.post("/ask", json={"question": f"Of which nation is {PEOPLE[7].name}?", "predict": True}).json()
    assert stated["paths"][0][0].keys() == {"subject", "relation", "object"}
    Display(colour=False).answer(services.answerer.ask(question, predict=True))
    shown = capsys.readouterr().out
    assert f"(predicted, {step['probability']:.2f}, not in any document)" in shown


def test_without_learned_vectors_it_is_said_how_to_learn_them(tmp_path: Path) -> None:
    services = Services(Settings(store="memory:", model=tmp_path), store=graph(statements()))
    answer = services.answerer.ask(f"Of which nation is {PEOPLE[0].name}?", predict=True)
    assert answer.predicted is None
    assert "run `clew learn`" in answer.reason


def test_only_a_marked_fact_passes_and_only_when_asked(services: Services) -> None:
    store = services.store
    assert isinstance(store, MemoryStore)
    answer = services.answerer.ask(f"Of which nation is {PEOPLE[2].name}?", predict=True)
    assert verify(answer, store, {}, predicting=True) == answer
    assert verify(answer, store, {}).abstained
    assert verify(replace(answer, predicted=None), store, {}, predicting=True).abstained
    other = Fact(PEOPLE[2].id, "of_nation", COUNTRIES[0].id, frozenset())
    assert verify(replace(answer, predicted={other.id: 0.9}), store, {}, predicting=True).abstained
