"""How many of the passages that a multi-hop question needs are among the first two, the first five?

``python -m benchmarks.retrieval`` ingests all passages of HippoRAG's 2WikiMultiHopQA corpus and the questions' own
context passages through the whole pipeline, and ranks passages for the hundred questions of
MultiHopQA-100/wikihop.json by words alone (BM25), by vectors alone, and by Clew's retrieval, on the same graph.
A document is found when its title is one of the question's supporting facts.

``--split dev`` does the same for hotpot.json. The constants of fusion/retrieve.py were chosen on hotpot.json and on 150
questions made from the corpus by templates (director of a film, then a fact about the director) whose supporting
passages are none of wikihop.json's. No constant was chosen by a score on wikihop.json, but it is not an unseen test:
its questions had been read before, and the templates and the words of fusion/cues.py follow their wording.

``--store ADDRESS`` says which store (default ``memory:``).
"""

import argparse
import ast
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from api.assemble import Services
from api.settings import Settings
from benchmarks.rows import Row, data_folder, write_rows
from fusion.retrieve import Retriever
from kg.facts import Document, DocumentId
from kg.store import ChunkHit
from nlp.ingest import Progress

SPLITS = {"test": "wikihop", "dev": "hotpot"}
LIMITS = (2, 5)
DEEP = 40  # passages asked for, so that five different titles are among them

Search = Callable[[str], Sequence[ChunkHit]]


@dataclass(frozen=True, slots=True)
class Question:
    """A question and the titles of the passages that hold its answer."""

    text: str
    supporting: frozenset[str]
    context: tuple[tuple[str, str], ...]  # title, text


def questions(name: str) -> list[Question]:
    """The questions of one file; nested lists are written there as JSON or as Python does."""
    found = []
    for line in (data_folder() / "MultiHopQA-100" / f"{name}.json").read_text("utf-8").splitlines():
        row = json.loads(line)
        context = [
            (title, "".join(parts) if name == "hotpot" else " ".join(parts)) for title, parts in _list(row["context"])
        ]
        found.append(Question(row["question"], frozenset(t for t, _ in _list(row["supporting_facts"])), tuple(context)))
    return found


def _list(value: object) -> list[tuple[str, list[str]]]:
    if not isinstance(value, str):
        return value  # type: ignore[return-value]
    try:
        return json.loads(value)  # type: ignore[no-any-return]
    except ValueError:
        return ast.literal_eval(value)  # type: ignore[no-any-return]


def passages(asked: Sequence[Question]) -> list[Document]:
    """The corpus and the questions' own passages, each (title, text) once."""
    path = data_folder() / "HippoRAG-2wiki-corpus" / "2wikimultihopqa_corpus.json"
    rows = [(row["title"], row["text"]) for row in json.loads(path.read_text("utf-8"))]
    rows += [passage for question in asked for passage in question.context]
    unique = [row for row in dict.fromkeys(rows) if row[1].strip()]
    return [Document(f"2wiki#{place}", text, title, "en") for place, (title, text) in enumerate(unique)]


def recall(search: Search, asked: Sequence[Question], titles: Mapping[DocumentId, str]) -> dict[int, float]:
    """Mean recall of supporting titles among the first titles found, by how many."""
    totals = dict.fromkeys(LIMITS, 0.0)
    for question in asked:
        found = list(dict.fromkeys(titles[hit.chunk.document] for hit in search(question.text)))
        for limit in LIMITS:
            totals[limit] += len(question.supporting & set(found[:limit])) / len(question.supporting)
    return {limit: total / len(asked) for limit, total in totals.items()}


def main() -> None:
    """Measure, and write the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--split", choices=SPLITS, default="test")
    parser.add_argument("--store", default="memory:")
    options = parser.parse_args()
    name = SPLITS[options.split]
    asked = questions(name)
    documents = passages(asked)
    services = Services(Settings(store=options.store, processes=os.cpu_count() or 1))
    try:
        services.ingestor.ingest(lambda: iter(documents), progress=_progress())
        rows = list(measure(services, name, asked, options.split))
    finally:
        services.close()
    write_rows("retrieval" if options.split == "test" else "retrieval_dev", rows)


def measure(services: Services, name: str, asked: Sequence[Question], split: str) -> Iterator[Row]:
    """A row for each system and number of passages."""
    store, embedder = services.store, services.embedder
    titles = {record.id: record.title for record in store.documents()}
    retriever = Retriever(store, embedder=embedder, ontology=services.ontology)
    systems: dict[str, Search] = {
        "BM25 alone (title and text)": lambda text: store.search_chunks(text, limit=DEEP),
        "MiniLM vectors alone": lambda text: store.nearest_chunks(embedder.encode([text])[0].tolist(), limit=DEEP),
        "Clew": lambda text: retriever.retrieve(text, limit=DEEP).passages,
    }
    for system, search in systems.items():
        begun = time.perf_counter()
        found = recall(search, asked, titles)
        seconds = round(time.perf_counter() - begun, 2)
        for limit, value in found.items():
            yield Row(
                data=f"{name}, {len(titles):,} passages",
                split=f"{split}, {len(asked)} questions",
                system=system,
                measure=f"recall@{limit}",
                value=round(value, 4),
                unit="",
                seeds=[],
                seconds=seconds,
                command="python -m benchmarks.retrieval" + (" --split dev" if split == "dev" else ""),
            )


def _progress() -> Progress:
    shown = 0

    def progress(done: int, total: int) -> None:
        nonlocal shown
        if done >= shown + 500 or done == total:
            shown = done
            print(f"{done} of {total} passages", flush=True)

    return progress


if __name__ == "__main__":
    main()
