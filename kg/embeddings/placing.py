"""Where an entity stands among those that were learned, by what it is called: for entities that came after them.

A linear map from sentence vectors to learned vectors, fitted to the entities that were learned, as in OWE (Shah et al.
2019, "An Open-World Extension to Knowledge Graph Completion Models"), by ridge regression:

    v ≈ mean(V) + (t − mean(T)) W        W = (T'ᵀT' + λI)⁻¹ T'ᵀV', primes: with the means taken off

λ is what foretells each entity best from all others, which one decomposition tells for every λ (Allen 1974, PRESS).
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from kg.embeddings.errors import CheckpointError, NotLearnedError
from kg.embeddings.text import SentenceEncoder, text_features, text_of
from kg.facts import Entity

PLACING = "placing.safetensors"  # what a model's folder holds
FORMAT = "clew-placing-1"
STRENGTHS = tuple(10.0**power for power in range(-3, 4))  # λ over the mean square of the sentence vectors
LEAST = 20  # entities: from fewer nothing is learned


@dataclass(frozen=True, slots=True, eq=False)
class Placing:
    """The map. Shapes: weight (t, d), mean_text (t,), mean_vector (d,)."""

    weight: Tensor
    mean_text: Tensor
    mean_vector: Tensor
    encoder: str  # the sentence encoder that it was fitted to
    model: str  # whose vectors these are

    def place(self, entities: Sequence[Entity], encoder: SentenceEncoder) -> Tensor:
        """Vectors of entities, from their types and names. Shapes: -> (k, d).

        Raises:
            NotLearnedError: this is another sentence encoder than the map was fitted to.
        """
        if encoder.name != self.encoder:
            raise NotLearnedError(
                f"Names were learned through {self.encoder}, and are now read by {encoder.name}; run `clew learn`."
            )
        texts = describe(entities, encoder)
        return self.mean_vector + (texts - self.mean_text) @ self.weight

    def save(self, path: Path) -> None:
        """Write the map; a file that is there stays until this one is whole.

        Raises:
            CheckpointError: it cannot be written.
        """
        tensors = {"weight": self.weight, "mean_text": self.mean_text, "mean_vector": self.mean_vector}
        about = {"format": FORMAT, "encoder": self.encoder, "model": self.model}
        part = path.with_suffix(".part")
        try:
            save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, part, metadata=about)
            os.replace(part, path)
        except OSError as error:
            raise CheckpointError(f"{path} could not be written ({error}); give a folder that can be.") from error


def describe(entities: Sequence[Entity], encoder: SentenceEncoder) -> Tensor:
    """Sentence vectors of types and names. Shapes: -> (k, t)."""
    return text_features([text_of(entity.name, entity.type) for entity in entities], encoder.encode)


def fit_placing(texts: Tensor, vectors: Tensor, *, encoder: str, model: str) -> Placing | None:
    """Fit the map; None where there are too few entities to learn one from. Shapes: (n, t), (n, d)."""
    if len(texts) < LEAST:
        return None
    texts, vectors = texts.double(), vectors.double()
    mean_text, mean_vector = texts.mean(dim=0), vectors.mean(dim=0)
    left, singular, right = torch.linalg.svd(texts - mean_text, full_matrices=False)  # (n, k), (k,), (k, t)
    off = vectors - mean_vector
    projected = left.T @ off  # (k, d)

    def error(strength: float) -> float:
        """The mean square by which an entity is missed when it alone is left out."""
        shrunk = singular.square() / (singular.square() + strength * scale)
        residual = off - left @ (shrunk[:, None] * projected)
        leverage = left.square() @ shrunk + 1 / len(off)  # of the mean as well
        return float((residual / (1 - leverage).clamp_min(1e-6)[:, None]).square().mean())

    scale = float(singular.square().mean()) or 1.0
    strength = min(STRENGTHS, key=error)
    weight = right.T @ ((singular / (singular.square() + strength * scale))[:, None] * projected)
    return Placing(weight.float(), mean_text.float(), mean_vector.float(), encoder, model)


def load_placing(path: Path) -> Placing:
    """Read the map.

    Raises:
        NotLearnedError: there is none.
        CheckpointError: it is damaged, or of another format.
    """
    try:
        with safe_open(path, framework="pt") as file:
            held = file.metadata() or {}
            if held.get("format") != FORMAT:
                raise CheckpointError(f"{path} holds {held.get('format', 'something')!r}, not {FORMAT!r}; learn anew.")
            tensors = {name: file.get_tensor(name) for name in ("weight", "mean_text", "mean_vector")}
        return Placing(encoder=held["encoder"], model=held["model"], **tensors)
    except FileNotFoundError as error:
        raise NotLearnedError(f"No names have been learned yet ({path} is missing); run `clew learn`.") from error
    except (OSError, KeyError, SafetensorError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}); run `clew learn` again.") from error
