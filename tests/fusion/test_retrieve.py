"""Passages by words, vectors and graph; names found in questions."""

import pytest

from fusion.question import coverage, link, stem
from fusion.retrieve import Retriever, fuse, page_rank
from kg import ontology
from kg.facts import Chunk, ChunkId, DocumentId, Entity, EntityId
from kg.memory_store import MemoryStore
from kg.store import ChunkHit
from tests.fusion.graphs import FILMS, film, graph, person


@pytest.fixture(scope="module")
def store() -> MemoryStore:
    return graph(FILMS)


def named(store: MemoryStore, text: str) -> dict[str, set[str]]:
    """The names found, with the entities that each may be."""
    found: dict[str, set[str]] = {}
    for one in link(store, ontology.default(), text):
        found.setdefault(text[one.start : one.end], set()).add(one.entity.name)
    return found


def test_names_are_found_whatever_their_case_and_accents(store: MemoryStore) -> None:
    assert named(store, "is FREE GUY by pal gabor?") == {"FREE GUY": {"Free Guy"}, "pal gabor": {"Pál Gábor"}}


def test_the_possessive_is_not_part_of_a_name(store: MemoryStore) -> None:
    assert named(store, "Who is Henrik Selberg's father?") == {"Henrik Selberg": {"Henrik Selberg"}}


def test_the_longest_name_wins() -> None:
    store = graph(
        [(film("Night"), "directed_by", person("A B")), (film("Night at the Museum"), "directed_by", person("C D"))]
    )
    assert named(store, "Who directed Night at the Museum?") == {"Night at the Museum": {"Night at the Museum"}}


def test_all_that_share_a_name_are_candidates() -> None:
    store = graph(
        [(film("Halo"), "directed_by", person("A B")), (Entity("Song", "Halo"), "performed_by", person("C D"))]
    )
    assert [found.entity.type for found in link(store, ontology.default(), "Who made Halo?")] in (
        ["Film", "Song"],
        ["Song", "Film"],
    )


def test_words_that_ask_or_relate_are_names_only_when_written_as_names() -> None:
    store = graph([(film("The Director"), "directed_by", person("A B"))])
    assert named(store, "Who is the director of something?") == {}
    assert named(store, "When was The Director released?") == {"The Director": {"The Director"}}


def test_a_misspelt_name_is_found_with_less_trust(store: MemoryStore) -> None:
    [found] = link(store, ontology.default(), "Who is the father of Henrik Selburg?")
    assert found.entity.name == "Henrik Selberg"
    assert found.score < 0.7


def test_chinese_names_need_no_spaces() -> None:
    store = graph([(Entity("Disease", "2型糖尿病"), "symptom", Entity("Symptom", "口渴"))])
    assert named(store, "请问2型糖尿病有什么症状？") == {"2型糖尿病": {"2型糖尿病"}}


def test_coverage_is_the_share_of_words_that_name(store: MemoryStore) -> None:
    known = ontology.default()
    for text, share in [
        ("Who directed Free Guy?", 1.0),
        ("Who directed Free Guy in Atlantis?", 2 / 3),
        ("Who was it?", 0.0),
    ]:
        assert coverage(known, text, link(store, known, text)) == pytest.approx(share)


def test_stems_join_the_forms_of_a_word() -> None:
    for group in (
        ["direct", "directed", "director", "directors"],
        ["star", "starred", "starring", "stars"],
        ["die", "died", "death"],
    ):
        assert len({stem(word) for word in group}) == 1, group
    assert stem("film") != stem("filled")


def test_facts_lead_to_the_passage_that_shares_no_word_with_the_question(store: MemoryStore) -> None:
    retriever = Retriever(store, embedder=None, ontology=ontology.default())
    found = retriever.retrieve("Who is the spouse of the director of Free Guy?", limit=2)
    assert {store.document_records([hit.chunk.document])[0].title for hit in found.passages} == {
        "Free Guy",
        "Shawn Levy",
    }


def test_the_same_question_finds_the_same_passages_in_the_same_order(store: MemoryStore) -> None:
    retriever = Retriever(store, embedder=None, ontology=ontology.default())
    texts = ["films of Shawn Levy", "born in Oslo", "zzz", 'Free Guy OR "x AND (', "症状"]
    assert [retriever.retrieve(t) for t in texts] == [retriever.retrieve(t) for t in texts]


def test_fused_ranks_prefer_what_both_rankings_have() -> None:
    one, two, three = (ChunkHit(Chunk(DocumentId("d"), i, i + 1, "x"), 1.0) for i in range(3))
    scores = fuse([one, two], [two, three])
    assert max(scores, key=lambda id: scores[id]) == two.chunk.id


def test_page_rank_is_a_distribution_and_flows_along_ties() -> None:
    e, f = EntityId("e"), EntityId("f")
    a, b, c = ChunkId("a"), ChunkId("b"), ChunkId("c")
    ranks = page_rank([(e, a, 1.0), (f, a, 1.0), (f, b, 1.0), (EntityId("g"), c, 1.0)], entities={e: 1.0}, passages={})
    assert ranks[a] > ranks[b] > ranks[c] == 0
    assert 0 < sum(ranks.values()) < 1
    assert page_rank([], entities={}, passages={}) == {}
