"""Layers of message passing over given edges, and the norms of a graph's edges that they expect.

``n`` entities, ``r`` relations of which s + r is the inverse of s, ``m`` facts, ``d`` dimensions; a layer is given k
rows and makes t of them.
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch_geometric.nn import MessagePassing, RGCNConv
from torch_geometric.nn.inits import glorot

from kg.embeddings.neighbours import Edges, Incoming

Composition = Literal["sub", "mult", "corr"]


class BasisConv(RGCNConv):  # type: ignore[misc]
    """RGCNConv with bases, its sums taken in another order.

        x'[v] = x[v] W₀ + b + Σ_k ( Σ_{(u, s, v)} a[s, k] / c[v, s] · x[u] ) V_k

    c[v, s] counts the edges of type s into v; 1 / c[v, s] is the norm of an edge. One product a basis instead of one a
    relation: the library's own order holds a matrix (n, d) for each relation until the way back.
    """

    def __init__(self, width: int, num_relations: int, num_bases: int) -> None:
        super().__init__(width, width, num_relations, num_bases=num_bases, aggr="sum")

    def forward(self, x: Tensor, z: Tensor, edges: Edges) -> tuple[Tensor, Tensor]:
        """Shapes: x (k, d), z (2r, d) -> (t, d), (2r, d)."""
        return self.hear(self.alone(x[edges.own]), x, z, edges), self.turn(z)

    def alone(self, x: Tensor) -> Tensor:
        """What an entity becomes that hears nothing. Shapes: (t, d) -> (t, d)."""
        return x @ self.root + self.bias  # type: ignore[no-any-return]

    def hear(self, out: Tensor, x: Tensor, z: Tensor, edges: Edges) -> Tensor:
        """Add what the edges bring. Shapes: out (t, d), x (k, d) -> (t, d)."""
        shares = self.comp[edges.relation] * edges.norm.unsqueeze(1)  # (e, bases)
        sent = x.index_select(0, edges.source)  # (e, d), once for all bases
        ends, size = torch.stack((edges.source, edges.target)), (len(x), edges.size)
        # propagate_type: (sent: Tensor, share: Tensor)
        for share, matrix in zip(shares.unbind(1), self.weight, strict=True):
            out = out + self.propagate(ends, sent=sent, share=share, size=size) @ matrix
        return out

    def turn(self, z: Tensor) -> Tensor:
        """Relations stay as they are."""
        return z

    def message(self, sent: Tensor, share: Tensor) -> Tensor:
        return sent * share.unsqueeze(1)


class CompGCNConv(MessagePassing):  # type: ignore[misc]
    """One layer of CompGCN, before its norm and activation.

        x'[v] = ( W_in Σ_in φ(x[u], z[s]) / √(c[u] c[v]) + W_out Σ_out … + W_loop φ(x[v], z_loop) ) / 3,   z' = W_rel z

    Sums run over the facts (in) and over their inverses (out); c counts the edges of that kind that start at an entity,
    and 1 / √(c[u] c[v]) is the norm of an edge.
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

    def forward(self, x: Tensor, z: Tensor, edges: Edges) -> tuple[Tensor, Tensor]:
        """Shapes: x (k, d), z (2r, d) -> (t, d), (2r, d)."""
        return self.hear(self.alone(x[edges.own]), x, z, edges), self.turn(z)

    def alone(self, x: Tensor) -> Tensor:
        """What an entity becomes that hears nothing. Shapes: (t, d) -> (t, d)."""
        return self.compose(x, self.loop_row) @ (self.loop / 3)

    def hear(self, out: Tensor, x: Tensor, z: Tensor, edges: Edges) -> Tensor:
        """Add what the edges bring. Shapes: out (t, d), x (k, d), z (2r, d) -> (t, d)."""
        fact = edges.relation < len(z) // 2
        for kind, matrix in ((fact, self.inward), (~fact, self.outward)):
            part = edges.part(kind)
            if not len(part):
                continue  # nothing to transform, which some Fourier transforms refuse
            ends, size = torch.stack((part.source, part.target)), (len(x), part.size)
            # propagate_type: (x: Tensor, z: Tensor, norm: Tensor)
            heard = self.propagate(ends, x=(x, None), z=z[part.relation], norm=part.norm, size=size)  # (t, d)
            out = out + heard @ (matrix / 3)
        return out

    def turn(self, z: Tensor) -> Tensor:
        """What relations become. Shapes: (2r, d) -> (2r, d)."""
        return z @ self.relation

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


def inverse_counts(incoming: Incoming, *, num_relations: int) -> Tensor:
    """1 / c[v, s] for each edge, c counting the edges of type s into v. Shapes: -> (2m,)."""
    place = incoming.target() * (2 * num_relations) + incoming.relation
    _, same, count = torch.unique(place, return_inverse=True, return_counts=True)
    shares: Tensor = count.to(incoming.norm.dtype).reciprocal()
    return shares[same]


def symmetric(incoming: Incoming, *, num_relations: int) -> Tensor:
    """1 / √(c[u] c[v]) for each edge, c counting the edges of its kind that start at an entity; 0 where none does.

    Facts are one kind, their inverses the other. Shapes: -> (2m,).
    """
    start, end = incoming.source, incoming.target()
    found = torch.empty_like(incoming.norm)
    fact = incoming.relation < num_relations
    for kind in (fact, ~fact):
        root = torch.bincount(start[kind], minlength=len(incoming.start) - 1).to(found.dtype).rsqrt()
        root[torch.isinf(root)] = 0
        found[kind] = root[start[kind]] * root[end[kind]]
    return found
