"""A trained inductive encoder on the disk, and its use on a graph that has grown since.

One safetensors file holds the weights, and, as text beside them, how they were trained and the names of the relations.
Relations are matched by name, entities not at all: what the encoder knows is not about any of them.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from kg.embeddings.checkpoint import commit
from kg.embeddings.errors import CheckpointError, OtherGraphError
from kg.embeddings.inductive import NBFNet
from kg.embeddings.inductive_training import InductiveConfig
from kg.embeddings.loop import Fitted, Schedule
from kg.embeddings.walks import Links
from kg.tensors import GraphTensors

FORMAT = "clew-inductive-1"
SHOWN = 3  # names in a message


@dataclass(frozen=True, slots=True, eq=False)
class Inductive:
    """A trained encoder without a graph."""

    config: InductiveConfig
    relations: tuple[str, ...]  # relation i of the encoder is relations[i]
    digest: str  # of the graph that it was trained on
    weights: dict[str, Tensor]
    commit: str = ""
    written: str = ""

    def on(self, graph: GraphTensors) -> NBFNet:
        """The encoder as a scorer of a graph's entities; its relations are numbered as ``relations`` is.

        Raises:
            OtherGraphError: the graph has relations that the encoder never saw.
        """
        model = NBFNet(
            self.links(graph),
            dimension=self.config.dimension,
            layers=self.config.layers,
            aggregation=self.config.aggregation,
        )
        model.load_state_dict(self.weights)
        return model.eval()

    def links(self, graph: GraphTensors) -> Links:
        """The graph's links with the encoder's numbers of relations.

        Raises:
            OtherGraphError: the graph has relations that the encoder never saw.
        """
        places = {name: place for place, name in enumerate(self.relations)}
        new = sorted(set(graph.relations) - places.keys())
        if new:
            raise OtherGraphError(
                f"The graph has {len(new):,} relations that the encoder was not trained on: {', '.join(new[:SHOWN])}"
                f"{', …' if len(new) > SHOWN else ''}; train it anew."
            )
        renumbered = torch.tensor([places[name] for name in graph.relations], dtype=torch.long)
        head, relation, tail = graph.triples.T
        triples = torch.stack([head, renumbered[relation], tail], dim=1)
        return Links.of(triples, num_entities=len(graph.entities), num_relations=len(self.relations))


def save_inductive(
    path: Path, model: NBFNet, config: InductiveConfig, fitted: Fitted, *, relations: Sequence[str], digest: str
) -> None:
    """Write an encoder; a file that is there stays until this one is whole.

    Raises:
        CheckpointError: it cannot be written.
    """
    about = {
        "config": asdict(config),
        "relations": list(relations),
        "digest": digest,
        "steps": fitted.best_step,
        "dev": fitted.best,
        "commit": commit(),
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    part = path.with_suffix(".part")
    weights = {key: tensor.detach().cpu().contiguous() for key, tensor in model.state_dict().items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(weights, part, metadata={"format": FORMAT, "about": json.dumps(about, ensure_ascii=False)})
        os.replace(part, path)
    except OSError as error:
        raise CheckpointError(
            f"The encoder could not be written to {path}: {error.strerror or error}; give a folder that can be."
        ) from error


def load_inductive(path: Path) -> Inductive:
    """Read an encoder.

    Raises:
        CheckpointError: there is none, or it is damaged, or of another format.
    """
    try:
        with safe_open(path, framework="pt") as file:
            held = file.metadata() or {}
            weights = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - no mapping
        if held.get("format") != FORMAT:
            raise CheckpointError(f"{path} holds {held.get('format', 'something')!r}, not {FORMAT!r}; train anew.")
        about = json.loads(held["about"])
        schedule = Schedule(**about["config"].pop("schedule"))
        return Inductive(
            config=InductiveConfig(**about["config"], schedule=schedule),
            relations=tuple(about["relations"]),
            digest=about["digest"],
            weights=weights,
            commit=about["commit"],
            written=about["written"],
        )
    except FileNotFoundError as error:
        raise CheckpointError(f"No encoder at {path}; train one first.") from error
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise CheckpointError(f"The encoder in {path} cannot be read ({error}); train anew.") from error
