"""How long does an answer take, on a warm graph and as a whole process?

``python -m benchmarks.ask_latency`` imports MetaQA's triples and ingests the medical corpus of GraphRAG-Bench, each
into a fresh embedded store, and times (1) ``Answerer.ask`` and ``Answerer.search`` in one process, for questions drawn
from the data's own, and (2) ``clew ask`` and ``clew stats`` as processes, imports and models included.
"""

import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from api.assemble import Services
from api.settings import Settings
from benchmarks.rows import Row, data_folder, write_rows
from kg.triples import TripleFile
from nlp.documents import Options, read

SEED = 7
ASKED = 150
WARM = 10
PROCESSES = 7
COMMAND = "python -m benchmarks.ask_latency"


def metaqa() -> tuple[str, list[str], Callable[[Services], None]]:
    """What the data is called, questions of one, two and three hops, and how the graph is made."""
    folder = data_folder() / "MetaQA"
    rows = [row for hops in (1, 2, 3) for row in _lines(folder / f"{hops}-hop" / "vanilla" / "qa_dev.txt")]
    questions = [row.split("\t")[0].replace("[", "").replace("]", "") for row in rows]

    def build(services: Services) -> None:
        services.ingestor.import_file(TripleFile(folder / "kb_recovered.txt").__iter__)

    return "MetaQA, 128,185 triples", questions, build


def medical() -> tuple[str, list[str], Callable[[Services], None]]:
    """The same for the medical corpus."""
    folder = data_folder() / "GraphRAG-Bench"
    path = folder / "Corpus" / "medical.json"
    rows = json.loads((folder / "Questions" / "medical_questions.json").read_text("utf-8"))

    def build(services: Services) -> None:
        services.ingestor.ingest(lambda: read([str(path)], options=Options(text_field="context")))

    return "GraphRAG-Bench medical, 1.05 M characters", [row["question"] for row in rows], build


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()


def measure(name: str, questions: Sequence[str], build: Callable[[Services], None]) -> Iterator[Row]:
    """The rows of one graph."""
    drawn = random.Random(SEED).sample(questions, ASKED + WARM)

    def row(measure: str, value: float, unit: str, seconds: float) -> Row:
        return Row(
            data=name,
            split=f"{ASKED} questions drawn" if measure.split()[0] in ("ask", "search") else "",
            system="Clew, embedded store",
            measure=measure,
            value=round(value, 3),
            unit=unit,
            seeds=[SEED],
            seconds=round(seconds, 1),
            command=COMMAND,
        )

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        address = f"embedded:{folder}/graph"
        services = Services(Settings(store=address, processes=2))
        try:
            build(services)
            answerer = services.answerer
            answered = 0
            for what, act in (("ask", answerer.ask), ("search", answerer.search)):
                for question in drawn[:WARM]:
                    act(question)
                times = []
                for question in drawn[WARM:]:
                    begun = time.perf_counter()
                    found = act(question)
                    times.append(1000 * (time.perf_counter() - begun))
                    answered += what == "ask" and not getattr(found, "abstained", True)
                cuts = statistics.quantiles(times, n=20)
                yield row(f"{what} p50", statistics.median(times), "ms", sum(times) / 1000)
                yield row(f"{what} p95", cuts[18], "ms", sum(times) / 1000)
            yield row("ask answered rather than abstained", answered / ASKED, "", 0.0)
            for command in (["ask", drawn[0]], ["stats"]):
                times = [_process([*command, "--store", address]) for _ in range(PROCESSES)]
                yield row(f"clew {command[0]}, whole process", statistics.median(times), "s", sum(times))
        finally:
            services.close()


def _process(arguments: Sequence[str]) -> float:
    clew = Path(sys.executable).with_name("clew")
    begun = time.perf_counter()
    subprocess.run([clew, *arguments], check=True, capture_output=True)
    return time.perf_counter() - begun


def main() -> None:
    """Measure both graphs, and write the rows."""
    write_rows("ask_latency", [row for graph in (metaqa(), medical()) for row in measure(*graph)])


if __name__ == "__main__":
    main()
