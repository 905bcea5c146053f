"""Question sets with their graphs, by one protocol: what to read into a store, and which questions are asked of it.

========================  ============================================================================================
pq-2h, pq-3h, pql-2h,     PathQuestion; test, dev and train are those of seed 0 of benchmarks/kgqa.py (8:1:1)
pql-3h
metaqa-1 to metaqa-3      MetaQA by hops; 2,000 of the published test questions, drawn once; train and dev are of the
                          published dev questions, and never of the test ones
2wiki, hotpot             MultiHopQA-100: all hundred questions of each file are test, as in benchmarks/wiki.py; their
                          paragraphs are one corpus. The constants of retrieval were chosen on hotpot's
redocred                  Re-DocRED: questions made of what is marked in its articles (redocred.py); train is of the
                          dev articles, test and dev of the test articles, and none is an article of MultiHopQA-100
medical-facts,            GraphRAG-Bench medical: fact retrieval, and complex reasoning; all are test
medical-reasoning
========================  ============================================================================================

Only train is learned from, and only dev is chosen by. Where a set has none, its planner learns from questions that are
made of its graph.
"""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from api.assemble import Services
from benchmarks import kgqa, redocred, retrieval
from benchmarks.rows import data_folder
from fusion.evaluate import Question
from fusion.planner.model import TOPIC
from kg.facts import ChunkId, Document
from kg.store import GraphStore
from kg.triples import TripleFile
from nlp.documents import Options, read

METAQA_TEST, METAQA_TRAIN, METAQA_DEV = 2000, 2000, 300  # of each hop
REDOCRED_TRAIN, REDOCRED_DEV, REDOCRED_TEST = 4000, 300, 300

Kind = Literal["names", "text", "long"]  # what an answer is: entities, a few words, or a sentence


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """Questions over one graph."""

    name: str
    title: str
    kind: Kind
    fill: Callable[[Services], None]
    test: Sequence[Question]
    dev: Sequence[Question] = ()
    train: Sequence[Question] = ()
    hops: int = 3


def path_question(name: str) -> QuestionSet:
    """One of the PathQuestion sets."""
    questions_file, facts_file, hops, title = kgqa.PATHS[name]
    folder = data_folder() / "PathQuestion"
    _, found = kgqa.path_questions(folder, questions_file, facts_file)
    order = list(range(len(found)))
    random.Random(0).shuffle(order)
    first, second = int(0.8 * len(order)), int(0.9 * len(order))
    train, dev, test = (
        [_asked(found[at]) for at in part] for part in (order[:first], order[first:second], order[second:])
    )
    return QuestionSet(name, title, "names", _triples(f"PathQuestion/{facts_file}"), test, dev, train, hops)


def metaqa(name: str) -> QuestionSet:
    """MetaQA's questions of so many hops."""
    hops = int(name[-1])
    test, known = (
        [_asked(one) for one in kgqa.metaqa(data_folder() / "MetaQA", hops, part)] for part in ("test", "dev")
    )
    for part in (test, known):
        random.Random(0).shuffle(part)
    dev, train = known[METAQA_TRAIN : METAQA_TRAIN + METAQA_DEV], known[:METAQA_TRAIN]
    fill = _triples("MetaQA/kb_recovered.txt")
    return QuestionSet(name, f"MetaQA {hops}-hop", "names", fill, test[:METAQA_TEST], dev, train)


def _asked(one: kgqa.Question) -> Question:
    return Question(one.text.replace(TOPIC, one.topic), tuple(sorted(one.answers)), topic=one.topic)


def _triples(path: str) -> Callable[[Services], None]:
    def fill(services: Services) -> None:
        services.ingestor.import_file(TripleFile(data_folder() / path).__iter__)

    return fill


def paragraphs(name: str) -> QuestionSet:
    """One of the files of MultiHopQA-100."""
    file = {"2wiki": "wikihop", "hotpot": "hotpot"}[name]
    asked = retrieval.questions(file)
    lines = (data_folder() / "MultiHopQA-100" / f"{file}.json").read_text("utf-8").splitlines()
    answers = [json.loads(line)["answer"] for line in lines]
    unique = dict.fromkeys(passage for one in asked for passage in one.context)
    documents = [Document(f"{name}#{at}", text, title, "en") for at, (title, text) in enumerate(unique) if text.strip()]
    test = [
        Question(one.text, (answer,), tuple(sorted(one.supporting))) for one, answer in zip(asked, answers, strict=True)
    ]

    def fill(services: Services) -> None:
        services.ingestor.ingest(lambda: iter(documents))

    title = {"2wiki": "2WikiMultiHop-100", "hotpot": "HotpotQA-100"}[name]
    return QuestionSet(name, title, "text", fill, test)


def marked_articles(name: str) -> QuestionSet:
    """Re-DocRED, without the articles of MultiHopQA-100."""
    measured = {
        title for file in ("wikihop", "hotpot") for one in retrieval.questions(file) for title, _ in one.context
    }
    known, known_marks = redocred.articles("dev", measured)
    held, held_marks = redocred.articles("test", measured)
    train = redocred.questions(known_marks, seed=0)[:REDOCRED_TRAIN] + redocred.descriptions(known, known_marks)
    rest = redocred.questions(held_marks, seed=0)
    test, dev = rest[:REDOCRED_TEST], rest[REDOCRED_TEST : REDOCRED_TEST + REDOCRED_DEV]

    def fill(services: Services) -> None:
        services.ingestor.ingest(lambda: iter([*known, *held]))

    return QuestionSet(name, "Re-DocRED", "text", fill, test, dev, train, 2)


def medical(name: str) -> QuestionSet:
    """GraphRAG-Bench's medical questions of one type."""
    folder = data_folder() / "GraphRAG-Bench"
    kind = {"medical-facts": "Fact Retrieval", "medical-reasoning": "Complex Reasoning"}[name]
    rows = json.loads((folder / "Questions" / "medical_questions.json").read_text("utf-8"))
    test = [Question(row["question"], (row["answer"],)) for row in rows if row["question_type"] == kind]

    def fill(services: Services) -> None:
        path = str(folder / "Corpus" / "medical.json")
        services.ingestor.ingest(lambda: read([path], options=Options(text_field="context")))

    return QuestionSet(name, f"GraphRAG-Bench medical, {kind.lower()}", "long", fill, test)


SETS: Mapping[str, Callable[[str], QuestionSet]] = (
    dict.fromkeys(kgqa.PATHS, path_question)
    | dict.fromkeys(("metaqa-1", "metaqa-2", "metaqa-3"), metaqa)
    | dict.fromkeys(("2wiki", "hotpot"), paragraphs)
    | dict.fromkeys(("redocred",), marked_articles)
    | dict.fromkeys(("medical-facts", "medical-reasoning"), medical)
)


def drawn(found: Sequence[Question], most: int | None) -> list[tuple[int, Question]]:
    """The first so many questions, or all, with their numbers. Their order has nothing to do with their answers."""
    return list(enumerate(found))[:most]


def supporting(store: GraphStore, asked: Sequence[Question]) -> dict[str, frozenset[ChunkId]]:
    """The chunks of the documents that hold the answers of questions, by title, as far as the set tells them."""
    titles = {title for one in asked for title in one.supporting}
    found: dict[str, frozenset[ChunkId]] = {}
    for record in store.documents():
        if record.title in titles:
            chunks = frozenset(chunk.id for chunk in store.chunks_of(record.id))
            found[record.title] = found.get(record.title, frozenset()) | chunks
    return {title: chunks for title, chunks in found.items() if chunks}
