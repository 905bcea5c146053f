"""What a training run leaves on the disk, so that it can be used, taken up again, or carried to a newer graph.

A folder holds ``checkpoint.json`` (configuration, history, seed, digest of the graph, git commit), ``names.json`` (ids
of entities and relations, by which vectors are matched), and two files of tensors that the JSON names: the best model
so far, and the last one with the state of its optimizer. Tensors are written as safetensors, which hold numbers alone:
reading a stranger's checkpoint runs nothing. The JSON is replaced last and in one step, so a run that is killed leaves
the checkpoint before.
"""

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from kg.embeddings.config import LENGTH, Epoch, TrainConfig
from kg.embeddings.errors import CheckpointError, OtherGraphError
from kg.embeddings.evaluate import Metrics
from kg.embeddings.scorers import SCORERS, Scorer
from kg.tensors import GraphTensors

FORMAT = 1
ABOUT, NAMES = "checkpoint.json", "names.json"
SHOWN = 3  # names in a message
ROWS = {"entities.weight": 1, "relations.weight": 2}  # tables with a row (or two) a name, by the end of their key


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """A training run as it stood after an epoch."""

    config: TrainConfig
    entities: tuple[str, ...]
    relations: tuple[str, ...]
    facts: int
    digest: str  # of the graph
    dev_digest: str  # of the facts that were held out
    precision: str  # that "auto" came to
    history: tuple[Epoch, ...]
    best: int  # the epoch whose model was best; 0: none yet
    waited: int  # measurements since
    model: dict[str, Tensor]  # of the best epoch
    last: dict[str, Tensor]  # of the last epoch
    optimizer: dict[str, Tensor]  # of the last epoch, as "parameter name/what"
    version: int = 0  # of the store when the graph was read
    stopped: str = ""  # why; empty: it was going on
    commit: str = ""
    written: str = ""

    def require(self, graph: GraphTensors, *, folder: Path) -> None:
        """Refuse a graph other than the one that was learned.

        Raises: ``OtherGraphError``.
        """
        if graph.digest != self.digest:
            raise OtherGraphError(
                f"The checkpoint in {folder} was learned from another graph ({self.difference(graph)}); "
                "update it to this graph, or train anew."
            )

    def require_config(self, config: TrainConfig, *, folder: Path) -> None:
        """Refuse to go on with other settings than those that the run began with.

        Raises: ``CheckpointError``.
        """
        changed = [
            f"{field.name} was {getattr(self.config, field.name)!r}, now {getattr(config, field.name)!r}"
            for field in fields(TrainConfig)
            if field.name not in LENGTH and getattr(self.config, field.name) != getattr(config, field.name)
        ]
        if changed:
            raise CheckpointError(
                f"The run in {folder} was begun with other settings ({'; '.join(changed)}); give those, or train anew."
            )

    def difference(self, graph: GraphTensors) -> str:
        """How a graph differs from the one that was learned, in a few words."""
        parts = []
        for names, now, one, many in (
            (self.entities, graph.entities, "entity", "entities"),
            (self.relations, graph.relations, "relation", "relations"),
        ):
            for others, how in ((set(names) - set(now), "gone"), (set(now) - set(names), "new")):
                if others:
                    shown = f": {', '.join(sorted(others)[:SHOWN])}" if one == "relation" else ""  # ids say nothing
                    parts.append(f"{len(others):,} {one if len(others) == 1 else many} {how}{shown}")
        if self.facts != len(graph.edge_type):
            parts.append(f"{self.facts:,} facts then, {len(graph.edge_type):,} now")
        return "; ".join(parts) or "the same entities and relations, but other facts between them"


