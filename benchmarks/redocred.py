"""Questions over the articles of Re-DocRED, worded from the relations that people marked in them.

Tan et al., EMNLP 2022 (https://aclanthology.org/2022.emnlp-main.580). A question asks for the objects of a relation of
a subject ("Who directed X?"), or goes on from one ("Where was the director of X born?"). How each relation is asked for
stands in data/redocred_questions.tsv, which was written for this. Answers are all names under which an object is
mentioned. Others ask what the thing of an article is ("What is X?"), and the first sentence says it: "a film of 2001".

Articles of a question set that is measured are left out, by title.
"""

import json
import random
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import regex

from benchmarks.rows import data_folder
from fusion.evaluate import Question
from fusion.extract import sentences
from kg.facts import Document, name_key

WORDINGS = Path(__file__).with_name("data") / "redocred_questions.tsv"
EACH = 80  # questions of one relation, or that end in one: place and country would be half of all
TOLD = 5 * EACH  # questions that ask what a thing is
NO_SUBJECTS = ("TIME", "NUM")

_JOINED = (
    (regex.compile(r" ([,.;:!?)\]%])"), r"\1"),
    (regex.compile(r"([(\[$]) "), r"\1"),
    (regex.compile(r" (n't|'(?:s|re|ve|ll|d|m)?)\b"), r"\1"),
    (regex.compile(r" ' "), "' "),
    (regex.compile(r'" ([^"]*?) "'), r'"\1"'),
    (regex.compile(r" ([-–/]) "), r"\1"),
)

_SAYS_WHAT = regex.compile(r"^.{3,150}?\b(is|was) ((?:an?|the|one of) [^.]{15,180}\w)\.$")
_QUALIFIED = regex.compile(r"\s*\(.*\)$")


@dataclass(frozen=True, slots=True)
class Wording:
    """How the object of a relation is called, for a subject {}, or nothing; and how it is asked for."""

    noun: str
    asked: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Marked:
    """A relation that is marked in an article: what its ends are called there, the first name being the longest."""

    title: str
    subject: tuple[str, ...]
    relation: str
    object: tuple[str, ...]
    kind: str  # of the subject, such as PER

    @property
    def may_be_asked_of(self) -> bool:
        """Whether its subject is no date and no number."""
        return self.kind not in NO_SUBJECTS


def wordings() -> dict[str, Wording]:
    """How each relation is asked for."""
    lines = WORDINGS.read_text("utf-8").splitlines()[1:]
    rows = [line.split("\t") for line in lines]
    return {relation: Wording(noun, tuple(asked.split("|"))) for relation, noun, asked in rows}


def articles(part: str, without: Collection[str]) -> tuple[list[Document], list[Marked]]:
    """The articles of ``dev`` or ``test`` but for those of some titles, and what is marked in them."""
    path = data_folder() / "Re-DocRED" / f"{part}_revised.json"
    left_out = {name_key(title) for title in without}
    documents: list[Document] = []
    marked: list[Marked] = []
    for at, one in enumerate(json.loads(path.read_text("utf-8"))):
        if name_key(one["title"]) in left_out:
            continue
        text = joined(word for sentence in one["sents"] for word in sentence)
        documents.append(Document(f"redocred-{part}#{at}", text, one["title"], "en"))
        marked += _marked(one)
    return documents, marked


def _marked(article: dict[str, Any]) -> Iterator[Marked]:
    names = [
        tuple(sorted({joined(mention["name"].split()) for mention in entity}, key=lambda name: (-len(name), name)))
        for entity in article["vertexSet"]
    ]
    for label in article["labels"]:
        head = label["h"]
        kind = article["vertexSet"][head][0]["type"]
        yield Marked(article["title"], names[head], label["r"], names[label["t"]], kind)


def joined(words: Iterator[str] | list[str]) -> str:
    """A text from its words, without the spaces that belong to none."""
    text = " ".join(" ".join(words).split())
    for loose, bound in _JOINED:
        text = loose.sub(bound, text)
    return text


def questions(marked: Collection[Marked], *, seed: int) -> list[Question]:
    """Questions of one and of two steps, in an order that is drawn. A subject has its name in one article only."""
    known = wordings()
    draw = random.Random(seed)
    where: defaultdict[str, set[str]] = defaultdict(set)
    led: defaultdict[tuple[str, str], list[Marked]] = defaultdict(list)
    for one in marked:
        for name in one.subject:
            where[name].add(one.title)
        if one.relation in known:
            led[one.subject[0], one.relation].append(one)
    onward: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for key in led:
        onward[key[0]].append(key)
    found: defaultdict[tuple[str, int], list[Question]] = defaultdict(list)
    for (name, relation), ones in led.items():
        if len(where[name]) > 1 or not ones[0].may_be_asked_of:
            continue
        found[relation, 1].append(_question(name, name, known[relation], ones, ones, draw))
        noun, between = known[relation].noun, ones[0].object[0]
        if not noun or len({one.object for one in ones}) > 1:
            continue
        for _, second in onward[between]:
            last = led[between, second]
            if last[0].may_be_asked_of and all(name not in one.object for one in last):
                found[second, 2].append(_question(name, noun.format(name), known[second], last, [*ones, *last], draw))
    kept = []
    for _, worded in sorted(found.items()):
        draw.shuffle(worded)
        kept += worded[:EACH]
    draw.shuffle(kept)
    return kept


def descriptions(documents: Collection[Document], marked: Collection[Marked]) -> list[Question]:
    """Questions of what the things of articles are, in the order of these."""
    people = {name for one in marked if one.kind == "PER" for name in one.subject}
    found = []
    for document in documents:
        start, end = (sentences(document.text) or [(0, 0)])[0]
        said = _SAYS_WHAT.match(document.text[start:end])
        name = _QUALIFIED.sub("", document.title)
        if said is not None and name and not name.startswith("List of "):
            what = "Who" if name in people else "What"
            found.append(Question(f"{what} {said[1]} {name}?", (said[2],), (document.title,), name))
    return found[:TOLD]


def _question(
    topic: str, what: str, wording: Wording, last: Collection[Marked], shown: Collection[Marked], draw: random.Random
) -> Question:
    gold = tuple(sorted({name for one in last for name in one.object}))
    titles = tuple(sorted({one.title for one in shown}))
    return Question(draw.choice(wording.asked).format(what), gold, titles, topic)
