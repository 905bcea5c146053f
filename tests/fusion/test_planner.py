"""Plans: learned from questions and answers, walked in the graph, the same through torch and numpy."""

from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.errors import PlannerError
from fusion.planner.labels import explain, f1, of_usual_length
from fusion.planner.model import TOPIC, Asked, Planner, load, row_texts, words_of
from fusion.planner.search import Plan, answers, candidates, likely, log_softmax, merged, plans
from fusion.planner.training import Example, PlannerConfig, PlannerNet, hits_at_1, train_planner
from kg.facts import EntityId
from kg.mirror import Mirror
from nlp.embed import Tokens

WIDTH = 24  # of these tests' sentence vectors
CONFIG = PlannerConfig(width=16, hops=2, epochs=25, batch=16, dropout=0.0, rate=1e-2)
PEOPLE = 40


def word_vector(word: str) -> np.ndarray:
    """A fixed unit vector for each word."""
    found = np.random.default_rng(sum(ord(letter) * 31**place for place, letter in enumerate(word))).normal(size=WIDTH)
    return (found / np.linalg.norm(found)).astype(np.float32)


def encode(texts: Sequence[str]) -> np.ndarray:
    rows = np.stack([sum(map(word_vector, text.split())) for text in texts])
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def ask(text: str) -> Asked:
    spans, start = [], 0
    for word in text.split():
        at = text.index(word, start)
        spans.append((at, at + len(word)))
        start = at + len(word)
    vectors = np.stack([word_vector(word) for word in text.split()])
    return Asked.of(text, Tokens(vectors, np.array(spans, np.int32)))


def family() -> Mirror:
    """Everybody has a boss, a friend and a town."""
    name = [EntityId(f"p{n}") for n in range(PEOPLE)]
    town = [EntityId(f"t{n}") for n in range(4)]
    facts = []
    for n in range(PEOPLE):
        facts += [
            (name[n], "works_for", name[(n * 7 + 1) % PEOPLE]),
            (name[n], "friend", name[(n * 3 + 5) % PEOPLE]),
            (name[n], "lives_in", town[n % 4]),
        ]
    return Mirror.of(facts)


GRAPH = family()
TEXTS = encode(row_texts(GRAPH.relations))
WORDINGS = {
    ("works_for",): f"who is the boss of {TOPIC}",
    ("friend",): f"who is the pal of {TOPIC}",
    ("lives_in",): f"where is {TOPIC} at home",
    ("works_for", "lives_in"): f"where is the boss of {TOPIC} at home",
    ("friend", "works_for"): f"who is the boss of the pal of {TOPIC}",
    ("works_for", "friend"): f"who is the pal of the boss of {TOPIC}",
}


def example(person: int, chain: tuple[str, ...], *, known: bool = False) -> Example:
    rows = tuple(GRAPH.rows[relation] for relation in chain)
    place = GRAPH.places[EntityId(f"p{person}")]
    answers = frozenset(GRAPH.walk([place], rows)[-1].reached.tolist())
    return Example(ask(WORDINGS[chain]), (place,), answers, (rows,) if known else ())


@pytest.fixture(scope="module")
def planner() -> Planner:
    examples = [example(n, chain) for n in range(0, PEOPLE, 2) for chain in WORDINGS]
    return train_planner(GRAPH, examples, TEXTS, CONFIG, encoder="words-1")


def test_plans_are_learned_from_answers_alone(planner: Planner) -> None:
    asked = [example(n, chain) for n in range(1, PEOPLE, 2) for chain in WORDINGS]
    assert hits_at_1(planner, GRAPH, asked, TEXTS) > 0.95
    rows = planner.rows(GRAPH.relations, TEXTS)
    one = example(3, ("friend", "works_for"))
    best = plans(planner, GRAPH, rows, planner.read(one.asked), list(one.topics))[0]
    assert [GRAPH.relations[row] for row in best.rows] == ["friend", "works_for"]
    assert GRAPH.trace(best.fronts, next(iter(one.answers)))[0][1] == "friend"


