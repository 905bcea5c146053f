"""A parsed chunk with its mentions in place: what the English rules read.

Rules match a sentence's *pattern text*, in which each mention is one mark: "‹P3› was born in ‹L4› on ‹D5›." The
letter is the mention's kind, small where the type is only a guess, and the number its place among the mentions. So
a rule reads like the sentences that it is for, and a list of names is a list of marks.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import regex

from kg.facts import Chunk, Topic
from kg.ontology import Ontology
from nlp.describe import is_occupation
from nlp.lexicon import FEMALE_NAMES, FEMALE_TITLES, HEAD_TYPES, words
from nlp.names import SURE
from nlp.spans import Mention

if TYPE_CHECKING:
    from spacy.tokens import Doc, Token

_KINDS = {
    "Person": "P", "Organization": "O", "Place": "L", "Country": "L", "City": "L", "Nationality": "N", "Date": "D",
    "Work": "W", "Film": "W", "Song": "W", "Album": "W", "Book": "W", "Series": "W", "Periodical": "W", "Event": "E",
    "Award": "A", "Quantity": "Q", "": "U",
}  # fmt: skip
MARK = regex.compile(r"‹\p{L}(\d+)›")
_HE = frozenset({"he", "his", "him"})
_SHE = frozenset({"she", "her"})
_IT = frozenset({"it", "its"})
_CLAUSE = frozenset({"conj", "advcl", "xcomp", "ccomp", "acl", "relcl", "prep", "pcomp", "dep", "appos", "attr"})


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence in the chunk, and its pattern text with the chunk offset of every character of it."""

    start: int
    end: int
    pattern: str
    offsets: Sequence[int]
    first: bool

    def at(self, position: int) -> int:
        """The chunk offset of a place in the pattern."""
        return self.offsets[position] if position < len(self.offsets) else self.end


