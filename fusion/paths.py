"""Path search: from an entity that the question names, along facts that its cues stand for, to the answer.

A path explains a question when each of its cues is some hop; hops are tried in every order, nearest cue first.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from fusion.cues import ALIASES, INVERSE, ONE_WAY, SAME_AS, Chain, Cue
from kg.facts import Entity, EntityId, Fact, Triple
from kg.ontology import Ontology
from kg.store import GraphStore

FACTS = 1000  # of one entity that are looked at
FRONTIER = 400  # entities that are walked on from
BEAM = 12
CUES = 5  # that one question may have
AGAINST = 0.9  # a hop against the direction of its fact, where the words do not say which
DISORDER = 0.93  # for each pair of hops that lie in the question in the other order
REWORDED = 0.97  # the fact was written from the other side
ASTRAY = 0.5  # the answer is not of the type that was asked for


@dataclass(frozen=True, slots=True)
class Walk:
    """Where a chain of hops led: each entity reached, with the facts that led there.

    ``beside``: facts that join what was walked to what else the question names.
    """

    reached: dict[EntityId, tuple[Fact, ...]]
    cues: tuple[Cue, ...] = ()
    score: float = 1.0
    beside: tuple[Fact, ...] = ()


class Known(Protocol):
    """What has entities by their ids: a store, or an index of names."""

    def entities(self, ids: Collection[EntityId]) -> list[Entity]:
        """These entities, by id; those that it does not have are passed over."""
        ...


class Facts:
    """The facts of entities as one version of the graph has them, each asked of the store once."""

    def __init__(self, store: GraphStore, *, version: int | None = None, known: Known | None = None) -> None:
        """``version`` is the graph's, where it is known; ``known`` has its entities, if not the store."""
        self._store, self.version, self._known = store, version, known or store
        self._of: dict[EntityId, list[Fact]] = {}  # only ever added to, so several threads may share it
        self._entities: dict[EntityId, Entity] = {}

    def __len__(self) -> int:
        """How many entities' facts are kept."""
        return len(self._of)

    def of(self, entities: Collection[EntityId]) -> dict[EntityId, list[Fact]]:
        """The facts of each entity, those with the most evidence first."""
        missing = [id for id in entities if id not in self._of]
        if missing:
            found: dict[EntityId, list[Fact]] = {id: [] for id in missing}
            for fact in self._store.facts(missing, limit=FACTS):
                for end in {fact.subject, fact.object}:
                    if end in found:
                        found[end].append(fact)
            self._of |= {id: sorted(facts, key=strength) for id, facts in found.items()}
        return {id: self._of[id] for id in entities}

    def entities(self, ids: Collection[EntityId]) -> dict[EntityId, Entity]:
        """These entities, by id."""
        missing = [id for id in ids if id not in self._entities]
        if missing:
            self._entities |= {entity.id: entity for entity in self._known.entities(missing)}
        return {id: self._entities[id] for id in ids if id in self._entities}

    def held(self, triples: Collection[Triple]) -> dict[Triple, Fact]:
        """Those of these facts that the store has now, with their evidence."""
        found = self._store.facts_between(sorted(triples))
        return {(fact.subject, fact.relation, fact.object): fact for fact in found}

    def know(self, entities: Iterable[Entity]) -> None:
        """Keep entities that came with something else."""
        self._entities |= {entity.id: entity for entity in entities}


def strength(fact: Fact) -> tuple[float, int, str]:
    """Sorts facts: the surest first, then those with the most evidence, then by id."""
    return -max((e.confidence for e in fact.evidence), default=0.0), -len(fact.evidence), fact.id


def explain(
    facts: Facts,
    start: EntityId,
    place: tuple[int, int],
    cues: Sequence[Cue],
    expected: Collection[str],
    ontology: Ontology,
) -> list[Walk]:
    """The walks from an entity that use the most cues, best first; the score is at most 1."""
    if not cues:
        return []
    beam = [Walk({start: ()}), *_other_names(facts, start)]
    done: list[Walk] = []
    for _ in range(min(len(cues), CUES)):
        facts.of(list({id for walk in beam for id in list(walk.reached)[:FRONTIER]}))  # in one call
        grown = [
            Walk(reached, (*walk.cues, cue), walk.score * weight)
            for walk in beam
            for cue in cues
            if cue not in walk.cues
            for chain in cue.chains
            for reached, weight in _follow(facts, walk.reached, chain, start, cue, place)
        ]
        beam = sorted(grown, key=lambda w: (-w.score * _order(w, place), w.cues and w.cues[-1].start))[:BEAM]
        done += beam
    ended = [_settle(walk, cues, place, facts, expected, ontology) for walk in done]
    return sorted(ended, key=lambda w: (-w.score, len(w.reached), min(w.reached)))


