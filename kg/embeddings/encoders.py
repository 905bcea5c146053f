"""Graph encoders: entity and relation vectors made by message passing, handed to the arithmetic of a scorer.

An encoder takes the place of a scorer's tables: its first layer reads the tables, its last one gives ``vectors()``.
Every fact is walked in both directions, the inverse of relation i being i + r, as the scorers number them.

``n`` entities, ``r`` relations, ``m`` facts, ``d`` dimensions.
"""

from collections.abc import Sequence
from typing import Self, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kg.embeddings.config import LAYERS
from kg.embeddings.convolutions import BasisConv, CompGCNConv, Composition, inverse_counts, symmetric
from kg.embeddings.neighbours import MESSAGES, Edges, Incoming
from kg.embeddings.scorers import ComplEx, DistMult, Factorised, TransE
from kg.embeddings.walks import Links
from kg.tensors import GraphTensors


class Encoded(Factorised):
    """A scorer whose vectors are its tables after message passing over a graph.

    A class of this kind is joined with a scorer: ``class RGCNDistMult(RGCN, DistMult)``. With ``neighbours``, training
    hears at most so many edges of an entity in each layer, drawn anew for every batch; all else hears all of them.
    """

    layers: nn.ModuleList

    def __init__(
        self, graph: GraphTensors, *, dimension: int, neighbours: int = 0, initial_scale: float | None = None
    ) -> None:
        scale = dimension**-0.5 if initial_scale is None else initial_scale
        n, r = len(graph.entities), len(graph.relations)
        super().__init__(n, r, dimension=dimension, initial_scale=scale)
        self.neighbours = neighbours
        incoming = Incoming.of(Links.of_graph(graph))
        self.register_buffer("edge_start", incoming.start, persistent=False)
        self.register_buffer("edge_source", incoming.source, persistent=False)
        self.register_buffer("edge_relation", incoming.relation, persistent=False)
        self.register_buffer("edge_norm", self.norm(incoming), persistent=False)
        self.edge_start: Tensor
        self.edge_source: Tensor
        self.edge_relation: Tensor
        self.edge_norm: Tensor
        self._known: tuple[Tensor, Tensor] | None = None

    @property
    def incoming(self) -> Incoming:
        """The edges of the graph, where the model is."""
        return Incoming(self.edge_start, self.edge_source, self.edge_relation, self.edge_norm)

    @property
    def convolutions(self) -> list[BasisConv | CompGCNConv]:
        """The layers, as what they are."""
        return cast("list[BasisConv | CompGCNConv]", list(self.layers))

    def norm(self, incoming: Incoming) -> Tensor:
        """What the message of each edge is multiplied by. Shapes: -> (2m,)."""
        raise NotImplementedError

    def leave(self, place: int, x: Tensor) -> Tensor:
        """What a layer's rows become before the next one reads them. Shapes: (t, d) -> (t, d)."""
        raise NotImplementedError

    def encode(self, x: Tensor, z: Tensor, layers: Sequence[Edges]) -> tuple[Tensor, Tensor]:
        """What rows become by the messages of each layer. Shapes: (k, d), (2r, d) -> (t, d), (2r, d)."""
        for place, (layer, edges) in enumerate(zip(self.convolutions, layers, strict=True)):
            x, z = layer(x, z, edges)
            x = self.leave(place, x)
        return x, z

    def encode_in_parts(self, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """What all rows become by all messages, held a few at a time; without gradient. Shapes: as they come."""
        limit = max(1, MESSAGES // self.dimension)
        for place, layer in enumerate(self.convolutions):
            out = layer.alone(x)
            for edges in self.incoming.chunks(limit):
                out[edges.own] = layer.hear(out[edges.own], x, z, edges)
            x, z = self.leave(place, out), layer.turn(z)
        return x, z

    def vectors(self) -> tuple[Tensor, Tensor]:
        """Entities (n, d) and relations (2r, d); kept between calls while nothing is trained."""
        if self._known is not None:
            return self._known
        if torch.is_grad_enabled():
            if self.training and self.neighbours:
                return self.rows(torch.arange(self.num_entities, device=self.edge_start.device))
            return self.encode(*super().vectors(), [self.incoming.whole()] * len(self.layers))
        found = self.encode_in_parts(*super().vectors())
        if not self.training:
            self._known = found
        return found

    def rows(self, wanted: Tensor, *, sparse: bool = False) -> tuple[Tensor, Tensor]:
        """As the scorer's; with ``neighbours``, only what they hear is computed."""
        if not (self.training and self.neighbours):
            return super().rows(wanted, sparse=sparse)
        given, layers = self.incoming.sample(wanted, limit=self.neighbours, layers=len(self.layers))
        x = F.embedding(given, self.entities.weight, sparse=sparse)
        return self.encode(x, self.relations.weight, layers)

    def train(self, mode: bool = True) -> Self:
        self._known = None
        return super().train(mode)

    def regularisation(self, heads: Tensor, relations: Tensor, tails: Tensor) -> Tensor:
        """What the rows of the tables cost: the messages between them are left alone."""
        ends = self.penalty(self.entities(heads)) + self.penalty(self.entities(tails))
        return (ends + self.penalty(self.relations(relations))).mean()


class RGCN(Encoded):
    """Relational graph convolution (Schlichtkrull et al. 2018, https://arxiv.org/abs/1703.06103).

    Relations keep their own rows; only entities are encoded.
    """

    def __init__(
        self,
        graph: GraphTensors,
        *,
        dimension: int,
        layers: int = LAYERS["rgcn"],
        bases: int = 8,
        dropout: float = 0.1,
        neighbours: int = 0,
        initial_scale: float | None = None,
    ) -> None:
        super().__init__(graph, dimension=dimension, neighbours=neighbours, initial_scale=initial_scale)
        self.dropout = dropout
        self.layers = nn.ModuleList(BasisConv(dimension, 2 * self.num_relations, bases) for _ in range(layers))

    def norm(self, incoming: Incoming) -> Tensor:
        return inverse_counts(incoming, num_relations=self.num_relations)

    def leave(self, place: int, x: Tensor) -> Tensor:
        return x if place + 1 == len(self.layers) else F.dropout(torch.relu(x), self.dropout, self.training)


class CompGCN(Encoded):
    """Composition-based graph convolution (Vashishth et al. 2020, https://arxiv.org/abs/1911.03082)."""

    def __init__(
        self,
        graph: GraphTensors,
        *,
        dimension: int,
        layers: int = LAYERS["compgcn"],
        composition: Composition = "corr",
        dropout: float = 0.1,
        neighbours: int = 0,
        initial_scale: float | None = None,
    ) -> None:
        super().__init__(graph, dimension=dimension, neighbours=neighbours, initial_scale=initial_scale)
        self.dropout = dropout
        self.layers = nn.ModuleList(CompGCNConv(dimension, composition) for _ in range(layers))
        self.norms = nn.ModuleList(nn.BatchNorm1d(dimension) for _ in range(layers))

    def norm(self, incoming: Incoming) -> Tensor:
        return symmetric(incoming, num_relations=self.num_relations)

    def leave(self, place: int, x: Tensor) -> Tensor:
        norm = cast("nn.BatchNorm1d", self.norms[place])
        if self.training and len(x) == 1:  # one row has no variance: what was seen so far stands in
            x = F.batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps)
        else:
            x = norm(x)
        return F.dropout(torch.tanh(x), self.dropout, self.training)


class RGCNDistMult(RGCN, DistMult):
    """R-GCN scored by DistMult, as in its paper."""


class RGCNComplEx(RGCN, ComplEx):
    """R-GCN scored by ComplEx."""


class CompGCNDistMult(CompGCN, DistMult):
    """CompGCN scored by DistMult."""


class CompGCNComplEx(CompGCN, ComplEx):
    """CompGCN scored by ComplEx."""


class CompGCNTransE(CompGCN, TransE):
    """CompGCN scored by TransE."""


ENCODERS: dict[str, type[Encoded]] = {
    "rgcn": RGCNDistMult,
    "rgcn-complex": RGCNComplEx,
    "compgcn": CompGCNDistMult,
    "compgcn-complex": CompGCNComplEx,
    "compgcn-transe": CompGCNTransE,
}
