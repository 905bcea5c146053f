"""Training a reasoner: first what is relevant to a question, then, over what is gathered by that, what answers it.

The loss of the first is −Σ log relevance(r) over the relations of the chain that explains the question best
(planner/labels.py); of several, the one that its words say, then the one that most questions have. That of the second
is the divergence of p from an even distribution over the answers, and, with less weight, of p after each step before
from where that chain is then (NSM's teacher gives such intermediate supervision; here weak labels do). A question whose
answers were not gathered teaches nothing.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch_geometric.data import Batch, HeteroData

from fusion.errors import PlannerError
from fusion.fitting import Epoch, Fitter, fit
from fusion.planner.labels import Chain, explain, said
from fusion.planner.model import words_of
from fusion.planner.training import LEAST, Example
from fusion.question import stem
from fusion.reasoner.around import Bounds, around
from fusion.reasoner.model import Reasoner
from fusion.reasoner.net import ReasonerConfig, ReasonerNet, graph_of
from kg.mirror import Mirror

LEARNED = 6000  # questions that are learned from; of more, so many are drawn


def train_reasoner(
    mirror: Mirror,
    examples: Sequence[Example],
    texts: np.ndarray,
    config: ReasonerConfig,
    *,
    encoder: str,
    dev: Sequence[Example] = (),
    progress: Callable[[Epoch], None] | None = None,
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
        for parameter in _seeking(net):
            parameter.requires_grad_(False)  # what is gathered goes by them
        seeker = _export(net, mirror, encoder, config)
        graphs = _gather(seeker, mirror, texts, drawn, chains, config.training_bounds)
        usable = [number for number, graph in enumerate(graphs) if graph is not None]
        if not usable:
            raise PlannerError(
                f"None of the {len(examples):,} training questions has an answer that is at most {config.hops} facts "
                "from its topic; give questions about this graph."
            )
        weight = torch.tensor([config.guidance] * (config.hops - 1) + [1.0])

        def loss(part: Sequence[int]) -> Tensor:
            graph = Batch.from_data_list([graphs[at] for at in part])
            with torch.no_grad():
                words = net.words(row_vectors)
            log_p = net(*_features([drawn[at] for at in part]), graph, words)
            found: Tensor = -(graph["entity"].share * log_p * weight).sum() / len(part)
            return found

        return fit(
            net,
            usable,
            loss,
            config,
            export=lambda: _export(net, mirror, encoder, config),
            hits1=(lambda reasoner: hits_at_1(reasoner, mirror, dev, texts)) if dev else None,
            order=order,
            begun=begun,
            progress=progress,
        )


def hits_at_1(reasoner: Reasoner, mirror: Mirror, examples: Sequence[Example], texts: np.ndarray) -> float:
    """The share of questions whose most probable entity is an answer."""
    rows = reasoner.rows(mirror.relations, texts)
    right = 0
    for example in examples:
        found = reasoner.reason(example.asked, mirror, rows, example.topics)
        if len(found.part.places):
            right += int(found.part.places[found.log_probabilities.argmax()]) in example.answers
    return right / len(examples) if examples else 0.0


def _chains(mirror: Mirror, examples: Sequence[Example], hops: int) -> list[Chain]:
    """For each question the chain that explains its answers best; () where none does.

    Of several, the one that the question says in words, and of those the most common.
    """
    found: list[list[Chain]] = []
    for example in examples:
        chains, f1 = list(example.chains), 1.0
        if not chains:
            chains, f1 = explain(mirror, example.topics, example.answers, hops=hops)
        found.append(chains if f1 >= LEAST else [])
    common = Counter(chain for chains in found for chain in chains)
    names = [[stem(word) for word in words_of(relation).split()] for relation in mirror.relations]
    return [
        min(chains, key=lambda chain: (-said(example.words, chain, names), -common[chain], chain)) if chains else ()
        for example, chains in zip(examples, found, strict=True)
    ]


def _seek(
    net: ReasonerNet, texts: Tensor, examples: Sequence[Example], chains: Sequence[Chain], config: ReasonerConfig
) -> None:
    """Learn which relations are relevant to which questions."""
    fitter = Fitter(_seeking(net), rate=config.rate / 2, decay=config.decay, clip=config.clip)
    order = random.Random(config.seed)
    usable = [number for number, chain in enumerate(chains) if chain]

    def loss(part: Sequence[int]) -> Tensor:
        features, lengths = _features([examples[at] for at in part])
        there = torch.arange(features.shape[1]) < lengths[:, None]
        wanted = torch.zeros(len(part), len(texts))
        for number, at in enumerate(part):
            wanted[number, sorted(set(chains[at]))] = 1 / len(set(chains[at]))
        return -(wanted * net.relevance(features, there, net.words(texts))).sum(dim=1).mean()

    for _ in range(config.seeking):
        fitter.once(usable, loss, batch=4 * config.batch, order=order)


def _seeking(net: ReasonerNet) -> list[nn.Parameter]:
    """What relevance is told by."""
    return [*net.adapt.parameters(), *net.match.parameters(), net.way, net.own]


def _gather(
    reasoner: Reasoner,
    mirror: Mirror,
    texts: np.ndarray,
    examples: Sequence[Example],
    chains: Sequence[Chain],
    bounds: Bounds,
) -> list[HeteroData | None]:
    """What each question is learned from; None where no answer was gathered."""
    rows = reasoner.rows(mirror.relations, texts)
    found: list[HeteroData | None] = []
    for example, chain in zip(examples, chains, strict=True):
        relevance = reasoner.relevance(example.asked, rows)
        part = around(mirror, example.topics, relevance, hops=reasoner.hops, bounds=bounds)
        answers = part.here(example.answers)
        fronts = mirror.walk(example.topics, chain)[1:] or [mirror.start([])]
        ways = [part.here(fronts[min(step, len(fronts) - 1)].reached.tolist()) for step in range(reasoner.hops - 1)]
        found.append(graph_of(part, [*ways, answers]) if len(answers) else None)
    return found


def _features(examples: Sequence[Example]) -> tuple[Tensor, Tensor]:
    lengths = torch.tensor([len(example.asked.vectors) for example in examples])
    rows = [torch.from_numpy(example.asked.features) for example in examples]
    return nn.utils.rnn.pad_sequence(rows, batch_first=True), lengths


def _export(net: ReasonerNet, mirror: Mirror, encoder: str, config: ReasonerConfig) -> Reasoner:
    weights = {name: tensor.detach().numpy().copy() for name, tensor in net.state_dict().items()}
    return Reasoner(weights, mirror.relations, encoder=encoder, hops=config.hops, bounds=config.bounds)