def _other_names(facts: Facts, start: EntityId) -> list[Walk]:
    """The same thing under the names that facts say it also has."""
    known = [fact for fact in facts.of([start])[start] if fact.relation in ALIASES]
    others: dict[EntityId, tuple[Fact, ...]] = {}
    for fact in known:
        others[fact.object if fact.subject == start else fact.subject] = (fact,)
    return [Walk(others, score=AGAINST)] if others else []


def _settle(
    walk: Walk, cues: Sequence[Cue], place: tuple[int, int], facts: Facts, expected: Collection[str], ontology: Ontology
) -> Walk:
    """The walk scored as an answer: cues explained, their order, and the type of what was reached."""
    reached, fit = walk.reached, 1.0
    hard = [cue for cue in cues if not cue.soft] or cues
    explained = sum(_explains(walk, cue) for cue in hard) / len(hard)
    if expected:
        types = {id: entity.type for id, entity in facts.entities(reached.keys()).items()}
        fitting = {id for id, type in types.items() if any(ontology.compatible(type, wanted) for wanted in expected)}
        if fitting:
            reached = {id: path for id, path in reached.items() if id in fitting}
        else:
            fit = ASTRAY
    return Walk(reached, walk.cues, walk.score * fit * _order(walk, place) * explained)


def _explains(walk: Walk, cue: Cue) -> float:
    """Whether a cue is one of the walk's hops, or another word for one: "what year … released"."""
    if cue in walk.cues:
        return 1.0
    used = {relation for hop in walk.cues for chain in hop.chains for relation in chain}
    again = any(hop.text == cue.text for hop in walk.cues)
    return REWORDED if not again and any(set(chain) <= used for chain in cue.chains) else 0.0


def _order(walk: Walk, place: tuple[int, int]) -> float:
    """Hops should follow the words outwards from the entity's name."""
    distances = [max(place[0] - cue.end, cue.start - place[1]) for cue in walk.cues]
    pairs = [(a, b) for i, a in enumerate(distances) for b in distances[i + 1 :]]
    return DISORDER ** sum(near > far for near, far in pairs)


def _follow(
    facts: Facts,
    reached: dict[EntityId, tuple[Fact, ...]],
    chain: Chain,
    start: EntityId,
    cue: Cue,
    place: tuple[int, int],
) -> list[tuple[dict[EntityId, tuple[Fact, ...]], float]]:
    """Where a chain of relations leads from there, forwards, and for one relation also backwards."""
    tried = [(chain, 1.0)]
    if len(chain) == 1 and chain[0] not in ONE_WAY:
        name = chain[0]
        tried.append(((name.removesuffix(INVERSE) if name.endswith(INVERSE) else name + INVERSE,), AGAINST))
    found = []
    for relations, weight in tried:
        here, cost = reached, weight
        for relation in relations:
            here, reworded = _hop(facts, here, relation, start)
            cost *= REWORDED if reworded else 1.0
        if here:
            found.append((here, cost))
    return found


def _hop(
    facts: Facts, reached: dict[EntityId, tuple[Fact, ...]], relation: str, start: EntityId
) -> tuple[dict[EntityId, tuple[Fact, ...]], bool]:
    """One hop from every entity reached; what is written from the other side is looked at if nothing else is found."""
    for reworded, names in ((False, (relation,)), (True, SAME_AS.get(relation, ()))):
        found: dict[EntityId, tuple[Fact, ...]] = {}
        frontier = list(reached)[:FRONTIER]
        known = facts.of(frontier) if names else {}
        for name in names:
            bare, backwards = name.removesuffix(INVERSE), name.endswith(INVERSE)
            for here in frontier:
                for fact in known[here]:
                    source, target = (fact.object, fact.subject) if backwards else (fact.subject, fact.object)
                    if fact.relation == bare and source == here and target != start:
                        found.setdefault(target, (*reached[here], fact))
        if found:
            return found, reworded
    return {}, False
