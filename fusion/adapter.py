"""A fused model's trained parts as one small folder.

    adapter.json                what it was trained with and on; digests of the two files of weights
    adapter_model.safetensors   LoRA, with adapter_config.json, as peft reads it
    graph.safetensors           the graph encoder
    README.md                   the same for people

Weights are kept in bfloat16, half the size; `save` rounds those of the model too, so that what was measured afterwards
is what was kept. Safetensors hold numbers alone: reading a stranger's adapter runs nothing.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load as parse
from safetensors.torch import save as dump
from torch import Tensor

from fusion.errors import AdapterError, OtherGraphError, OtherModelError
from fusion.language.causal import HuggingFaceModel
from fusion.model import Base, FusedConfig, FusedModel, digest
from fusion.reasoner.model import Calibration
from fusion.scoring import WEIGHTS
from kg.embeddings.checkpoint import commit
from kg.store import Learned

FORMAT = 1
ABOUT, LORA, GRAPH, CARD = "adapter.json", "adapter_model.safetensors", "graph.safetensors", "README.md"
PEFT_PREFIX = "base_model.model."  # before the language model's own names, in peft's files


@dataclass(frozen=True, slots=True)
class Trained:
    """What a model was trained on, and what came of it."""

    data: str = ""  # a digest of the examples
    examples: int = 0
    seed: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)
    earlier: tuple[str, ...] = ()  # digests of what it was trained on before it was extended
    vectors: str = ""  # the learned model that entities' vectors were of; none where it had none, or it is not known
    soft_tokens: bool = True  # whether candidates' stood before the prompts; without, none may stand there in answering
    calibration: Calibration | None = None  # of the scores of chains (scoring.py); without it, none are scored


@dataclass(frozen=True, slots=True)
class About:
    """What an adapter says of itself."""

    base: Base
    encoder: str  # the sentence encoder
    text_width: int
    vector_width: int
    config: FusedConfig
    trained: Trained
    commit: str
    written: str
    files: Mapping[str, str]  # SHA-256 of each
    format: int = FORMAT


_ABOUT = TypeAdapter(About)


def save(model: FusedModel, folder: Path, trained: Trained) -> About:
    """Write what was trained of a model, whose weights are rounded to what is written.

    Raises:
        AdapterError: the folder cannot be written.
    """
    model.round()
    parts: dict[str, dict[str, Tensor]] = {"lora": {}, "graph": {}}
    for name, parameter in model.trained().items():
        kind, _, own = name.partition("/")
        parts[kind][own] = parameter
    lora = {_name_in_peft(name): tensor for name, tensor in parts["lora"].items()}
    contents = {LORA: _bytes(lora), GRAPH: _bytes(parts["graph"])}
    about = About(
        base=model.base,
        encoder=model.sentence_encoder,
        text_width=model.encoder.text_width,
        vector_width=model.encoder.vector_width,
        config=model.config,
        trained=trained,
        commit=commit(),
        written=datetime.now(UTC).isoformat(timespec="seconds"),
        files={name: hashlib.sha256(content).hexdigest() for name, content in contents.items()},
    )
    contents[CARD] = _card(about).encode()
    contents[ABOUT] = (json.dumps(asdict(about), ensure_ascii=False, indent=1) + "\n").encode()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        model.lora.save_pretrained(str(folder))
        for name, content in contents.items():  # what describes the others comes last
            part = folder / f"{name}.part"
            part.write_bytes(content)
            os.replace(part, folder / name)
    except OSError as error:
        raise AdapterError(
            f"{folder}: the adapter could not be written ({error.strerror or error}); give a folder that can be."
        ) from error
    return about


def read_about(folder: Path) -> About:
    """What the adapter in a folder says of itself.

    Raises:
        AdapterError: there is none, or it is damaged, or of another version.
    """
    try:
        text = (folder / ABOUT).read_bytes()
        written = TypeAdapter(dict[str, object]).validate_json(text).get("format")
        if written != FORMAT:
            raise AdapterError(
                f"{folder}: the adapter has format {written}, and this version of Clew reads format {FORMAT}; train "
                "it anew, or update Clew."
            )
        about = _ABOUT.validate_json(text)
        calibration = about.trained.calibration
        if calibration is not None and not (
            len(calibration.weights) == WEIGHTS and np.isfinite((*calibration.weights, calibration.error)).all()
        ):
            raise AdapterError(f"{folder / ABOUT}: is damaged (trained.calibration); train the adapter anew.")
        return about
    except FileNotFoundError as error:
        raise AdapterError(f"{folder}: holds no adapter ({ABOUT} is missing); train one first.") from error
    except OSError as error:
        raise AdapterError(f"{folder}: the adapter cannot be read ({error.strerror or error}).") from error
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"])) or "it is no JSON"
        raise AdapterError(f"{folder / ABOUT}: is damaged ({where}); train the adapter anew.") from error


def load(
    folder: Path, language: HuggingFaceModel, *, encoder: str, vector_width: int = 0, merge: bool = False
) -> FusedModel:
    """Put a trained adapter into a language model.

    ``encoder`` is the name of the sentence encoder, and ``vector_width`` the width of what was learned of the graph, 0
    if nothing was. With ``merge`` the weights take LoRA in: it answers as fast as without it, but cannot be trained on.

    Raises:
        OtherModelError: it was trained with another language model, sentence encoder, or width.
        AdapterError: it is missing or damaged, or of another version.
    """
    about = read_about(folder)
    check_views(folder, about, encoder=encoder, vector_width=vector_width)
    _check(folder, about, language)
    lora, graph = (_read(folder / name, about.files.get(name, "")) for name in (LORA, GRAPH))
    model = FusedModel(
        language, about.config, encoder=encoder, text_width=about.text_width, vector_width=about.vector_width
    )
    names = {_name_in_peft(name.removeprefix("lora/")): name for name in model.trained() if name.startswith("lora/")}
    named = {names.get(name, name): tensor for name, tensor in lora.items()}
    model.restore(named | {f"graph/{name}": tensor for name, tensor in graph.items()})
    if merge:
        model.merge()
    return model


def check_graph(folder: Path, about: About, learned: Learned | None) -> None:
    """Hold an adapter against the vectors that were learned of a graph; without any, it does without.

    Raises:
        OtherGraphError: they are others than those that it was trained on.
    """
    if learned is not None:
        check_vectors(folder, about, learned.model, of=f", of {learned.learned_at}")


def check_vectors(folder: Path, about: About, model: str, *, of: str = "") -> None:
    """Hold an adapter against the learned model that vectors are of; nothing is said of one that is not known.

    Raises:
        OtherGraphError: it is another than that of the vectors that the adapter was trained on.
    """
    trained = about.trained.vectors
    if about.vector_width and trained and model and model != trained:
        raise OtherGraphError(
            f"{folder}: the adapter was trained on the vectors of the learned model {trained}, and this graph holds "
            f"those of {model}{of}; train it anew, or give the graph that it belongs to."
        )


def check_views(folder: Path, about: About, *, encoder: str, vector_width: int) -> None:
    """Hold an adapter against what views of a graph will be made of, as in `load`.

    Raises:
        OtherGraphError: it was trained with another sentence encoder, or on vectors of another width.
    """
    if about.encoder != encoder:
        raise OtherGraphError(
            f"{folder}: the adapter was trained with the sentence encoder {about.encoder}, and this one is {encoder}; "
            "train it anew."
        )
    if about.vector_width and vector_width and about.vector_width != vector_width:
        raise OtherGraphError(
            f"{folder}: the adapter was trained on learned vectors of {about.vector_width} numbers, and those of this "
            f"graph have {vector_width}; train it anew."
        )


def _check(folder: Path, about: About, language: HuggingFaceModel) -> None:
    if about.base.width != language.width:
        raise OtherModelError(
            f"{folder}: the adapter was trained for {about.base.name}, whose embeddings have {about.base.width} "
            f"numbers, and those of {language.name} have {language.width}; open that model, or train the adapter anew."
        )
    if about.base.digest != (found := digest(language)):
        raise OtherModelError(
            f"{folder}: the adapter was trained for {about.base.name} (digest {about.base.digest}), and this is "
            f"{language.name} (digest {found}); open that model, or train the adapter anew."
        )


def _read(path: Path, expected: str) -> dict[str, Tensor]:
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise AdapterError(f"{path}: is missing; train the adapter anew, or copy the whole folder.") from error
    except OSError as error:
        raise AdapterError(f"{path}: cannot be read ({error.strerror or error}).") from error
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise AdapterError(
            f"{path}: is not the file that {ABOUT} describes (SHA-256 {found[:12]}…, expected {expected[:12]}…); copy "
            "the whole folder again, or train the adapter anew."
        )
    try:
        return parse(content)
    except SafetensorError as error:
        raise AdapterError(f"{path}: holds no tensors ({error}); train the adapter anew.") from error


def _bytes(state: Mapping[str, Tensor]) -> bytes:
    return dump({name: tensor.detach().bfloat16().cpu().contiguous() for name, tensor in state.items()})


def _name_in_peft(name: str) -> str:
    """What peft's file calls a parameter of the language model."""
    name = name.replace(".default", "")
    return PEFT_PREFIX + (name.removesuffix(".weight") if "magnitude" in name else name)


