"""Graph encoders: entity and relation vectors made by message passing, handed to the arithmetic of a scorer.

An encoder takes the place of a scorer's tables: its first layer reads the tables, its last one gives ``vectors()``.
Every fact is walked in both directions, the inverse of relation i being i + r, as the scorers number them.

``n`` entities, ``r`` relations, ``m`` facts, ``d`` dimensions.
"""

from typing import Literal, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch_geometric.nn import MessagePassing, RGCNConv
from torch_geometric.nn.inits import glorot

from kg.embeddings.batches import with_inverses
from kg.embeddings.scorers import ComplEx, DistMult, Factorised, TransE
from kg.tensors import GraphTensors

Composition = Literal["sub", "mult", "corr"]


class Encoded(Factorised):
    """A scorer whose vectors are its tables after message passing over a graph.

    A class of this kind is joined with a scorer: ``class RGCNDistMult(RGCN, DistMult)``.
    """

    def __init__(self, graph: GraphTensors, *, dimension: int, initial_scale: float | None = None) -> None:
        scale = dimension**-0.5 if initial_scale is None else initial_scale
        n, r = len(graph.entities), len(graph.relations)
        super().__init__(n, r, dimension=dimension, initial_scale=scale)
        heads, relations, tails = with_inverses(torch.unique(graph.triples, dim=0), r).T  # (2m,) each
        self.register_buffer("edge_index", torch.stack([heads, tails]), persistent=False)
        self.register_buffer("edge_type", relations.clone(), persistent=False)
        self.edge_index: Tensor
        self.edge_type: Tensor
        self._known: tuple[Tensor, Tensor] | None = None

    def encode(self, entities: Tensor, relations: Tensor) -> tuple[Tensor, Tensor]:
        """What the tables become. Shapes: (n, d), (2r, d) -> (n, d), (2r, d)."""
        raise NotImplementedError

    def vectors(self) -> tuple[Tensor, Tensor]:
        """Entities (n, d) and relations (2r, d); kept between calls while nothing is trained."""
        if self._known is not None:
            return self._known
        found = self.encode(*super().vectors())
        if not self.training and not torch.is_grad_enabled():
            self._known = found
        return found

    def train(self, mode: bool = True) -> Self:
        self._known = None
        return super().train(mode)

    def regularisation(self, heads: Tensor, relations: Tensor, tails: Tensor) -> Tensor:
        """What the rows of the tables cost: the messages between them are left alone."""
        ends = self.penalty(self.entities(heads)) + self.penalty(self.entities(tails))
        return (ends + self.penalty(self.relations(relations))).mean()


class BasisConv(RGCNConv):  # type: ignore[misc]
    """RGCNConv with bases, its sums taken in another order.

        x'[v] = x[v] W₀ + b + Σ_k ( Σ_{(u, s, v)} a[s, k] / c[v, s] · x[u] ) V_k

    c[v, s] counts the edges of type s into v. One product a basis instead of one a relation: the library's own
    order holds a matrix (n, d) for each relation until the way back.
    """

    def __init__(self, width: int, num_relations: int, num_bases: int) -> None:
        super().__init__(width, width, num_relations, num_bases=num_bases, aggr="sum")

    def forward(self, x: Tensor, edge_index: Tensor, edge_type: Tensor) -> Tensor:
        """Shapes: x (n, d), edge_index (2, e), edge_type (e,) -> (n, d)."""
        place = edge_index[1] * self.num_relations + edge_type
        _, same, count = torch.unique(place, return_inverse=True, return_counts=True)
        shares = self.comp[edge_type] / count[same].unsqueeze(1)  # (e, k)
        out = x @ self.root + self.bias
        # propagate_type: (x: Tensor, share: Tensor)
        for share, matrix in zip(shares.unbind(1), self.weight, strict=True):
            out = out + self.propagate(edge_index, x=x, share=share, size=(len(x), len(x))) @ matrix
        return out  # type: ignore[no-any-return]

    def message(self, x_j: Tensor, share: Tensor) -> Tensor:
        return x_j * share.unsqueeze(1)


