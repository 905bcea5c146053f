"""Questions that a person wrote down, with their answers: from a file to what a planner is trained on."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import regex

from fusion.errors import NothingLearnedError
from fusion.planner.labels import Chain, explain, stems
from fusion.planner.model import Asked, masked
from fusion.planner.training import LEAST, Example
from fusion.question import LINKED_TEXT, link
from kg.decode import detect, lines, one_line
from kg.errors import InputError
from kg.facts import EntityId, name_key
from kg.mirror import Mirror
from kg.ontology import Ontology
from kg.sources import open_file, source_of
from kg.statements import Problems
from kg.store import GraphStore
from nlp.embed import TokenEmbedder

BACKWARDS = "^"  # before a relation of a path that is walked from its object to its subject
BATCH = 2000  # names that the store is asked for at once

_UNKNOWN = "the topic is not in the graph, or not in the question"
_UNLINKED = "they name nothing that is in the graph"
_MARKED = regex.compile(r"\[([^\[\]]+)\]")


@dataclass(frozen=True, slots=True)
class Question:
    """A line of a file. ``topic`` and ``path`` are empty where the line does not give them."""

    line: int
    text: str
    answers: tuple[str, ...]
    topic: str = ""
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prepared:
    """What of a file can be learned from; every other question is counted in ``skipped``, by why."""

    examples: tuple[Example, ...]
    skipped: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class _Placed:
    """A question in the graph, as one of the entities that it may be about has it."""

    text: str  # as the planner reads it
    topic: int
    answers: frozenset[int]
    chains: list[Chain]
    f1: float


def read_questions(path: Path) -> tuple[list[Question], Problems]:
    """The questions of a file, and the lines that are none: JSON lines, or question and answers parted by a tab.

    Raises:
        InputError: the file cannot be read, or holds no question.
    """
    found: list[Question] = []
    problems = Problems(source_of(path))
    with open_file(path) as stream:
        for line in lines(stream, detect(stream, source=source_of(path))):
            if not line.problem and not line.text.strip():
                continue
            try:
                if line.problem:
                    raise ValueError(line.problem)
                found.append(_of_line(line.number, line.text))
            except ValueError as error:
                problems.add(line.number, str(error))
    if not found:
        first = f" ({problems.lines[0].partition(': ')[2]})" if problems.lines else ""
        raise InputError(
            f"{one_line(source_of(path))}: holds no question{first}; give one a line, as JSON or as question, tab, "
            "answers parted by |"
        )
    return found, problems


def prepare(
    questions: Sequence[Question],
    store: GraphStore,
    ontology: Ontology,
    graph: Mirror,
    embedder: TokenEmbedder,
    *,
    hops: int,
) -> Prepared:
    """Questions as places and chains of a graph: what the graph lacks, or no walk explains, is skipped and counted.

    Raises:
        StoreError: the store failed.
        NothingLearnedError: none is left.
        WeightsError: the embedder's weights are missing or damaged.
    """
    named = _named(store, {name for one in questions for name in (*one.answers, one.topic) if name})
    skipped: Counter[str] = Counter()
    kept: list[_Placed] = []
    for one in questions:
        names = (id for name in one.answers for id in named.get(name_key(name), ()))
        if {step.removeprefix(BACKWARDS) for step in one.path} - graph.rows.keys():
            skipped["their path names a relation that is not in the graph"] += 1
            continue
        answers = frozenset(graph.places[id] for id in names if id in graph.places)
        if not answers:
            skipped["none of the answers is in the graph"] += 1
            continue
        tried = [
            _Placed(text, topic, answers, *_chains(one, graph, topic, answers, hops))
            for topic, text in _topics(one, store, ontology, graph, named, answers)
        ]
        if not tried:
            skipped[_UNKNOWN if one.topic else _UNLINKED] += 1
            continue
        best = max(tried, key=lambda placed: placed.f1)
        if best.f1 < LEAST:
            skipped[f"no walk of {hops} facts or fewer leads from the topic to an answer"] += 1
        else:
            kept.append(best)
    if not kept:
        why = "; ".join(f"{reason} ({count:,})" for reason, count in skipped.most_common())
        raise NothingLearnedError(f"None of the questions can be learned from: {why}.")
    encoded = embedder.tokens([placed.text for placed in kept])
    examples = (
        Example(
            Asked.of(placed.text, tokens), (placed.topic,), placed.answers, tuple(placed.chains), stems(placed.text)
        )
        for placed, tokens in zip(kept, encoded, strict=True)
    )
    return Prepared(tuple(examples), skipped)


def checked(found: Question) -> Question:
    """A question as it is.

    Raises:
        ValueError: it is no question with answers; the message says what is missing.
    """
    if not found.text:
        raise ValueError("has an empty question")
    if len(found.text) > LINKED_TEXT:
        raise ValueError(f"has a question of more than {LINKED_TEXT} characters")
    if not found.answers:
        raise ValueError("has no answer")
    for text in (found.text, *found.answers, found.topic, *found.path):
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ValueError(f"has half of a character ({text[error.start]!a}), which is no text") from error
    return found


def _of_line(number: int, line: str) -> Question:
    """One line.

    Raises:
        ValueError: it is no question with answers; the message says what is missing.
    """
    if line.lstrip().startswith("{"):
        return _from_json(number, line)
    text, tab, answers = line.partition("\t")
    if not tab:
        raise ValueError("has no tab between question and answers")
    topic = ""
    if marked := _MARKED.search(text):
        topic = marked[1]
        text = text[: marked.start()] + topic + text[marked.end() :]
    return checked(Question(number, text.strip(), tuple(_names(answers.split("|"))), topic))


def _from_json(number: int, line: str) -> Question:
    try:
        row = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError("is not JSON") from error
    answers = row.get("answers", row.get("answer"))
    answers = [answers] if isinstance(answers, str) else answers
    text, topic, path = row.get("question"), row.get("topic") or "", row.get("path") or []
    if not isinstance(text, str):
        raise ValueError('has no "question"')
    if not isinstance(answers, list) or not all(isinstance(answer, str) for answer in answers):
        raise ValueError('has no "answers", a list of names')
    if not isinstance(topic, str):
        raise ValueError('has a "topic" that is no name')
    if not isinstance(path, list) or not all(isinstance(step, str) and step for step in path):
        raise ValueError('has a "path" that is no list of relations')
    return checked(Question(number, text.strip(), tuple(_names(answers)), topic.strip(), tuple(path)))


def _names(texts: Sequence[str]) -> Iterator[str]:
    return (text.strip() for text in texts if text.strip())


def _named(store: GraphStore, names: set[str]) -> dict[str, list[EntityId]]:
    """The entities of each key that a name has: those that are called so, else those for which it is an alias."""
    keys = sorted({name_key(name) for name in names})
    called: defaultdict[str, list[EntityId]] = defaultdict(list)
    others: defaultdict[str, list[EntityId]] = defaultdict(list)
    for start in range(0, len(keys), BATCH):
        for entity in store.find_entities(keys[start : start + BATCH]):
            called[entity.key].append(entity.id)
            for alias in {name_key(alias) for alias in entity.aliases} - {entity.key}:
                others[alias].append(entity.id)
    return others | called


def _topics(
    one: Question,
    store: GraphStore,
    ontology: Ontology,
    graph: Mirror,
    named: dict[str, list[EntityId]],
    answers: frozenset[int],
) -> list[tuple[int, str]]:
    """The entities that a question may be about, each with the question as the planner reads it.

    Where the file does not say, that is the longest of its names that is no answer.
    """
    meant = {id for id in named.get(name_key(one.topic), ()) if id in graph.places} if one.topic else set()
    if meant and (place := _place(one.topic, one.text)):
        return [(graph.places[id], masked(one.text, *place)) for id in sorted(meant)]
    usable = [
        found
        for found in (link(store, ontology, one.text) if meant or not one.topic else ())
        if (found.entity.id in meant if meant else graph.places.get(found.entity.id, -1) not in answers | {-1})
    ]
    if not usable:
        return []
    longest = max(usable, key=lambda found: (found.end - found.start, found.score, -found.start))
    place = longest.start, longest.end
    return [
        (graph.places[found.entity.id], masked(one.text, *place))
        for found in usable
        if (found.start, found.end) == place
    ]


def _place(name: str, text: str) -> tuple[int, int] | None:
    """Where a text has a name, as a word of its own if it can be."""
    plain = regex.escape(name, literal_spaces=True)
    for pattern in (rf"(?<!\w){plain}(?!\w)", plain):
        if found := regex.search(pattern, text, regex.IGNORECASE):
            return found.span()
    return None


def _chains(one: Question, graph: Mirror, topic: int, answers: frozenset[int], hops: int) -> tuple[list[Chain], float]:
    """The chains that explain the answers, or the one that the file gives, and how well they do."""
    if one.path:
        named = [(graph.rows[step.removeprefix(BACKWARDS)], step.startswith(BACKWARDS)) for step in one.path]
        rows = [graph.inverse(row) if back else row for row, back in named]
        front = graph.walk([topic], rows)[-1]
        return ([tuple(rows)], 1.0) if answers & set(front.reached.tolist()) else ([], 0.0)
    return explain(graph, [topic], answers, hops=hops)
