"""Question → passages and entities: words, vectors and the graph, each asked once, and their votes joined.

The passages that words and vectors find, those that name the question's entities, and those that name what these
passages name, make a small graph of passages and entities. Personalised PageRank walks it from the question's
entities (a rare one weighs more than a common one) and from the passages found first:

    p ← (1 - d) · r + d · Wᵀ p        HippoRAG 2, https://arxiv.org/abs/2502.14802

so that a passage about the director of a film that the question names is reached through the film's own passage.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from fusion.cues import Speech
from fusion.paths import Facts, explain
from fusion.question import Link, coverage, link
from kg.facts import ChunkId, EntityId, Occurrence
from kg.ontology import Ontology
from kg.store import ChunkHit, GraphStore
from nlp.embed import Embedder

POOL = 60  # passages asked of each search
NEAR = 12  # of them, those whose entities are followed
NAMING = 12  # passages followed for each entity that the question names
SPREAD = 120  # entities whose other passages are fetched
COMMON = 60  # an entity with more passages than this says little about any of them: not followed
WALKS = 6  # readings of the question whose facts are followed
FEW = 8  # entities that one reading may lead to and still say something about each
TOLD = 0.5  # the weight of an entity that facts lead to, beside one that the question names
HEAD = 4  # characters: a document that starts with a name is about what it names
HEAD_WEIGHT = 12.0
DAMPING = 0.75
PASSAGE_SHARE = 0.03  # of the walk's restarts that are at passages; the rest are at entities
ROUNDS = 20
SMOOTH = 60.0  # of reciprocal rank fusion, https://dl.acm.org/doi/10.1145/1571941.1572114
FLATTEN = 0.33  # the walk's probabilities fall steeply from hop to hop: this root makes them comparable
DIRECT = 0.1  # the weight of what words and vectors say themselves beside the walk, where all words are linked
UNLINKED = 0.8  # what is added to that weight as fewer of the question's words name entities

Node = TypeVar("Node", bound=str)


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What a question led to: its entities, and passages, best first, with their scores."""

    links: tuple[Link, ...]
    passages: tuple[ChunkHit, ...]


class Retriever:
    """Finds passages for questions in one graph."""

    def __init__(
        self, store: GraphStore, *, embedder: Embedder | None, ontology: Ontology, speech: Speech | None = None
    ) -> None:
        """Without an embedder, passages are found by words and by the graph alone."""
        self._store = store
        self._speech = speech or Speech(store, ontology)
        self._embedder = embedder
        self._ontology = ontology

    def retrieve(self, text: str, *, limit: int = 10, links: Sequence[Link] | None = None) -> Retrieval:
        """The passages that say most about a text; ``links`` are the entities that it names, where they are known.

        Raises:
            StoreError: the store failed.
            WeightsError: the embedder's weights are missing or damaged.
        """
        if links is None:
            links = link(self._store, self._ontology, text)
        dense: list[ChunkHit] = []
        with ThreadPoolExecutor(max_workers=1) as beside:  # the server searches words while the text is encoded
            by_words = beside.submit(self._store.search_chunks, text, limit=POOL)
            if self._embedder is not None:
                dense = self._store.nearest_chunks(self._embedder.encode([text])[0].tolist(), limit=POOL)
        lexical = by_words.result()
        direct = fuse(lexical, dense)
        walked = self._walk(text, links, direct)
        top = max(direct.values(), default=1.0)
        peak = max(walked.values(), default=1.0)
        weight = DIRECT + UNLINKED * (1 - coverage(self._ontology, text, links))
        scores = {
            id: (walked.get(id, 0.0) / peak) ** FLATTEN + weight * direct.get(id, 0.0) / top
            for id in walked.keys() | direct.keys()
        }
        best = sorted(scores, key=lambda id: (-scores[id], id))[:limit]
        known = {hit.chunk.id: hit.chunk for hit in (*lexical, *dense)}
        known |= {chunk.id: chunk for chunk in self._store.chunks([id for id in best if id not in known])}
        return Retrieval(tuple(links), tuple(ChunkHit(known[id], scores[id]) for id in best if id in known))

    def _walk(self, text: str, links: Sequence[Link], direct: Mapping[ChunkId, float]) -> dict[ChunkId, float]:
        """How often a walk that starts anew at the question's entities and first passages is at each passage."""
        near = sorted(direct, key=lambda id: (-direct[id], id))[:NEAR]
        named = {found.entity.id: found.score for found in links}
        first = self._store.occurrences(entities=named, chunks=near, most=COMMON)
        naming = _passages(first)
        rare = {id: score / max(1, len(naming.get(id, ()))) for id, score in named.items()}
        told = self._told(text, links, rare)
        close = dict.fromkeys(near) | {
            chunk: None
            for id in named
            for chunk in sorted(naming.get(id, {}), key=lambda c: (-naming[id][c], c))[:NAMING]
        }
        inner = [*first, *self._store.occurrences(chunks=[id for id in close if id not in set(near)])]
        spread = [*told, *_about(inner, close)][:SPREAD]
        outer = [*inner, *self._store.occurrences(entities=[id for id in spread if id not in named], most=COMMON)]
        return page_rank(_edges(outer), entities=rare | told, passages={id: direct[id] for id in near})

    def _told(self, text: str, links: Sequence[Link], named: Mapping[EntityId, float]) -> dict[EntityId, float]:
        """The entities that facts lead to from the question's own by the words of the question."""
        facts = Facts(self._store)
        told: dict[EntityId, float] = {}
        cues = self._speech.lexicon().cues(text, links)
        for found in links:
            place = (found.start, found.end)
            for walk in explain(facts, found.entity.id, place, cues, frozenset(), self._ontology)[:WALKS]:
                if len(walk.reached) <= FEW:
                    for fact in (fact for path in walk.reached.values() for fact in path):
                        for id in {fact.subject, fact.object} - named.keys():
                            told[id] = max(told.get(id, 0.0), TOLD * named[found.entity.id])
        return told


