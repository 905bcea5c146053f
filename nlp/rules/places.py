"""Places that are written with the larger place that they are in: "born in ‹L1›, ‹L2›"."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import regex

from nlp.passage import Passage, Sentence
from nlp.rules.claims import claims
from nlp.spans import Claim

_TOLD = regex.compile(
    r"\b(?:[Bb]orn|b\.|died|d\.|buried|interred|raised|[Ll]ocated|situated|killed|grew\sup|lived|home)\b"
)
_WITHIN = regex.compile(
    r"\b(?:in|at|near)\s(?P<places>‹[LlpouU]\d+›(?:,\s‹[Ll]\d+›){1,3})(?!\s?,?\s(?:and|or|&)\s(?:in\s)?(?:the\s)?‹|\s?,\s?‹|['’])"
)


def nested(passage: Passage, sentence: Sentence) -> Iterator[Claim]:
    """ "Born in Rosedale, Indiana": Rosedale is in Indiana, and is called "Rosedale, Indiana" as well."""
    if not _TOLD.search(sentence.pattern):
        return
    for match in _WITHIN.finditer(sentence.pattern):
        if not _TOLD.search(sentence.pattern, max(0, match.start() - 90), match.start()):
            continue
        places = [passage.as_type(mention, "Place") for mention in passage.marked(match["places"])]
        for inner, outer in pairwise(places):
            if inner.label == "Country":
                break  # "in Belgium, Germany, …" lists them
            if outer.name == inner.name:
                continue
            yield from claims(
                passage, sentence, match.span(), replace(inner, end=outer.end), "located_in", [outer], confidence=0.95
            )
