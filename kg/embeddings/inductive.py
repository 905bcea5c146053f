"""Link prediction for entities that training never saw: messages that depend on the relation asked for.

    h⁰[v] = 1[v = head] · q                                     q = the asked relation's vector
    h⁺[v] = h[v] + relu(norm(W [h[v] ; ⊕ { h[u] ⊙ w(s, q) : (u, s, v) in the graph } ∪ { h⁰[v] }]))
    score(v) = MLP([h[v] ; q])                                  after L layers

NBFNet (Zhu et al. 2021, https://arxiv.org/abs/2106.06935) with DistMult messages; ⊕ is a sum, or PNA (Corso et al.
2020, https://arxiv.org/abs/2004.05718). No parameter belongs to an entity, so the graph may be another one than in
training, as long as its relations are the same.

A state is kept only where a message from the head has arrived (as in RED-GNN, Zhang & Yao 2022,
https://arxiv.org/abs/2108.06040): an entity out of reach has the state 0. So the cost follows the L-hop
neighbourhood of the head and not the size of the graph, and a score does not depend on what else is asked beside it.

``n`` entities, ``r`` relations of which s + r is the inverse of s, ``b`` queries, ``k`` reached (query, entity)
pairs, ``e`` messages, ``d`` dimensions.
"""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field
from typing import Literal, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kg.embeddings.batches import with_inverses
from kg.embeddings.loop import Learned, Schedule, learn
from kg.embeddings.scorers import Scorer
from kg.embeddings.walks import Hop, Links, Questions, hops
from kg.errors import InputError

Aggregation = Literal["sum", "pna"]

MESSAGES = 4_000_000  # of one layer that are held at once: queries that need more are scored in halves


class RelationalLayer(nn.Module):
    """One layer: messages between reached entities, then a linear map, a norm and a short cut."""

    def __init__(self, num_relations: int, dimension: int, aggregation: Aggregation, mean_log_degree: Tensor) -> None:
        super().__init__()
        self.aggregation = aggregation
        self.relations = nn.Linear(dimension, 2 * num_relations * dimension)  # w(s, q), all s at once
        gathered = {"sum": 1, "pna": 4 * 3}[aggregation]
        self.linear = nn.Linear((1 + gathered) * dimension, dimension)
        self.norm = nn.LayerNorm(dimension)
        self.register_buffer("mean_log_degree", mean_log_degree)
        self.mean_log_degree: Tensor

    def forward(self, x: Tensor, query: Tensor, hop: Hop) -> Tensor:
        """The states after one more hop.

        Shapes:
            x (k, d), query (b, d); returns (k', d)
        """
        d = x.shape[1]
        weights = torch.cat([self.relations(query).view(-1, d), query.new_ones(1, d)])  # (2rb + 1, d)
        messages = torch.cat([x, query]).index_select(0, hop.source) * weights.index_select(0, hop.weight)  # (e, d)
        x = x.new_zeros(len(hop.reached), d).index_copy(0, hop.carried, x)  # (k', d)
        update = torch.cat([x, self.aggregate(messages, hop.count)], dim=1)
        return x + torch.relu(self.norm(self.linear(update)))

    def aggregate(self, messages: Tensor, count: Tensor) -> Tensor:
        """The messages that arrive at one place as one vector; nothing that arrives is 0.

        PNA: mean, greatest, least and standard deviation, each as it is, × and ÷ log(count + 1) / its mean in training.

        Shapes:
            messages (e, d) in the order of arrival, count (k,); returns (k, d) or (k, 12d)
        """
        total = torch.segment_reduce(messages, "sum", lengths=count, axis=0, unsafe=True)
        if self.aggregation == "sum":
            return total
        some = (count > 0).unsqueeze(1)
        many = count.clamp(min=1).unsqueeze(1).to(messages.dtype)
        mean = total / many
        squares = torch.segment_reduce(messages.square(), "sum", lengths=count, axis=0, unsafe=True) / many
        deviation = (squares - mean.square()).clamp(min=1e-6).sqrt()
        greatest = torch.segment_reduce(messages, "max", lengths=count, axis=0, unsafe=True)
        least = torch.segment_reduce(messages, "min", lengths=count, axis=0, unsafe=True)
        nothing = messages.new_zeros(())
        found = [mean, greatest, least, deviation]
        features = torch.cat([torch.where(some, feature, nothing) for feature in found], dim=1)  # (k, 4d)
        scale = torch.log(many + 1) / self.mean_log_degree
        return torch.cat([features, features * scale, features / scale], dim=1)  # (k, 12d)


