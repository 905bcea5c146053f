"""The service over a graph in memory, with the real reader, encoder and answerer."""

import os
from collections.abc import Iterator, Sequence

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.assemble import Services
from api.settings import Settings
from fusion.planner.learning import learn_questions
from fusion.planner.questions import Question
from kg.facts import Document
from kg.memory_store import MemoryStore
from kg.mirror import mirror

TEXTS = {
    "films/radioactive": (
        "Radioactive (film)",
        "Radioactive is a 2019 British film directed by Marjane Satrapi. It stars Rosamund Pike.",
    ),
    "people/satrapi": (
        "Marjane Satrapi",
        "Marjane Satrapi (born 22 November 1969) is a film director. She is married to Mattias Ripa. "
        "Satrapi was born in Rasht.",
    ),
}


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the settings of whoever runs it."""
    for name in [name for name in os.environ if name.startswith("CLEW_") and not name.startswith("CLEW_TEST_")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("NO_COLOR", raising=False)


def documents() -> list[Document]:
    """What the graph of these tests was made from."""
    return [Document(source, text, title, "en") for source, (title, text) in TEXTS.items()]


def teach(services: Services, questions: Sequence[Question], *, epochs: int, seed: int = 0) -> None:
    """Train a planner on these questions alone, and keep it where the services look for it."""
    trained = learn_questions(
        questions,
        services.store,
        services.ontology,
        services.embedder,
        graph=mirror(services.store),
        generated=0,
        reasoner=False,
        epochs=epochs,
        seed=seed,
    )
    trained.planner.save(services.planner_file)


@pytest.fixture
def services(no_settings: None) -> Iterator[Services]:
    made = Services(Settings(max_body_bytes=20_000, max_question_characters=200), store=MemoryStore())
    yield made
    made.close()


@pytest.fixture
def filled(services: Services) -> Services:
    """Services over a graph that holds the documents."""
    services.ingestor.ingest(documents)
    return services


@pytest.fixture
def client(filled: Services) -> Iterator[TestClient]:
    with TestClient(create_app(filled), raise_server_exceptions=False) as client:
        yield client
