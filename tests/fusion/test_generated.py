"""A planner without annotation: trained on questions made from a stored graph, alone or beside a person's own."""

import pytest

from fusion.errors import PlannerError
from fusion.planned import PlannedReader
from fusion.planner.learning import OWN, Part, Split, Trained, learn_questions, mixed
from fusion.planner.model import CHARACTERS, TOPIC, Asked
from fusion.planner.questions import Question
from fusion.planner.training import Example
from fusion.planner.wording import generate
from fusion.question import link
from kg import ontology
from kg.facts import Entity, EntityId
from kg.memory_store import MemoryStore
from kg.mirror import Mirror, mirror
from nlp.embed import MiniLM
from tests.fusion.graphs import date, film, graph, person, place

ONTOLOGY = ontology.default()
DISEASES = ["痛风", "肺炎", "胃炎", "哮喘", "感冒", "偏头痛", "高血压", "糖尿病"]
SYMPTOMS = ["关节疼痛", "咳嗽", "腹胀", "喘息", "流鼻涕", "头晕", "心悸", "多饮"]
DRUGS = ["别嘌醇片", "阿莫西林", "康复新液", "曲尼司特", "感冒清", "布洛芬", "氯沙坦", "二甲双胍"]


@pytest.fixture(scope="module")
def store() -> MemoryStore:
    films = [
        statement
        for n in range(8)
        for director in [person(f"Director {n % 5}")]
        for statement in (
            (film(f"Amber Road {n}"), "directed_by", director),
            (film(f"Amber Road {n}"), "released_on", date(str(1950 + n))),
            (director, "born_in", place(f"Town {n % 5 % 3}")),
        )
    ]
    diseases = [
        statement
        for disease, symptom, drug in zip(DISEASES, SYMPTOMS, DRUGS, strict=True)
        for statement in (
            (Entity("Disease", disease), "symptom", Entity("Symptom", symptom)),
            (Entity("Disease", disease), "treated_by", Entity("Drug", drug)),
        )
    ]
    return graph([*films, *diseases])


@pytest.fixture(scope="module")
def trained(store: MemoryStore, embedder: MiniLM) -> Trained:
    return learn_questions([], store, ONTOLOGY, embedder, graph=mirror(store), generated=900, reasoner=False, epochs=8)


def first(planned: PlannedReader, store: MemoryStore, text: str) -> set[str]:
    """The names that the best plan of a question leads to."""
    thought = planned.think(text, link(store, ONTOLOGY, text))
    ids = [thought.graph.entities[at] for at in thought.plans[0].answers]
    return {entity.name for entity in store.entities(ids)}


def test_questions_of_the_graph_are_enough(store: MemoryStore, embedder: MiniLM, trained: Trained) -> None:
    made = trained.generated
    assert made.learned + made.held_out > 500
    assert made.held_out == (made.learned + made.held_out) // 10
    assert made.hits1 is not None
    assert made.hits1 > 0.8
    assert (trained.own, trained.skipped.total(), trained.unworded) == (Part(), 0, ())
    planned = PlannedReader(store, trained.planner, embedder)
    for asked, answer in {
        "Please tell me who directed Amber Road 3?": "Director 3",
        "In what place was the director of Amber Road 2 born?": "Town 2",
        "请问痛风有哪些症状呢": "关节疼痛",
        "肺炎该用什么药治疗": "阿莫西林",
        "什么病的症状是心悸": "高血压",
    }.items():
        assert first(planned, store, asked) == {answer}


def test_chinese_characters_are_told_apart(embedder: MiniLM, trained: Trained) -> None:
    weights = trained.planner.weights
    assert CHARACTERS in weights
    texts = [f"{TOPIC}吃什么药", f"{TOPIC}挂什么号", f"what is {TOPIC}"]
    drug, number, english = map(Asked.of, texts, embedder.tokens(texts))
    assert drug.grams.shape == (len(drug.vectors), 3)
    assert (drug.grams[-1] != number.grams[-1]).any()
    assert not drug.grams[drug.topic].any()
    assert not english.grams.any()