def test_numpy_says_what_torch_says() -> None:
    torch.manual_seed(0)
    net = PlannerNet(len(GRAPH.relations), WIDTH, CONFIG, chinese=True).eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    weights = {name: tensor.numpy() for name, tensor in net.state_dict().items()}
    planner = Planner(weights, GRAPH.relations, encoder="words-1", hops=2)
    asked = ask(WORDINGS["works_for", "lives_in"])
    with torch.no_grad():
        rows = net.rows(torch.from_numpy(TEXTS))
        states, keys = net.read(
            torch.from_numpy(asked.features)[None],
            torch.from_numpy(asked.grams)[None],
            torch.tensor([len(asked.vectors)]),
        )
        there = torch.ones(states.shape[:2], dtype=torch.bool)
        state, wanted = net.step(states, keys, there, net.first[None], torch.zeros(1, WIDTH))
        state, wanted = net.step(states, keys, there, state, rows[1:2])
    found_rows, read = planner.rows(GRAPH.relations, TEXTS), planner.read(asked)
    found, onward = planner.step(read, planner.begin, np.zeros(WIDTH, np.float32))
    found, onward = planner.step(read, found, found_rows[1])
    np.testing.assert_allclose(found_rows, rows.numpy(), atol=1e-5)
    np.testing.assert_allclose(read.states, states[0].numpy(), atol=1e-5)
    np.testing.assert_allclose(found, state[0].numpy(), atol=1e-5)
    np.testing.assert_allclose(onward, wanted[0].numpy(), atol=1e-4)


def test_a_wide_beam_finds_what_trying_everything_finds(planner: Planner) -> None:
    one = example(5, ("works_for", "friend"))
    rows, read = planner.rows(GRAPH.relations, TEXTS), planner.read(one.asked)
    found = plans(planner, GRAPH, rows, read, list(one.topics), beam=1000, faint=0)
    stop, every = len(rows) - 1, range(2 * len(GRAPH.relations))
    tried = {}
    for chain in [(row,) for row in every] + list(product(every, every)):
        state, before, total = planner.begin, np.zeros(WIDTH, np.float32), 0.0
        fronts = GRAPH.walk(one.topics, chain)
        for place, row in enumerate((*chain, stop)):
            allowed = GRAPH.rows_from(fronts[place]) if place < planner.hops else np.empty(0, np.int64)
            allowed = np.append(allowed, stop) if place else allowed
            if row not in allowed:
                break
            state, wanted = planner.step(read, state, before)
            total += float(log_softmax(rows[allowed] @ wanted)[allowed.tolist().index(row)])
            before = rows[row]
        else:
            tried[chain] = total
    assert {plan.rows for plan in found} == set(tried)
    assert [plan.log_probability for plan in found] == pytest.approx(sorted(tried.values(), reverse=True), abs=1e-5)
    assert np.exp([plan.log_probability for plan in found]).sum() == pytest.approx(1, abs=1e-4)


def test_plans_that_lead_to_the_same_answers_are_one() -> None:
    facts = [(NAMES[0], "r", NAMES[1]), (NAMES[0], "s", NAMES[1]), (NAMES[0], "t", NAMES[2])]
    graph = Mirror.of(facts)
    found = [
        Plan((row,), tuple(graph.walk([0], [row])), float(np.log(chance)))
        for row, chance in ((graph.rows["t"], 0.45), (graph.rows["r"], 0.3), (graph.rows["s"], 0.2))
    ]
    first, second = merged(found, [0])
    assert (first.rows, second.rows) == ((graph.rows["r"],), (graph.rows["t"],))
    assert np.exp([first.log_probability, second.log_probability]) == pytest.approx([0.5, 0.45])
    assert [answers(first, [0]), answers(second, [0])] == [(graph.places[NAMES[1]],), (graph.places[NAMES[2]],)]
    assert merged([], [0]) == []


def test_a_step_without_another_choice_is_learned_too() -> None:
    films, people = ([EntityId(f"{letter}{n}") for n in range(30)] for letter in "fp")
    facts = [(films[n], "directed_by", people[n * 7 % 30]) for n in range(30)]
    facts += [(films[n], "starring", people[n * 11 % 30]) for n in range(20, 30)]  # of none of these is anything asked
    facts += [(people[n], "born_in", EntityId(f"t{n % 4}")) for n in range(30)]
    graph = Mirror.of(facts)
    words = {"directed_by": f"who is the maker of {TOPIC}", "born_in": f"in which town was {TOPIC} born"}

    def asked(topic: EntityId, relation: str) -> Example:
        place = graph.places[topic]
        ends = graph.walk([place], [graph.rows[relation]])[-1].reached
        return Example(ask(words[relation]), (place,), frozenset(ends.tolist()))

    questions = [asked(one, "directed_by") for one in films[:15]] + [asked(one, "born_in") for one in people[:15]]
    texts = encode(row_texts(graph.relations))
    planner = train_planner(graph, questions, texts, CONFIG, encoder="words-1")
    rows, made = planner.rows(graph.relations, texts), (graph.rows["directed_by"],)
    for film in films[15:20]:  # one row alone leads on from them, as in training
        topic, read = graph.places[film], {relation: planner.read(ask(text)) for relation, text in words.items()}
        best = plans(planner, graph, rows, read["directed_by"], [topic])[0]
        assert best.rows == made
        assert best.fit > 0.5
        assert likely(graph, best, topic) > 0.5
        assert plans(planner, graph, rows, read["born_in"], [topic])[0].fit < 0.1


