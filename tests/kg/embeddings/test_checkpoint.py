"""A run that was interrupted ends as if it had not been; vectors are carried to newer graphs, and to no others."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from kg.embeddings.checkpoint import ABOUT, load, revive
from kg.embeddings.config import Epoch, TrainConfig
from kg.embeddings.errors import CheckpointError, OtherGraphError
from kg.embeddings.evaluate import evaluate
from kg.embeddings.split import hold_out
from kg.embeddings.train import Trained, train
from kg.facts import EntityId
from kg.tensors import GraphTensors
from tests.kg.embeddings.graphs import family, graph_of, random_graph

CONFIG = TrainConfig(dimension=16, epochs=8, batch_size=16, patience=50, precision="float32")


class Pulled(Exception):
    """The plug was."""


def pull_after(number: int):
    def progress(epoch: Epoch) -> None:
        if epoch.number == number:
            raise Pulled

    return progress


def same(one: Trained, other: Trained) -> bool:
    states = one.scorer.state_dict(), other.scorer.state_dict()
    return all(torch.equal(states[0][key], states[1][key]) for key in states[0]) and [
        (epoch.number, epoch.loss, epoch.dev) for epoch in one.history
    ] == [(epoch.number, epoch.loss, epoch.dev) for epoch in other.history]


@pytest.mark.parametrize(
    "changes", [{}, {"optimizer": "adamw", "learning_rate": 0.01}, {"candidates": 6}, {"scorer": "rotate"}]
)
def test_a_resumed_run_ends_as_if_undisturbed(tmp_path: Path, changes: dict) -> None:
    graph, held = hold_out(random_graph(facts=90), 0.1)
    config = replace(CONFIG, **changes)
    whole = train(graph, config, dev=held)
    for number in (2, 3, 6):  # interrupted three times
        with pytest.raises(Pulled):
            train(graph, config, dev=held, folder=tmp_path, resume=True, progress=pull_after(number))
    resumed = train(graph, config, dev=held, folder=tmp_path, resume=True)
    assert same(whole, resumed)
    assert resumed.best == whole.best
    assert len(list(tmp_path.glob("*.safetensors"))) == 2


def test_a_finished_run_may_go_on_for_longer(tmp_path: Path) -> None:
    graph = random_graph()
    train(graph, replace(CONFIG, epochs=3), folder=tmp_path)
    longer = train(graph, CONFIG, folder=tmp_path, resume=True)
    assert same(longer, train(graph, CONFIG))
    again = train(graph, CONFIG, folder=tmp_path, resume=True)
    assert same(longer, again)


def test_what_is_written(tmp_path: Path) -> None:
    graph, held = hold_out(family(), 0.1)
    trained = train(graph, CONFIG, dev=held, folder=tmp_path)
    about = json.loads((tmp_path / ABOUT).read_text("utf-8"))
    assert about["config"]["seed"] == 0
    assert about["graph"]["digest"] == graph.digest
    assert about["stopped"] == "epochs"
    assert "commit" in about
    found = load(tmp_path)
    assert found.entities == graph.entities
    assert found.history == trained.history
    state = trained.scorer.state_dict()
    assert found.model.keys() == state.keys()
    assert all(torch.equal(found.model[key], state[key]) for key in state)
    assert not list(tmp_path.glob("*.part"))
    assert not list(tmp_path.glob("*.p*kl*"))


def test_a_model_is_revived(tmp_path: Path) -> None:
    trained = train(family(), CONFIG, folder=tmp_path)
    found = load(tmp_path)
    heads, relations = torch.arange(5), torch.tensor([0, 1, 2, 3, 5])
    assert torch.equal(revive(found)(heads, relations), trained.scorer(heads, relations))
    with pytest.raises(CheckpointError, match="not those of a rotate model"):
        revive(replace(found, config=replace(CONFIG, scorer="rotate")))
    with pytest.raises(CheckpointError, match="conve"):
        revive(replace(found, config=replace(CONFIG, scorer="conve")))


def test_another_graph_is_refused_with_the_difference(tmp_path: Path) -> None:
    train(family(), CONFIG, folder=tmp_path)
    with pytest.raises(OtherGraphError, match=r"\(16 entities gone; \d+ facts then"):
        train(family(4), CONFIG, folder=tmp_path, resume=True)
    smaller = family()
    smaller = replace(smaller, edge_index=smaller.edge_index[:, :-1], edge_type=smaller.edge_type[:-1])
    with pytest.raises(OtherGraphError, match=r"\(\d+ facts then, \d+ now\)"):
        train(smaller, CONFIG, folder=tmp_path, resume=True)
    turned = replace(family(), edge_index=family().edge_index.flip(0))
    with pytest.raises(OtherGraphError, match="but other facts"):
        train(turned, CONFIG, folder=tmp_path, resume=True)


def test_other_settings_are_refused_with_the_difference(tmp_path: Path) -> None:
    train(family(), CONFIG, folder=tmp_path)
    with pytest.raises(CheckpointError, match="dimension was 16, now 32"):
        train(family(), replace(CONFIG, dimension=32), folder=tmp_path, resume=True)


def test_other_held_out_facts_are_refused(tmp_path: Path) -> None:
    graph, held = hold_out(family(), 0.2)
    train(graph, CONFIG, dev=held, folder=tmp_path)
    with pytest.raises(CheckpointError, match="held-out"):
        train(graph, CONFIG, dev=held[1:], folder=tmp_path, resume=True)


def test_no_checkpoint_and_a_broken_one(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="train first"):
        load(tmp_path)
    train(family(), replace(CONFIG, epochs=1), folder=tmp_path)
    [path] = tmp_path.glob("best-*")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(CheckpointError, match="cannot be read"):
        load(tmp_path)
    (tmp_path / ABOUT).write_text("{", "utf-8")
    with pytest.raises(CheckpointError, match="cannot be read"):
        load(tmp_path)
    (tmp_path / ABOUT).write_text('{"format": 99}', "utf-8")
    with pytest.raises(CheckpointError, match="format 99"):
        load(tmp_path)


def test_a_folder_is_taken_over_by_a_new_run(tmp_path: Path) -> None:
    train(family(), CONFIG, folder=tmp_path)
    train(random_graph(), replace(CONFIG, epochs=1), folder=tmp_path)
    assert load(tmp_path).digest == random_graph().digest


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="could not be written"):
        train(family(), CONFIG, folder=tmp_path / "file" / "below")


def grown() -> GraphTensors:
    """The family with a new root's worth of facts, a new relation, an entity gone, and other numbers for all."""
    old = family()
    keep = (old.edge_index != 30).all(dim=0)
    triples = old.triples[keep] + torch.tensor([1, 1, 1])  # e000 is new, and so is r_new
    new = torch.tensor([[0, 0, 1], [0, 1, 2]])
    graph = graph_of(torch.cat((triples, new)), entities=31, relations=4)
    names = ("a_new", *old.entities[:30])
    return replace(graph, entities=tuple(map(EntityId, names)), relations=("a_new", *old.relations))


