"""From a person's questions over a stored graph to a trained planner, and how good it is."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fusion.errors import PlannerError
from fusion.planner.model import Planner, row_texts
from fusion.planner.questions import Question, prepare
from fusion.planner.training import PlannerConfig, PlannerEpoch, hits_at_1, train_planner
from fusion.reasoner.learning import LearnedReasoner, learn_reasoner
from fusion.reasoner.training import ReasonerEpoch
from kg.mirror import Mirror
from kg.ontology import Ontology
from kg.store import GraphStore
from nlp.embed import TokenEmbedder

HOLD_OUT = 20  # questions: of fewer, none can be spared
STEPS = 400  # that training takes at the least, however few questions there are
EPOCHS = (4, 40)  # the fewest and the most that are chosen


@dataclass(frozen=True, slots=True)
class Trained:
    """A planner, and what training it came to."""

    planner: Planner
    questions: int  # that were learned from
    held_out: int
    hits1: float | None  # on those; None where there are none
    skipped: Counter[str]  # questions that could not be learned from, by why
    epochs: int
    learned_reasoner: LearnedReasoner | None = None  # where enough questions are held out to calibrate it


def learn_questions(
    questions: Sequence[Question],
    store: GraphStore,
    ontology: Ontology,
    embedder: TokenEmbedder,
    *,
    graph: Mirror,
    epochs: int | None = None,
    seed: int = 0,
    progress: Callable[[PlannerEpoch], None] | None = None,
    reasoning: Callable[[ReasonerEpoch], None] | None = None,
) -> Trained:
    """Train a planner, and a reasoner beside it, on questions, a tenth held out to choose the best epochs by.

    Raises:
        PlannerError: the graph has no facts, or no question can be learned from.
        StoreError: the store failed.
        WeightsError: the embedder's weights are missing or damaged.
    """
    if not graph.facts:
        raise PlannerError(f"The graph at {store.address} holds no facts to walk; `clew ingest` or `clew import` some.")
    config = PlannerConfig(seed=seed)
    prepared = prepare(questions, store, ontology, graph, embedder, hops=config.hops)
    examples = list(prepared.examples)
    random.Random(seed).shuffle(examples)
    held = len(examples) // 10 if len(examples) >= HOLD_OUT else 0
    dev, train = examples[:held], examples[held:]
    batch = max(8, min(config.batch, len(train) // 8))
    steps = -(-len(train) // batch)
    config = PlannerConfig(seed=seed, batch=batch, epochs=epochs or min(EPOCHS[1], max(EPOCHS[0], -(-STEPS // steps))))
    texts = embedder.encode(row_texts(graph.relations))
    planner = train_planner(graph, train, texts, config, encoder=embedder.name, dev=dev, progress=progress)
    hits1 = hits_at_1(planner, graph, dev, texts) if dev else None
    reasoner = learn_reasoner(planner, graph, train, dev, texts, seed=seed, progress=reasoning)
    planner = planner.acquainted([example.asked for example in train])
    return Trained(planner, len(train), held, hits1, prepared.skipped, config.epochs, reasoner)
