"""No answer leaves with a fact that the store does not hold or a quotation that is not the source's characters."""

from collections.abc import Collection
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion.answer import Answer, Citation
from fusion.verify import connected, verify
from kg.facts import Chunk, ChunkId, DocumentId, Entity, EntityId, Fact, FactId, Path
from kg.memory_store import MemoryStore
from kg.store import DocumentRecord
from tests.fusion.graphs import FILMS, GUY, LEVY, NIGHT, graph

STORE = graph(FILMS)
FACTS = list(STORE.all_facts())
NAMES = {entity.id: entity for entity in STORE.all_entities()}


class Tampering:
    """A store that denies some facts, has other characters in some chunks, and other sources for some documents."""

    def __init__(
        self,
        store: MemoryStore,
        *,
        denied: Collection[FactId],
        changed: Collection[ChunkId],
        moved: Collection[DocumentId],
    ) -> None:
        self._store, self._denied, self._changed, self._moved = store, denied, changed, moved

    def facts_between(self, triples: Collection[tuple[EntityId, str, EntityId]]) -> list[Fact]:
        return [fact for fact in self._store.facts_between(triples) if fact.id not in self._denied]

    def chunks(self, ids: Collection[ChunkId]) -> list[Chunk]:
        return [
            replace(chunk, text=chunk.text.swapcase()) if chunk.id in self._changed else chunk
            for chunk in self._store.chunks(ids)
        ]

    def document_records(self, ids: Collection[DocumentId]) -> list[DocumentRecord]:
        return [
            replace(record, source="elsewhere") if record.id in self._moved else record
            for record in self._store.document_records(ids)
        ]


def citation(fact: Fact) -> tuple[Citation, ChunkId]:
    evidence = min(fact.evidence)
    [chunk] = STORE.chunks([evidence.chunk])
    [record] = STORE.document_records([chunk.document])
    quote = chunk.text[evidence.start : evidence.end]
    return Citation(chunk.document, record.source, evidence.start, evidence.end, quote, fact.id), chunk.id


def answer_of(facts: list[Fact]) -> tuple[Answer, dict[Citation, ChunkId]]:
    """One path a fact, and the objects as the answer."""
    cut = dict(citation(fact) for fact in facts)
    things = tuple(dict.fromkeys(NAMES[fact.object] for fact in facts))
    text = ", ".join(thing.name for thing in things)
    paths = tuple(Path((fact,)) for fact in facts)
    return Answer("?", text, confidence=0.9, entities=things, paths=paths, citations=tuple(cut), names=NAMES), cut


facts = st.lists(st.sampled_from(FACTS), min_size=1, max_size=4, unique_by=lambda fact: fact.id)


@given(facts, st.data())
def test_whatever_a_store_says_an_answer_holds_only_what_it_bears_out(chosen: list[Fact], data: st.DataObject) -> None:
    answer, cut = answer_of(chosen)
    chunks = sorted(set(cut.values()))
    documents = sorted({c.document for c in answer.citations})
    store = Tampering(
        STORE,
        denied=data.draw(st.sets(st.sampled_from([fact.id for fact in chosen]))),
        changed=data.draw(st.sets(st.sampled_from(chunks))),
        moved=data.draw(st.sets(st.sampled_from(documents))),
    )
    left = verify(answer, store, cut)  # type: ignore[arg-type]
    if left.abstained:
        assert (left.text, left.paths, left.citations, left.entities) == ("", (), (), ())
        assert left.reason
        return
    kept = [fact for path in left.paths for fact in path.facts]
    assert kept
    assert {f.id for f in store.facts_between([(f.subject, f.relation, f.object) for f in kept])} == {
        f.id for f in kept
    }
    for one in left.citations:
        [chunk] = store.chunks([cut[one]])
        [record] = store.document_records([one.document])
        assert chunk.text[one.start - chunk.start : one.end - chunk.start] == one.quote
        assert record.source == one.source
        assert one.fact in {fact.id for fact in kept}
    assert {entity.id for entity in left.entities} <= {end for fact in kept for end in (fact.subject, fact.object)}
    assert all(entity.name in left.text for entity in left.entities)