def test_vectors_are_carried_to_a_newer_graph(tmp_path: Path) -> None:
    old, new = family(), grown()
    config = replace(CONFIG, epochs=30, dimension=32)
    trained = train(old, config, folder=tmp_path)
    start = load(tmp_path)
    begun = train(new, replace(config, epochs=1), start=start)
    assert begun.carried == 30
    fresh = train(new, replace(config, epochs=1))
    shared = (new.triples != 0).all(dim=1)
    known = evaluate(begun.scorer, new.triples[shared], new.triples).mrr
    assert known > evaluate(fresh.scorer, new.triples[shared], new.triples).mrr + 0.2
    assert known > 0.8 * evaluate(trained.scorer, old.triples, old.triples).mrr
    # The step that an optimizer takes first is its largest: it must know that these vectors have been trained.
    moved = begun.scorer.entity_vectors()[1:] - trained.scorer.entity_vectors()[:30]
    assert moved.abs().mean() < 0.3 * trained.scorer.entity_vectors().abs().mean()


def test_relations_are_matched_with_their_inverses(tmp_path: Path) -> None:
    old, new = family(), grown()
    trained = train(old, CONFIG, folder=tmp_path)
    start = load(tmp_path)
    still = train(new, replace(CONFIG, epochs=1, learning_rate=1e-9, optimizer="adamw"), start=start)
    rows = still.scorer.relations.weight
    torch.testing.assert_close(rows[1:4], trained.scorer.relations.weight[:3])
    torch.testing.assert_close(rows[5:8], trained.scorer.relations.weight[3:])