class Passage:
    """One chunk, parsed, with its mentions."""

    def __init__(
        self, chunk: Chunk, parsed: "Doc", names: Sequence[Mention], topic: Topic | None, ontology: Ontology
    ) -> None:
        self.chunk = chunk
        self.text = chunk.text
        self.parsed = parsed
        self.names = names
        self.topic = topic
        self.ontology = ontology
        self.dropped: Counter[str] = Counter()
        self._starts = [name.start - chunk.start for name in names]

    @cached_property
    def sentences(self) -> list[Sentence]:
        """The sentences, such that no mention or bracket runs from one into the next."""
        sentences: list[Sentence] = []
        start, last = 0, len(self.text)
        for sentence in self.parsed.sents:
            end = min(sentence.end_char, last)
            if end <= start or self._cut(start, end):
                continue
            sentences.append(self._marked(start, end))
            start = end
        if self.text[start:].strip():
            sentences.append(self._marked(start, last))
        return sentences

    def _cut(self, start: int, end: int) -> bool:
        """Whether ending a sentence here would cut a mention or a bracket in two, or come too soon."""
        at = bisect_right(self._starts, end - 1) - 1
        if at >= 0 and self.names[at].end - self.chunk.start > end:
            return True
        piece = self.text[start:end]
        return piece.count("(") > piece.count(")") or not regex.search(r"[.!?:\"”\n。！？；;]\s*$", piece)

    def _marked(self, start: int, end: int) -> Sentence:
        pieces: list[str] = []
        offsets: list[int] = []
        position = start
        first = bisect_right(self._starts, start - 1)
        for index in range(first, len(self.names)):
            mention = self.names[index]
            mention_start, mention_end = mention.start - self.chunk.start, mention.end - self.chunk.start
            if mention_start >= end:
                break
            pieces.append(self.text[position:mention_start])
            offsets.extend(range(position, mention_start))
            kind = _KINDS.get(mention.label, "K")
            if mention.label and mention.confidence < SURE:
                kind = kind.lower()
            mark = f"‹{kind}{index}›"
            pieces.append(mark)
            offsets.extend([mention_start] * len(mark))
            position = mention_end
        pieces.append(self.text[position:end])
        offsets.extend(range(position, end))
        return Sentence(start, end, "".join(pieces), offsets, start == 0 and self.chunk.start == 0)

    def marked(self, pattern: str) -> list[Mention]:
        """The mentions whose marks stand in a piece of a pattern."""
        return [self.names[int(match[1])] for match in MARK.finditer(pattern)]

    # -- tokens -------------------------------------------------------------------------------------------------

    @cached_property
    def _token_starts(self) -> list[int]:
        return [token.idx for token in self.parsed]

    def token(self, offset: int) -> "Token":
        """The token at an offset of the chunk."""
        return self.parsed[max(0, bisect_right(self._token_starts, offset) - 1)]

    def name_at(self, token: "Token") -> Mention | None:
        """The mention that holds a token."""
        at = bisect_right(self._starts, token.idx) - 1
        if at >= 0 and token.idx < self.names[at].end - self.chunk.start:
            return self.names[at]
        return None

    # -- who does it --------------------------------------------------------------------------------------------

    def subject(self, sentence: Sentence, offset: int, wanted: str) -> Mention | None:
        """The thing of the wanted type of which the verb or noun at an offset of the chunk tells something.

        It is sought by dependencies; where these lead to nothing, a sentence that opens with the title entity, or
        with a word that points to it, tells of it.
        """
        token = self.token(offset)
        for _ in range(6):
            subject = next((c for c in token.children if c.dep_ in {"nsubj", "nsubjpass"}), None)
            if subject is not None and subject.lower_ not in {"who", "which", "that", "whom"}:
                found = self.resolve(sentence, subject, wanted)
                if found is not None:
                    return found
                break
            if token.dep_ in {"acl", "relcl", "appos", "attr"}:
                head = self.name_at(token.head)
                if head is not None and head.label and self.ontology.compatible(head.label, wanted or head.label):
                    return head
            if token.head is token or token.dep_ not in _CLAUSE:
                break
            token = token.head
            if token.idx < sentence.start:
                break
        return self._opening(sentence, wanted)

    def _opening(self, sentence: Sentence, wanted: str) -> Mention | None:
        """What the sentence opens with, if that is the title entity or points to it."""
        opening = _OPENING.match(sentence.pattern)
        if opening is None:
            return None
        if opening["mark"]:
            mention = self.marked(opening["mark"])[0]
            return mention if self._is_topic(mention) and self.fits(mention, wanted) else None
        return self.resolve(sentence, self.token(sentence.at(opening.start("word"))), wanted)

    def resolve(self, sentence: Sentence, token: "Token", wanted: str) -> Mention | None:
        """The thing of the wanted type that a token names or points back to."""
        name = self.name_at(token)
        if name is not None:
            if self.fits(name, wanted):
                return name
            return None
        word = token.lower_
        if word in _HE or word in _SHE:
            return self.person(sentence, token.idx, token.idx + len(token.text), female=word in _SHE, wanted=wanted)
        if word in _IT:
            return self._back_to_topic(token.idx, token.idx + len(token.text), wanted, person=False)
        type = HEAD_TYPES.get(word)
        first = next((c.idx for c in token.children if c.lower_ in {"the", "this"}), None)
        if type is not None and first is not None and self.topic is not None:  # "the film"
            if self.ontology.compatible(type, self.topic.type):
                return self._back_to_topic(first, token.idx + len(token.text), wanted, person=False)
            first = None
        for child in token.children:  # "his father, Huo Jun, served": the name stands beside the noun
            if child.dep_ in {"appos", "compound"} and (named := self.name_at(child)) and self.fits(named, wanted):
                return named
        if is_occupation(word) and any(c.lower_ == "the" for c in token.children):
            return self._back_to_topic(token.idx, token.idx + len(token.text), wanted, person=True)
        return None

    def person(
        self, sentence: Sentence, start: int, end: int, *, female: bool, wanted: str = "Person"
    ) -> Mention | None:
        """The person whom "he", "she", "his" or "her" at these offsets points to."""
        if (
            self.topic is not None
            and self.topic.type in {"Person", "Thing"}
            and wanted in {"Person", "Agent", ""}
            and self.topic_female in {None, female}
        ):
            return self._back_to_topic(start, end, wanted, person=True)
        candidates = self._persons_before(sentence, start, female)
        if len(candidates) == 1 and wanted in {"Person", "Agent", ""}:
            return replace(
                candidates[0], start=self.chunk.start + start, end=self.chunk.start + end, coreferent=True,
                confidence=0.8,
            )  # fmt: skip
        self.dropped["pronoun unresolved"] += 1
        return None

    def _persons_before(self, sentence: Sentence, offset: int, female: bool) -> list[Mention]:
        """The people named in this sentence and the one before, up to an offset, who may be of that sex."""
        index = self.sentences.index(sentence)
        begin = self.sentences[max(0, index - 1)].start + self.chunk.start
        people = {
            name.name: name
            for name in self.names
            if name.label == "Person" and begin <= name.start < self.chunk.start + offset and not self._is_topic(name)
        }
        fitting = [person for person in people.values() if is_female(person.name) in {female, None}]
        subjects = [person for person in fitting if self._is_subject(person)]
        return subjects[-1:] or fitting

    def _is_subject(self, mention: Mention) -> bool:
        start = mention.start - self.chunk.start
        tokens = self.parsed.char_span(start, mention.end - self.chunk.start, alignment_mode="expand")
        return tokens is not None and any(token.dep_ in {"nsubj", "nsubjpass"} for token in tokens)

    def _back_to_topic(self, start: int, end: int, wanted: str, *, person: bool) -> Mention | None:
        topic = self.topic
        if topic is None or ((topic.type == "Person") != person and topic.type != "Thing"):
            self.dropped["pronoun unresolved"] += 1
            return None
        mention = Mention(
            self.chunk.start + start, self.chunk.start + end, topic.name, topic.type, 0.95, coreferent=True
        )
        return mention if self.fits(mention, wanted) else None

    @cached_property
    def topic_female(self) -> bool | None:
        """Whether the title entity is a woman, by its description and the pronouns of the chunk."""
        assert self.topic is not None
        words = set(self.topic.description.casefold().partition(" of ")[0].replace(",", " ").split())
        if words & FEMALE_TITLES:
            return True
        counts = Counter(
            token.lower_ in _SHE for token in self.parsed if token.lower_ in _HE or token.lower_ in {"she", "her"}
        )
        if counts:
            return counts[True] > counts[False]
        return is_female(self.topic.name)

    def about(self, offset: int, length: int, wanted: str) -> Mention | None:
        """The title entity, as something at an offset of the chunk that is told of it without naming it."""
        if self.topic is None or not self.ontology.is_a(self.topic.type, wanted):
            return None
        return self._back_to_topic(offset, offset + length, wanted, person=self.topic.type == "Person")

    def _is_topic(self, mention: Mention) -> bool:
        return self.topic is not None and mention.name == self.topic.name

    def topic_mention(self, sentence: Sentence) -> Mention | None:
        """The first mention of the title entity in a sentence."""
        return next((m for m in self.marked(sentence.pattern) if self._is_topic(m)), None)

    # -- types --------------------------------------------------------------------------------------------------

    def fits(self, mention: Mention, wanted: str) -> bool:
        """Whether a mention is, or may be after all, of a type: spaCy's guesses about a name give way."""
        if not wanted or mention.label in {"Thing", ""} or self.ontology.compatible(mention.label, wanted):
            return True
        if mention.confidence >= SURE or mention.label in {"Quantity", "Language", "Nationality", "Date"}:
            return False
        if wanted == "Work":
            return mention.label not in {"Person", "Place"}
        return wanted in {"Person", "Agent", "Organization", "Place", "Award"}

    def as_type(self, mention: Mention, wanted: str) -> Mention:
        """The mention with the type that its relation gives it, where its own is but a guess."""
        if not wanted or (mention.label and self.ontology.is_a(mention.label, wanted)):
            return mention
        if mention.confidence >= SURE and mention.label not in {"", "Thing"}:
            return mention
        if mention.label and self.ontology.is_a(wanted, mention.label):
            return mention  # a Work is directed, but it may be a series as well as a film
        return replace(mention, label=_agent(mention.name) if wanted == "Agent" else wanted, confidence=0.8)


