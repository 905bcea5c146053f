"""What a batch of queries costs: the number that training makes small.

The cross-entropy of every fact's tail among all entities, both ways round (Lacroix et al. 2018); N3 on the rows of the
facts; where asked, the cross-entropy of the relation between head and tail (Chen et al. 2021).
"""

import torch
from torch import Tensor

from kg.embeddings.batches import Batch, Queries
from kg.embeddings.config import TrainConfig
from kg.embeddings.losses import grouped_softmax, inner_product_softmax
from kg.embeddings.scorers import Factorised, Scorer
from kg.embeddings.workers import ALONE, Workers


class Objective:
    """The loss of a batch, as a share of the mean batch's facts, so that every fact weighs the same in an epoch.

    Of several processes, each finds the loss of its part of the batch. These are sums over queries and over facts,
    divided by what is the same everywhere, so they add up to the loss of the batch, and so do their gradients: of
    the softmax over all entities, of the relations' and of N3, exactly (but for the order of summation). What of it
    is an estimate with drawn candidates is the same estimate that one process makes.
    """

    def __init__(
        self,
        queries: Queries,
        config: TrainConfig,
        num_entities: int,
        *,
        dtype: torch.dtype,
        workers: Workers = ALONE,
    ) -> None:
        self.config = config
        self.workers = workers
        self.dtype = dtype
        self.num_entities = num_entities
        places, _ = queries.rows(config.answers)
        self.batches = -(-len(places) // config.batch_size)
        self.facts_per_batch = len(queries.tails) / self.batches
        self.sampled = 0 < config.candidates < num_entities
        self.bias = self._log_weights(queries, places) if self.sampled else None
        self.generator = torch.Generator()

    def _log_weights(self, queries: Queries, places: Tensor) -> Tensor:
        """What stands for what: −log of how likely each entity is to be among a batch's candidates, (n,).

        An entity that is likely to be there counts less, so that the sum over candidates has the mean of the sum over
        all entities.
        """
        ends = torch.cat((queries.keys[places] // (2 * queries.num_relations), queries.tails))
        seen = torch.bincount(ends, minlength=self.num_entities).float()
        by_batch = seen * min(1.0, self.config.batch_size / len(places))
        left_out = (1 - self.config.candidates / self.num_entities) * torch.exp(-by_batch)
        return -torch.log1p(-left_out)

    def begin(self, epoch: int) -> None:
        """Draw what this epoch needs by chance; it depends on seed and epoch alone."""
        self.generator.manual_seed(self.config.seed * 1_000_003 + epoch)

    def __call__(self, scorer: Scorer, batch: Batch) -> Tensor:
        """The loss of this process's part; a scalar."""
        if isinstance(scorer, Factorised):
            return self._of_rows(scorer, self.workers.part(batch), batch)
        batch = self.workers.part(batch)
        with torch.autocast(batch.heads.device.type, self.dtype, enabled=self.dtype != torch.float32):
            scores = scorer(batch.heads, batch.relations)  # (b, n)
        loss = grouped_softmax(scores.float(), batch.rows, batch.tails)
        if self.config.regularisation and len(batch.tails):  # a part may be empty, and has no mean
            heads, relations = batch.heads[batch.rows], batch.relations[batch.rows]
            cost = scorer.regularisation(heads, relations, batch.tails)
            loss = loss + self.config.regularisation * len(batch.tails) * cost
        return loss / self.facts_per_batch

    def _of_rows(self, scorer: Factorised, batch: Batch, whole: Batch) -> Tensor:
        """The same for models of rows: each table is read once, so that its gradient is made once."""
        size, share = len(batch.heads), 1 / self.facts_per_batch
        bias = None
        ends, targets = torch.cat((batch.heads, batch.tails)), batch.tails
        if self.bias is not None:
            drawn = torch.randint(self.num_entities, (self.config.candidates,), generator=self.generator)
            # Held against the ends of the whole batch, not of this part: every process draws the same candidates and
            # then has the same ones, so the bias is right for each, and the sparse gradients have the same rows.
            wanted = torch.unique(torch.cat((whole.heads, whole.tails, drawn.to(ends.device))))
            candidates, relations = scorer.rows(wanted, sparse=self.config.optimizer == "adagrad")
            bias = self.bias[wanted]
            ends = torch.searchsorted(wanted, ends)
            targets = ends[size:]
        else:
            candidates, relations = scorer.vectors()
        rows = candidates.index_select(0, ends)
        heads, tails = rows[:size], rows[size:]  # (b, d), (t, d)
        kinds = relations.index_select(0, batch.relations)  # (b, d)
        queries = scorer.query(heads, kinds)
        if scorer.inner_product:
            loss = inner_product_softmax(
                queries, candidates, batch.rows, targets, scale=share, bias=bias, dtype=self.dtype
            )
        else:
            scores = scorer.compare(queries, candidates)
            loss = share * grouped_softmax(scores if bias is None else scores + bias, batch.rows, targets)
        if self.config.relation_weight:
            asked = scorer.relation_query(heads.index_select(0, batch.rows), tails)  # (t, d)
            each = torch.arange(len(asked), device=asked.device)
            kind = batch.relations[batch.rows]
            weight = share * self.config.relation_weight
            loss = loss + inner_product_softmax(asked, relations, each, kind, scale=weight, dtype=self.dtype)
        if self.config.regularisation:
            counts = torch.bincount(batch.rows, minlength=size)
            of_queries = counts * (scorer.penalty(heads) + scorer.relation_penalty(kinds))
            cost = of_queries.sum() + scorer.penalty(tails).sum()
            loss = loss + share * self.config.regularisation * cost
        return loss