def fuse(*rankings: Sequence[ChunkHit]) -> dict[ChunkId, float]:
    """Reciprocal rank fusion: a passage scores 1 / (60 + its place) in each ranking."""
    scores: defaultdict[ChunkId, float] = defaultdict(float)
    for ranking in rankings:
        for place, hit in enumerate(ranking, start=1):
            scores[hit.chunk.id] += 1 / (SMOOTH + place)
    return dict(scores)


def _passages(occurrences: Collection[Occurrence]) -> dict[EntityId, dict[ChunkId, float]]:
    """The passages that name each entity, with the weight of the tie."""
    found: defaultdict[EntityId, dict[ChunkId, float]] = defaultdict(dict)
    for occurrence in occurrences:
        weight = HEAD_WEIGHT if occurrence.start < HEAD else 1.0
        ties = found[occurrence.entity]
        ties[occurrence.chunk] = max(weight, ties.get(occurrence.chunk, 0.0))
    return found


def _about(occurrences: Collection[Occurrence], chunks: Mapping[ChunkId, None]) -> list[EntityId]:
    """The entities named in these passages: those of the first passages first."""
    order = {chunk: place for place, chunk in enumerate(chunks)}
    places: dict[EntityId, int] = {}
    for occurrence in occurrences:
        if occurrence.chunk in order:
            place = order[occurrence.chunk]
            places[occurrence.entity] = min(place, places.get(occurrence.entity, place))
    return sorted(places, key=lambda id: (places[id], id))


def _edges(occurrences: Collection[Occurrence]) -> list[tuple[EntityId, ChunkId, float]]:
    return [
        (entity, chunk, weight)
        for entity, ties in _passages(occurrences).items()
        if len(ties) <= COMMON
        for chunk, weight in ties.items()
    ]


def page_rank(
    edges: Sequence[tuple[EntityId, ChunkId, float]],
    *,
    entities: Mapping[EntityId, float],
    passages: Mapping[ChunkId, float],
) -> dict[ChunkId, float]:
    """Personalised PageRank over ties between entities and passages, of the passages."""
    index: dict[str, int] = {}
    for node in (*(e for e, _, _ in edges), *(c for _, c, _ in edges), *entities, *passages):
        index.setdefault(node, len(index))
    if not index:
        return {}
    head = np.array([index[e] for e, _, _ in edges], np.int64)  # (m,)
    tail = np.array([index[c] for _, c, _ in edges], np.int64)
    weight = np.array([w for _, _, w in edges])
    source, target, weight = np.concatenate([head, tail]), np.concatenate([tail, head]), np.tile(weight, 2)  # (2m,)
    out = np.bincount(source, weight, minlength=len(index))  # (n,)
    flow = weight / out[source]
    restart = np.zeros(len(index))
    for share, starts in ((1 - PASSAGE_SHARE, entities), (PASSAGE_SHARE, passages)):
        total = sum(starts.values())
        for node, score in starts.items():
            restart[index[node]] += share * score / total
    if not restart.any():
        return {}
    restart /= restart.sum()
    rank = restart
    for _ in range(ROUNDS):
        rank = (1 - DAMPING) * restart + DAMPING * np.bincount(target, rank[source] * flow, minlength=len(index))
    chunks = {c for _, c, _ in edges} | passages.keys()
    return {chunk: float(rank[index[chunk]]) for chunk in chunks}
