"""When and by whom a thing was founded, and where it has its seat."""

from collections.abc import Iterator

import regex

from nlp.passage import Passage, Sentence
from nlp.rules.claims import LIST, claims, listed
from nlp.spans import Claim

_FOUNDED = regex.compile(
    r"\b(?:founded|established|formed|launched|incorporated|built|opened|created|inaugurated|co-founded)\b"
    r"(?P<between>(?:(?!\b(?:and|but|which|who|after|before|until)\b)[^.;‹]|‹[LlPpOoUKN]\d+›){0,60}?)"
    r"\b(?:in|on)\s(?:the\syear\s)?(?P<date>‹D\d+›)"
)
_FOUNDED_BY = regex.compile(
    rf"\b(?:founded|established|formed|co-founded|started)\b(?:\s(?:in|on)\s‹D\d+›)?(?:\sin\s‹[Ll]\d+›)?\sby\s{LIST}"
)
_SEAT = regex.compile(r"\b(?:headquartered|headquarters|based)\s(?:is\s|are\s)?(?:located\s)?in\s(?P<place>‹[LlU]\d+›)")
_KINDS = frozenset({"Organization", "Periodical", "Place", "City", "Country", "Event", "Award", "Thing", "Series"})


def foundings(passage: Passage, sentence: Sentence) -> Iterator[Claim]:
    """ "It was founded in ‹D› by ‹P›", "headquartered in ‹L›"."""
    pattern = sentence.pattern
    for match in _FOUNDED.finditer(pattern):
        subject = passage.subject(sentence, sentence.at(match.start()), "")
        if subject is not None and subject.label in _KINDS:
            yield from claims(passage, sentence, match.span(), subject, "founded_on", passage.marked(match["date"]))
    for match in _FOUNDED_BY.finditer(pattern):
        subject = passage.subject(sentence, sentence.at(match.start()), "Organization")
        if subject is not None:
            yield from claims(passage, sentence, match.span(), subject, "founded_by", listed(passage, match["list"]))
    for match in _SEAT.finditer(pattern):
        subject = passage.subject(sentence, sentence.at(match.start()), "Organization")
        if subject is not None and subject.label == "Organization":
            places = passage.marked(match["place"])
            yield from claims(passage, sentence, match.span(), subject, "headquartered_in", places)