_OPENING = regex.compile(
    r"^[\s\"“(]*(?:(?P<mark>‹\p{L}\d+›)|(?P<word>[Hh]e|[Ss]he|[Ii]t)\b"
    r"|(?:The|This)\s(?:\p{Ll}+\s){0,2}?(?P<word>film|movie|album|song|single|novel|book|series|band|company|show)\b"
    r"|(?:(?:\p{L}|\s|-)+?,\s)(?P<word>he|she|it)\b)"
)


def _agent(name: str) -> str:
    """What an agent of no known type is: two words and more are a person's name, one is an organization's."""
    return "Person" if " " in name.strip() or "·" in name else "Organization"


def is_female(name: str) -> bool | None:
    """Whether a person's name is a woman's, or None when it does not tell; "King" and the like tell of men."""
    words = [word.casefold() for word in regex.split(r"[\s-]+", name.partition(",")[0])]
    title = name.partition(",")[2].casefold().split()
    if any(word in FEMALE_TITLES for word in (*words[:2], *title[:2])):
        return True
    if any(word in _MALE_TITLES for word in (*words[:2], *title)):
        return False
    given = next((word for word in words if word not in _ANY_TITLES), "")
    if given in FEMALE_NAMES or given.endswith(_FEMALE_ENDINGS):
        return True
    return None


_FEMALE_ENDINGS = (
    "illa",
    "etta",
    "ella",
    "enna",
    "inda",
    "trude",
    "gard",
    "hild",
    "lotte",
    "ette",
    "icia",
    "ônia",
    "ína",
)
_ANY_TITLES = frozenset(
    {"sir", "dr", "dr.", "the", "hon.", "saint", "st.", "infanta", "archduchess", "princess", "queen"}
)
_MALE_TITLES = words("""
king prince duke earl count baron viscount marquess emperor tsar lord sir pope archduke landgrave margrave
""")
