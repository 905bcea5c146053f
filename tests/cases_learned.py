"""The contract of learned vectors: what every store must hold of what models learn of its graph."""

import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from kg import bolt_learned
from kg.export import WRITERS
from kg.facts import Entity, EntityId, digest
from kg.store import GraphStore, Learned, Reading
from tests.readings import COUNTRY, DIRECTOR, FILM, contents, reading

Vectors = list[tuple[EntityId, tuple[float, ...]]]

# Values that 32-bit floats hold exactly.
VECTORS: dict[Entity, tuple[float, ...]] = {
    FILM: (1.0, 0.0, 0.25),
    DIRECTOR: (0.5, 0.5, 0.0),
    COUNTRY: (-2.0, 0.0, 0.5),
}


def films() -> list[Reading]:
    """Two documents: the first names the film and the director, the second all three."""
    return [
        reading("a", "Earl made it.", mentions=[(DIRECTOR, "Earl")], facts=[(FILM, "directed_by", DIRECTOR)]),
        reading("b", "In Australia.", mentions=[(COUNTRY, "Australia")], facts=[(FILM, "country", COUNTRY)]),
    ]


def learned(store: GraphStore, *, dimensions: int = 3, model: str = "complex-0123") -> Learned:
    """A record of three vectors that are learned now."""
    return Learned(model, "2026-11-22T10:00:00Z", store.version(), dimensions, len(VECTORS))


def given() -> Vectors:
    """The vectors, by entity id."""
    return [(entity.id, vector) for entity, vector in VECTORS.items()]


def nearest(store: GraphStore, vector: Sequence[float], limit: int = 10) -> list[Entity]:
    """The entities that are nearest, without aliases."""
    return [replace(hit.entity, aliases=()) for hit in store.nearest_entities(vector, limit=limit)]


