"""The graph neural reasoner: the same through torch and numpy, and right where the direct fact is missing."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given as sampled
from hypothesis import settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import save_file

from fusion.errors import PlannerError
from fusion.planner.model import TOPIC, row_texts
from fusion.planner.training import Example
from fusion.reasoner.around import FLOOR, WHOLE, Bounds, around, best_path
from fusion.reasoner.fusing import Seen, calibrate, calibration_error, fuse, given
from fusion.reasoner.model import Calibration, Reasoner, load
from fusion.reasoner.net import ReasonerConfig, ReasonerNet, graph_of
from fusion.reasoner.training import hits_at_1, train_reasoner
from kg.facts import EntityId
from kg.mirror import Mirror
from tests.fusion.test_planner import GRAPH, TEXTS, WIDTH, WORDINGS, ask, encode

CONFIG = ReasonerConfig(width=16, entity_width=16, hops=2, seeking=10, epochs=12, batch=8, dropout=0.0, rate=1e-2)
PEOPLE, FIRMS, TOWNS = 60, 12, 4
WHERE = f"where is {TOPIC} at home"


def incomplete() -> Mirror:
    """Everybody works for a firm and lives in its town; of every second one it is not said where that is."""
    facts = []
    for n in range(FIRMS):
        facts += [
            (EntityId(f"f{n}"), "located_in", EntityId(f"t{n % TOWNS}")),
            (EntityId(f"f{n}"), "supplies", EntityId(f"f{(n + 5) % FIRMS}")),
        ]
    for n in range(PEOPLE):
        facts.append((EntityId(f"p{n}"), "works_for", EntityId(f"f{n * 7 % FIRMS}")))
        facts.append((EntityId(f"p{n}"), "friend", EntityId(f"p{(n * 11 + 3) % PEOPLE}")))
        if n % 2:
            facts.append((EntityId(f"p{n}"), "lives_in", EntityId(f"t{n * 7 % FIRMS % TOWNS}")))
    return Mirror.of(facts)


PARTIAL = incomplete()
PARTIAL_TEXTS = encode(row_texts(PARTIAL.relations))


def lives(person: int) -> Example:
    """Where somebody lives, as the whole truth has it."""
    town = PARTIAL.places[EntityId(f"t{person * 7 % FIRMS % TOWNS}")]
    return Example(ask(WHERE), (PARTIAL.places[EntityId(f"p{person}")],), frozenset([town]))


@pytest.fixture(scope="module")
def reasoner() -> Reasoner:
    return train_reasoner(PARTIAL, [lives(n) for n in range(40)], PARTIAL_TEXTS, CONFIG, encoder="words-1")


def test_another_way_answers_where_the_direct_fact_is_missing(reasoner: Reasoner) -> None:
    asked = [lives(n) for n in range(40, PEOPLE)]
    assert hits_at_1(reasoner, PARTIAL, asked, PARTIAL_TEXTS) == 1.0
    one = lives(44)
    rows = reasoner.rows(PARTIAL.relations, PARTIAL_TEXTS)
    found = reasoner.reason(one.asked, PARTIAL, rows, one.topics)
    (place,) = found.part.here(one.answers).tolist()
    _, way = best_path(PARTIAL, found.part, found.relevance, place, hops=2)
    assert way[0][0] == "p44"
    assert {*way} <= set(PARTIAL.triples())
    assert not [fact for fact in way if fact[1] == "lives_in" and fact[0] == "p44"]


def test_training_again_gives_the_same(reasoner: Reasoner) -> None:
    again = train_reasoner(PARTIAL, [lives(n) for n in range(40)], PARTIAL_TEXTS, CONFIG, encoder="words-1")
    one = lives(41)
    rows = reasoner.rows(PARTIAL.relations, PARTIAL_TEXTS)
    first = reasoner.reason(one.asked, PARTIAL, rows, one.topics)
    second = again.reason(one.asked, PARTIAL, again.rows(PARTIAL.relations, PARTIAL_TEXTS), one.topics)
    np.testing.assert_array_equal(first.log_probabilities, second.log_probabilities)


def test_numpy_says_what_torch_says() -> None:
    torch.manual_seed(0)
    net = ReasonerNet(len(GRAPH.relations), WIDTH, CONFIG).eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    weights = {name: tensor.numpy() for name, tensor in net.state_dict().items()}
    reasoner = Reasoner(weights, GRAPH.relations, encoder="words-1", hops=2, bounds=WHOLE)
    asked, topics = ask(WORDINGS["works_for", "lives_in"]), [3, 8]
    rows = reasoner.rows(GRAPH.relations, TEXTS)
    found = reasoner.reason(asked, GRAPH, rows, topics)
    from torch_geometric.data import Batch

    graph = Batch.from_data_list([graph_of(found.part, [found.part.topics] * 2)] * 2)
    features = torch.from_numpy(asked.features)[None].expand(2, -1, -1)
    with torch.no_grad():
        words = net.words(torch.from_numpy(TEXTS[:-1]))
        there = torch.ones(features.shape[:2], dtype=torch.bool)
        relevance = net.relevance(features, there, words).exp()
        log_p = net(features, torch.full((2,), features.shape[1]), graph, words)[:, -1]
    np.testing.assert_allclose(rows.words, words.numpy(), atol=1e-5)
    np.testing.assert_allclose(found.relevance, relevance[1].numpy(), atol=1e-5)
    for part in log_p.split(len(found.part.places)):
        np.testing.assert_allclose(found.log_probabilities, part.numpy(), atol=1e-4)


COLOURS = [
    *("red", "green", "blue", "white", "black", "grey", "pink", "brown", "violet", "lilac", "beige", "amber"),
    *("ivory", "scarlet", "crimson", "navy", "olive", "teal", "maroon", "azure", "orange", "silver", "golden"),
    "purple",
]
UNSEEN = 4


def coloured(names: Sequence[str]) -> Mirror:
    facts = [(EntityId(f"x{n}"), name, EntityId(f"{name} {n % 5}")) for n in range(12) for name in names]
    return Mirror.of(facts)


def test_a_relation_that_training_did_not_see_is_known_by_its_words() -> None:
    def asked(graph: Mirror, name: str, n: int) -> Example:
        ends = graph.walk([graph.places[EntityId(f"x{n}")]], [graph.rows[name]])[-1].reached
        topic = (graph.places[EntityId(f"x{n}")],)
        return Example(ask(f"tell the {name} one of {TOPIC}"), topic, frozenset(ends.tolist()))

    known, other = coloured(COLOURS[:-UNSEEN]), coloured(COLOURS[-UNSEEN:])
    questions = [asked(known, name, n) for n in range(5) for name in COLOURS[:-UNSEEN]]
    texts = encode(row_texts(known.relations))
    trained = train_reasoner(known, questions, texts, replace(CONFIG, hops=1), encoder="words-1")
    new = [asked(other, name, n) for n in range(8, 12) for name in COLOURS[-UNSEEN:]]
    assert hits_at_1(trained, other, new, encode(row_texts(other.relations))) >= 0.75  # by chance: 0.25


def test_a_reasoner_is_read_as_it_was_written(reasoner: Reasoner, tmp_path: Path) -> None:
    path = tmp_path / "new" / "reasoner.safetensors"
    calibrated = reasoner.calibrated(Calibration((1.0,) * 8, 0.05, 30))
    calibrated.save(path)
    again = load(path)
    assert (again.relations, again.encoder, again.hops, again.bounds, again.calibration) == (
        reasoner.relations,
        "words-1",
        2,
        WHOLE,
        calibrated.calibration,
    )
    one = lives(41)
    rows = reasoner.rows(PARTIAL.relations, PARTIAL_TEXTS)
    np.testing.assert_array_equal(
        again.reason(one.asked, PARTIAL, rows, one.topics).log_probabilities,
        reasoner.reason(one.asked, PARTIAL, rows, one.topics).log_probabilities,
    )
    with pytest.raises(PlannerError, match="train one first"):
        load(tmp_path / "none")
    with safe_open(path, framework="np") as file:
        about = file.metadata()
        kept = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (it is no dict)
    for spoilt in ({"first": kept["first"]}, kept | {"base": kept["base"][1:]}):
        save_file(spoilt, path, metadata=about)
        with pytest.raises(PlannerError, match="cannot be read"):
            load(path)
    calibrated.calibrated(Calibration((1.0,) * 3, 0.05, 30)).save(path)
    with pytest.raises(PlannerError, match="3 weights"):
        load(path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(PlannerError, match="cannot be read"):
        load(path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("x", "utf-8")
    with pytest.raises(PlannerError, match="could not be written"):
        reasoner.save(tmp_path / "file" / "reasoner.safetensors")


def test_training_on_what_is_not_near_is_refused() -> None:
    lost = Example(ask(WHERE), (0,), frozenset())
    with pytest.raises(PlannerError, match="None of the 1 training questions"):
        train_reasoner(PARTIAL, [lost], PARTIAL_TEXTS, CONFIG, encoder="words-1")


NAMES = [EntityId(name) for name in "abcdef"]
FACTS = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(["r", "s"]), st.sampled_from(NAMES)), min_size=1, max_size=14
)


@sampled(FACTS, st.integers(0, 5), st.lists(st.floats(0.01, 1), min_size=4, max_size=4))
@settings(max_examples=60)
def test_the_way_shown_is_the_likeliest_that_does_not_turn_back(
    facts: list[tuple[EntityId, str, EntityId]], place: int, shares: list[float]
) -> None:
    graph = Mirror.of(facts, entities=NAMES)
    relevance = np.array(shares[: 2 * len(graph.relations)], np.float32)
    relevance /= relevance.sum()
    part = around(graph, [0], relevance, hops=3, bounds=WHOLE)
    best = -np.inf
    for hop in (1, 2, 3):
        for chain in product(range(2 * len(graph.relations)), repeat=hop):
            if place in graph.walk([0], chain)[-1].reached:
                best = max(best, float(np.log(relevance.astype(float)[list(chain)] + FLOOR).sum()))
    here = part.here([place]).tolist()
    score, way = best_path(graph, part, relevance, here[0], hops=3) if here else (-np.inf, ())
    assert score == pytest.approx(best)
    assert {*way} <= set(graph.triples())
    ends = [NAMES[0]]
    for subject, _, object in way:
        ends.append(object if subject == ends[-1] else subject)
        assert ends[-2] in (subject, object)
    assert not way or ends[-1] == NAMES[place]


def test_what_is_gathered_is_bounded_and_goes_by_relevance() -> None:
    facts = [(EntityId("hub"), "likes", EntityId(f"a{n}")) for n in range(50)]
    facts += [(EntityId("hub"), "owns", EntityId(f"b{n}")) for n in range(50)]
    facts += [(EntityId("a1"), "likes", EntityId("far")), (EntityId("far"), "likes", EntityId("farther"))]
    graph = Mirror.of(facts)
    relevance = np.zeros(4, np.float32)
    relevance[graph.rows["owns"]] = 1
    part = around(graph, [graph.places[EntityId("hub")]], relevance, hops=2, bounds=Bounds(30, 20, 10))
    names = [graph.entities[place] for place in part.places]
    assert len(names) == 30
    assert all(name == "hub" or name.startswith("b") for name in names)
    assert len(part.sources) == 2 * 20
    whole = around(graph, [graph.places[EntityId("hub")]], relevance, hops=2, bounds=WHOLE)
    assert "far" in {graph.entities[place] for place in whole.places}
    assert "farther" not in {graph.entities[place] for place in whole.places}
    assert len(around(graph, [], relevance, hops=2, bounds=WHOLE).places) == 0


def test_probabilities_are_fitted_to_what_was_right() -> None:
    draw = np.random.default_rng(0)
    seen, answers = [], []
    for _ in range(400):
        features = np.concatenate((draw.normal(size=(4, 1)), np.zeros((4, 6))), axis=1)
        features[:, 0] *= 3
        chances = 1 / (1 + np.exp(-features[:, 0]))
        zeros = np.zeros(4)
        seen.append(Seen(np.arange(4), features, zeros, zeros, (None,) * 4))
        answers.append(frozenset(np.flatnonzero(draw.random(4) < chances).tolist()))
    found = calibrate(seen, answers)
    assert found is not None
    assert found.error < 0.08
    assert found.weights[0] > 0.5
    best = fuse(found, seen[0])
    assert best[0].place == int(seen[0].features[:, 0].argmax())
    assert best[0].probability == max(one.probability for one in best)
    assert best[0] in given(best, None)
    assert calibrate(seen, [frozenset()] * len(seen)) is None
    assert calibration_error(np.array([0.9, 0.9, 0.1]), np.array([1.0, 0.0, 0.0])) == pytest.approx(0.9 / 3)


def test_a_question_without_an_entity_near_has_no_candidates(reasoner: Reasoner) -> None:
    rows = reasoner.rows(PARTIAL.relations, PARTIAL_TEXTS)
    nothing = reasoner.reason(ask(WHERE), PARTIAL, rows, [])
    assert len(nothing.log_probabilities) == 0