class RGCN(Encoded):
    """Relational graph convolution (Schlichtkrull et al. 2018, https://arxiv.org/abs/1703.06103).

    Relations keep their own rows; only entities are encoded.
    """

    def __init__(
        self,
        graph: GraphTensors,
        *,
        dimension: int,
        layers: int = 2,
        bases: int = 8,
        dropout: float = 0.1,
        initial_scale: float | None = None,
    ) -> None:
        super().__init__(graph, dimension=dimension, initial_scale=initial_scale)
        self.dropout = dropout
        self.layers = nn.ModuleList(BasisConv(dimension, 2 * self.num_relations, bases) for _ in range(layers))

    def encode(self, entities: Tensor, relations: Tensor) -> tuple[Tensor, Tensor]:
        for place, layer in enumerate(self.layers):
            if place:
                entities = F.dropout(torch.relu(entities), self.dropout, self.training)
            entities = layer(entities, self.edge_index, self.edge_type)  # (n, d)
        return entities, relations


class CompGCNConv(MessagePassing):  # type: ignore[misc]
    """One layer of CompGCN, before its norm and activation.

        x'[v] = ( W_in Σ_in φ(x[u], z[s]) / √(c[u] c[v]) + W_out Σ_out … + W_loop φ(x[v], z_loop) ) / 3,   z' = W_rel z

    Sums run over the facts (in) and over their inverses (out); c counts the edges of that kind at an entity.
    """

    def __init__(self, width: int, composition: Composition) -> None:
        super().__init__(aggr="sum")
        self.composition = composition
        shapes = {"inward": width, "outward": width, "loop": width, "relation": width, "loop_row": 1}
        for name, rows in shapes.items():
            self.register_parameter(name, nn.Parameter(torch.empty(rows, width)))
            glorot(getattr(self, name))
        self.inward: Tensor
        self.outward: Tensor
        self.loop: Tensor
        self.relation: Tensor
        self.loop_row: Tensor

    def forward(self, x: Tensor, z: Tensor, edge_index: Tensor, edge_type: Tensor) -> tuple[Tensor, Tensor]:
        """Shapes: x (n, d), z (2r, d), edge_index (2, 2m) and edge_type (2m,), facts first -> (n, d), (2r, d)."""
        half = edge_index.shape[1] // 2
        total = self.compose(x, self.loop_row) @ self.loop
        if not half:  # nothing to transform, which some Fourier transforms refuse
            return total / 3, z @ self.relation
        for part, matrix in ((slice(half), self.inward), (slice(half, None), self.outward)):
            edges = edge_index[:, part]
            norm = _symmetric(edges, len(x), x.dtype)
            total = total + self.propagate(edges, x=x, z=z[edge_type[part]], norm=norm, size=(len(x), len(x))) @ matrix
        return total / 3, z @ self.relation

    def message(self, x_j: Tensor, z: Tensor, norm: Tensor) -> Tensor:
        return self.compose(x_j, z) * norm.unsqueeze(1)

    def compose(self, x: Tensor, z: Tensor) -> Tensor:
        """φ: difference, product, or circular correlation. Shapes: (k, d), (k, d) or (1, d) -> (k, d)."""
        match self.composition:
            case "sub":
                return x - z
            case "mult":
                return x * z
            case "corr":
                product = torch.fft.rfft(x).conj() * torch.fft.rfft(z)
                correlated: Tensor = torch.fft.irfft(product, n=x.shape[1])
                return correlated


def _symmetric(edge_index: Tensor, n: int, dtype: torch.dtype) -> Tensor:
    """1 / √(c[u] c[v]) for each edge, c counting the edges that start at an entity; 0 where none does."""
    start, end = edge_index
    root = torch.bincount(start, minlength=n).to(dtype).rsqrt()
    root[torch.isinf(root)] = 0
    return root[start] * root[end]


class CompGCN(Encoded):
    """Composition-based graph convolution (Vashishth et al. 2020, https://arxiv.org/abs/1911.03082)."""

    def __init__(
        self,
        graph: GraphTensors,
        *,
        dimension: int,
        layers: int = 1,
        composition: Composition = "corr",
        dropout: float = 0.1,
        initial_scale: float | None = None,
    ) -> None:
        super().__init__(graph, dimension=dimension, initial_scale=initial_scale)
        self.dropout = dropout
        self.layers = nn.ModuleList(CompGCNConv(dimension, composition) for _ in range(layers))
        self.norms = nn.ModuleList(nn.BatchNorm1d(dimension) for _ in range(layers))

    def encode(self, entities: Tensor, relations: Tensor) -> tuple[Tensor, Tensor]:
        for layer, norm in zip(self.layers, self.norms, strict=True):
            entities, relations = layer(entities, relations, self.edge_index, self.edge_type)  # (n, d), (2r, d)
            entities = F.dropout(torch.tanh(norm(entities)), self.dropout, self.training)
        return entities, relations


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
