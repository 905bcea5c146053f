"""The scorer that reads texts alone."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
import torch

from kg.embeddings.errors import NothingToLearnError
from kg.embeddings.evaluate import evaluate
from kg.embeddings.loop import Schedule
from kg.embeddings.text import TextConfig, TextScorer, fit_text, text_features, text_of
from kg.embeddings.walks import Links
from kg.errors import InputError


def lengths(texts: Sequence[str]) -> npt.NDArray[np.float32]:
    return np.array([[len(text), 1] for text in texts], np.float32)


def scorer(entities: int = 5) -> TextScorer:
    torch.manual_seed(0)
    return TextScorer(torch.randn(entities, 3), 2, dimension=4, hidden=6).eval()


def test_a_text_is_a_name_and_what_describes_it() -> None:
    assert text_of("Forbidden Ground", "2013 film") == "Forbidden Ground: 2013 film"
    assert text_of("Forbidden Ground") == "Forbidden Ground"


def test_features_have_one_row_a_text_however_they_are_cut() -> None:
    texts = ["a", "bb", "ccc"]
    expected = torch.tensor([[1.0, 1], [2, 1], [3, 1]])
    assert torch.equal(text_features(texts, lengths, batch=2), expected)
    assert text_features([], lengths).shape == (0, 0)


def test_an_encoder_that_loses_a_row_or_gives_no_number_is_refused() -> None:
    with pytest.raises(InputError, match="for 2 texts"):
        text_features(["a", "b"], lambda texts: lengths(texts)[:1])
    with pytest.raises(InputError, match="one finite row"):
        text_features(["a"], lambda texts: lengths(texts) * np.float32("nan"))


def test_scores_follow_the_definition() -> None:
    model = scorer()
    t = model.features * 3**0.5
    x = t @ model.direct.weight.T + model.direct.bias
    x = x + torch.relu(t @ model.inner.weight.T + model.inner.bias) @ model.outer.weight.T + model.outer.bias  # (5, 4)
    entities = torch.complex(x[:, :2], x[:, 2:])
    relations = torch.complex(model.relations.weight[:, :2], model.relations.weight[:, 2:])
    expected = (entities[1] * relations[3] * entities.conj()).sum(1).real
    torch.testing.assert_close(model(torch.tensor([1]), torch.tensor([3]))[0], expected)
    torch.testing.assert_close(
        model.triple_scores(torch.tensor([1]), torch.tensor([3]), torch.tensor([4]))[0], expected[4]
    )
    assert model.entity_vectors().shape == (5, 4)


def test_other_texts_get_vectors_without_training_and_leave_the_model_as_it_was() -> None:
    model = scorer()
    before = model(torch.tensor([0]), torch.tensor([0]))
    features = torch.cat([model.features[2:3], torch.randn(6, 3)])
    other = model.on(features)
    assert other(torch.tensor([0]), torch.tensor([1])).shape == (1, 7)
    assert torch.equal(other.entity_vectors()[0], model.project(model.features[2:3])[0])
    assert torch.equal(model(torch.tensor([0]), torch.tensor([0])), before)
    with pytest.raises(InputError, match="have 9 numbers, in training 3"):
        model.on(torch.randn(2, 9))


def test_vectors_kept_for_evaluation_are_dropped_when_training_goes_on() -> None:
    model = scorer()
    with torch.no_grad():
        kept = model.vectors()[0]
        assert model.vectors()[0] is kept
        model.train()
        model.direct.weight += 1
        model.eval()
        assert not torch.equal(model.vectors()[0], kept)


def test_it_learns_a_graph_by_heart_and_scores_an_unseen_entity_like_its_twin() -> None:
    torch.manual_seed(1)
    features = torch.nn.functional.normalize(torch.randn(13, 16), dim=1)
    features[12] = features[1]  # never in training, but reads like entity 1
    triples = torch.tensor([[i, r, (i * 5 + r + 1) % 12] for i in range(12) for r in range(2)])
    links = Links.of(triples, num_entities=13, num_relations=2)
    config = TextConfig(dimension=32, hidden=32, batch=48, candidates=12, schedule=Schedule(steps=150, rate=1e-2))
    model, learned = fit_text(links, features, config)
    assert learned.losses[-1] < 0.1
    assert evaluate(model, triples, triples).hits3 == 1.0
    scores = model(triples[:1, 0], triples[:1, 1])
    torch.testing.assert_close(scores[0, 12], scores[0, 1])


def test_a_graph_without_facts_is_refused() -> None:
    empty = Links.of(torch.empty(0, 3, dtype=torch.long), num_entities=3, num_relations=1)
    with pytest.raises(NothingToLearnError):
        fit_text(empty, torch.randn(3, 4), TextConfig(dimension=4, hidden=4))
