"""What the fused model's variants answered (fusion.py) → rows: how right, how well borne out, how fast; abstaining."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from benchmarks.fusion_variants import Reply
from benchmarks.question_sets import Kind, QuestionSet
from benchmarks.rows import Row
from fusion.evaluate import Abstention, Question, exact_match, normalise, rouge_l, token_f1
from fusion.reasoner.fusing import calibration_error

NAME = "fusion"
PARTS = ("answerable", "unanswerable")
Answers = dict[tuple[str, str], dict[int, Reply]]  # (variant, part) → number of the question → what was answered


def rows_of(
    found: QuestionSet,
    asked: Sequence[tuple[int, Question]],
    withheld: Sequence[tuple[int, Question]],
    answers: Answers,
    command: str,
) -> Iterator[Row]:
    """A row a measure and variant; ``withheld`` are the questions whose answers were: abstaining is told by these."""
    grouped: defaultdict[str, dict[str, dict[int, Reply]]] = defaultdict(dict)
    for (variant, part), replies in answers.items():
        grouped[variant][part] = replies
    questions = [question for _, question in asked]
    for variant, parts in grouped.items():
        answered = [parts[PARTS[0]][number] for number, _ in asked]
        without = [parts[PARTS[1]][number] for number, _ in withheld] if PARTS[1] in parts else []
        seconds = sum(reply.milliseconds for reply in (*answered, *without)) / 1000
        row = partial(row_of, found.title, variant, seconds, command, f"{len(asked)} test questions")
        for measure, (value, unit) in measures(found.kind, questions, answered).items():
            yield row(measure, value, unit)
        if variant == "fused":
            yield row("language model spoke", _percent(reply.spoke for reply in answered), "%")
        if without:
            pairs = [(parts[PARTS[0]][number].abstained, False) for number, _ in withheld]
            told = Abstention.of(pairs + [(reply.abstained, True) for reply in without])
            split = f"{len(withheld)} test questions, with and without what answers them"
            row = partial(row_of, found.title, variant, seconds, command, split)
            for measure in ("precision", "recall", "f1"):
                yield row(f"abstention {measure}".replace("f1", "F1"), 100 * getattr(told, measure), "%")


def measures(kind: Kind, asked: Sequence[Question], replies: Sequence[Reply]) -> dict[str, tuple[float, str]]:
    """What answers to questions come to."""
    right = [is_right(question, reply) for question, reply in zip(asked, replies, strict=True)]
    done = [(reply, good) for reply, good in zip(replies, right, strict=True) if not reply.abstained]
    found: dict[str, tuple[float, str]] = {}
    if kind == "names":
        found["Hits@1"] = _percent(right), "%"
        found["F1 of names"] = _percent(map(f1_of_names, asked, replies)), "%"
    else:
        found["exact match"] = _percent(_best(exact_match, asked, replies)), "%"
        found["F1 of words"] = _percent(_best(token_f1, asked, replies, quoted=kind == "long")), "%"
    if kind == "text":
        found["right, by any name"] = _percent(right), "%"
    if kind == "long":
        found["ROUGE-L"] = _percent(_best(rouge_l, asked, replies, quoted=True)), "%"
    found["answered"] = _percent(not reply.abstained for reply in replies), "%"
    if done:
        if kind != "long":
            found["right among answered"] = _percent(good for _, good in done), "%"
            chances = np.array([reply.confidence for reply, _ in done])
            found["calibration error"] = 100 * calibration_error(chances, np.array([g for _, g in done], float)), "%"
        found["borne out by graph or sources"] = _percent(reply.borne for reply, _ in done), "%"
    found["evidence recall"] = _percent(reply.evidence for reply in replies), "%"
    times = [reply.milliseconds for reply in replies]
    found["answer p50"] = float(np.percentile(times, 50)), "ms"
    found["answer p95"] = float(np.percentile(times, 95)), "ms"
    if firsts := [reply.first for reply in replies if reply.first]:
        found["first token p50"] = float(np.percentile(firsts, 50)), "ms"
    return found


def is_right(question: Question, reply: Reply) -> bool:
    """Whether the first thing that was named is an answer, by any of its names."""
    gold = {normalise(name) for name in question.gold}
    return bool(reply.items) and not gold.isdisjoint(normalise(name) for name in reply.items[0] if name.strip())


def f1_of_names(question: Question, reply: Reply) -> float:
    """The F1 of all that was named."""
    gold = {normalise(name) for name in question.gold}
    hits = [gold & {normalise(name) for name in item if name.strip()} for item in reply.items]
    both = len(set().union(*hits))
    return 2 * both / (len(reply.items) + len(gold)) if both else 0.0


def _best(
    measure: Callable[[str, str], float], asked: Sequence[Question], replies: Sequence[Reply], *, quoted: bool = False
) -> Iterator[float]:
    """Of each question, how near the text comes to the answer that it is nearest to.

    Where answers are sentences, what is ``quoted`` is the text of those who quote: Clew answers in a few words, and
    gives the sentences in which they stand.
    """
    for question, reply in zip(asked, replies, strict=True):
        text = (reply.quoted if quoted else "") or reply.text
        yield 0.0 if reply.abstained else max(float(measure(text, gold)) for gold in question.gold)


def _percent(values: Iterable[float]) -> float:
    return 100 * float(np.mean(list(values)))


def row_of(
    data: str, variant: str, seconds: float, command: str, split: str, measure: str, value: float, unit: str
) -> Row:
    """One number of a variant."""
    return Row(
        data=data, split=split, system=SYSTEMS[variant], measure=measure, value=round(value, 2), unit=unit,
        seconds=round(seconds, 1), command=command,
    )  # fmt: skip


SYSTEMS: Mapping[str, str] = {
    "alone": "language model alone",
    "text": "+ passages (plain RAG)",
    "facts": "+ facts as text",
    "tuned": "+ adapter, trained without soft tokens",
    "soft": "+ graph soft tokens",
    "held": "+ constrained decoding",
    "checked": "+ verification",
    "reasoner": "graph alone, no language model",
    "fused": "all fused",
}
