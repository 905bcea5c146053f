"""Training a reasoner: first what is relevant to a question, then, over what is gathered by that, what answers it.

The loss of the first is −Σ log relevance(r) over the relations of the chain that explains the question best
(planner/labels.py); of several, the one that most questions have. That of the second is the divergence of p from an
even distribution over the answers. Questions whose answers were not gathered teach nothing, and are counted.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch_geometric.data import Batch, HeteroData
from torch_geometric.utils import scatter, softmax

from fusion.errors import PlannerError
from fusion.planner.labels import Chain, explain
from fusion.planner.model import SCALE
from fusion.planner.training import LEAST, Example
from fusion.reasoner.around import Around, Bounds, around, marks_of
from fusion.reasoner.model import Reasoner
from kg.mirror import Mirror

LEARNED = 6000  # questions that are learned from; of more, so many are drawn


@dataclass(frozen=True, slots=True)
class ReasonerConfig:
    """How a reasoner is built and trained."""

    width: int = 128  # of the question's states
    entity_width: int = 64
    hops: int = 3
    seeking: int = 6  # passes that learn relevance
    epochs: int = 6
    batch: int = 16  # questions
    rate: float = 2e-3  # of AdamW, falling to 0 over the epochs as half a cosine
    decay: float = 1e-4
    dropout: float = 0.1
    clip: float = 1.0
    seed: int = 0
    bounds: Bounds = Bounds()
    training_bounds: Bounds = Bounds(entities=800, facts=3000, expanded=300)


@dataclass(frozen=True, slots=True)
class ReasonerEpoch:
    """One pass over the questions."""

    number: int
    loss: float
    hits1: float | None  # on dev questions
    seconds: float


class ReasonerNet(nn.Module):
    """The reasoner as torch trains it; see model.py for the equations."""

    def __init__(self, relations: int, text_width: int, config: ReasonerConfig) -> None:
        super().__init__()
        width, d = config.width, config.entity_width
        self.relations, self.hops = relations, config.hops
        self.adapt, self.match = nn.Linear(text_width, text_width), nn.Linear(text_width + 2, text_width)
        self.way = nn.Parameter(torch.zeros(2, text_width))
        self.own = nn.Parameter(torch.zeros(2 * relations, text_width))
        self.enter = nn.Linear(text_width + 2, width)
        self.gru = nn.GRU(width, width // 2, bidirectional=True, batch_first=True)
        self.key, self.query = nn.Linear(width, width), nn.Linear(width, width)
        self.cell = nn.GRUCell(width + d, width)
        self.first = nn.Parameter(torch.zeros(width))
        self.relate, self.leave, self.instruct = (
            nn.Linear(text_width, d),
            nn.Linear(width, text_width),
            nn.Linear(width, d),
        )
        self.start = nn.Linear(marks_of(config.hops) + d, d)
        self.layers = nn.ModuleList(nn.Linear(2 * d, d) for _ in range(config.hops))
        self.judges = nn.ModuleList(nn.Linear(width, d) for _ in range(config.hops))
        self.dropout = nn.Dropout(config.dropout)
        with torch.no_grad():
            self.adapt.weight.mul_(0.1)
            self.match.weight.mul_(0.1)
            self.match.weight[:, :text_width].add_(torch.eye(text_width))
            self.leave.weight.mul_(0.25)

    def words(self, texts: Tensor) -> Tensor:
        """ρ of every row. Shapes: (2r, t) -> (2r, t)."""
        encoded = texts * float(SCALE)
        found: Tensor = encoded + self.adapt(encoded) + self.way.repeat_interleave(self.relations, dim=0) + self.own
        return found

    def relevance(self, features: Tensor, there: Tensor, words: Tensor) -> Tensor:
        """Log-probabilities. Shapes: features (b, s, t + 2), there (b, s) bool, words (2r, t) -> (b, 2r)."""
        scores = self.match(features) @ words.T / words.shape[1] ** 0.5  # (b, s, 2r)
        found: Tensor = scores.masked_fill(~there[:, :, None], -torch.inf).amax(dim=1).log_softmax(dim=1)
        return found

    def forward(self, features: Tensor, lengths: Tensor, graph: HeteroData, words: Tensor) -> Tensor:
        """Log-probabilities of the entities of all questions.

        Shapes: features (b, s, t + 2), lengths (b,), words (2r, t) -> (Σ n,)
        """
        count, entity, pair = len(lengths), graph["entity"], graph["pair"]
        there = torch.arange(features.shape[1]) < lengths[:, None]
        x = self.dropout(torch.tanh(self.enter(features)))
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        states = self.dropout(nn.utils.rnn.pad_packed_sequence(self.gru(packed)[0], batch_first=True)[0])  # (b, s, w)
        keys = self.key(states)
        kinds = self.relate(words)  # (2r, d)
        total = len(entity.marks)
        of = graph["kind", "of", "entity"].edge_index[1]
        signature = scatter(kinds[graph["kind"].row], of, dim_size=total, reduce="mean")
        h = torch.relu(self.start(torch.cat((entity.marks, signature), dim=1)))  # (N, d)
        leaving, begun = graph["entity", "leads", "pair"].edge_index
        ends = graph["pair", "ends", "entity"].edge_index[1]
        whose = entity.batch
        reached = entity.topic
        p = reached / scatter(reached, whose, dim_size=count).clamp_min(1)[whose]
        state = self.first.expand(count, -1)
        log_p = p
        for step in range(self.hops):
            scores = (keys @ self.query(state)[:, :, None]).squeeze(2) / state.shape[1] ** 0.5  # (b, s)
            shares = scores.masked_fill(~there, -torch.inf).softmax(dim=1)
            heard = (shares[:, None, :] @ states).squeeze(1)  # (b, w)
            state = self.cell(torch.cat((heard, scatter(p[:, None] * h, whose, dim_size=count)), dim=1), state)
            gate = torch.sigmoid(self.leave(state) @ words.T)  # (b, 2r)
            sums = torch.log1p(scatter(reached[leaving], begun, dim_size=len(pair.row)))  # (P,)
            told = torch.relu(self.instruct(state)[pair.batch] * kinds[pair.row])  # (P, d)
            told = told * (sums * gate[pair.batch, pair.row])[:, None]
            m = scatter(told, ends, dim_size=total)  # (N, d)
            h = torch.relu(self.layers[step](torch.cat((h, m), dim=1)))
            scores = (self.dropout(h) * self.judges[step](state)[whose]).sum(dim=1)  # (N,)
            p = softmax(scores, whose, num_nodes=count)
            log_p = (p + 1e-12).log()
            reached = p / scatter(p, whose, dim_size=count, reduce="max")[whose]
        return log_p


def train_reasoner(
    mirror: Mirror,
    examples: Sequence[Example],
    texts: np.ndarray,
    config: ReasonerConfig,
    *,
    encoder: str,
    dev: Sequence[Example] = (),
    progress: Callable[[ReasonerEpoch], None] | None = None,
) -> Reasoner:
    """Fit a reasoner to questions over a graph; of its epochs, the one that answers most dev questions is kept.

    Shapes: texts (2r or more, t), the sentence vectors of ``row_texts(mirror.relations)``.

    Raises:
        PlannerError: no question has an answer that some chain leads to.
    """
    begun = time.perf_counter()
    order = random.Random(config.seed)
    drawn = list(examples) if len(examples) <= LEARNED else order.sample(list(examples), LEARNED)
    chains = _chains(mirror, drawn, config.hops)
    row_vectors = torch.from_numpy(texts[: 2 * len(mirror.relations)])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        net = ReasonerNet(len(mirror.relations), texts.shape[1], config)
        _seek(net, row_vectors, drawn, chains, config)
        for parameter in (*net.adapt.parameters(), *net.match.parameters(), net.way, net.own):
            parameter.requires_grad_(False)  # what is gathered goes by them
        seeker = _export(net, mirror, encoder, config)
        graphs = _gather(seeker, mirror, texts, drawn, config.training_bounds)
        usable = [number for number, graph in enumerate(graphs) if graph is not None]
        if not usable:
            raise PlannerError(
                f"None of the {len(examples):,} training questions has an answer that is at most {config.hops} facts "
                "from its topic; give questions about this graph."
            )
        with torch.no_grad():
            words = net.words(row_vectors)
        trained = [parameter for parameter in net.parameters() if parameter.requires_grad]
        optimizer = torch.optim.AdamW(trained, lr=config.rate, weight_decay=config.decay)
        fall = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config.epochs)
        best, kept = -1.0, seeker
        for number in range(1, config.epochs + 1):
            net.train()
            order.shuffle(usable)
            total = 0.0
            for start in range(0, len(usable), config.batch):
                part = usable[start : start + config.batch]
                graph = Batch.from_data_list([graphs[at] for at in part])
                log_p = net(*_features([drawn[at] for at in part]), graph, words)
                loss = -(graph["entity"].share * log_p).sum() / len(part)
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                nn.utils.clip_grad_norm_(trained, config.clip)
                optimizer.step()
                total += loss.item() * len(part)
            fall.step()
            reasoner = _export(net, mirror, encoder, config)
            hits = hits_at_1(reasoner, mirror, dev, texts) if dev else None
            if hits is None or hits >= best:
                best, kept = -1.0 if hits is None else hits, reasoner
            if progress is not None:
                progress(ReasonerEpoch(number, total / len(usable), hits, time.perf_counter() - begun))
    return kept


def hits_at_1(reasoner: Reasoner, mirror: Mirror, examples: Sequence[Example], texts: np.ndarray) -> float:
    """The share of questions whose most probable entity is an answer."""
    rows = reasoner.rows(mirror.relations, texts)
    right = 0
    for example in examples:
        found = reasoner.reason(example.asked, mirror, rows, example.topics)
        if len(found.part.places):
            right += int(found.part.places[found.log_probabilities.argmax()]) in example.answers
    return right / len(examples) if examples else 0.0


def graph_of(part: Around, answers: Sequence[int] = ()) -> HeteroData:
    """What was gathered, as PyTorch Geometric batches it; ``answers`` are places here.

    A pair is an entity and a row by which steps end there: what arrives by one row is summed before it is told.
    """
    width = int(part.rows.max(initial=0)) + 1
    pairs, begun = np.unique(part.targets * width + part.rows, return_inverse=True)
    ends, row = np.divmod(pairs, width)
    graph = HeteroData()
    graph["entity"].marks = torch.from_numpy(part.marks)
    graph["entity"].num_nodes = len(part.places)
    topic = torch.zeros(len(part.places))
    topic[torch.from_numpy(part.topics)] = 1
    share = torch.zeros(len(part.places))
    share[list(answers)] = 1 / max(1, len(answers))
    graph["entity"].topic, graph["entity"].share = topic, share
    graph["pair"].row = torch.from_numpy(row)
    graph["pair"].num_nodes = len(pairs)
    graph["kind"].row = torch.from_numpy(part.kinds[:, 1].copy())
    graph["kind"].num_nodes = len(part.kinds)
    graph["entity", "leads", "pair"].edge_index = torch.from_numpy(np.stack((part.sources, begun)))
    graph["pair", "ends", "entity"].edge_index = torch.from_numpy(np.stack((np.arange(len(pairs)), ends)))
    graph["kind", "of", "entity"].edge_index = torch.from_numpy(
        np.stack((np.arange(len(part.kinds)), part.kinds[:, 0]))
    )
    return graph


def _chains(mirror: Mirror, examples: Sequence[Example], hops: int) -> list[Chain]:
    """For each question the chain that explains its answers best, of several the most common; () where none does."""
    found: list[list[Chain]] = []
    for example in examples:
        chains, f1 = list(example.chains), 1.0
        if not chains:
            chains, f1 = explain(mirror, example.topics, example.answers, hops=hops)
        found.append(chains if f1 >= LEAST else [])
    common = Counter(chain for chains in found for chain in chains)
    return [min(chains, key=lambda c: (-common[c], c)) if chains else () for chains in found]


def _seek(
    net: ReasonerNet, texts: Tensor, examples: Sequence[Example], chains: Sequence[Chain], config: ReasonerConfig
) -> None:
    """Learn which relations are relevant to which questions."""
    parameters = [*net.adapt.parameters(), *net.match.parameters(), net.way, net.own]
    optimizer = torch.optim.AdamW(parameters, lr=config.rate / 2, weight_decay=config.decay)
    order = random.Random(config.seed)
    usable = [number for number, chain in enumerate(chains) if chain]
    for _ in range(config.seeking):
        order.shuffle(usable)
        for start in range(0, len(usable), 4 * config.batch):
            part = usable[start : start + 4 * config.batch]
            features, lengths = _features([examples[at] for at in part])
            there = torch.arange(features.shape[1]) < lengths[:, None]
            wanted = torch.zeros(len(part), len(texts))
            for number, at in enumerate(part):
                wanted[number, sorted(set(chains[at]))] = 1 / len(set(chains[at]))
            loss = -(wanted * net.relevance(features, there, net.words(texts))).sum(dim=1).mean()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(parameters, config.clip)
            optimizer.step()


def _gather(
    reasoner: Reasoner, mirror: Mirror, texts: np.ndarray, examples: Sequence[Example], bounds: Bounds
) -> list[HeteroData | None]:
    """What each question is learned from; None where no answer was gathered."""
    rows = reasoner.rows(mirror.relations, texts)
    found: list[HeteroData | None] = []
    for example in examples:
        relevance = reasoner.relevance(example.asked, rows)
        part = around(mirror, example.topics, relevance, hops=reasoner.hops, bounds=bounds)
        answers = part.here(example.answers).tolist()
        found.append(graph_of(part, answers) if answers else None)
    return found


def _features(examples: Sequence[Example]) -> tuple[Tensor, Tensor]:
    lengths = torch.tensor([len(example.asked.vectors) for example in examples])
    rows = [torch.from_numpy(example.asked.features) for example in examples]
    return nn.utils.rnn.pad_sequence(rows, batch_first=True), lengths


def _export(net: ReasonerNet, mirror: Mirror, encoder: str, config: ReasonerConfig) -> Reasoner:
    weights = {name: tensor.detach().numpy().copy() for name, tensor in net.state_dict().items()}
    return Reasoner(weights, mirror.relations, encoder=encoder, hops=config.hops, bounds=config.bounds)
