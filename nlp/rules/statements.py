"""Statements about concepts, by dependencies: what treats, causes, prevents, is a part, a symptom or a kind of what."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import regex

from nlp.concepts import phrase
from nlp.passage import Passage, Sentence
from nlp.spans import Claim, Mention

if TYPE_CHECKING:
    from spacy.tokens import Token

NAMED = frozenset(
    {"Person", "Film", "Song", "Album", "Book", "Series", "Periodical", "Work", "City", "Country", "Place"}
)


@dataclass(frozen=True, slots=True)
class Frame:
    """How the arguments of a verb stand in a relation: its subject and what follows ``marker`` ("" the object)."""

    relation: str
    marker: str = ""
    passive: bool = False
    reverse: bool = False


def _table(*rows: tuple[str, tuple[Frame, ...]]) -> dict[str, tuple[Frame, ...]]:
    return {form: frames for forms, frames in rows for form in forms.split()}


def _active(relation: str, *, by: str = "by", reverse: bool = False) -> tuple[Frame, ...]:
    """ "S treats O" and "O is treated by S"."""
    return (Frame(relation, reverse=reverse), Frame(relation, by, passive=True, reverse=not reverse))


_TREATED = tuple(Frame("treats", marker, passive=True, reverse=True) for marker in ("with", "by", "using", "through"))
_DIAGNOSED = tuple(Frame("diagnosed_by", marker, passive=True) for marker in ("with", "by", "using", "through"))
FRAMES = _table(
    ("treat treats treated treating", (Frame("treats"), *_TREATED)),
    ("cure cures cured relieve relieves relieved", _active("treats")),
    ("cause causes caused causing trigger triggers triggered", _active("causes")),
    ("lead leads led leading contribute contributes", (Frame("causes", "to"),)),
    ("result results resulted resulting", (Frame("causes", "in"), Frame("causes", "from", reverse=True))),
    ("prevent prevents prevented preventing", _active("prevents")),
    ("protect protects protected", (Frame("prevents", "against"), Frame("prevents", "from"))),
    ("affect affects affected affecting damage damages damaged", _active("affects")),
    ("diagnose diagnoses diagnosed detect detects detected", (Frame("diagnosed_by", reverse=True), *_DIAGNOSED)),
    ("confirmed", _DIAGNOSED),
    ("consist consists consisted comprised composed", (Frame("has_part", "of"), Frame("has_part", "of", passive=True))),
    ("comprise comprises contain contains contained", (Frame("has_part"),)),
    ("belong belongs belonged", (Frame("part_of", "to"),)),
    ("used", (Frame("used_for", "for", passive=True), Frame("used_for", "in", passive=True))),
    ("improve improves improved enhance enhances enhanced", _active("improves")),
    ("based", (Frame("based_on", "on", passive=True),)),
    ("developed proposed introduced invented created designed", (Frame("developed_by", "by", passive=True),)),
    ("uses utilizes employs", (Frame("uses"),)),
)
_INCLUDE = frozenset({"include", "includes", "included", "are", "is"})
_CUE = regex.compile(rf"\b(?:{'|'.join(sorted(FRAMES.keys() | _INCLUDE | {'risk', 'called'}))})\b", regex.IGNORECASE)
_LISTS = {  # "symptoms of X include Y"
    "symptom": ("symptom", False), "symptoms": ("symptom", False), "sign": ("symptom", False),
    "signs": ("symptom", False),
    "treatment": ("treats", True), "treatments": ("treats", True), "therapies": ("treats", True),
    "cause": ("causes", True), "causes": ("causes", True), "factors": ("risk_factor", False),
    "tests": ("diagnosed_by", False), "types": ("instance_of", True), "subtypes": ("instance_of", True),
    "kinds": ("instance_of", True), "forms": ("instance_of", True), "complications": ("causes", False),
}  # fmt: skip
_KINDS = frozenset({"type", "kind", "form", "subtype", "sort", "class"})
_CONFIDENCE = 0.75


def statements(passage: Passage, sentence: Sentence) -> Iterator[Claim]:
    """Claims about concepts; a text about a person, a work or a place is not read for them."""
    if passage.topic is not None and passage.topic.type in NAMED:
        return
    reader = _Reader(passage, sentence)
    for match in _CUE.finditer(passage.text, sentence.start, sentence.end):
        token = passage.token(match.start())
        word = match[0].casefold()
        if any(child.dep_ == "neg" for child in token.children):
            passage.dropped["negated"] += 1
        elif word == "risk":
            yield from reader.risk(token)
        elif word in _INCLUDE:
            yield from reader.includes(token) if word.startswith("inc") else reader.is_a(token)
        else:
            yield from reader.frames(token, FRAMES.get(word, ()))


class _Reader:
    def __init__(self, passage: Passage, sentence: Sentence) -> None:
        self._passage = passage
        self._sentence = sentence

    def frames(self, verb: "Token", frames: tuple[Frame, ...]) -> Iterator[Claim]:
        """Claims of a verb by its frames."""
        passive = any(child.dep_ in {"auxpass", "nsubjpass", "agent"} for child in verb.children) or verb.dep_ == "acl"
        passive = passive and verb.tag_ == "VBN"
        subjects = None
        for frame in frames:
            if frame.passive != passive:
                continue
            objects = self._after(verb, frame.marker)
            if not objects:
                continue
            if subjects is None:
                subjects = self._subjects(verb)
            for subject in subjects:
                for object in objects:
                    one, other = (object, subject) if frame.reverse else (subject, object)
                    yield from self._claim(one, frame.relation, other, verb)

    def includes(self, verb: "Token") -> Iterator[Claim]:
        """ "Symptoms of X include Y and Z": the noun tells the relation."""
        objects = self._after(verb, "")
        for noun in (child for child in verb.children if child.dep_ == "nsubj"):
            yield from self._list(noun, objects, verb)

    def is_a(self, verb: "Token") -> Iterator[Claim]:
        """ "X is a type of Y", "X is part of Y", "Symptoms of X are Y"."""
        attribute = next((child for child in verb.children if child.dep_ == "attr"), None)
        if attribute is None or attribute.i < verb.i:
            return
        subjects = [child for child in verb.children if child.dep_ == "nsubj"]
        word = attribute.lower_
        if subjects and subjects[0].lower_ in _LISTS:
            yield from self._list(subjects[0], self._expand(attribute), verb)
            return
        wholes = self._after(attribute, "of")
        found = [mention for token in subjects for mention in self._expand(token)]
        if word == "part":
            yield from (c for s in found for w in wholes for c in self._claim(s, "part_of", w, verb))
        elif word in _KINDS:
            yield from (c for s in found for w in wholes for c in self._claim(s, "instance_of", w, verb))
        elif word == "cause":
            yield from (c for s in found for w in wholes for c in self._claim(s, "causes", w, verb))
        elif word == "symptom" or word == "sign":
            yield from (c for s in found for w in wholes for c in self._claim(w, "symptom", s, verb))
        elif word == "treatment":
            diseases = self._after(attribute, "for")
            yield from (c for s in found for d in diseases for c in self._claim(s, "treats", d, verb))
        elif any(child.lower_ in {"a", "an"} for child in attribute.children):
            kind = phrase(attribute, self._passage.chunk.start)
            if kind is not None:
                ontology = self._passage.ontology
                found = [s for s in found if s.coreferent or ontology.is_a(s.label, "Concept")]
                yield from (c for s in found for c in self._claim(s, "instance_of", kind, verb))

    def risk(self, noun: "Token") -> Iterator[Claim]:
        """ "X increases the risk of Y", "X is a risk factor for Y"."""
        head = noun.head
        if head.lower_ in {"increase", "increases", "increased", "raise", "raises"} and noun.dep_ == "dobj":
            diseases = self._after(noun, "of") or self._after(noun, "for")
            for factor in self._subjects(head):
                for disease in diseases:
                    yield from self._claim(disease, "risk_factor", factor, noun)
        elif head.lower_ in {"reduce", "reduces", "lower", "lowers", "decrease", "decreases"} and noun.dep_ == "dobj":
            for factor in self._subjects(head):
                for disease in self._after(noun, "of"):
                    yield from self._claim(factor, "prevents", disease, noun)
        elif head.lower_ == "factor" and head.dep_ == "attr":
            for factor in self._subjects(head.head):
                for disease in self._after(head, "for"):
                    yield from self._claim(disease, "risk_factor", factor, noun)

    def _list(self, noun: "Token", objects: list[Mention], verb: "Token") -> Iterator[Claim]:
        relation, reverse = _LISTS.get(noun.lower_, ("", False))
        wholes = self._after(noun, "of") or self._after(noun, "for")
        if not wholes:  # "skin cancer symptoms include"
            wholes = [m for c in noun.children if c.dep_ == "compound" and (m := self._mention(c)) is not None]
        if not relation:
            return
        if not wholes:
            self._passage.dropped[f"{relation}: no argument"] += 1
        for whole in wholes:
            for object in objects:
                one, other = (object, whole) if reverse else (whole, object)
                yield from self._claim(one, relation, other, verb)

    def _subjects(self, verb: "Token") -> list[Mention]:
        """What a verb is said of: its subject, the noun that it qualifies, or the subject of the verb it goes with."""
        token = verb
        for _ in range(4):
            subject = next((c for c in token.children if c.dep_ in {"nsubj", "nsubjpass"}), None)
            if subject is not None and subject.tag_ not in {"WDT", "WP"}:
                return self._expand(subject)
            if token.dep_ in {"acl", "relcl"}:
                return self._expand(token.head)
            if token.dep_ not in {"xcomp", "conj", "advcl"} or token.head is token:
                break
            token = token.head
        self._passage.dropped["statement: no subject"] += 1
        return []

    def _after(self, token: "Token", marker: str) -> list[Mention]:
        """The concepts that are the object of a verb, or stand behind one of its prepositions."""
        if not marker:
            heads = [child for child in token.children if child.dep_ in {"dobj", "obj"}]
        else:
            heads = [
                inner
                for child in token.children
                if child.lower_ == marker
                for inner in child.children
                if inner.dep_ in {"pobj", "dobj"}
            ]
        return [mention for head in heads for mention in self._expand(head)]

    def _expand(self, token: "Token") -> list[Mention]:
        """The concept of a noun and of those joined to it by "and"."""
        found: list[Mention] = []
        pending = [token]
        while pending and len(found) < 12:
            noun = pending.pop(0)
            if any(child.lower_ in {"no", "neither"} for child in noun.children):
                self._passage.dropped["negated"] += 1
                continue
            mention = self._mention(noun)
            if mention is not None:
                found.append(mention)
            pending.extend(child for child in noun.children if child.dep_ == "conj")
        return found

    def _mention(self, token: "Token") -> Mention | None:
        name = self._passage.name_at(token)
        if name is not None:
            return name if name.label and name.label not in {"Date", "Quantity", "Nationality"} else None
        if token.lower_ in {"it", "they"} and self._passage.topic is not None:
            return self._passage.resolve(self._sentence, token, "Concept")
        return phrase(token, self._passage.chunk.start)

    def _claim(self, subject: Mention, relation: str, object: Mention, cue: "Token") -> Iterator[Claim]:
        if subject.name == object.name:
            return
        violation = self._passage.ontology.violation(subject.label, relation, object.label)
        if violation is not None:
            self._passage.dropped[f"{relation}: type"] += 1
            return
        base = self._passage.chunk.start
        start = min(subject.start, object.start, base + cue.idx)
        end = max(subject.end, object.end, base + cue.idx + len(cue.text))
        typed = (subject.label != "Concept") + (object.label != "Concept")
        yield Claim(subject, relation, object, start, end, round(_CONFIDENCE + 0.05 * typed, 2))