def save(folder: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint; the one before stays until this one is whole.

    Raises: ``CheckpointError`` when the folder cannot be written.
    """
    epoch = len(checkpoint.history)
    best, last = f"best-{checkpoint.best}.safetensors", f"last-{epoch}.safetensors"
    about = {
        "format": FORMAT,
        "written": checkpoint.written or datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": checkpoint.commit or commit(),
        "config": asdict(checkpoint.config),
        "graph": {
            "digest": checkpoint.digest,
            "entities": len(checkpoint.entities),
            "relations": len(checkpoint.relations),
            "facts": checkpoint.facts,
            "version": checkpoint.version,
        },
        "dev_digest": checkpoint.dev_digest,
        "precision": checkpoint.precision,
        "best": checkpoint.best,
        "waited": checkpoint.waited,
        "stopped": checkpoint.stopped,
        "history": [asdict(epoch) for epoch in checkpoint.history],
        "files": {"best": best, "last": last},
    }
    names = {"entities": checkpoint.entities, "relations": checkpoint.relations, "digest": checkpoint.digest}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not _holds_names_of(folder, checkpoint.digest):
            (folder / ABOUT).unlink(missing_ok=True)  # of another graph: it may not meet these names
            _write(folder / NAMES, json.dumps(names, ensure_ascii=False))
        if not (folder / best).exists() or checkpoint.best == epoch:
            _write_tensors(folder / best, checkpoint.model)
        state = {f"model/{key}": tensor for key, tensor in checkpoint.last.items()}
        state |= {f"optimizer/{key}": tensor for key, tensor in checkpoint.optimizer.items()}
        _write_tensors(folder / last, state)
        _write(folder / ABOUT, json.dumps(about, ensure_ascii=False, indent=1) + "\n")
        for path in folder.glob("*.safetensors"):
            if path.name not in (best, last):
                path.unlink()
    except OSError as error:
        raise CheckpointError(
            f"The checkpoint could not be written to {folder}: {error.strerror or error}; give a folder that can be."
        ) from error


def load(folder: Path, *, device: str = "cpu") -> Checkpoint:
    """Read a checkpoint.

    Raises: ``CheckpointError`` when there is none, or when it is damaged or of a later version.
    """
    try:
        about = json.loads((folder / ABOUT).read_text("utf-8"))
        if about["format"] != FORMAT:
            raise CheckpointError(
                f"The checkpoint in {folder} has format {about['format']}, and this version of Clew reads "
                f"format {FORMAT}; update Clew, or train anew."
            )
        names = json.loads((folder / NAMES).read_text("utf-8"))
        if names["digest"] != about["graph"]["digest"]:
            raise ValueError(f"{NAMES} belongs to another graph")
        model = load_file(folder / about["files"]["best"], device=device)
        state = load_file(folder / about["files"]["last"], device=device)
        return Checkpoint(
            config=TrainConfig(**about["config"]),
            entities=tuple(names["entities"]),
            relations=tuple(names["relations"]),
            facts=about["graph"]["facts"],
            digest=about["graph"]["digest"],
            dev_digest=about["dev_digest"],
            precision=about["precision"],
            history=tuple(
                Epoch(**row | {"dev": Metrics(**row["dev"]) if row["dev"] else None}) for row in about["history"]
            ),
            best=about["best"],
            waited=about["waited"],
            model=model,
            last=_under("model/", state),
            optimizer=_under("optimizer/", state),
            version=about["graph"]["version"],
            stopped=about["stopped"],
            commit=about["commit"],
            written=about["written"],
        )
    except FileNotFoundError as error:
        raise CheckpointError(f"No checkpoint at {folder} ({error.filename} is missing); train first.") from error
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise CheckpointError(f"The checkpoint in {folder} cannot be read ({error}); train anew.") from error


def revive(checkpoint: Checkpoint, *, scorer: Scorer | None = None) -> Scorer:
    """The best model of a run, ready to score; ``scorer`` is one to fill where the run's was not of ``SCORERS``.

    Raises: ``CheckpointError`` when the checkpoint holds a model of another kind.
    """
    config = checkpoint.config
    if scorer is None:
        if config.scorer not in SCORERS:
            raise CheckpointError(
                f"The checkpoint holds a model that this version of Clew does not know ({config.scorer}); train anew."
            )
        names = len(checkpoint.entities), len(checkpoint.relations)
        scorer = SCORERS[config.scorer](*names, dimension=config.dimension)
    try:
        scorer.load_state_dict(checkpoint.model)
    except RuntimeError as error:  # the one kind that torch raises for tensors that do not fit
        raise CheckpointError(
            f"The tensors of the checkpoint are not those of a {config.scorer} model of {config.dimension} "
            "numbers a vector; train anew."
        ) from error
    return scorer.eval()


def carry_over(
    old: dict[str, Tensor],
    new: dict[str, Tensor],
    *,
    entities: tuple[Sequence[str], Sequence[str]],
    relations: tuple[Sequence[str], Sequence[str]],
) -> int:
    """Copy what was learned of an older graph into tensors made for a newer one; returns the entities matched.

    Rows of tables are matched by id (``entities`` and ``relations``: the old ids, the new ones); a row that is new
    keeps what it holds, other tensors are copied where their shapes agree.
    """
    matched = {"entities.weight": _match(*entities), "relations.weight": _match(*relations)}
    for key, tensor in new.items():
        held = old.get(key)
        name = key.partition("/")[0]  # state of an optimizer is kept under "parameter/what"
        table = next((end for end in ROWS if name.endswith(end)), None)
        if held is None or held.shape[1:] != tensor.shape[1:]:
            continue
        if table is None or not tensor.dim():
            if held.shape == tensor.shape:
                tensor.copy_(held)
            continue
        rows_then, rows_now = matched[table]
        names_then, names_now = (len(side) for side in (entities if table == "entities.weight" else relations))
        for part in range(ROWS[table]):  # relations, then their inverses
            at = [row + part * names_now for row in rows_now]
            tensor[at] = held[[row + part * names_then for row in rows_then]].to(tensor)
    return len(matched["entities.weight"][0])


def commit() -> str:
    """The checked-out commit of Clew; empty where it runs from a package."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    try:
        found = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout.strip() if not found.returncode else ""


def _match(then: Sequence[str], now: Sequence[str]) -> tuple[list[int], list[int]]:
    places = {name: place for place, name in enumerate(then)}
    pairs = [(places[name], place) for place, name in enumerate(now) if name in places]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def _holds_names_of(folder: Path, digest: str) -> bool:
    try:
        return bool(json.loads((folder / NAMES).read_text("utf-8"))["digest"] == digest)
    except (OSError, ValueError, KeyError, TypeError):
        return False  # missing or damaged: it is written anew


def _under(prefix: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): tensor for key, tensor in state.items() if key.startswith(prefix)}


def write_json(path: Path, about: object) -> None:
    """Write what goes beside a model; a file that is there stays until this one is whole.

    Raises: ``CheckpointError`` when it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, json.dumps(about) + "\n")
    except OSError as error:
        raise CheckpointError(f"{path} could not be written ({error.strerror}); give a folder that can be.") from error


def _write(path: Path, text: str) -> None:
    part = path.with_suffix(".part")
    part.write_text(text, "utf-8")
    os.replace(part, path)


def _write_tensors(path: Path, state: dict[str, Tensor]) -> None:
    part = path.with_suffix(".part")
    save_file({key: tensor.contiguous() for key, tensor in state.items()}, part)
    os.replace(part, path)
