"""Models that say how plausible a fact is, from one vector an entity and one a relation.

Every relation has a second, reciprocal row (Lacroix et al. 2018): relation ``r + i`` is relation ``i`` read backwards,
so a missing head is asked for as the tail of (tail, relation + r, ?).

A model is its vectors and its arithmetic. ``vectors()`` gives entities (n, d) and relations (2r, d): the rows of two
tables here, the output of message passing where a graph encoder takes the place of the tables. The arithmetic works on
rows: ``query`` turns head and relation rows into vectors (b, d) that ``compare`` holds against candidate rows.
For models whose comparison is an inner product (``inner_product``), training never goes through autograd for the
(b, n) scores: see kg/embeddings/losses.py.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kg.embeddings.errors import SettingError

INITIAL_SCALE = 1e-3
EPSILON = 1e-12  # keeps the slope of a square root finite at zero


class Scorer(nn.Module):
    """Scores of facts over ``num_entities`` entities and ``num_relations`` relations."""

    inner_product: ClassVar[bool] = False

    def __init__(self, num_entities: int, num_relations: int) -> None:
        super().__init__()
        self.num_entities = num_entities
        self.num_relations = num_relations  # reciprocal rows not counted

    def forward(self, heads: Tensor, relations: Tensor) -> Tensor:
        """The score of every entity as tail. Shapes: (b,), (b,) -> (b, n)."""
        raise NotImplementedError

    def triple_scores(self, heads: Tensor, relations: Tensor, tails: Tensor) -> Tensor:
        """The scores of facts. Shapes: (b,), (b,), (b,) -> (b,)."""
        raise NotImplementedError

    def regularisation(self, heads: Tensor, relations: Tensor, tails: Tensor) -> Tensor:
        """What large weights cost, as a mean over facts. Shapes: (b,), (b,), (b,) -> ()."""
        raise NotImplementedError

    def entity_vectors(self) -> Tensor:
        """A vector for every entity, to compare entities by their cosine. Shapes: (n, d)."""
        raise NotImplementedError


class Factorised(Scorer):
    """A scorer with one vector an entity and one a relation, and the arithmetic between them."""

    def __init__(
        self, num_entities: int, num_relations: int, *, dimension: int, initial_scale: float = INITIAL_SCALE
    ) -> None:
        super().__init__(num_entities, num_relations)
        self.dimension = dimension
        self.entities = nn.Embedding(num_entities, dimension)
        self.relations = nn.Embedding(2 * num_relations, dimension)
        self.initialise(initial_scale)

    def initialise(self, scale: float) -> None:
        """Draw the first vectors."""
        with torch.no_grad():
            self.entities.weight.normal_(std=scale)
            self.relations.weight.normal_(std=scale)

    def vectors(self) -> tuple[Tensor, Tensor]:
        """Entities (n, d) and relations (2r, d)."""
        return self.entities.weight, self.relations.weight

    def rows(self, wanted: Tensor, *, sparse: bool = False) -> tuple[Tensor, Tensor]:
        """The entities that a batch needs, and all relations; the gradient of a table is sparse where asked for.

        Shapes: (k,) -> (k, d), (2r, d).
        """
        entities, relations = self.vectors()
        return F.embedding(wanted, entities, sparse=sparse and entities.is_leaf), relations

    def query(self, heads: Tensor, relations: Tensor) -> Tensor:
        """What a tail is compared with. Shapes: rows (b, d), (b, d) -> (b, d)."""
        raise NotImplementedError

    def relation_query(self, heads: Tensor, tails: Tensor) -> Tensor:
        """What a relation is compared with, by inner product. Shapes: rows (b, d), (b, d) -> (b, d)."""
        raise NotImplementedError

    def compare(self, queries: Tensor, candidates: Tensor) -> Tensor:
        """Each query with every candidate. Shapes: (b, d), (k, d) -> (b, k)."""
        raise NotImplementedError

    def pairwise(self, queries: Tensor, tails: Tensor) -> Tensor:
        """Each query with its own tail. Shapes: (b, d), (b, d) -> (b,)."""
        raise NotImplementedError

    def penalty(self, rows: Tensor) -> Tensor:
        """What each of these rows costs. Shapes: (b, d) -> (b,). By default the nuclear 3-norm, sum of |x|³."""
        return rows.abs().pow(3).sum(dim=-1)

    def relation_penalty(self, rows: Tensor) -> Tensor:
        """What each of these relation rows costs. Shapes: (b, d) -> (b,)."""
        return self.penalty(rows)

    def forward(self, heads: Tensor, relations: Tensor) -> Tensor:
        entities, rows = self.vectors()
        return self.compare(self.query(F.embedding(heads, entities), F.embedding(relations, rows)), entities)  # (b, n)

    def triple_scores(self, heads: Tensor, relations: Tensor, tails: Tensor) -> Tensor:
        entities, rows = self.vectors()
        queries = self.query(F.embedding(heads, entities), F.embedding(relations, rows))  # (b, d)
        return self.pairwise(queries, F.embedding(tails, entities))

    def regularisation(self, heads: Tensor, relations: Tensor, tails: Tensor) -> Tensor:
        entities, rows = self.vectors()
        ends = self.penalty(F.embedding(heads, entities)) + self.penalty(F.embedding(tails, entities))
        return (ends + self.relation_penalty(F.embedding(relations, rows))).mean()

    def entity_vectors(self) -> Tensor:
        return self.vectors()[0]


class InnerProduct(Factorised):
    """A scorer that compares by inner product."""

    inner_product = True

    def compare(self, queries: Tensor, candidates: Tensor) -> Tensor:
        return queries @ candidates.T

    def pairwise(self, queries: Tensor, tails: Tensor) -> Tensor:
        return (queries * tails).sum(dim=-1)


class DistMult(InnerProduct):
    """Σ h r t (Yang et al. 2015). With reciprocal rows it tells directions apart."""

    def query(self, heads: Tensor, relations: Tensor) -> Tensor:
        return heads * relations

    def relation_query(self, heads: Tensor, tails: Tensor) -> Tensor:
        return heads * tails


class ComplEx(InnerProduct):
    """Re⟨h, r, t̄⟩ (Trouillon et al. 2016), with N3 over the moduli (Lacroix et al. 2018).

    A row is d/2 real parts, then d/2 imaginary ones.
    """

    def __init__(
        self, num_entities: int, num_relations: int, *, dimension: int, initial_scale: float = INITIAL_SCALE
    ) -> None:
        _even(dimension)
        super().__init__(num_entities, num_relations, dimension=dimension, initial_scale=initial_scale)

    def query(self, heads: Tensor, relations: Tensor) -> Tensor:
        a, b = heads.chunk(2, dim=-1)
        c, d = relations.chunk(2, dim=-1)
        return torch.cat((a * c - b * d, a * d + b * c), dim=-1)  # h r

    def relation_query(self, heads: Tensor, tails: Tensor) -> Tensor:
        a, b = heads.chunk(2, dim=-1)
        c, d = tails.chunk(2, dim=-1)
        return torch.cat((a * c + b * d, a * d - b * c), dim=-1)  # h̄ t

    def penalty(self, rows: Tensor) -> Tensor:
        real, imaginary = rows.chunk(2, dim=-1)
        squares = real.square() + imaginary.square()
        return (squares * (squares + EPSILON).sqrt()).sum(dim=-1)


class Distance(Factorised):
    """A scorer that compares by distance: the nearer, the more plausible."""

    def compare(self, queries: Tensor, candidates: Tensor) -> Tensor:
        squares = queries.square().sum(-1, keepdim=True) + candidates.square().sum(-1)
        return -(squares - 2 * queries @ candidates.T).clamp_min(EPSILON).sqrt()

    def pairwise(self, queries: Tensor, tails: Tensor) -> Tensor:
        return -(queries - tails).square().sum(-1).clamp_min(EPSILON).sqrt()

    def relation_query(self, heads: Tensor, tails: Tensor) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} predicts no relations")


class TransE(Distance):
    """−‖h + r − t‖₂ (Bordes et al. 2013)."""

    def initialise(self, scale: float) -> None:
        super().initialise(max(scale, 0.1))  # from nearly nothing, every distance looks the same

    def query(self, heads: Tensor, relations: Tensor) -> Tensor:
        return heads + relations


class RotatE(Distance):
    """−‖h ∘ r − t‖₂ with |r_i| = 1: relations turn complex numbers (Sun et al. 2019).

    An entity's row is d/2 real parts, then d/2 imaginary ones; a relation's row is d/2 angles.
    """

    def __init__(
        self, num_entities: int, num_relations: int, *, dimension: int, initial_scale: float = INITIAL_SCALE
    ) -> None:
        _even(dimension)
        super().__init__(num_entities, num_relations, dimension=dimension, initial_scale=initial_scale)

    def initialise(self, scale: float) -> None:
        with torch.no_grad():
            self.entities.weight.normal_(std=max(scale, 0.1))
            self.relations = nn.Embedding(2 * self.num_relations, self.dimension // 2)
            self.relations.weight.uniform_(-torch.pi, torch.pi)

    def query(self, heads: Tensor, relations: Tensor) -> Tensor:
        a, b = heads.chunk(2, dim=-1)
        c, d = relations.cos(), relations.sin()
        return torch.cat((a * c - b * d, a * d + b * c), dim=-1)

    def relation_penalty(self, rows: Tensor) -> Tensor:
        return rows.new_zeros(len(rows))  # an angle is never too large


SCORERS: dict[str, type[Factorised]] = {
    "complex": ComplEx,
    "distmult": DistMult,
    "rotate": RotatE,
    "transe": TransE,
}


def _even(dimension: int) -> None:
    if dimension % 2:
        raise SettingError(f"a complex vector has an even dimension, not {dimension}")