def test_a_planner_is_read_as_it_was_written(planner: Planner, tmp_path: Path) -> None:
    path = tmp_path / "new" / "planner.safetensors"
    planner.save(path)
    again = load(path)
    assert (again.relations, again.encoder, again.hops) == (planner.relations, "words-1", 2)
    np.testing.assert_array_equal(again.rows(GRAPH.relations, TEXTS), planner.rows(GRAPH.relations, TEXTS))
    with pytest.raises(PlannerError, match="train one first"):
        load(tmp_path / "none")
    path.write_bytes(b"damaged")
    with pytest.raises(PlannerError, match="cannot be read"):
        load(path)


def test_relations_are_known_by_name_and_new_ones_by_their_words(planner: Planner) -> None:
    other = ("lives_in", "admires", "works_for")
    texts = encode(row_texts(other))
    found, before = planner.rows(other, texts), planner.rows(GRAPH.relations, TEXTS)
    np.testing.assert_allclose(found[0], before[GRAPH.rows["lives_in"]], atol=1e-6)
    np.testing.assert_allclose(found[2 + 3], before[GRAPH.inverse(GRAPH.rows["works_for"])], atol=1e-6)
    assert np.isfinite(found[1]).all()
    assert words_of("__people__person__place_of_birth") == "place of birth"
    assert words_of("starredActors") == "starred actors"
    assert words_of("症状") == "症状"


def test_training_on_nothing_is_refused() -> None:
    lost = Example(ask(WORDINGS["friend",]), (0,), frozenset())
    with pytest.raises(PlannerError, match="None of the 1 training questions"):
        train_planner(GRAPH, [lost], TEXTS, CONFIG, encoder="words-1")


NAMES = [EntityId(name) for name in "abcde"]
FACTS = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(["r", "s"]), st.sampled_from(NAMES)), min_size=1, max_size=15
)


@given(FACTS, st.sets(st.integers(0, 4), min_size=1))
@settings(max_examples=50)
def test_labels_are_all_chains_with_the_best_f1(facts: list[tuple[EntityId, str, EntityId]], answers: set[int]) -> None:
    graph = Mirror.of(facts, entities=NAMES)
    every = range(2 * len(graph.relations))
    chains = [(row,) for row in every] + list(product(every, every))
    gold = np.array(sorted(answers))
    scores = {chain: f1(graph.walk([0], chain)[-1].reached, gold) for chain in chains}
    most = max(scores.values())
    found, best = explain(graph, [0], answers, hops=2)
    assert best == pytest.approx(most)
    assert sorted(found) == (sorted(c for c, score in scores.items() if score > most - 1e-9) if most else [])


def test_where_one_length_explains_nearly_all_questions_others_are_no_labels() -> None:
    one, two = (0,), (1, 2)
    assert of_usual_length([[one, two]] * 99 + [[two]]) == [[two]] * 100
    assert of_usual_length([[one, two]] * 100 + [[]]) == [[one]] * 100 + [[]]
    assert of_usual_length([[one, two]] * 98 + [[two]] * 2 + [[one]]) == [[two]] * 100 + [[one]]
    several = [[one, two]] * 90 + [[two]] * 5 + [[one]] * 5
    assert of_usual_length(several) == several
    assert of_usual_length([]) == []


def test_a_topic_is_an_answer_only_where_nothing_else_is() -> None:
    graph = Mirror.of([(NAMES[0], "r", NAMES[1]), (NAMES[1], "r", NAMES[0]), (NAMES[2], "s", NAMES[1])])
    back = tuple(graph.walk([0], [0, 0]))
    alone = Plan((0, 0), back, -0.1)
    assert [c.place for c in candidates([alone], [0])] == [0]
    both = Plan((0, 3), tuple(graph.walk([0], [0, graph.inverse(graph.rows["s"])])), -0.2)
    assert [c.place for c in candidates([both], [0])] == [graph.places[NAMES[2]]]
