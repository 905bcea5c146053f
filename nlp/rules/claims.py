"""What every rule for English shares: how a list of names is written, and how a claim is made from its parts."""

from collections.abc import Iterator
from dataclasses import replace

import regex

from nlp.lexicon import PERSON_NOUNS, PERSON_SUFFIXES
from nlp.names import SURE
from nlp.passage import MARK, Passage, Sentence
from nlp.spans import Claim, Mention

# Small words that may stand before a name in a list: "his wife ‹P›", "actor ‹P›", "the ‹N› singer ‹P›".
_STOP = (
    r"(?!(?:by|of|in|on|at|to|for|from|with|and|or|but|which|who|whom|whose|that|is|was|are"
    r"|were|as|when|while|where|after"
    r"|before|starring|directed|written|produced|based|featuring|released|set|made|then|has|had|have|also|not|he|she|it"
    r"|they|later|both|about|into|through|during|until|since|under|over|between|against|loosely|shot|filmed|distributed"
    r"|composed|edited|during|having|using|made|led|stars|released|playing|plays|reprising|among|inspired|alongside)\b)"
)
_NOUN = "|".join(sorted(PERSON_NOUNS, key=lambda noun: (-len(noun), noun)))
# "the Quebec film director ‹P›", "London-based producer ‹P›": the place is where somebody is from, not who did it.
_FROM = (
    r"‹[LlUu]\d+›(?:\s?-\s?(?:based|born))?,?\s(?=(?:[\p{Ll}-]+,?\s){0,4}?"
    rf"(?:[\p{{Ll}}-]{{2,}}(?:{'|'.join(PERSON_SUFFIXES)})|{_NOUN})\s‹[PpOoLlUu])"
)
_FROM_PLACE = regex.compile(_FROM)
WORDS = (
    rf"(?:(?:(?:{_FROM})|{_STOP}[\p{{Ll}}][\p{{L}}'’.-]*\s?|and\s(?=(?:[\p{{Ll}}-]+\s){{1,2}}(?:,\s)?‹)"
    r"|‹N\d+›[\s–-]{0,2}|(?:Academy Award|\d+(?:st|nd|rd|th))[\s-])){0,6}"
)
NAME = r"‹[PpOoLlWwEeUAaKk]\d+›"
_AFTER = r"(?:\s?\([^()]{0,80}\))?(?:\sas\s(?:the\s)?[^,.;()]{1,40}?(?=,|\sand\s|\.|;|$))?"
_ITEM = rf"(?:{WORDS}(?<=\p{{Ll}}\s?),\s|{WORDS})[\"“]?\s?{NAME}{_AFTER}"
_AND = r"(?:\s?,\s(?:and|&|as well as|along with|then)\s|\s?,\s|\s(?:and|&|as well as|along with|or|together with)\s|/)"
LIST = rf"(?P<list>{_ITEM}(?:{_AND}{_ITEM})*)"


_HUMAN_MAKERS = frozenset({"directed_by", "written_by", "composed_by", "edited_by"})  # seldom an organization


def listed(passage: Passage, pattern: str) -> list[Mention]:
    """The names of a list, without the nationalities before them and the roles and dates in brackets behind."""
    bare = regex.sub(r"\([^()]*\)|\sas\s[^,]*?(?=,|\sand\s|$)", "", pattern)
    bare = _FROM_PLACE.sub("", bare)
    return [mention for mention in passage.marked(bare) if mention.label not in {"Nationality", "Date"}]


def claims(
    passage: Passage,
    sentence: Sentence,
    span: tuple[int, int],
    subject: Mention | None,
    relation: str,
    objects: list[Mention],
    *,
    confidence: float = 0.9,
    reverse: bool = False,
) -> Iterator[Claim]:
    """A claim for each object that the relation may have; those it may not have are counted.

    ``span`` is the place in the sentence's pattern that states the relation; with ``reverse`` the objects are its
    subjects.
    """
    if subject is None:
        passage.dropped[f"{relation}: no argument"] += len(objects)
        return
    known = passage.ontology.relations[relation]
    domain, range = _first(known.domain), _first(known.range)
    if reverse:
        domain, range = range, domain
    if not passage.fits(subject, domain):
        passage.dropped[f"{relation}: type of subject"] += 1
        return
    if relation in _HUMAN_MAKERS:
        range = "" if reverse else "Person"
        domain = "Person" if reverse else domain
    subject = _named(passage.as_type(subject, domain), "Place" if relation == "located_in" else "Thing")
    for object in objects:
        if not passage.fits(object, range):
            passage.dropped[f"{relation}: type of object"] += 1
            continue
        if object.name == subject.name:
            passage.dropped[f"{relation}: subject and object are one"] += 1
            continue
        if relation not in _HUMAN_MAKERS or object.confidence < SURE or object.label != "Organization":
            object = passage.as_type(object, range or _first(known.domain))
        object = _named(object, "Thing")
        sure = confidence - 0.1 * subject.coreferent - 0.1 * (object.confidence < 0.9)
        start, end = _extent(passage, sentence, span, (subject, object))
        one, other = (object, subject) if reverse else (subject, object)
        yield Claim(one, relation, other, start, end, round(sure, 2))


def _first(types: frozenset[str]) -> str:
    return min(types) if types else ""


def _named(mention: Mention, label: str) -> Mention:
    return mention if mention.label else replace(mention, label=label)


def _extent(
    passage: Passage, sentence: Sentence, span: tuple[int, int], arguments: tuple[Mention, ...]
) -> tuple[int, int]:
    """The characters of the document that state a claim: the matched words and the arguments in that sentence."""
    base = passage.chunk.start
    start, end = base + sentence.at(span[0]), base + sentence.at(span[1])
    last = MARK.search(sentence.pattern, max(0, span[1] - 8), span[1])
    if last and last.end() == span[1]:
        end = passage.names[int(last[1])].end
    inside = [m for m in arguments if base + sentence.start <= m.start < base + sentence.end]
    start = min([start, *(m.start for m in inside)])
    end = max([end, *(m.end for m in inside)])
    return start, end