@given(
    st.sampled_from(FACTS), st.sampled_from(["start", "end", "quote", "source", "document", "fact"]), st.integers(1, 9)
)
def test_a_forged_citation_goes(fact: Fact, field: str, by: int) -> None:
    answer, cut = answer_of([fact])
    [true] = cut
    other = next(f for f in FACTS if f.id != fact.id)
    forged = {
        "start": replace(true, start=true.start + by),
        "end": replace(true, end=true.end - by),
        "quote": replace(true, quote=true.quote + "!"),
        "source": replace(true, source="elsewhere"),
        "document": replace(true, document=DocumentId("0" * 32)),
        "fact": replace(true, fact=other.id),
    }[field]
    left = verify(replace(answer, citations=(forged,)), STORE, {forged: cut[true]})
    assert left.abstained


def test_an_invented_fact_withdraws_the_answer() -> None:
    invented = Fact(GUY.id, "written_by", LEVY.id)
    answer = Answer("?", "Shawn Levy", entities=(LEVY,), paths=(Path((invented,)),), names=NAMES)
    assert verify(answer, STORE, {}).abstained


def test_a_comparison_that_loses_a_side_is_withdrawn() -> None:
    held = next(fact for fact in FACTS if fact.subject == GUY.id and fact.relation == "released_on")
    cited, chunk = citation(held)
    invented = Fact(NIGHT.id, "released_on", held.object)
    paths = (Path((held,)), Path((invented,)))
    answer = Answer("?", "Free Guy", entities=(GUY,), paths=paths, citations=(cited,), names=NAMES)
    assert verify(answer, STORE, {cited: chunk}, joint=True).abstained


def test_paths_must_join() -> None:
    one = next(fact for fact in FACTS if fact.subject == GUY.id and fact.object == LEVY.id)
    far = next(fact for fact in FACTS if not {fact.subject, fact.object} & {GUY.id, LEVY.id})
    assert connected(Path((one,)))
    assert not connected(Path((one, far)))
    cut = dict([citation(one), citation(far)])
    answer = Answer(
        "?", "x", entities=(NAMES[far.object],), paths=(Path((one, far)),), citations=tuple(cut), names=NAMES
    )
    assert verify(answer, STORE, cut).abstained


def test_an_abstention_needs_no_store() -> None:
    abstention = Answer("?", "", abstained=True, reason="because")
    assert verify(abstention, None, {}) is abstention  # type: ignore[arg-type]


def test_a_true_answer_is_left_alone() -> None:
    answer, cut = answer_of(FACTS[:3])
    assert verify(answer, STORE, cut) == answer


def test_a_fact_whose_entity_is_not_named_goes() -> None:
    answer, cut = answer_of(FACTS[:1])
    assert verify(replace(answer, names={}), STORE, cut).abstained


@pytest.mark.parametrize("entity", [Entity("Person", "Nobody")])
def test_nothing_to_show_is_no_answer(entity: Entity) -> None:
    assert verify(Answer("?", "Nobody", entities=(entity,), names={entity.id: entity}), STORE, {}).abstained


def test_one_true_quotation_hides_no_false_one() -> None:
    one, other = (
        fact for fact in FACTS if fact.relation == "born_in" and NAMES[fact.object].name in ("Paris", "Oslo", "Flora")
    )
    answer, cut = answer_of([one, other])
    true, false = answer.citations
    forged = replace(false, quote=false.quote.swapcase())
    left = verify(replace(answer, citations=(true, forged)), STORE, {true: cut[true], forged: cut[false]})
    assert [path.facts for path in left.paths] == [(one,)]
    assert left.text == NAMES[one.object].name
    assert left.citations == (true,)
    assert verify(
        replace(answer, citations=(true, forged)), STORE, {true: cut[true], forged: cut[false]}, joint=True
    ).abstained
    assert verify(replace(answer, citations=(true,)), STORE, cut).text == left.text  # nor may one be missing
