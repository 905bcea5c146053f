"""How much memory training will need, and how much there is."""

from pathlib import Path

import torch
from torch import nn

from kg.embeddings.batches import Queries
from kg.embeddings.config import LAYERS, TrainConfig
from kg.embeddings.errors import TooLargeError
from kg.embeddings.evaluate import BATCH, SCORES
from kg.embeddings.losses import CHUNK
from kg.embeddings.neighbours import MESSAGES

FLOAT = 4
MOMENTS = {"adagrad": 1, "adamw": 2}
SENT, MADE, PASSING = 2, 12, 4  # rows kept for each message and each row made (R-GCN: one a basis); held in passing
EDGE = 100  # bytes of an edge, grouped by where it ends, and of its grouping
SCRAPS = 512 << 20  # what the C library's allocator keeps of freed blocks below 32 MB, at most: measured, as much again
SPARE = 300 << 20  # what the process itself holds


def estimate(config: TrainConfig, *, num_entities: int, num_relations: int, num_queries: int, num_facts: int) -> int:
    """Bytes that training takes at its peak, generously counted: of two tables, and of message passing over them.

    ``num_facts`` counts both directions, so facts of a query are ``num_facts / num_queries`` on average.
    """
    rows = num_entities + 2 * num_relations
    tables = rows * config.dimension * FLOAT * (3 + MOMENTS[config.optimizer])  # values, gradients, the best so far
    batch = min(config.batch_size, num_queries)
    facts = batch * num_facts // max(num_queries, 1)
    step = (12 * batch + 12 * facts) * config.dimension * FLOAT  # gathered rows, their products, their gradients
    candidates = min(config.candidates or num_entities, num_entities)
    held = max(min(CHUNK, batch * candidates), candidates) + config.dimension * candidates
    measured = min(SCORES, BATCH * num_entities) * 2
    index = 6 * 8 * num_facts
    if config.scorer in LAYERS:
        step += messages(config, num_entities=num_entities, num_facts=num_facts, wanted=batch + facts + candidates)
        measured += 4 * num_entities * config.dimension + PASSING * min(num_facts * config.dimension, MESSAGES)
        index += EDGE * num_facts
    return tables + step + (held + measured) * FLOAT + index


def messages(config: TrainConfig, *, num_entities: int, num_facts: int, wanted: int) -> int:
    """Bytes of what a graph encoder's layers hold while a batch is learned, beside its tables.

    Without ``neighbours``, each layer has every edge and every entity. With them, the last layer makes the ``wanted``
    entities (all of them where no candidates are drawn), each from so many others at most, which the layer before
    makes in turn.
    """
    sampled = config.neighbours > 0
    targets = min(wanted, num_entities) if sampled and config.candidates else num_entities
    kept, most = 0, 0
    for _ in range(LAYERS[config.scorer]):
        edges = min(num_facts, targets * config.neighbours) if sampled else num_facts
        kept += SENT * edges + MADE * targets
        most = max(most, edges)
        targets = min(num_entities, targets + edges) if sampled else num_entities
    training = (kept + PASSING * most + 2 * targets) * config.dimension * FLOAT  # with the rows that are read first
    return training + min(training, SCRAPS)


def check(
    config: TrainConfig,
    queries: Queries,
    num_entities: int,
    *,
    device: str,
    free: int | None = None,
    sharing: int = 1,
) -> None:
    """Refuse what does not fit; ``free`` stands in for the bytes that the device has left.

    So many processes are ``sharing`` these, each with a model of its own.

    Raises: ``TooLargeError``.
    """
    need = estimate(
        config,
        num_entities=num_entities,
        num_relations=queries.num_relations,
        num_queries=len(queries),
        num_facts=len(queries.tails),
    )
    left = (available(device) if free is None else free) // sharing
    if need > left:
        raise TooLargeError(
            f"Learning {num_entities:,} entities in {config.dimension} dimensions needs about {_gigabytes(need)} of "
            f"memory, and {_gigabytes(left)} are free on {device}{' for each process' if sharing > 1 else ''}; "
            f"choose {_advice(config, sharing)}."
        )


def available(device: str) -> int:
    """Bytes that may still be taken on this device."""
    if device.startswith("cuda"):
        return int(torch.cuda.mem_get_info(device)[0])
    return max(0, min(_of_machine(), _of_group()) - SPARE)


def tables(scorer: nn.Module) -> int:
    """Bytes of a scorer's parameters."""
    return sum(parameter.numel() * parameter.element_size() for parameter in scorer.parameters())


def _advice(config: TrainConfig, sharing: int) -> str:
    smaller = "a smaller dimension or batch"
    if config.scorer in LAYERS:
        smaller = "fewer neighbours or candidates" if config.neighbours else "neighbours to be drawn"
    return f"{smaller}, or fewer processes" if sharing > 1 else smaller


def _of_machine() -> int:
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
    except OSError:
        return 1 << 62  # not Linux: unknown, so nothing is refused
    for line in lines:
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) << 10
    return 1 << 62


def _of_group() -> int:
    """What a container may still take, where it is limited."""
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text("ascii").strip()
        used = Path("/sys/fs/cgroup/memory.current").read_text("ascii").strip()
    except OSError:
        return 1 << 62
    return int(limit) - int(used) if limit != "max" else 1 << 62


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 5e7 else f"{size / 1e6:.1f} MB"
