"""How soon does a server answer, and how much memory does it take, with the language model that Clew ships?

``python -m benchmarks.fusion_served`` reads each of two corpora into a fresh embedded store, teaches it questions that
are made of its graph, and starts ``clew serve`` on it, a process of its own with this machine's cores, without any
setting: the adapter in models/ decides which model is asked. Then questions are asked one after the other over HTTP, as
events; the time until the first piece that the model writes, and until the checked answer, is what who asks waits.
Questions that the graph answers alone have no such piece; that they are answered so is part of how fast a server is, so
the rows tell both all questions and those of the model alone. ``--questions N`` asks the first N of each corpus.

Memory is the server's greatest; the store, a process of its own, is told beside it.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np

from api.assemble import Services
from api.planning import learn
from api.settings import Settings
from benchmarks import question_sets
from benchmarks.rows import Row, give_rows
from nlp.documents import Options, read

NAME = "fusion_served"
ROOT = Path(__file__).parents[1]
FILMS = ROOT / "examples" / "films"
WARM = "What is it about?"  # asked first, and not counted
STARTING = 300  # seconds; the first start on a machine unpacks the model


@dataclass(frozen=True, slots=True)
class Corpus:
    """What is read, and what is asked of it."""

    title: str
    questions: Sequence[str]
    fill: Callable[[Services], None]


@dataclass(frozen=True, slots=True)
class Timed:
    """Milliseconds until the first piece of the language model's, 0 if it wrote none, and until the answer."""

    first: float
    whole: float
    abstained: bool


def films() -> Corpus:
    """The bundled corpus."""
    lines = (FILMS / "questions.jsonl").read_text("utf-8").splitlines()

    def fill(services: Services) -> None:
        options = Options(text_field="text", title_field="title", id_field="id")
        services.ingestor.ingest(lambda: read([str(FILMS / "passages.jsonl")], options=options), whole_files=True)

    return Corpus("bundled films", [json.loads(line)["question"] for line in lines], fill)


def medical() -> Corpus:
    """The medical corpus of GraphRAG-Bench, and its questions for facts."""
    found = question_sets.SETS["medical-facts"]("medical-facts")
    return Corpus(found.title, [question.text for question in found.test], found.fill)


def measure(corpus: Corpus, questions: int, command: str) -> Iterator[Row]:
    """The rows of one corpus."""
    begun = time.perf_counter()
    asked = corpus.questions[:questions]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        store, model = f"embedded:{folder}/graph", f"{folder}/model"
        services = Services(Settings(store=store, model=Path(model), language_model="none"), notify=_say)
        try:
            corpus.fill(services)
            learn(services, [], generated=True, seed=0, tell=_say)
        finally:
            services.close()
        environment = {**os.environ, "CLEW_STORE": store, "CLEW_MODEL": model}
        environment.pop("CLEW_LANGUAGE_MODEL", None)
        with _Served(environment) as served:
            served.ask(WARM)
            found = [served.ask(question) for question in asked]
            memory, beside = served.memory()
    spent = time.perf_counter() - begun

    def row(measure: str, value: float, unit: str, split: str) -> Row:
        return Row(
            data=corpus.title, split=split, system="clew serve, adapter shipped", measure=measure,
            value=round(value, 2), unit=unit, seeds=[0], seconds=round(spent, 1), command=command,
        )  # fmt: skip

    whole = f"{len(found)} questions"
    yield row("answer p50", *_percentile(found, 50), whole)
    yield row("answer p95", *_percentile(found, 95), whole)
    yield row("answered", 100 * float(np.mean([not one.abstained for one in found])), "%", whole)
    spoke = [one for one in found if one.first]
    yield row("language model wrote", 100 * len(spoke) / len(found), "%", whole)
    if spoke:
        split = f"{len(spoke)} questions of which the language model wrote"
        yield row("answer p50", *_percentile(spoke, 50), split)
        yield row("answer p95", *_percentile(spoke, 95), split)
        yield row("first token p50", float(np.percentile([one.first for one in spoke], 50)), "ms", split)
        yield row("first token p95", float(np.percentile([one.first for one in spoke], 95)), "ms", split)
    yield row("greatest memory of the server", memory, "MB", whole)
    yield row("greatest memory of the embedded store", beside, "MB", whole)


class _Served:
    """A server that is running."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "api", "serve", "--port", "8765"],
            env=dict(environment), stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._client = httpx.Client(base_url="http://127.0.0.1:8765", timeout=STARTING, trust_env=False)

    def __enter__(self) -> "_Served":
        assert self._process.stderr is not None
        for line in self._process.stderr:  # it says where it listens once the model is open
            _say(line.rstrip())
            if line.startswith("Clew listens"):
                return self
        raise SystemExit(f"the server did not start: exit {self._process.wait()}")

    def __exit__(self, *_: object) -> None:
        self._client.close()
        self._process.terminate()
        self._process.wait(60)

    def ask(self, question: str) -> Timed:
        """One question, by events."""
        begun, first, name = time.perf_counter(), 0.0, ""
        events = {"accept": "text/event-stream"}
        with self._client.stream("POST", "/ask", json={"question": question}, headers=events) as response:
            response.raise_for_status()
            for line in response.iter_lines():
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                    if name == "given":
                        first = 0.0  # what was written before is void
                    elif name == "piece" and not first:
                        first = _since(begun)
                elif line.startswith("data: ") and name in ("answer", "error"):
                    told = json.loads(line.removeprefix("data: "))
                    if name == "error":
                        raise SystemExit(f"{question}: {told['detail']}")
                    return Timed(first, _since(begun), bool(told["abstained"]))
        raise SystemExit(f"{question}: the stream ended without an answer")

    def memory(self) -> tuple[float, float]:
        """The most memory that the server has had, and that its children have, in megabytes."""
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
        return _peak(pid), sum(_peak(int(child)) for child in children)


def _peak(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _percentile(found: Sequence[Timed], percent: int) -> tuple[float, str]:
    return float(np.percentile([one.whole for one in found], percent)), "ms"


def _since(begun: float) -> float:
    return 1000 * (time.perf_counter() - begun)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    """Measure both corpora, and merge their rows into the file."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{NAME}", description=__doc__.partition("\n")[0])
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--no-write", action="store_true")
    options = parser.parse_args()
    command = " ".join((f"python -m benchmarks.{NAME}", *sys.argv[1:]))
    rows = [row for corpus in (films(), medical()) for row in measure(corpus, options.questions, command)]
    give_rows(NAME, rows, write=not options.no_write)


if __name__ == "__main__":
    main()