def _calibrated(found: Calibration | None) -> str:
    if found is None:
        return "not calibrated, so none are asked for"
    return f"calibrated on {found.questions:,} questions held out, expected calibration error {found.error:.3f}"


def _card(about: About) -> str:
    base, config, trained = about.base, about.config, about.trained
    kind = f"rank {config.rank}, alpha {config.alpha:g}{', rsLoRA' * config.rslora}{', DoRA' * config.dora}"
    layers = ", ".join(config.targets) or "all linear layers but the head"
    after = f", and before on others (digests {', '.join(trained.earlier)})" if trained.earlier else ""
    measured = "".join(f"- {name}: {value:.4g}\n" for name, value in trained.metrics.items())
    return f"""---
library_name: peft
tags: [lora, knowledge-graph]
---
# An adapter of Clew for {base.name}

LoRA ({kind}; {layers}) and a graph encoder ({config.layers} layers of {config.width}) whose soft tokens,
one for each candidate, stand before the prompt. It answers questions from facts and passages in the form that Clew's
prompts ask for, and nothing else.

- Language model: {base.name}, digest {base.digest}, {base.width} numbers an embedding. Its terms of use hold for the
  adapter too.
- Sentence encoder: {about.encoder}, {about.text_width} numbers a text.
- Learned vectors of entities: {f"{about.vector_width} numbers" if about.vector_width else "none"}.
- Scores of chains of facts: {_calibrated(trained.calibration)}.
- Trained on {trained.examples:,} examples (digest {trained.data or "unknown"}){after}, seed {trained.seed},
  commit {about.commit or "unknown"}, {about.written}.

{"Measured:" if measured else "Nothing was measured."}

{measured}
`fusion.adapter.load` loads it, and refuses another language model, sentence encoder, or width.
"""
