"""A learned graph in use: facts are foretold, and facts are doubted.

What is foretold is never a fact: it is told with its probability and with the paths of the graph that speak for it.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from kg.embeddings.batches import Queries
from kg.embeddings.calibration import Calibration, log_probabilities
from kg.embeddings.checkpoint import load
from kg.embeddings.errors import CheckpointError, NotLearnedError
from kg.embeddings.learn import CALIBRATION
from kg.embeddings.models import restore
from kg.embeddings.newcomers import load_newcomers
from kg.embeddings.rules import Rules, Support
from kg.embeddings.scorers import Scorer
from kg.facts import Entity, EntityId
from kg.ontology import Ontology
from kg.store import GraphStore
from kg.tensors import GraphTensors, tensors

BATCH = 256
LEANING = 5  # facts' worth of the whole graph in what is usual for a relation
LOOKED_AT = 50  # candidates for each that is wanted: some are not of a type that the relation allows


@dataclass(frozen=True, slots=True)
class Reason:
    """A path that speaks for a fact: its facts, and how often such a path goes with such a fact."""

    path: tuple[tuple[EntityId, str, EntityId], ...]
    holds: int
    cases: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """A fact that the graph does not hold and that the model expects. It is not a fact."""

    subject: EntityId
    relation: str
    object: EntityId
    probability: float
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Doubt:
    """A fact of the graph that the model would not have expected."""

    subject: EntityId
    relation: str
    object: EntityId
    probability: float  # of its less expected end, given the other
    deviation: float  # from what is usual for the relation, in standard deviations: the lower, the stranger
    reasons: tuple[Reason, ...] = ()  # what speaks for it all the same


@dataclass(frozen=True, eq=False)
class _View:
    """A graph through a model that scores its facts: both number entities and relations alike."""

    graph: GraphTensors
    scorer: Scorer
    calibration: Calibration

    @cached_property
    def known(self) -> Queries:
        return Queries(self.graph.triples, len(self.graph.relations))

    @cached_property
    def rules(self) -> Rules:
        return Rules(self.graph)

    def has(self, subject: EntityId, relation: str) -> bool:
        """Whether the graph holds such a fact of the subject."""
        head, row = self.graph.entity_index[subject], self.graph.relation_index[relation]
        query = head * (2 * len(self.graph.relations)) + row
        return bool(len(self.known.answers(torch.tensor([query]))[1]))

    def reasons(self, head: int, row: int, tail: int) -> tuple[Reason, ...]:
        return tuple(self._reason(support) for support in self.rules.support(head, row, tail))

    def _reason(self, support: Support) -> Reason:
        entities = self.graph.entities
        path = tuple((entities[head], self.graph.relations[row], entities[tail]) for head, row, tail in support.path)
        rule = support.rule
        return Reason(path, rule.holds, rule.cases, round(rule.confidence, 4))


class LearnedGraph:
    """What a learned model says of a graph as it is now."""

    def __init__(self, store: GraphStore, folder: Path, *, ontology: Ontology) -> None:
        """Load the model in ``folder`` and the graph of the store.

        Raises:
            NotLearnedError: there is no model.
            CheckpointError: it cannot be read.
            StoreError: the store failed.
        """
        about, calibration = _calibration(folder)
        checkpoint = load(folder / about)
        self._now = tensors(store)
        self.stale = "" if self._now.digest == checkpoint.digest else checkpoint.difference(self._now)
        self.version = self._now.version
        self._store = store
        self._ontology = ontology
        graph = _aligned(self._now, checkpoint.entities, checkpoint.relations)
        self._learned = _View(graph, restore(checkpoint, graph), calibration)
        self._folder, self._written = folder, _written(folder)

    def current(self) -> bool:
        """Whether neither the graph nor the model in its folder has changed since they were loaded."""
        return self.version == self._store.version() and self._written == _written(self._folder)

    @property
    def relations(self) -> tuple[str, ...]:
        """The relations that were learned."""
        return self._learned.graph.relations

    @cached_property
    def _walked(self) -> _View:
        """The graph as it is now, entities that came after the learning included.

        Raises:
            LearningError: nothing was learned for them, or it cannot be read.
        """
        newcomers = load_newcomers(self._folder)
        graph = _aligned(self._now, self._now.entities, newcomers.encoder.relations)
        return _View(graph, newcomers.on(graph), newcomers.calibration)

    def predict(
        self, relation: str, *, subject: EntityId | None = None, object: EntityId | None = None, limit: int = 10
    ) -> list[Prediction]:
        """The objects that a subject most probably has, or the subjects of an object: the likeliest first.

        Facts of the graph are left out, and so is what the ontology does not allow. Of an entity that came after the
        learning, the encoder that walks the graph tells what to expect.

        Raises:
            NotLearnedError: the graph does not hold the entity, or the model does not know the relation.
            ValueError: neither end is given, or both are.
        """
        if (subject is None) == (object is None):
            raise ValueError("give either the subject or the object")
        given = subject if subject is not None else object
        assert given is not None
        view = self._knowing(given)
        head, row, relations = view.graph.entity_index[given], self._row(view, relation), len(view.graph.relations)
        if subject is None:
            row += relations
        scores = log_probabilities(view.scorer, torch.tensor([head]), torch.tensor([row]), view.known)[0]
        scores[head] = -torch.inf  # nothing is its own director
        best, places = scores.topk(min(LOOKED_AT * limit, len(scores)))
        chances = view.calibration.probability(best).tolist()
        ids = [view.graph.entities[at] for at in places.tolist()]
        entities = {entity.id: entity for entity in self._store.entities([given, *ids])}
        found: list[Prediction] = []
        for at, other, chance, finite in zip(places.tolist(), ids, chances, best.isfinite().tolist(), strict=True):
            if not finite or len(found) == limit:
                break
            ends = (given, other) if subject is not None else (other, given)
            if self._allowed(ends, relation, entities, view):
                reasons = view.reasons(head, row, at)
                found.append(Prediction(ends[0], relation, ends[1], round(chance, 4), reasons))
        return found

    def suspicious(self, *, limit: int = 20) -> list[Doubt]:
        """The facts that the model would have expected least for their relation, the strangest first.

        A fact's two ends are each held against the ends of the same relation's other facts, in standard deviations of
        their log-probability: of the many subjects of one occupation none is expected, and none is strange.

        Raises:
            StoreError: the store failed.
        """
        view = self._learned
        graph = view.graph
        expected = torch.cat([torch.empty(0, 2), *_expected(view)])  # (m, 2)
        strangeness = _standardised(expected, graph.edge_type, len(graph.relations)).amin(dim=1)
        deviations, lowest = strangeness.topk(min(limit, len(strangeness)), largest=False)
        chances = view.calibration.probability(expected[lowest].amin(dim=1))
        doubts = []
        for chance, deviation, (head, relation, tail) in zip(
            chances.tolist(), deviations.tolist(), graph.triples[lowest].tolist(), strict=True
        ):
            subject, object = graph.entities[head], graph.entities[tail]
            reasons = view.reasons(head, relation, tail)
            name = graph.relations[relation]
            doubts.append(Doubt(subject, name, object, round(chance, 4), round(deviation, 2), reasons))
        return doubts

    def _knowing(self, id: EntityId) -> _View:
        """What can say something of an entity."""
        if id in self._learned.graph.entity_index:
            return self._learned
        if id not in self._now.entity_index:
            raise NotLearnedError("The graph does not hold this entity.")
        return self._walked

    def _row(self, view: _View, relation: str) -> int:
        row = view.graph.relation_index.get(relation)
        if row is None:
            known = ", ".join(view.graph.relations[:20])
            raise NotLearnedError(f"The model knows no relation {relation!r}; it knows {known}.")
        return row

    def _allowed(self, ends: Sequence[EntityId], relation: str, entities: dict[EntityId, Entity], view: _View) -> bool:
        subject, object = (entities.get(id) for id in ends)
        if subject is None or object is None:
            return False  # it is no longer in the graph
        known = self._ontology.relations.get(relation)
        if known is not None and known.functional and view.has(subject.id, relation):
            return False
        return self._ontology.violation(subject.type, relation, object.type) is None


@torch.inference_mode()
def _expected(view: _View) -> Iterator[Tensor]:
    """For each fact, the log-probabilities of its tail and of its head, other answers aside: parts of (m, 2)."""
    relations = len(view.graph.relations)
    triples = view.graph.triples
    for start in range(0, len(triples), BATCH):
        heads, rows, tails = triples[start : start + BATCH].unbind(1)
        ends = []
        for one, row, other in ((heads, rows, tails), (tails, rows + relations, heads)):
            scores = view.scorer(one, row).float()
            own = scores.gather(1, other[:, None])  # (b, 1)
            scores[view.known.answers(one * (2 * relations) + row)] = -torch.inf
            scores.scatter_(1, other[:, None], own)
            ends.append(own - scores.logsumexp(dim=-1, keepdim=True))
        yield torch.cat(ends, dim=1)


def _standardised(values: Tensor, groups: Tensor, count: int) -> Tensor:
    """Each column in standard deviations from its group's mean; small groups lean on the whole. Shapes: (m, 2)."""
    if not len(values):
        return values
    mean, spread = values.mean(dim=0), values.var(dim=0, correction=0)
    sizes = torch.bincount(groups, minlength=count)[:, None] + LEANING  # (r, 1)
    means = (torch.zeros(count, 2).index_add_(0, groups, values) + LEANING * mean) / sizes
    off = values - means[groups]
    spreads = (torch.zeros(count, 2).index_add_(0, groups, off.square()) + LEANING * spread) / sizes
    return off / spreads[groups].clamp_min(1e-6).sqrt()


