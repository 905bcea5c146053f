"""Entities that came after the learning: foretold by walking the graph, placed by their names."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from kg import ontology
from kg.embeddings.config import TrainConfig
from kg.embeddings.errors import CheckpointError, NotLearnedError
from kg.embeddings.learn import learn
from kg.embeddings.learned import LearnedGraph
from kg.embeddings.newcomers import ABOUT, SHAPES, WEIGHTS, affordable, learn_newcomers, load_newcomers
from kg.embeddings.placing import PLACING, Placing, fit_placing, load_placing
from kg.embeddings.split import hold_out
from kg.embeddings.walks import Links
from kg.facts import Entity
from kg.memory_store import MemoryStore
from tests.kg.embeddings.graphs import random_graph
from tests.kg.embeddings.test_learned import CITIES, COUNTRIES, PEOPLE, kingdom, reading

CONFIG = TrainConfig(dimension=16, epochs=40, batch_size=100)
NEWCOMER = Entity("Person", "Person 999")


class Letters:
    """How often each letter or digit stands in a text, at unit length."""

    name = "letters-1"

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        rows = np.zeros((len(texts), 36), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for letter in text.casefold():
                if letter.isascii() and letter.isalnum():
                    row[int(letter, 36)] += 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True).clip(min=1e-6)


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> tuple[MemoryStore, Path]:
    """A graph that was learned, and to which somebody has come since."""
    store, folder = kingdom(), tmp_path_factory.mktemp("model")
    report = learn(store, folder, CONFIG, encoder=Letters())
    assert report.newcomers is not None
    assert report.newcomers.mrr is not None
    assert report.newcomers.mrr > 0.3
    assert report.newcomers.calibration.examples > 0
    store.write([reading("news", [(NEWCOMER, "born_in", CITIES[4])])])
    return store, folder


def test_what_to_expect_of_a_newcomer_needs_no_learning(grown: tuple[MemoryStore, Path]) -> None:
    model = LearnedGraph(*grown, ontology=ontology.default())
    best = model.predict("citizen_of", subject=NEWCOMER.id)[0]
    assert best.object == COUNTRIES[1].id
    assert 0 < best.probability < 1
    assert best.reasons[0].path == (
        (NEWCOMER.id, "born_in", CITIES[4].id),
        (CITIES[4].id, "located_in", COUNTRIES[1].id),
    )
    assert model.predict("citizen_of", subject=PEOPLE[0].id)[0].object == COUNTRIES[0].id  # as before


def test_a_relation_that_came_later_is_unknown(grown: tuple[MemoryStore, Path], tmp_path: Path) -> None:
    store = kingdom()
    folder = shutil.copytree(grown[1], tmp_path / "model")
    store.write([reading("news", [(NEWCOMER, "born_in", CITIES[4]), (NEWCOMER, "admires", PEOPLE[3])])])
    model = LearnedGraph(store, folder, ontology=ontology.default())
    assert model.predict("citizen_of", subject=NEWCOMER.id)[0].object == COUNTRIES[1].id
    with pytest.raises(NotLearnedError, match="'admires'"):
        model.predict("admires", subject=NEWCOMER.id)


def test_the_encoder_is_trained_once_a_graph(tmp_path: Path) -> None:
    steps: list[int] = []

    def train(seed: int, *, update: bool = False, relations: int = 2) -> bytes:
        part, held_out = hold_out(random_graph(entities=12, relations=relations, seed=seed), 0.1)
        learn_newcomers(part, held_out, tmp_path, update=update, progress=lambda step, loss: steps.append(step))
        return (tmp_path / WEIGHTS).read_bytes()

    first = train(1)
    assert steps
    steps.clear()
    assert train(1) == first  # the same graph
    assert train(2, update=True) == first  # another one, whose relations it knows
    assert not steps
    assert train(2, update=True, relations=3) != first
    assert train(2) != first


def test_what_is_damaged_or_missing_is_said(grown: tuple[MemoryStore, Path], tmp_path: Path) -> None:
    folder = shutil.copytree(grown[1], tmp_path / "model")
    (folder / ABOUT).write_text("{")
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_newcomers(folder)
    (folder / ABOUT).unlink()
    with pytest.raises(NotLearnedError, match="clew learn --update"):
        LearnedGraph(grown[0], folder, ontology=ontology.default()).predict("citizen_of", subject=NEWCOMER.id)
    with pytest.raises(NotLearnedError, match="does not hold"):
        LearnedGraph(*grown, ontology=ontology.default()).predict("citizen_of", subject=Entity("Person", "No One").id)
    (folder / PLACING).write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_placing(folder / PLACING)


def test_steps_are_kept_short() -> None:
    sparse, dense = random_graph(entities=500, facts=1000), random_graph(entities=500, facts=200_000)
    assert affordable(Links.of_graph(sparse)).layers == 4
    config = affordable(Links.of_graph(dense))
    assert (config.layers, config.batch) == SHAPES[-1]


def test_a_map_that_is_there_is_found() -> None:
    generator = torch.Generator().manual_seed(0)
    texts, weight = torch.randn(300, 12, generator=generator), torch.randn(12, 5, generator=generator)
    vectors = 3 + texts @ weight + 0.01 * torch.randn(300, 5, generator=generator)
    placing = fit_placing(texts[:200], vectors[:200], encoder="e", model="m")
    assert placing is not None
    found = placing.mean_vector + (texts[200:] - placing.mean_text) @ placing.weight
    torch.testing.assert_close(found, vectors[200:], atol=0.1, rtol=0)


def test_where_names_say_nothing_everyone_stands_in_the_middle() -> None:
    generator = torch.Generator().manual_seed(0)
    texts, vectors = torch.randn(60, 50, generator=generator), torch.randn(60, 4, generator=generator)
    placing = fit_placing(texts, vectors, encoder="e", model="m")
    assert placing is not None
    off = (torch.randn(100, 50, generator=generator) - placing.mean_text) @ placing.weight
    assert off.square().mean() < 0.1 * vectors.square().mean()


def test_a_map_is_read_as_it_was_written_and_refuses_other_encoders(tmp_path: Path) -> None:
    assert fit_placing(torch.ones(5, 3), torch.ones(5, 2), encoder="letters-1", model="m") is None  # too few
    people = [Entity("Person", f"Person {n}") for n in range(40)]
    texts = torch.from_numpy(Letters().encode([person.name for person in people]))
    placing = fit_placing(texts, texts[:, :4], encoder="letters-1", model="m")
    assert placing is not None
    placing.save(tmp_path / PLACING)
    read = load_placing(tmp_path / PLACING)
    torch.testing.assert_close(read.place(people, Letters()), placing.place(people, Letters()))
    other = Placing(read.weight, read.mean_text, read.mean_vector, "words-1", "m")
    with pytest.raises(NotLearnedError, match="words-1"):
        other.place(people, Letters())
