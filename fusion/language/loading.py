"""A folder with a model's files → the model in memory, in the precision asked for."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging as progress

from fusion.errors import LanguageModelError, LanguageModelMemoryError
from fusion.language.causal import HuggingFaceModel
from fusion.language.memory import is_out_of_memory
from nlp.weights import WeightsError

if TYPE_CHECKING:
    from transformers import TorchAoConfig

PRECISIONS = ("auto", "float32", "bfloat16", "int8", "int4")


def load(folder: Path, *, name: str, precision: str = "auto", device: str | None = None) -> HuggingFaceModel:
    """Load a model; ``auto`` is bfloat16 on a GPU, and float32 on a processor, where not every one is fast in less.

    Attention is torch's own (SDPA) wherever the model knows it. Code that lies in the folder is never run.

    Raises:
        LanguageModelError: the folder holds no causal model, or the precision needs what is not installed.
        LanguageModelMemoryError: there is no memory for it.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision {precision!r} is not one of {', '.join(PRECISIONS)}")
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    whole = precision == "float32" or (precision == "auto" and device == "cpu")
    quantization = _quantization(precision, device, name) if precision in ("int8", "int4") else None
    try:
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            module = AutoModelForCausalLM.from_pretrained(
                folder,
                dtype=torch.float32 if whole else torch.bfloat16,
                device_map=device,
                quantization_config=quantization,
                local_files_only=True,
            )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError, MemoryError) as error:
        if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and is_out_of_memory(error)):
            raise LanguageModelMemoryError(
                f"{name}: no memory left to load it; choose a smaller model, or a lower precision."
            ) from error
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise LanguageModelError(
            f"{name}: cannot be loaded as a causal language model ({first[:200]}); give a folder that holds one."
        ) from error
    return HuggingFaceModel(module, tokenizer, name=name)


def hub_folder(repository: str) -> Path:
    """Where the Hugging Face cache of this machine keeps a model; nothing is downloaded.

    Raises:
        WeightsError: it is not there.
    """
    try:
        return Path(snapshot_download(repository, local_files_only=True))
    except (HFValidationError, LocalEntryNotFoundError) as error:
        raise WeightsError(
            f"{repository} is not in the Hugging Face cache of this machine; run `hf download {repository}`, "
            "or give a folder"
        ) from error


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers from drawing bars and from remarks while it loads; errors are raised all the same."""
    drawn, level = progress.is_progress_bar_enabled(), progress.get_verbosity()
    progress.disable_progress_bar()  # type: ignore[no-untyped-call]
    progress.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        progress.set_verbosity(level)
        if drawn:
            progress.enable_progress_bar()  # type: ignore[no-untyped-call]


def _quantization(precision: str, device: str, name: str) -> "TorchAoConfig":
    """Weights of fewer bits; the embeddings, and so the head, keep their own, row by row."""
    if precision == "int4" and not device.startswith("cuda"):
        raise LanguageModelError(f"{name}: int4 needs a GPU; choose int8, bfloat16 or float32.")
    if find_spec("torchao") is None:
        raise LanguageModelError(
            f"{name}: {precision} needs torchao, which is not installed; run `pip install torchao`, or choose bfloat16."
        )
    from torchao.quantization import Int4WeightOnlyConfig, Int8WeightOnlyConfig
    from transformers import TorchAoConfig

    if precision == "int8":
        return TorchAoConfig(Int8WeightOnlyConfig())
    # This packing is multiplied by torch itself; the default one needs a library more.
    return TorchAoConfig(Int4WeightOnlyConfig(group_size=32, int4_packing_format="tile_packed_to_4d"))
