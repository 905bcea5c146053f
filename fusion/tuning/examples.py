"""What a fused model is trained on: prompts, views of graphs, and what is to be written after them.

On the disk, examples are two files of one name. ``NAME.jsonl`` has one example a line::

    {"prompt": "Question: …", "target": "Turing [2][5]", "view": 0}

It may also have the ``question`` alone and the ``chains`` of facts that lead to candidates (`scoring.Told`), by which
the scores of chains are calibrated where the example is held out.

``NAME.safetensors`` holds the views one after the other. The same text occurs in many of them, so its vector is kept
once, in ``texts`` (u, t), and likewise what was learned of an entity, in ``learned`` (k, d); views say which row. The
numbers that follow of each view are ``names`` and ``vectors`` (n,), rows of these; ``topics`` (n,); ``relations``
(r,), rows of ``texts``; ``subjects``, ``rows``, ``objects`` (e,); ``candidates`` (c,); ``scores`` (c, 3). ``ends``
(views, 4) says where each view ends among all of them, counted in entities, relations, facts and candidates. The
metadata name the format, the sentence encoder, the learned model, and the digest of the lines that the views belong to.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from fusion.context import Floats, GraphView, Places
from fusion.errors import ExamplesError
from fusion.scoring import Told

FORMAT = "clew-examples-1"
LINES = "lines"  # of the metadata: the SHA-256 of the file of lines
VECTORS = "vectors"  # of the metadata: the learned model that entities' vectors are of, where they are of one
KINDS: Mapping[str, tuple[int, type[np.generic]]] = {  # of what each part has one a piece: entities, relations, …
    "names": (0, np.integer),
    "vectors": (0, np.integer),
    "topics": (0, np.floating),
    "relations": (1, np.integer),
    "subjects": (2, np.integer),
    "rows": (2, np.integer),
    "objects": (2, np.integer),
    "candidates": (3, np.integer),
    "scores": (3, np.floating),
}
Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A prompt, the graph before it, and what is to be written after it (`claims.written`).

    The target is read as the tokens that it has alone, so it begins with a space where the prompt does not end with
    one. With ``chains``, those to candidates, it can be told how probable each is to lead to the answer.
    """

    prompt: str
    view: GraphView
    target: str
    question: str = ""
    chains: tuple[Told, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Examples, the sentence encoder of their vectors, and the learned model that entities' are of, if it is known."""

    encoder: str
    examples: tuple[Example, ...]
    vectors: str = ""

    def of_width(self, width: int) -> "Examples":
        """The same, as a model of learned vectors of this width reads them (`GraphView.of_width`)."""
        return replace(self, examples=tuple(replace(one, view=one.view.of_width(width)) for one in self.examples))

    def digest(self) -> str:
        """Tells sets of examples apart, their order included."""
        found = hashlib.sha256(self.encoder.encode())
        for one in self.examples:
            found.update(f"{len(one.prompt)} {len(one.target)} {one.prompt}{one.target}".encode())
            for part in fields(GraphView):
                array = getattr(one.view, part.name)
                found.update(str(array.shape).encode() + np.ascontiguousarray(array).tobytes())
        return found.hexdigest()[:16]


class _Chain(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    text: str = Field(min_length=1)
    planned: float = Field(ge=0, le=1)
    reasoned: float = Field(ge=0, le=1)
    probability: float = Field(ge=0, le=1)
    right: bool


class _Line(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    prompt: str = Field(min_length=1)
    target: str = Field(min_length=1)
    view: int = Field(ge=0)
    question: str = ""
    chains: list[_Chain] = []


def write(path: Path, found: Examples) -> None:
    """Write examples to ``path``, which ends in ``.jsonl``, and their views beside it.

    Raises:
        ExamplesError: they cannot be written.
    """
    lines = [
        _Line(
            prompt=one.prompt,
            target=one.target,
            view=place,
            question=one.question,
            chains=[_Chain(**asdict(chain)) for chain in one.chains],
        ).model_dump_json(exclude_defaults=True)
        + "\n"
        for place, one in enumerate(found.examples)
    ]
    content = "".join(lines).encode()
    about = {"format": FORMAT, "encoder": found.encoder, LINES: hashlib.sha256(content).hexdigest()}
    about |= {VECTORS: found.vectors} if found.vectors else {}
    tensors = save(_packed([one.view for one in found.examples]), about)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for place, written in ((path.with_suffix(".safetensors"), tensors), (path, content)):
            part = place.with_name(f"{place.name}.part")
            part.write_bytes(written)
            os.replace(part, place)
    except OSError as error:
        raise ExamplesError(
            f"{path}: the examples could not be written ({error.strerror or error}); give a folder that can be."
        ) from error


def read(path: Path) -> Examples:
    """The examples of a file.

    Raises:
        ExamplesError: it or the file of its views is missing or malformed, or they do not belong together; a line is
            told by its number.
    """
    views = _Views(path.with_suffix(".safetensors"))
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ExamplesError(f"{path}: cannot be read ({error.strerror or error}).") from error
    if views.lines and views.lines != hashlib.sha256(content).hexdigest():  # files of before have no digest
        raise ExamplesError(f"{path}: its lines are not those that {views.path.name} was written with; make both anew.")
    found = []
    for number, text in enumerate(content.splitlines(), 1):
        try:
            line = _Line.model_validate_json(text)
            chains = tuple(Told(**dict(chain)) for chain in line.chains)
            found.append(Example(line.prompt, views[line.view], line.target, line.question, chains))
        except ValidationError as error:
            first = error.errors()[0]
            what = " ".join([*map(str, first["loc"]), first["msg"]])
            raise ExamplesError(f"{path}, line {number}: is no example ({what}).") from error
        except ValueError as error:
            raise ExamplesError(f"{path}, line {number}: its view is malformed ({error}).") from error
    if not found:
        raise ExamplesError(f"{path}: holds no examples.")
    return Examples(views.encoder, tuple(found), views.vectors)


class _Views:
    """The views of a file, checked when they are asked for."""

    def __init__(self, path: Path) -> None:
        try:
            with safe_open(path, framework="np") as file:
                about = file.metadata() or {}
                self._held: Arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except FileNotFoundError as error:
            raise ExamplesError(f"{path}: is missing; the views of the examples are kept there.") from error
        except (OSError, SafetensorError) as error:
            raise ExamplesError(f"{path}: cannot be read ({error}).") from error
        if about.get("format") != FORMAT:
            raise ExamplesError(f"{path}: holds {about.get('format')!r}, not {FORMAT!r}; make the examples anew.")
        try:
            self._check()
        except ValueError as error:
            raise ExamplesError(f"{path}: is damaged ({error}); make the examples anew.") from error
        self.path, self.encoder, self.lines = path, about.get("encoder", ""), about.get(LINES, "")
        self.vectors = about.get(VECTORS, "")

    def _check(self) -> None:
        expected = {"texts", "learned", "ends", *KINDS}
        if self._held.keys() != expected:
            raise ValueError(f"{', '.join(sorted(self._held.keys() ^ expected))} missing or too many")
        ends = self._held["ends"]
        if ends.ndim != 2 or ends.shape[1] != 4 or not np.issubdtype(ends.dtype, np.integer):
            raise ValueError("ends is no table of four whole numbers a row")
        starts = np.vstack((np.zeros((1, 4), ends.dtype), ends))
        if (np.diff(starts, axis=0) < 0).any():
            raise ValueError("a view ends before it begins")
        for name, (kind, number) in KINDS.items():
            array = self._held[name]
            if len(array) != starts[-1, kind] or not np.issubdtype(array.dtype, number):
                raise ValueError(f"{name} has {len(array)} values of {array.dtype}, and the views {starts[-1, kind]}")
        for name in ("texts", "learned"):
            if self._held[name].ndim != 2 or not np.isfinite(self._held[name]).all():
                raise ValueError(f"{name} is no table of finite numbers")
        self._starts = starts

    def __getitem__(self, number: int) -> GraphView:
        if number >= len(self._starts) - 1:
            raise ValueError(f"there is no view {number}, but {len(self._starts) - 1} of them, counted from 0")
        part = {
            name: self._held[name][self._starts[number, kind] : self._starts[number + 1, kind]]
            for name, (kind, _) in KINDS.items()
        }
        entities, relations = len(part["names"]), len(part["relations"])
        texts, learned = self._held["texts"], self._held["learned"]
        for name, limit in (
            ("names", len(texts)),
            ("vectors", len(learned)),
            ("relations", len(texts)),
            ("subjects", entities),
            ("rows", relations),
            ("objects", entities),
            ("candidates", entities),
        ):
            if part[name].ndim != 1 or (part[name] < 0).any() or (part[name] >= limit).any():
                raise ValueError(f"{name} points beyond the {limit} that there are")
        if part["scores"].shape[1:] != (3,) or np.isnan(part["scores"]).any() or (part["scores"] > 0).any():
            raise ValueError("scores are no three logarithms of probabilities a candidate")
        if part["topics"].ndim != 1 or not np.isfinite(part["topics"]).all():
            raise ValueError("topics are no finite numbers")
        return GraphView(
            names=texts[part["names"]],
            vectors=learned[part["vectors"]],
            topics=part["topics"].astype(np.float32),
            relations=texts[part["relations"]],
            subjects=part["subjects"].astype(np.int64),
            rows=part["rows"].astype(np.int64),
            objects=part["objects"].astype(np.int64),
            candidates=part["candidates"].astype(np.int64),
            scores=part["scores"].astype(np.float32),
        )


def _packed(views: Sequence[GraphView]) -> Arrays:
    texts, learned = _Rows(), _Rows()
    names = [texts.of(view.names) for view in views]
    relations = [texts.of(view.relations) for view in views]
    vectors = [learned.of(view.vectors) for view in views]
    sizes = [(len(one.names), len(one.relations), len(one.rows), len(one.candidates)) for one in views]
    return {
        "texts": texts.table(),
        "learned": learned.table(),
        "ends": np.cumsum(np.array(sizes, np.int64).reshape(-1, 4), axis=0),
        "names": _joined(names, np.int32),
        "vectors": _joined(vectors, np.int32),
        "topics": _joined((one.topics for one in views), np.float32),
        "relations": _joined(relations, np.int32),
        "subjects": _joined((one.subjects for one in views), np.int32),
        "rows": _joined((one.rows for one in views), np.int32),
        "objects": _joined((one.objects for one in views), np.int32),
        "candidates": _joined((one.candidates for one in views), np.int32),
        "scores": _joined((one.scores for one in views), np.float32, shape=(-1, 3)),
    }


class _Rows:
    """Vectors, each kept once."""

    def __init__(self) -> None:
        self._places: dict[bytes, int] = {}
        self._width = 0

    def of(self, vectors: Floats) -> Places:
        """The places of vectors. Shapes: (n, t) -> (n,)."""
        if len(vectors) and len(self._places) and vectors.shape[1] != self._width:
            raise ValueError(f"vectors of {vectors.shape[1]} numbers beside some of {self._width}")
        if len(vectors):
            self._width = vectors.shape[1]
        rows = (np.ascontiguousarray(row, np.float32).tobytes() for row in vectors)
        return np.array([self._places.setdefault(row, len(self._places)) for row in rows], np.int64)

    def table(self) -> Floats:
        """All of them. Shapes: -> (u, t)."""
        joined = np.frombuffer(b"".join(self._places), np.float32)
        return joined.reshape(len(self._places), self._width)


def _joined(parts: Iterable[npt.NDArray[Any]], kind: type[np.generic], shape: tuple[int, ...] = (-1,)) -> Any:
    found = [np.asarray(part, kind).reshape(shape) for part in parts]
    return np.concatenate(found) if found else np.zeros((0, *shape[1:]), kind)
