"""Text → vector, or a vector for each of its word pieces: a pure function of the text, bit for bit, whatever else is
encoded beside it.

Each text runs alone, on one thread, without padding; texts run side by side on several threads. That is as fast
as padded batches on a processor, and makes the same text give the same bits in every company.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from nlp import weights
from nlp.minilm import OUTPUTS, PRECISIONS, WIDTH

if TYPE_CHECKING:
    import onnxruntime
    from tokenizers import Encoding, Tokenizer

Vectors = npt.NDArray[np.float32]
Spans = npt.NDArray[np.int32]
Result = TypeVar("Result")

GRAPH_VERSION = 2  # of the vectors; a new one makes every machine write its graph, and every store its vectors, again
MAX_TOKENS = 256  # as the model was trained; what follows in a longer text is not seen


class Embedder(Protocol):
    """Turns texts into vectors of unit length."""

    @property
    def name(self) -> str:
        """Model and version; changes whenever the vectors do."""
        ...

    @property
    def dimensions(self) -> int:
        """The length of a vector."""
        ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One row a text.

        Shapes:
            returns (len(texts), dimensions), float32
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """The word pieces of one text, as the model sees them in their context.

    Shapes: vectors (s, d), as the model leaves them, not of unit length; spans (s, 2), where each piece starts and
    ends in the text, in characters.
    """

    vectors: Vectors
    spans: Spans


class TokenEmbedder(Embedder, Protocol):
    """Turns texts into vectors of their word pieces, too."""

    def tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """The vectors of each text's word pieces."""
        ...


class MiniLM:
    """all-MiniLM-L6-v2 through ONNX Runtime, without torch.

    The first use on a machine writes the model as ONNX into ``cache`` (about a second); later ones only load it.
    Nothing is loaded before the first text.
    """

    def __init__(
        self,
        *,
        source: str | None = None,
        cache: Path | None = None,
        precision: str = "int8",
        threads: int | None = None,
        notify: Callable[[str], None] = lambda message: None,
    ) -> None:
        """``source`` as in ``nlp.weights.locate``; ``notify`` is told, in one line, of work that takes a while."""
        if precision not in PRECISIONS:
            raise ValueError(f"precision {precision!r} is not one of {', '.join(PRECISIONS)}")
        self._source = source
        self._cache = cache
        self._precision = precision
        self._threads = threads or os.cpu_count() or 1
        self._notify = notify
        self._loaded: tuple[onnxruntime.InferenceSession, Tokenizer] | None = None

    @property
    def name(self) -> str:
        """Model, precision and version."""
        return f"{weights.MINILM.name}-{self._precision}-{GRAPH_VERSION}"

    @property
    def dimensions(self) -> int:
        """The length of a vector."""
        return WIDTH

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Encode texts, the first 256 word pieces of each.

        Raises:
            WeightsError: the weights are missing or damaged, or the cache cannot be written.
        """
        if not texts:
            return np.zeros((0, WIDTH), np.float32)
        session, tokenizer = self._model()

        def run(encoding: "Encoding") -> Vectors:
            return _run(session, encoding, "vector")  # (1, d)

        return np.concatenate(self._each(run, tokenizer.encode_batch_fast(list(texts))))  # (n, d)

    def tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """The vectors of each text's word pieces, the first 254 of each, without the marks the model puts around them.

        Raises:
            WeightsError: the weights are missing or damaged, or the cache cannot be written.
        """
        if not texts:
            return []
        session, tokenizer = self._model()

        def run(encoding: "Encoding") -> Tokens:
            spans = np.array(encoding.offsets, np.int32)  # (s + 2, 2)
            return Tokens(_run(session, encoding, "tokens")[1:-1], spans[1:-1])  # [CLS] and [SEP] are no part of it

        return self._each(run, tokenizer.encode_batch(list(texts)))

    def _each(self, run: "Callable[[Encoding], Result]", encodings: "list[Encoding]") -> "list[Result]":
        if len(encodings) == 1 or self._threads == 1:
            return [run(encoding) for encoding in encodings]
        with ThreadPoolExecutor(self._threads) as pool:
            return list(pool.map(run, encodings))

    def _model(self) -> "tuple[onnxruntime.InferenceSession, Tokenizer]":
        if self._loaded is None:
            self._loaded = self._load()
        return self._loaded

    def _load(self) -> "tuple[onnxruntime.InferenceSession, Tokenizer]":
        import onnxruntime
        from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidGraph, InvalidProtobuf, NoSuchFile
        from tokenizers import Tokenizer

        folder = weights.locate(weights.MINILM, source=self._source)
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.enable_truncation(MAX_TOKENS)
        tokenizer.no_padding()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_mem_pattern = False  # a plan a text length would be kept for each length
        path = self._graph_path()
        try:
            session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            complete = OUTPUTS.keys() <= {output.name for output in session.get_outputs()}  # else from an older Clew
        except (Fail, InvalidGraph, InvalidProtobuf, NoSuchFile):  # not there yet, or damaged
            complete = False
        if not complete:
            self._write_graph(folder, path)
            session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        return session, tokenizer

    def _graph_path(self) -> Path:
        digest = weights.MINILM.files["model.safetensors"][:12]
        folder = self._cache or weights.cache_folder()
        return folder / f"{weights.MINILM.name}-{digest}-{self._precision}-{GRAPH_VERSION}.onnx"

    def _write_graph(self, folder: Path, path: Path) -> None:
        """Write the model as ONNX under a passing name, then rename it: no reader ever sees half of it."""
        from safetensors.numpy import load_file

        from nlp.minilm import build

        self._notify(f"Preparing {weights.MINILM.name} once for this machine…")
        weights.verify(weights.MINILM, folder)
        data = build(load_file(folder / "model.safetensors"), precision=self._precision).SerializeToString()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as stream:
                stream.write(data)
            os.replace(stream.name, path)
        except OSError as error:
            raise weights.WeightsError(
                f"{path}: cannot be written ({error.strerror}); free some space, or point XDG_CACHE_HOME elsewhere"
            ) from error


def _run(session: "onnxruntime.InferenceSession", encoding: "Encoding", output: str) -> Vectors:
    ids = np.array([encoding.ids], np.int64)  # (1, s)
    values: Vectors = session.run([output], {"ids": ids})[0]
    return values