def _calibration(folder: Path) -> tuple[str, Calibration]:
    path = folder / CALIBRATION
    try:
        about = json.loads(path.read_text("utf-8"))
        return about.pop("whole"), Calibration(**about)
    except FileNotFoundError as error:
        raise NotLearnedError(f"Nothing has been learned yet ({path} is missing); run `clew learn`.") from error
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}); run `clew learn` again.") from error


def _written(folder: Path) -> int:
    try:
        return (folder / CALIBRATION).stat().st_mtime_ns
    except OSError:
        return 0


def _aligned(graph: GraphTensors, entities: Sequence[str], relations: Sequence[str]) -> GraphTensors:
    """The facts of a graph among these entities and relations, in their numbers."""
    if graph.entities == tuple(entities) and graph.relations == tuple(relations):
        return graph
    place = {id: at for at, id in enumerate(entities)}
    row = {name: at for at, name in enumerate(relations)}
    of_entity = torch.tensor([place.get(id, -1) for id in graph.entities], dtype=torch.long)
    of_relation = torch.tensor([row.get(name, -1) for name in graph.relations], dtype=torch.long)
    heads, tails = of_entity[graph.edge_index]
    rows = of_relation[graph.edge_type]
    kept = (heads >= 0) & (tails >= 0) & (rows >= 0)
    edges = torch.stack((heads[kept], tails[kept]))
    return GraphTensors(edges, rows[kept], tuple(map(EntityId, entities)), tuple(relations), graph.version)
