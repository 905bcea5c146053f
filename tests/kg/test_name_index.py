"""Names in memory: found as the store finds them, whatever was written and deleted before."""

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kg.facts import Entity, EntityId
from kg.memory_store import MemoryStore
from kg.name_changes import changed
from kg.name_file import _load, kept_name_index
from kg.name_index import NameIndex, name_index
from kg.names import GraphNames
from tests.fusion.graphs import FILMS, film, graph, person
from tests.readings import reading

ENTITIES = (
    Entity("Person", "Ann Lee"),
    Entity("Person", "Bo"),
    Entity("Film", "Ann"),
    Entity("Film", "Amélie"),
    Entity("症状", "头痛"),
    Entity("药物", "头痛"),
    Entity("Film", "?!"),
    Entity("Film", "The The"),
)
SURFACES = ("Ann", "amelie", "Lee", "头痛", "偏头痛", "ann")
TEXT = "Ann amelie Lee 头痛 偏头痛 ann. "
SOURCES = ("a", "b", "丙")
named = st.lists(st.tuples(st.sampled_from(ENTITIES), st.sampled_from(SURFACES)), max_size=6)
stated = st.lists(st.tuples(st.sampled_from(ENTITIES), st.just("likes"), st.sampled_from(ENTITIES)), max_size=3)
steps = st.lists(st.tuples(st.sampled_from(SOURCES), st.none() | st.tuples(named, stated)), max_size=6)
KEYS = ("ann", "ann lee", "lee", "bo", "amelie", "头痛", "偏头痛", "", "the the", "nobody")


@given(steps)
def test_keys_name_what_they_name_in_the_store(history: list[tuple[str, tuple[list, list] | None]]) -> None:
    store = MemoryStore()
    for source, said in history:
        if said is None:
            store.delete([record.id for record in store.documents() if record.source == source])
        else:
            store.write([reading(source, TEXT, mentions=said[0], facts=said[1])])
        index = name_index(store)
        assert index.version == store.version()
        assert list(index.all_entities()) == list(store.all_entities())
        ids = [entity.id for entity in ENTITIES]
        assert index.entities([*ids, EntityId("unknown")]) == store.entities(ids)
        for key in KEYS:
            assert index.find_entities([key]) == store.find_entities([key])
        assert index.find_entities(KEYS) == store.find_entities(KEYS)


def test_what_is_spelt_alike_comes_first() -> None:
    entities = [
        film("Inception"),
        film("Incendies"),
        film("The Matrix"),
        person("Pál Gábor"),
        Entity("病", "2型糖尿病"),
    ]
    index = NameIndex.of(sorted(entities, key=lambda one: one.id))
    for text, name in [
        ("Inceptoin", "Inception"),
        ("matrix", "The Matrix"),
        ("gabor pal", "Pál Gábor"),
        ("2型糖尿病人", "2型糖尿病"),
    ]:
        assert index.search_entities(text, limit=3)[0].entity.name == name
    assert index.search_entities("zzz") == []
    assert index.search_entities("", limit=3) == []
    assert index.search_entities("Inception", limit=0) == []


def test_an_index_of_nothing() -> None:
    index = NameIndex.of([])
    assert (len(index), index.find_entities(["a"]), index.search_entities("a b c")) == (0, [], [])


def test_the_file_is_good_for_the_graph_that_it_was_made_of(tmp_path: Path) -> None:
    store = graph(FILMS)
    path = tmp_path / "names.safetensors"
    assert kept_name_index(store, path, most=0, notify=print) is None
    made = kept_name_index(store, path, most=1000, notify=print)
    kept = kept_name_index(store, path, most=0, notify=print)
    assert made is not None
    assert kept is not None
    assert list(kept.all_entities()) == list(made.all_entities()) == list(store.all_entities())
    assert kept.find_entities(["free guy"]) == store.find_entities(["free guy"])
    assert kept.search_entities("Fre Guy") == made.search_entities("Fre Guy")
    store.delete([next(store.documents()).id])
    followed = kept_name_index(store, path, most=0, notify=print)
    assert followed is not None
    assert followed.version == store.version()
    assert list(followed.all_entities()) == list(store.all_entities())
    again = _load(path, store.address)
    assert again is not None
    assert again.version == store.version()  # the next program need not follow these changes
    assert list(again.all_entities()) == list(store.all_entities())
    store.write([reading("much", TEXT, facts=[(ENTITIES[0], f"r{n} {'x' * 100}", ENTITIES[1]) for n in range(700)])])
    assert kept_name_index(store, path, most=0, notify=print) is None
    path.write_bytes(b"damaged")
    anew = kept_name_index(store, path, most=1000, notify=print)
    assert anew is not None
    assert anew.version == store.version()


def test_of_a_graph_that_is_too_large_the_store_is_asked(tmp_path: Path) -> None:
    store = graph(FILMS)
    names = GraphNames(store, kept=tmp_path / "names.safetensors")
    assert names.at(store.version(), most=3) is store
    assert names.at(store.version(), most=3) is store
    made = names.at(store.version(), most=1000)
    assert made is names.at(store.version(), most=3)
    assert made is not store
    store.delete([next(store.documents()).id])
    followed = names.at(store.version(), most=3)
    assert followed is not made
    assert isinstance(followed, NameIndex)
    assert list(followed.all_entities()) == list(store.all_entities())


WORDS = st.sampled_from(["ann", "anna", "ann lee", "lee", "the", "头痛", "偏头痛", "?!", "Ann", "a", ""])
NAMED = st.builds(
    Entity,
    st.sampled_from(["Person", "Film", "症状"]),
    st.lists(WORDS, min_size=1, max_size=3).map(" ".join),
    st.lists(WORDS, max_size=2, unique=True).map(lambda names: tuple(sorted(names))),
)


@given(st.lists(st.dictionaries(st.builds(lambda entity: entity.id, NAMED), NAMED, max_size=8), min_size=1, max_size=4))
def test_an_index_that_follows_is_one_made_anew(drafts: list[dict[EntityId, Entity]]) -> None:
    """Whatever came, went and was renamed, what is found and in which order is the same."""
    graphs = [{entity.id: entity for entity in draft.values()} for draft in drafts]
    index = NameIndex.of([])
    before: dict[EntityId, Entity] = {}
    for now in graphs:
        entities = sorted(now.values(), key=lambda entity: entity.id)
        index = changed(index, {*before, *now}, entities, version=1)
        fresh = NameIndex.of(entities)
        for name in fresh.arrays.keys() - {"type"}:
            assert index.arrays[name].dtype == fresh.arrays[name].dtype
            assert np.array_equal(index.arrays[name], fresh.arrays[name]), name
        assert list(index.all_entities()) == entities
        for text in ("ann lee", "anna", "头痛", "?!", "the a"):
            assert index.find_entities([text]) == fresh.find_entities([text])
            assert index.search_entities(text, limit=2) == fresh.search_entities(text, limit=2)
        before = now