class NBFNet(Scorer):
    """Relation-conditioned message passing as a scorer of every entity, seen in training or not."""

    def __init__(
        self,
        links: Links,
        *,
        dimension: int = 32,
        layers: int = 4,
        aggregation: Aggregation = "sum",
        limit: int = MESSAGES,
    ) -> None:
        super().__init__(links.num_entities, links.num_relations)
        self.links = links
        self.limit = limit
        degree = links.degree()
        mean_log = torch.log(degree[degree > 0].float() + 1).mean() if int(degree.sum()) else torch.tensor(1.0)
        self.query = nn.Embedding(2 * links.num_relations, dimension)
        self.layers = nn.ModuleList(
            RelationalLayer(links.num_relations, dimension, aggregation, mean_log.clone()) for _ in range(layers)
        )
        self.score = nn.Sequential(nn.Linear(2 * dimension, 2 * dimension), nn.ReLU(), nn.Linear(2 * dimension, 1))

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self.links = self.links.apply(fn)  # the graph goes where the weights go
        return self

    def on(self, links: Links) -> Self:
        """The same weights on another graph: a scorer of that graph's entities.

        Raises:
            InputError: the graph has another number of relations.
        """
        other = copy(self)  # shares the parameters
        other.links, other.num_entities = self._fitting(links), links.num_entities
        return other

    def forward(self, heads: Tensor, relations: Tensor) -> Tensor:
        """Scores of every entity of the model's own graph as the tail.

        Shapes:
            heads (b,), relations (b,); returns (b, n)
        """
        return self.scores_on(self.links, Questions(heads, relations))

    def scores_on(self, links: Links, questions: Questions) -> Tensor:
        """Scores of every entity of this graph, which may be another one than in training.

        Shapes:
            returns (b, n)

        Raises:
            InputError: the graph has another number of relations.
        """
        walk = hops(self._fitting(links), questions, layers=len(self.layers), limit=self.limit)
        if walk is None:
            middle = len(questions) // 2
            halves = (questions.part(slice(middle)), questions.part(slice(middle, None)))
            return torch.cat([self.scores_on(links, half) for half in halves])
        query = self.query(questions.relations)  # (b, d)
        x = query  # one reached pair a query: its head
        for layer, hop in zip(self.layers, walk, strict=True):
            x = layer(x, query, hop)
        reached = walk[-1].reached  # (k,)
        logits = self.score(torch.cat([x, query[reached // links.num_entities]], dim=1)).squeeze(1)  # (k,)
        far = self.score(torch.cat([torch.zeros_like(query), query], dim=1))  # (b, 1)
        every = far.expand(-1, links.num_entities).reshape(-1)  # (b · n,)
        scores: Tensor = every.scatter(0, reached, logits.to(every.dtype)).view(len(questions), -1)
        return scores

    def _fitting(self, links: Links) -> Links:
        if links.num_relations != self.num_relations:
            raise InputError(
                f"The graph has {links.num_relations} relations, the model was trained on {self.num_relations}; "
                "score on a graph with the same relations, or train again."
            )
        return links

    def triple_scores(self, heads: Tensor, relations: Tensor, tails: Tensor) -> Tensor:
        """Scores of triples, none of which reads itself off the graph.

        Shapes:
            heads (b,), relations (b,), tails (b,); returns (b,)
        """
        scores = self.scores_on(self.links, Questions(heads, relations, tails))
        return scores.gather(1, tails.unsqueeze(1)).squeeze(1)

    def regularisation(self, heads: Tensor, relations: Tensor, tails: Tensor) -> Tensor:
        """None: there is no vector of an entity that could grow."""
        return self.query.weight.new_zeros(())

    def entity_vectors(self) -> Tensor:
        """The mean vector of the relations that end at each entity: alike are those with the same kinds of facts.

        Shapes:
            returns (n, d)
        """
        inverse = (self.links.relation + self.num_relations) % (2 * self.num_relations)  # edges read as arriving
        vectors = self.query(inverse)
        total = torch.segment_reduce(vectors, "sum", lengths=self.links.degree(), axis=0, unsafe=True)
        return total / self.links.degree().clamp(min=1).unsqueeze(1)


@dataclass(frozen=True, slots=True)
class InductiveConfig:
    """How the encoder is built and trained."""

    dimension: int = 32
    layers: int = 4
    aggregation: Aggregation = "sum"
    apart: float = 0.5  # the share of queries that walk no edge at all between head and answer
    batch: int = 64
    schedule: Schedule = field(default_factory=lambda: Schedule(steps=1000, rate=5e-3))


def fit_inductive(
    links: Links,
    config: InductiveConfig,
    *,
    device: str = "cpu",
    dev: Callable[[NBFNet], float] | None = None,
    progress: Callable[[int, float], None] | None = None,
) -> tuple[NBFNet, Learned]:
    """Train on a graph to find the answer of each of its facts without walking that fact.

    The loss is the softmax over all entities with the fact's other known answers left out; both sides of a fact are
    asked for. ``dev`` scores a model (higher is better): the best state is kept.

    Raises:
        NothingToLearnError: the graph holds no facts.
        DivergedError: the loss became infinite or no number before anything good was learned.
    """
    generator = torch.Generator().manual_seed(config.schedule.seed)
    torch.manual_seed(config.schedule.seed)
    model = NBFNet(links, dimension=config.dimension, layers=config.layers, aggregation=config.aggregation)
    model.to(device)
    links = model.links
    heads = torch.repeat_interleave(links.degree())  # (2m,)

    def loss() -> Tensor:
        edges = torch.randint(len(heads), (config.batch,), generator=generator).to(device)
        apart = torch.rand(config.batch, generator=generator).to(device) < config.apart
        questions = Questions(heads[edges], links.relation[edges], links.target[edges], apart)
        scores = model.scores_on(links, questions)  # (b, n)
        return F.cross_entropy(without_other_answers(scores, links, questions), links.target[edges])

    return model, learn(model, loss, config.schedule, facts=len(heads), dev=dev, progress=progress)


def without_other_answers(scores: Tensor, links: Links, questions: Questions) -> Tensor:
    """The scores with −∞ for every answer that the graph holds but the one that the query was made from.

    Shapes:
        scores (b, n); returns (b, n)
    """
    assert questions.answers is not None
    row, entity = links.answers(questions.heads, questions.relations)
    other = entity != questions.answers[row]
    return scores.index_put((row[other], entity[other]), scores.new_tensor(-torch.inf))


@torch.inference_mode()
def leave_one_out_ranks(
    model: NBFNet,
    triples: Tensor,
    *,
    apart: bool = False,
    batch: int = 64,
    extra: Callable[[Tensor, Tensor], Tensor] | None = None,
) -> Tensor:
    """The filtered realistic rank of every tail, then of every head, each asked without walking its own fact.

    The triples are facts of the model's graph, whose other facts are what the model may use. With ``apart``, no fact
    between the two entities may be used. ``extra`` (heads, relations) -> (b, n) is added to the scores.

    Shapes:
        triples (k, 3); returns (2k,)
    """
    found = []
    for part in torch.split(with_inverses(triples, model.num_relations), batch):
        heads, relations, answers = part.unbind(1)
        questions = Questions(heads, relations, answers, torch.full_like(heads, apart, dtype=torch.bool))
        scores = model.scores_on(model.links, questions)
        if extra is not None:
            scores = scores + extra(heads, relations)
        found.append(realistic_ranks(without_other_answers(scores, model.links, questions), answers))
    return torch.cat(found) if found else torch.empty(0)


def realistic_ranks(scores: Tensor, answers: Tensor) -> Tensor:
    """1 + how many score higher + half of how many others score the same.

    Shapes:
        scores (b, n), answers (b,); returns (b,)
    """
    own = scores.gather(1, answers.unsqueeze(1))
    return 1 + (scores > own).sum(1) + ((scores == own).sum(1) - 1) / 2
