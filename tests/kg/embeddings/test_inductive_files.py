"""An inductive encoder that is written, read, and used on a graph that has grown."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from kg.embeddings.errors import CheckpointError, OtherGraphError
from kg.embeddings.inductive_files import load_inductive, save_inductive
from kg.embeddings.inductive_training import InductiveConfig, fit_inductive
from kg.embeddings.loop import Schedule
from kg.embeddings.walks import Links
from kg.facts import EntityId
from kg.tensors import GraphTensors

CONFIG = InductiveConfig(dimension=4, layers=2, aggregation="pna", batch=4, schedule=Schedule(steps=3, rate=1e-2))


def graph(facts: list[tuple[str, str, str]]) -> GraphTensors:
    entities = sorted({end for head, _, tail in facts for end in (head, tail)})
    relations = sorted({relation for _, relation, _ in facts})
    rows = torch.tensor([[entities.index(h), entities.index(t)] for h, _, t in facts]).T
    types = torch.tensor([relations.index(relation) for _, relation, _ in facts])
    return GraphTensors(rows, types, tuple(map(EntityId, entities)), tuple(relations))


OLD = graph([("b", "knows", "c"), ("c", "likes", "d"), ("b", "likes", "d")])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    model, learned = fit_inductive(Links.of_graph(OLD), CONFIG)
    path = tmp_path / "new" / "inductive.safetensors"
    save_inductive(path, model, CONFIG, learned, relations=OLD.relations, digest=OLD.digest)
    expected = model(torch.tensor([0]), torch.tensor([1]))
    torch.save(expected, path.with_name("expected.pt"))
    return path


def test_what_is_read_scores_as_what_was_written(path: Path) -> None:
    held = load_inductive(path)
    assert (held.config, held.relations, held.digest) == (CONFIG, ("knows", "likes"), OLD.digest)
    found = held.on(OLD)(torch.tensor([0]), torch.tensor([1]))
    assert torch.equal(found, torch.load(path.with_name("expected.pt")))


def test_a_graph_with_new_entities_and_fewer_relations_needs_no_training(path: Path) -> None:
    held = load_inductive(path)
    grown = graph([("a", "likes", "e"), ("e", "likes", "d")])  # "likes" is relation 0 here, and 1 for the encoder
    links = held.links(grown)
    assert sorted(links.relation.tolist()) == [1, 1, 3, 3]
    assert held.on(grown)(torch.tensor([0]), torch.tensor([1])).shape == (1, 3)


def test_a_relation_that_was_never_seen_is_refused_by_name(path: Path) -> None:
    with pytest.raises(OtherGraphError, match="1 relations that the encoder was not trained on: hates"):
        load_inductive(path).on(graph([("b", "hates", "c")]))


def test_a_missing_damaged_or_foreign_file_is_refused(path: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="train one first"):
        load_inductive(tmp_path / "none.safetensors")
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(path.read_bytes()[:40])
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_inductive(damaged)
    foreign = tmp_path / "foreign.safetensors"
    save_file({"x": torch.zeros(1)}, foreign)
    with pytest.raises(CheckpointError, match="not 'clew-inductive-1'"):
        load_inductive(foreign)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    model, learned = fit_inductive(Links.of_graph(OLD), CONFIG)
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="could not be written"):
        save_inductive(
            tmp_path / "file" / "x.safetensors", model, CONFIG, learned, relations=OLD.relations, digest=OLD.digest
        )
