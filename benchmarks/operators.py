"""How often is a question right that combines, counts, compares, filters or asks whether?

``python -m benchmarks.operators`` makes questions about MetaQA's films from templates (operator_wordings.py), 50 of
each operator in English and in Chinese and of each wording, computes what is right by sets of the file's triples
(operator_questions.py), and asks them of the graph: by the words of the questions alone, and with a planner that was
trained on some of MetaQA's dev questions (1,000 a hop), which are English and know no operators. An answer is right if
its entities, or its number or yes or no, are all and only the right ones.

The first and the second wording were each measured, and what they showed to be wrong was then mended: of the second,
English yes-or-no went from 30 % right to what the rows say, difference from 0 % in both languages, and in Chinese
intersection and comparison from 0 %. The wording "unseen" was written after that, and nothing was changed for it. All
are by whoever wrote the operators: they tell whether an operator is read in other words than those it was made with,
not how people ask.
"""

import argparse
import random
import sys
import time
from collections import defaultdict
from collections.abc import Sequence

from benchmarks.kgqa import METAQA, examples, metaqa, show
from benchmarks.operator_questions import Films, Question
from benchmarks.operator_wordings import WORDINGS
from benchmarks.rows import Row, data_folder, write_rows
from fusion.answer import Answer
from fusion.answerer import Answerer
from fusion.planned import PlannedReader
from fusion.planner.model import Planner, row_texts
from fusion.planner.training import train_planner
from kg import ontology
from kg.facts import EntityId
from kg.memory_store import MemoryStore
from kg.mirror import Mirror
from kg.triples import TripleFile
from nlp.embed import MiniLM

NAME = "operators"
SEED = 11
EACH = 50
TRAIN = 1000


def right(question: Question, answer: Answer) -> bool:
    """Whether all and only the right things were said."""
    if answer.abstained:
        return False
    if question.said:
        return answer.text == question.said
    return {entity.name for entity in answer.entities} == question.names


def planner_of(triples: Sequence[tuple[str, str, str]], encoder: MiniLM) -> Planner:
    """A planner that was trained on some of the published dev questions."""
    graph = Mirror.of((EntityId(s), r, EntityId(o)) for s, r, o in triples)
    train = []
    for hop in (1, 2, 3):
        drawn = metaqa(data_folder() / "MetaQA", hop, "dev")
        random.Random(SEED).shuffle(drawn)
        train += [one for one in examples(graph, drawn[:TRAIN], encoder) if one.topics]
    texts = encoder.encode(row_texts(graph.relations))
    return train_planner(graph, train, texts, METAQA, encoder=encoder.name, progress=show)


def measure(answerer: Answerer, questions: Sequence[Question], system: str, command: str, *, wrong: bool) -> list[Row]:
    """The share of right answers, and that of wrong ones, of each operator in each language."""
    asked: defaultdict[tuple[str, str, str], list[tuple[bool, bool]]] = defaultdict(list)
    seconds: defaultdict[tuple[str, str, str], float] = defaultdict(float)
    for question in questions:
        begun = time.perf_counter()
        answer = answerer.ask(question.text)
        key = question.operator, question.language, question.wording
        seconds[key] += time.perf_counter() - begun
        asked[key].append((right(question, answer), answer.abstained))
        if wrong and not asked[key][-1][0]:
            print(f"{question.operator}: {question.text}\n    {answer.text[:100] or answer.reason}")
            print(f"    right: {question.said or sorted(question.names)[:5]}", flush=True)
    return [
        Row(
            data="MetaQA, kb_recovered.txt",
            split=f"{operator}, {language}, wording {wording}, {len(found)} questions",
            system=system,
            measure=measure,
            value=round(100 * sum(counted) / len(found), 1),
            unit="%",
            seeds=[SEED],
            seconds=round(seconds[operator, language, wording], 1),
            command=command,
        )
        for (operator, language, wording), found in asked.items()
        for measure, counted in (
            ("right", [hit for hit, _ in found]),
            ("abstained", [silent for _, silent in found]),
        )
    ]


def main() -> None:
    """Measure, and write the rows."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{NAME}", description=__doc__.partition("\n")[0])
    parser.add_argument("--each", type=int, default=EACH, help="questions of an operator in a language")
    parser.add_argument("--words-only", action="store_true", help="without a planner")
    parser.add_argument("--wrong", action="store_true", help="print what was answered wrong")
    parser.add_argument("--no-write", action="store_true")
    given = parser.parse_args()
    path = data_folder() / "MetaQA" / "kb_recovered.txt"
    triples = []
    for line in path.read_text("utf-8").splitlines():
        subject, relation, object = line.split("|")
        triples.append((subject, relation, object))
    store = MemoryStore()
    for reading in TripleFile(path):
        store.write([reading])
    films, questions = Films(triples), []
    for wording, languages in WORDINGS.items():
        for language, operators in languages.items():
            for operator in operators:
                made = films.questions(language, operator, wording, random.Random(SEED))
                questions += [next(made) for _ in range(given.each)]
    command = " ".join(
        ["python -m", f"benchmarks.{NAME}", *(arg for arg in sys.argv[1:] if arg not in ("--wrong", "--no-write"))]
    )
    encoder = MiniLM()
    words = Answerer(store, embedder=encoder, ontology=ontology.default())
    rows = measure(words, questions, "Clew, by words", command, wrong=given.wrong)
    if not given.words_only:
        planned = PlannedReader(store, planner_of(triples, encoder), encoder)
        answerer = Answerer(store, embedder=encoder, ontology=ontology.default(), planned=lambda: planned)
        rows += measure(answerer, questions, "Clew, with a planner", command, wrong=given.wrong)
    for row in rows:
        print(f"{row['system']}: {row['split']}: {row['measure']} {row['value']} %")
    if not given.no_write:
        write_rows(NAME, rows)


if __name__ == "__main__":
    main()