def test_a_planner_of_english_has_no_table_of_characters_and_is_not_asked_in_chinese(embedder: MiniLM) -> None:
    told = graph([(film(f"Amber Road {n}"), "sits_next_to", film(f"Amber Road {n + 1}")) for n in range(9)])
    found = learn_questions([], told, ONTOLOGY, embedder, graph=mirror(told), generated=40, reasoner=False, epochs=1)
    assert CHARACTERS not in found.planner.weights
    texts = [f"{TOPIC}拍过的电影都有哪些", f"what does {TOPIC} sit next to"]
    chinese, english = map(Asked.of, texts, embedder.tokens(texts))
    assert found.planner.likeness(chinese) == 0
    assert found.planner.likeness(english) > 0


def test_ones_own_questions_are_mixed_with_those_of_the_graph(store: MemoryStore, embedder: MiniLM) -> None:
    facts = mirror(store)
    own = [Question(n, f"whose eye is behind Amber Road {n}", (f"Director {n % 5}",)) for n in range(8)]
    own.append(Question(9, "whose eye is behind Nothing", ("Director 1",)))
    found = learn_questions(own, store, ONTOLOGY, embedder, graph=facts, generated=600, reasoner=False, epochs=4)
    assert (found.own.learned, found.own.held_out, found.own.hits1) == (8, 0, None)
    assert found.skipped.total() == 1
    assert found.generated.learned > 400
    planned = PlannedReader(store, found.planner, embedder)
    assert first(planned, store, "whose eye is behind Amber Road 7") == {"Director 2"}
    assert first(planned, store, "when was Amber Road 7 released") == {"1957"}  # of what own questions never ask


def test_own_questions_are_their_share_of_all(embedder: MiniLM) -> None:
    [pieces] = embedder.tokens([f"who is {TOPIC}"])
    own, made = (
        [Example(Asked.of(f"who is {TOPIC}", pieces), (n,), frozenset((n,))) for n in range(count)] for count in (7, 70)
    )
    assert mixed([], made) == made
    assert mixed(own, []) == own
    assert mixed(own, made).count(own[0]) == round(10 * OWN / (1 - OWN))
    assert mixed(made, own).count(made[0]) == 1


def test_what_is_held_out_is_not_learned_in_other_words(embedder: MiniLM) -> None:
    [pieces] = embedder.tokens([f"who is {TOPIC}"])
    twice = [Example(Asked.of(f"who is {TOPIC}", pieces), (n // 2,), frozenset((n // 2,)), ((1,),)) for n in range(100)]
    split = Split.of(twice, seed=3)
    assert len(split.train) + len(split.dev) == 100
    assert len(split.dev) == 10
    assert not {one.topics for one in split.train} & {one.topics for one in split.dev}


def test_a_graph_that_says_nothing_is_refused(embedder: MiniLM) -> None:
    empty = MemoryStore()
    with pytest.raises(PlannerError, match="holds no facts"):
        learn_questions([], empty, ONTOLOGY, embedder, graph=mirror(empty))
    opaque = graph([(person("Ann"), "P31", person("Bob")), (person("Ann"), "=>", person("Bob"))])
    with pytest.raises(PlannerError, match="'=>', 'P31' are no words; label them in the ontology"):
        learn_questions([], opaque, ONTOLOGY, embedder, graph=mirror(opaque))


def test_a_relation_without_words_is_named_and_others_are_asked_about() -> None:
    a, b = EntityId("a"), EntityId("b")
    made = generate(Mirror.of([(a, "P31", b), (a, "directed_by", b)]), ONTOLOGY, count=40, hops=1, seed=0)
    assert made.unworded == ("P31",)
    assert made.questions
    assert {each.chain[0] % 2 for each in made.questions} == {1}


def test_words_for_two_things_are_dropped_where_the_two_differ() -> None:
    a, b, c, d = map(EntityId, "abcd")
    facts = [(a, "directed_by", b), (a, "film.director", c), (d, "directed_by", b)]
    made = generate(Mirror.of(facts), ONTOLOGY, count=400, hops=1, seed=0, wordings=100)
    of_a = {each.text: set[tuple[int, ...]]() for each in made.questions if each.topic == a}
    for each in made.questions:
        if each.topic == a:
            of_a[each.text].add(each.chain)
    assert made.ambiguous > 0
    assert all(len(chains) == 1 for chains in of_a.values())
    assert any(each.topic == d and "director" in each.text for each in made.questions)  # there they mean one thing
