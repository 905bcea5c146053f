"""Questions made from a graph: what they ask for is what their chains lead to, in the words of their relations."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.planner.lexicon import Words, name_words, sense_of
from fusion.planner.model import TOPIC, Asked, row_texts
from fusion.planner.phrasing import turns
from fusion.planner.training import Example, PlannerConfig, hits_at_1, train_planner
from fusion.planner.walks import ENDS, sample
from fusion.planner.wording import examples, generate
from kg import ontology
from kg.facts import EntityId
from kg.mirror import Mirror
from nlp.embed import MiniLM
from tests.fusion.test_planner import GRAPH, PEOPLE

ONTOLOGY = ontology.default()
NAMES = [EntityId(name) for name in "abcde"]
RELATIONS = ["directed_by", "症状", "__book__book__editions", "=>", "{}", "sits_next_to", "spouse"]
FACTS = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(RELATIONS), st.sampled_from(NAMES)), min_size=1, max_size=15
)


def said(relation: str, language: str = "en", *, back: bool = False) -> set[str]:
    """Every turn of a relation."""
    sense = sense_of(relation, ONTOLOGY)
    sense = sense.backwards() if back else sense
    found = turns(sense.words.get(language, Words()), sense.object, sense.subject, language)
    return {turn for forms in (found.named, found.asked) for form in forms for turn in form}


def said_first(relation: str, *, back: bool = False) -> set[str]:
    """What the start of a relation is called, in both languages."""
    sense = sense_of(relation, ONTOLOGY)
    sense = sense.backwards() if back else sense
    return {
        called
        for language, words in sense.words.items()
        for called in turns(words, sense.object, sense.subject, language).called
    }


@given(FACTS, st.integers(1, 3), st.integers(0, 5))
@settings(max_examples=40)
def test_answers_are_what_the_chain_leads_to(facts: list[tuple[EntityId, str, EntityId]], hops: int, seed: int) -> None:
    graph = Mirror.of(facts)
    found = generate(graph, ONTOLOGY, count=30, hops=hops, seed=seed)
    assert found == generate(graph, ONTOLOGY, count=30, hops=hops, seed=seed)
    assert set(found.unworded) == {"=>", "{}"} & set(graph.relations)
    made = found.questions
    assert made or found.ambiguous or {*found.unworded} == {*graph.relations}
    assert len(made) == len({(each.text, each.topic) for each in made}) <= 30
    for each in made:
        fronts = graph.walk([graph.places[each.topic]], each.chain)
        assert each.answers == frozenset(fronts[-1].reached.tolist()) != frozenset()
        assert 1 <= len(each.chain) <= hops
        assert TOPIC in each.text
        for place in each.answers:
            assert len(graph.trace(fronts, place)) == len(each.chain)


def test_every_relation_is_asked_both_ways_and_seeds_differ() -> None:
    made = generate(GRAPH, ONTOLOGY, count=400, hops=2, seed=0).questions
    assert {each.chain[0] for each in made} == set(range(2 * len(GRAPH.relations)))
    assert {len(each.chain) for each in made} == {1, 2}
    assert {each.language for each in made} == {"en", "zh"}
    assert [each.text for each in made] != [
        each.text for each in generate(GRAPH, ONTOLOGY, count=400, hops=2, seed=1).questions
    ]


def test_a_relation_of_one_fact_is_asked_about_among_thousands() -> None:
    common = [(EntityId(f"f{n}"), "directed_by", EntityId(f"d{n % 300}")) for n in range(3000)]
    common += [(EntityId(f"f{n}"), "genre", EntityId("drama")) for n in range(3000)]
    graph = Mirror.of([*common, (EntityId("f1"), "sits_next_to", EntityId("f2"))])
    walks = sample(graph, 200, hops=2, seed=0)
    rare = graph.rows["sits_next_to"]
    assert {(rare,), (graph.inverse(rare),)} <= {walk.chain for walk in walks}
    wide = [walk for walk in walks if len(walk.ends) > ENDS]
    assert {walk.chain for walk in wide} == {(graph.inverse(graph.rows["genre"]),)}  # it leads nowhere else
    assert len(walks) == 200


def test_of_many_relations_there_are_longer_walks_too() -> None:
    facts = [(EntityId(f"{n}-{end}"), f"relation {n}", EntityId("hub")) for n in range(60) for end in range(3)]
    facts += [(EntityId("hub"), f"part {n}", EntityId(f"part {n}")) for n in range(60)]
    graph = Mirror.of(facts)
    walks = sample(graph, 480, hops=2, seed=0)
    last = {walk.chain[-1] for walk in walks if len(walk.chain) == 2}
    assert {graph.rows[f"part {n}"] for n in range(60)} <= last
    for walk in walks:
        assert walk.ends == frozenset(graph.walk([walk.topic], walk.chain)[-1].reached.tolist())


def test_a_graph_without_facts_has_no_questions() -> None:
    assert generate(Mirror.of([], entities=NAMES), ONTOLOGY, count=10, hops=2, seed=0).questions == ()


def test_relations_are_worded_forwards_and_backwards() -> None:
    forwards, backwards = said("directed_by"), said("directed_by", back=True)
    assert {"who directed {}", "{} 's director", "the director of {}", "the person who directed {}"} <= forwards
    assert {"what films did {} direct", "the films directed by {}", "whose director is {}"} <= backwards
    assert not forwards & backwards
    other = said("film.film.directedBy")
    assert "the directedBy of {}" in other - forwards
    assert "the directed_by of {}" in forwards - other
    assert all("directedBy" in turn or "directed_by" in turn for turn in other ^ forwards)
    assert {"where was {} born", "the place where {} was born"} <= said("__people__person__place_of_birth")
    assert {"{} 's wife", "who is {} married to"} <= said("spouse") & said("spouse", back=True)
    assert "the actor of {}" in said("starred_actors")


def test_relations_are_worded_in_chinese() -> None:
    assert {"{}的导演", "谁执导了{}", "执导{}的人"} <= said("directed_by", "zh")
    assert {"{}执导的电影", "哪些电影的导演是{}"} <= said("directed_by", "zh", back=True)
    assert "{}毕业于哪家公司" in said("educated_at", "zh")
    assert "{}的症状" in said("HAS_SYMPTOM", "zh")


@pytest.mark.parametrize(
    ("relation", "forwards", "backwards"),
    [
        ("sits_next_to", "what did {} sit next to", "what sits next to {}"),
        ("painted_by", "who painted {}", "what was painted by {}"),
        ("hub_for", "what did {} hub for", "what hub for {}"),
        ("weaverOf", "what was {} weaver of", "{} 's weaver"),
        ("has_shoe_size", "the shoe size of {}", "whose shoe size is {}"),
        ("__book__book__editions", "{} 's editions", "which one has {} as editions"),
    ],
)
def test_unknown_relations_are_worded_from_their_names(relation: str, forwards: str, backwards: str) -> None:
    assert forwards in said(relation)
    assert backwards in said(relation, back=True)
    assert not said(relation, "zh")


def test_a_chinese_name_is_its_own_word() -> None:
    assert "{}的门派" in said("门派", "zh")
    assert "哪个的门派是{}" in said("门派", "zh", back=True)
    assert not said("门派")
    assert name_words("门派") == ("门派",)


def test_an_end_that_follows_a_preposition_is_another_relation() -> None:
    assert "{} 's style" in said("__film__netflix_genre")
    assert "{} 's style" not in said("__film__films_in_this_genre")


def test_a_word_is_the_relation_that_is_called_so_where_one_leads_on() -> None:
    a, b, c = NAMES[:3]
    graph = Mirror.of([(a, "children", b), (b, "parents", a), (c, "parents", a), (c, "children", a)])
    made = generate(graph, ONTOLOGY, count=5000, hops=1, seed=0, languages=("en",), wordings=500).questions
    parents, children = graph.rows["parents"], graph.rows["children"]

    def words(chain: int, topic: EntityId) -> set[str]:
        return {word for each in made if (each.chain, each.topic) == ((chain,), topic) for word in each.text.split()}

    assert "kids" in words(children, a)
    assert "children" not in words(graph.inverse(parents), a)  # a's children are told
    assert "father" in words(graph.inverse(parents), a)  # whose father is a
    assert "mother" in words(graph.inverse(children), a)  # no parents of a are told
    assert "kids" in words(graph.inverse(children), b)  # of whose kids is b one


def test_there_and_back_is_what_has_the_same() -> None:
    facts = [(EntityId("one"), "directed_by", EntityId("ann")), (EntityId("two"), "directed_by", EntityId("ann"))]
    made = generate(Mirror.of(facts), ONTOLOGY, count=400, hops=2, seed=0, wordings=50).questions
    both = [each for each in made if each.chain == (0, 1)]
    assert {len(each.answers) for each in both} == {1}  # the other one
    assert any("with the same " in each.text for each in both)
    assert any("有相同" in each.text for each in both)
    assert not any("same" in each.text for each in made if each.chain != (0, 1))


def test_topics_are_called_what_they_are() -> None:
    film = said_first("directed_by")
    assert {"the film {}", "movie {}", "电影{}"} <= film
    assert not {"the films {}", "the one {}"} & film
    assert {"the director {}", "导演{}"} <= said_first("directed_by", back=True)
    assert "the thing {}" not in said_first("sits_next_to", back=True)
    made = generate(GRAPH, ONTOLOGY, count=300, hops=1, seed=0, languages=("en",), wordings=20).questions
    called = [each for each in made if "person " + TOPIC in each.text]
    assert 0 < len(called) < len(made) / 2


def test_what_two_do_alike_they_do_together() -> None:
    facts = [(EntityId("one"), "starred_actors", EntityId(name)) for name in ("ann", "bob")]
    made = generate(Mirror.of(facts), ONTOLOGY, count=600, hops=2, seed=0, wordings=80).questions
    both = [each for each in made if each.chain == (1, 0)]
    for words in ("together with", "co-", "一起"):
        assert any(words in each.text for each in both)
        assert not any(words in each.text for each in made if each.chain != (1, 0))


def test_question_words_go_by_the_types_of_answers() -> None:
    facts = [(EntityId("tower"), "shoe_maker", EntityId("ann")), (EntityId("hut"), "shoe_maker", EntityId("bob"))]
    graph = Mirror.of(facts)

    def first_words(types: dict[EntityId, str]) -> set[str]:
        made = generate(
            graph, ONTOLOGY, count=600, hops=1, seed=0, languages=("en",), wordings=200, types=types
        ).questions
        return {each.text.split()[0] for each in made if each.chain == (0,)}

    assert "where" in first_words({})
    typed = first_words({EntityId("ann"): "Person", EntityId("bob"): "Person"})
    assert "who" in typed
    assert "where" not in typed


def test_things_are_called_by_their_types() -> None:
    flu, cough = EntityId("flu"), EntityId("cough")
    graph = Mirror.of([(flu, "symptom", cough)])
    types = {flu: "Disease", cough: "Symptom"}
    made = generate(graph, ONTOLOGY, count=800, hops=1, seed=0, wordings=400, types=types).questions
    said = [each.text for each in made if each.chain == (1,)]
    assert any("which disease" in text for text in said)
    assert any("哪些疾病" in text for text in said)
    assert not any("thing" in text or "东西" in text for text in said)


HUMAN = {  # no template says these
    ("works_for",): "Please give me the name of {}'s employing company.",
    ("friend",): "Does anybody remember the best friend of {}?",
    ("lives_in",): "In which town is the house of {}?",
    ("works_for", "lives_in"): "At which address does the employer of {} reside?",
    ("friend", "works_for"): "I wonder which firm the buddy of {} works for.",
    ("works_for", "friend"): "List a close friend of the boss of {}.",
}


@pytest.mark.slow
def test_a_planner_of_generated_questions_answers_others(tmp_path: Path) -> None:
    made = generate(GRAPH, ONTOLOGY, count=1200, hops=2, seed=0, languages=("en",)).questions
    encoder = MiniLM(cache=tmp_path, threads=2)
    texts = encoder.encode(row_texts(GRAPH.relations))
    trained = examples(GRAPH, made, encoder.tokens)
    assert [each.chains for each in trained] == [(each.chain,) for each in made]
    config = PlannerConfig(width=128, hops=2, epochs=5, batch=16)
    planner = train_planner(GRAPH, trained, texts, config, encoder=encoder.name)
    seen, asked = {each.text for each in made}, []
    for chain, wording in HUMAN.items():
        text = wording.replace("{}", TOPIC)
        assert text not in seen
        [pieces] = encoder.tokens([text])
        for person in range(0, PEOPLE, 3):
            place = GRAPH.places[EntityId(f"p{person}")]
            answers = GRAPH.walk([place], [GRAPH.rows[relation] for relation in chain])[-1].reached
            asked.append(Example(Asked.of(text, pieces), (place,), frozenset(answers.tolist())))
    assert hits_at_1(planner, GRAPH, asked, texts) > 0.5  # an entity drawn at random: 0.02