class LearnedContract:
    """What a store must do with learned vectors. ``store`` is empty, and nothing is learned of it."""

    def test_nothing_is_learned_at_first(self, store: GraphStore) -> None:
        store.write(films())
        assert store.learned() is None
        assert store.entity_vectors([FILM.id]) == {}
        assert store.nearest_entities([1.0, 0.0]) == []
        store.forget_learned()
        assert store.learned() is None

    def test_what_is_learned_is_read(self, store: GraphStore) -> None:
        store.write(films())
        written = learned(store)
        store.write_learned(written, iter(given()))
        assert store.learned() == written
        assert store.entity_vectors([entity.id for entity in VECTORS]) == dict(given())
        assert store.entity_vectors([FILM.id, EntityId(digest("none"))]) == {FILM.id: VECTORS[FILM]}
        assert store.entity_vectors([]) == {}

    def test_the_nearest_entities(self, store: GraphStore) -> None:
        store.write(films())
        store.write_learned(learned(store), given())
        hits = store.nearest_entities([1.0, 0.0, 0.0], limit=3)
        assert [hit.entity.id for hit in hits] == [FILM.id, DIRECTOR.id, COUNTRY.id]
        assert [hit.score for hit in hits] == pytest.approx([0.97014, 0.70711, -0.97014], abs=1e-4)
        assert hits[1].entity == replace(DIRECTOR, aliases=("Earl",))
        assert nearest(store, [0.0, 1.0, 0.0], limit=1) == [DIRECTOR]
        assert nearest(store, VECTORS[COUNTRY])[0] == COUNTRY
        assert len(store.nearest_entities([1.0, 0.0, 0.0], limit=100)) == 3
        assert store.nearest_entities([1.0, 0.0, 0.0], limit=0) == []
        assert store.nearest_entities([0.0, 0.0, 0.0]) == []
        with pytest.raises(ValueError, match="2 dimensions; the learned ones have 3"):
            store.nearest_entities([1.0, 0.0])

    def test_learning_does_not_change_the_graph(self, store: GraphStore) -> None:
        store.write(films())
        before, version = contents(store), store.version()
        exported = {name: list(lines(store)) for name, lines in WRITERS.items()}
        store.write_learned(learned(store), given())
        assert contents(store) == before
        assert store.version() == version
        assert {name: list(lines(store)) for name, lines in WRITERS.items()} == exported
        store.forget_learned()
        assert contents(store) == before
        assert store.version() == version

    def test_what_is_learned_anew_replaces_all(self, store: GraphStore) -> None:
        store.write(films())
        store.write_learned(learned(store), given())
        other = Learned("rotate-4567", "2026-11-23T10:00:00Z", store.version(), 2, 2)
        store.write_learned(other, [(DIRECTOR.id, (0.0, 1.0)), (COUNTRY.id, (1.0, 0.0))])
        assert store.learned() == other
        assert store.entity_vectors([entity.id for entity in VECTORS]) == {
            DIRECTOR.id: (0.0, 1.0),
            COUNTRY.id: (1.0, 0.0),
        }
        assert nearest(store, [0.0, 1.0]) == [DIRECTOR, COUNTRY]
        store.write_learned(replace(other, entities=0), [])
        assert store.learned() == replace(other, entities=0)
        assert store.nearest_entities([0.0, 1.0]) == []

    def test_forgetting_what_was_learned(self, store: GraphStore) -> None:
        store.write(films())
        store.write_learned(learned(store), given())
        store.forget_learned()
        assert store.learned() is None
        assert store.entity_vectors([FILM.id]) == {}
        assert store.nearest_entities([1.0, 0.0, 0.0]) == []
        store.write_learned(learned(store), given())
        assert nearest(store, VECTORS[FILM], limit=1) == [FILM]

    def test_entities_that_are_gone_are_passed_over(self, store: GraphStore) -> None:
        store.write(films())
        gone = EntityId(digest("gone"))
        written = replace(learned(store), entities=4)
        store.write_learned(written, [(gone, (1.0, 1.0, 1.0)), *given()])
        assert store.learned() == replace(written, entities=3)
        assert store.entity_vectors([gone]) == {}

    def test_a_vector_goes_with_its_entity(self, store: GraphStore) -> None:
        store.write(films())
        written = learned(store)
        store.write_learned(written, given())
        store.delete([films()[1].document.id])
        assert store.entity_vectors([entity.id for entity in VECTORS]).keys() == {FILM.id, DIRECTOR.id}
        assert nearest(store, VECTORS[COUNTRY]) == [DIRECTOR, FILM]
        store.write(films()[1:])
        assert store.entity_vectors([COUNTRY.id]) == {}
        assert COUNTRY not in nearest(store, VECTORS[COUNTRY])
        assert store.learned() == written

    def test_writing_leaves_vectors_there_but_stale(self, store: GraphStore) -> None:
        store.write(films())
        written = learned(store)
        store.write_learned(written, given())
        assert written.version == store.version()
        song = Entity("Song", "Down Under")
        store.write([reading("c", "A song by Johan.", mentions=[(DIRECTOR, "Johan")], facts=[(song, "by", DIRECTOR)])])
        store.write(
            [reading("a", "Now by Johan.", mentions=[(DIRECTOR, "Johan")], facts=[(FILM, "film_by", DIRECTOR)])]
        )
        assert store.learned() == written
        assert written.version != store.version()
        everyone = [entity.id for entity in store.all_entities()]
        assert store.entity_vectors(everyone) == dict(given())
        assert nearest(store, VECTORS[FILM]) == [FILM, DIRECTOR, COUNTRY]
        now = learned(store)
        store.write_learned(replace(now, entities=4), [*given(), (song.id, (0.0, 0.0, 1.0))])
        assert nearest(store, [0.0, 0.0, 1.0], limit=1) == [song]

    def test_a_writing_that_breaks_off_leaves_nothing_learned(
        self, store: GraphStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bolt_learned, "FLOATS", 3)  # a transaction a vector, where there are transactions
        store.write(films())
        store.write_learned(learned(store), given())

        def breaking() -> Iterator[tuple[EntityId, tuple[float, ...]]]:
            yield FILM.id, (3.0, 2.0, 1.0)
            assert store.learned() is None, "half is no more than nothing"
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            store.write_learned(learned(store), breaking())
        assert store.learned() is None
        assert store.entity_vectors([FILM.id, COUNTRY.id]) == {}
        assert store.nearest_entities([1.0, 0.0, 0.0]) == []
        store.write_learned(replace(learned(store), entities=1), [(DIRECTOR.id, VECTORS[DIRECTOR])])
        assert store.entity_vectors([entity.id for entity in VECTORS]) == {DIRECTOR.id: VECTORS[DIRECTOR]}
        assert nearest(store, VECTORS[FILM]) == [DIRECTOR]

    @pytest.mark.parametrize(
        ("vector", "said"),
        [((1.0, 2.0), "has 2 dimensions, not 3"), ((1.0, float("nan"), 0.0), "not finite"), ((), "has 0 dimensions")],
    )
    def test_vectors_that_no_store_should_keep(self, store: GraphStore, vector: tuple[float, ...], said: str) -> None:
        store.write(films())
        with pytest.raises(ValueError, match=f"entity {DIRECTOR.id} .*{said}"):
            store.write_learned(learned(store), [(FILM.id, VECTORS[FILM]), (DIRECTOR.id, vector)])
        assert store.learned() is None

    def test_a_zero_vector_is_kept_and_near_nothing(self, store: GraphStore) -> None:
        store.write(films())
        zero = (0.0, 0.0, 0.0)
        store.write_learned(learned(store), [(FILM.id, VECTORS[FILM]), (DIRECTOR.id, zero), (COUNTRY.id, zero)])
        assert store.entity_vectors([DIRECTOR.id]) == {DIRECTOR.id: zero}
        assert nearest(store, [1.0, 1.0, 0.0]) == [FILM]

    def test_many_vectors_of_entities_of_many_types(self, store: GraphStore) -> None:
        things = [Entity(f"Type {i % 7}", f"thing {i}") for i in range(300)]
        store.write([reading("many", "many things", facts=[(things[0], "r", thing) for thing in things])])
        chance = random.Random(20261122)
        numbers = {thing: tuple(chance.randint(-999, 999) / 8 for _ in range(16)) for thing in things}
        written = Learned("m", "2026-11-22T10:00:00Z", store.version(), 16, len(things))
        store.write_learned(written, ((thing.id, vector) for thing, vector in numbers.items()))
        assert store.learned() == written
        assert store.entity_vectors([thing.id for thing in things]) == {t.id: vector for t, vector in numbers.items()}
        for thing in things[::30]:
            assert nearest(store, numbers[thing], limit=1) == [thing]

    def test_learning_while_others_write(self, store: GraphStore) -> None:
        store.write(films())

        def write(number: int) -> None:
            store.write([reading(f"{number}", f"{number} by Earl", facts=[(FILM, f"r{number}", DIRECTOR)])])

        written = learned(store)
        with ThreadPoolExecutor(2) as threads:
            writing = [threads.submit(write, number) for number in range(8)]
            store.write_learned(written, given())
            for one in writing:
                one.result()
        assert store.learned() == written
        assert store.version() != written.version
        assert store.counts().facts == 10
        assert nearest(store, VECTORS[FILM], limit=1) == [FILM]
