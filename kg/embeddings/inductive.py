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
from typing import Literal, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kg.embeddings.scorers import Scorer
from kg.embeddings.walks import Hop, Links, Questions, hops
from kg.errors import InputError

Aggregation = Literal["sum", "pna"]

MESSAGES = 1_000_000  # of one layer that are held at once: queries that need more are scored in halves


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
        return x + torch.relu(self.norm(self.update(x, messages, hop.count)))

    def update(self, x: Tensor, messages: Tensor, count: Tensor) -> Tensor:
        """W over a state and what arrived there.

        PNA gathers mean, greatest, least and standard deviation, each as it is, × s and ÷ s, s being log(count + 1)
        over its mean in training. The scales are applied behind W, where the rows are shorter. What has nothing
        arriving gathers 0.

        Shapes:
            x (k, d), messages (e, d) in the order of arrival, count (k,); returns (k, d)
        """
        total = torch.segment_reduce(messages, "sum", lengths=count, axis=0, unsafe=True)  # (k, d)
        if self.aggregation == "sum":
            return F.linear(torch.cat([x, total], dim=1), self.linear.weight, self.linear.bias)
        many = count.clamp(min=1).unsqueeze(1).to(messages.dtype)
        mean = total / many
        squares = torch.segment_reduce(messages.square(), "sum", lengths=count, axis=0, unsafe=True) / many
        gathered = [
            torch.segment_reduce(messages, "max", lengths=count, axis=0, unsafe=True),
            torch.segment_reduce(messages, "min", lengths=count, axis=0, unsafe=True),
            (squares - mean.square()).clamp(min=1e-6).sqrt(),
        ]
        some, nothing = (count > 0).unsqueeze(1), messages.new_zeros(())
        features = torch.cat([mean, *(torch.where(some, part, nothing) for part in gathered)], dim=1)  # (k, 4d)
        scale = torch.log(many + 1) / self.mean_log_degree  # (k, 1)
        d = x.shape[1]
        plain, times, over = self.linear.weight.split([5 * d, 4 * d, 4 * d], dim=1)  # type: ignore[no-untyped-call]
        out = F.linear(torch.cat([x, features], dim=1), plain, self.linear.bias)
        return out + scale * F.linear(features, times) + F.linear(features, over) / scale


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
