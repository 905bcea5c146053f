"""The words of English questions that combine, count, compare, limit, deny or ask whether."""

from collections.abc import Iterator
from itertools import pairwise

import regex

from fusion.operators.english_limits import BE, ORDINAL, negated
from fusion.operators.forms import Extreme, More, Parts, Versus, Whether, Without
from fusion.operators.phrase import NAME, ONE, Phrase, Place, ends, expecting
from fusion.operators.senses import COMPARATIVES, EVENT, SUPERLATIVES, of_noun, sense

_AUX = r"(?:did|does|do|was|were|is|are|has|have|had)"
_NOUN = rf"(?!{_AUX}\b|of\b|the\b)\p{{L}}+"
_HEAD = regex.compile(
    r"^\s*(?:(?:please\s+)?(?:tell me|list|name|give me|show me|find|(?:is|are|were)\s+there)\s+)?"
    rf"(?:all\s+|any\s+)?(?:of\s+)?(?:(?:in|on|from|for|by|to)\s+)?(?:(?:which|what)\b(?:\s+{_NOUN})?|whom?\b|the\s+{_NOUN}|{_NOUN})",
    regex.IGNORECASE,
)
_COUNT = regex.compile(
    r"\b(?:how many|(?:(?:what|which)(?:'s| is| was)?\s+)?(?:the\s+)?(?:total\s+)?number of|count(?:\s+up)?(?:\s+all)?)"
    r"(?:\s+of)?(?:\s+the)?\b",
    regex.IGNORECASE,
)
_LISTED = regex.compile(
    r"\s*,?\s*(?:\b(?P<way>and|or|as well as|and also|or else|and/or|&)\s*)?(?:also\s+)?"
    r"(?:(?:by|of|from|with|in|at|for|to)\s+)?",
    regex.IGNORECASE,
)
_JOINT = regex.compile(r",?\s*\b(?:and|but|or)\b(?:\s+(?:also|either))?(?:\s+by)?\s*", regex.IGNORECASE)
_IMPLICIT = regex.compile(
    rf"\s(?={_AUX}\b)|\s(?=(?:that|which|with|starring|featuring|in which|where|\p{{L}}+(?:ed|en|ing)\s+(?:by|in))\b)",
    regex.IGNORECASE,
)
_WORD = regex.compile(r"\s(?=\p{Ll}+\s*$)")
_PREPOSITION = regex.compile(r"\b(?:by|with|from|starring|in|for|(?<!out )of)\s*$|'s\s*$", regex.IGNORECASE)
_DATE_NEXT = r"\s+(?:to\s+|the\s+|year\s+)*(?:\d|\p{L}+\s\d)"
_MADE_OF = regex.compile(r"\b(?:between|among|out of|the two|comparing)\b", regex.IGNORECASE)
_OF_THESE = regex.compile(
    rf"(?:{SUPERLATIVES}(?:\s+one)?|^\s*(?:which|who|what)(?:\s+one)?)\s+(?:of|among)\s*$", regex.IGNORECASE
)
_NOT = r"(?:not|never)|n['’]t"
_NEGATION = regex.compile(
    r"\b(?:not|never|neither|nor|without|except|excluding|lack(?:s|ing)?)\b|n['’]t\b|\bno\b(?!\.)", regex.IGNORECASE
)


_RANK = regex.compile(
    rf"\b{ORDINAL}[\s-]+(?:most|last|to last|(?!(?:of|and|or|century|centuries|times?)\b)\p{{Ll}}+)",
    regex.IGNORECASE,
)


def counted(phrase: Phrase) -> Phrase | None:
    """What is to be counted, asked for by itself."""
    found = _COUNT.search(phrase.words)
    return None if found is None else phrase.put(found.start(), found.end(), "which")


def versus(phrase: Phrase) -> Versus | None:
    """Things that are named, and held against each other."""
    words, places = phrase.words, phrase.places
    if len(places) < 2:
        return None
    comparative = regex.search(rf"{COMPARATIVES}(?!{_DATE_NEXT})", words, regex.IGNORECASE)
    claim = regex.fullmatch(
        rf"\s*(?:{_AUX})\s+({ONE})\s+(?P<words>[^{NAME}]*?)({ONE})[^{NAME}]*", words, regex.IGNORECASE
    )
    if claim is not None and regex.search(r"\b(?:than|before|after|prior to)\s*(?:the\s*)?$", claim["words"]):
        compared = regex.search(COMPARATIVES, claim["words"], regex.IGNORECASE)
        meant = sense(compared[0], words) if compared is not None else None
        if meant is not None:
            return Versus(meant, (places[0], places[1]), claimed=places[0])
    run = next(_runs(phrase), None)
    word = comparative or regex.search(SUPERLATIVES, words, regex.IGNORECASE)
    if word is None:
        return None
    if (regex.search(SUPERLATIVES, words, regex.IGNORECASE) is not None and comparative is None) or word[0] in (
        "first",
        "last",
    ):
        listed = run is not None and (
            not _PREPOSITION.search(words[: run[0][0][0]])
            or (_OF_THESE.search(words[: run[0][0][0]]) is not None and not words.startswith("'s", run[0][-1][1]))
        )
        other = any(regex.search(r"\bor\b", words[a[1] : b[0]]) for a, b in pairwise(places))
        if not listed and not _MADE_OF.search(words) and not (other and run is None):
            return None
    meant = sense(word[0], words)
    return None if meant is None else Versus(meant, tuple(run[0]) if run is not None else None)


def more(phrase: Phrase) -> More | None:
    """Which of the things named has more, or fewer, of something: what is to be counted of each."""
    words = phrase.words
    found = regex.search(rf"\b(?P<way>more|most|fewer|less|fewest)\s+(?P<noun>{_NOUN})", words, regex.IGNORECASE)
    run = next(_runs(phrase), None)
    if found is None or run is None or sense(found[0]) is not None or regex.match(r"\s+than\b", words[found.end() :]):
        return None
    kind = r"(?:\s+\p{L}+(?=\s+(?:has|have|had)\b))?"  # of those compared: nothing that is counted of them
    asked = regex.match(rf"\s*(?:who|(?:which|what){kind})(?:\s+of\b)?", words, regex.IGNORECASE)
    places, begin = run[0], 0 if asked is None else asked.end()
    parts = tuple(
        (place, phrase.joined(f"which {found['noun']}", (begin, found.start()), (found.end(), places[0][0]), place))
        for place in places
    )
    return More(parts, -1 if found["way"].casefold() in ("fewer", "less", "fewest") else 1)


def extreme(phrase: Phrase) -> Extreme | None:
    """The one of those asked for that has the most, or the least, of something."""
    words = phrase.words
    most = rf"(?:{SUPERLATIVES}|\b(?:most|least|fewest|best|worst)\b)"
    noun = regex.search(
        rf"(?:{BE}(?:with|having|has|have|had)\s+)the\s+(?P<word>{most})\s+(?P<noun>\p{{L}}+(?:\s(?!of\b)\p{{Ll}}+)?)",
        words,
        regex.IGNORECASE,
    )
    if noun is not None:
        meant = of_noun(noun["word"].casefold(), noun["noun"].casefold())
        return None if meant is None else Extreme(meant, phrase.put(noun.start(), noun.end()))
    for pattern in (
        rf"{BE}(?P<event>{EVENT})\s+(?:the\s+|very\s+)*(?P<word>{SUPERLATIVES})",
        rf"{BE}(?:the\s+|very\s+)*(?P<word>{SUPERLATIVES})\s+(?:one\s+)?(?:to\s+(?:be\s+|have been\s+)?)?"
        rf"(?P<event>{EVENT})",
        rf"\b{BE}(?:the\s+|very\s+)*(?P<word>{SUPERLATIVES})(?:\s+one)?(?=\s*[?.!]*\s*$)",
        rf"(?:\bvery\s+)?(?P<word>{SUPERLATIVES})(?=\s+[\p{{L}}{NAME}])",
    ):
        found = regex.search(pattern, words, regex.IGNORECASE)
        if found is not None and regex.match(r"\s+(?:names?|time)\b", words[found.end() :]) is None:
            meant = sense(found["word"], found[0])
            return None if meant is None else Extreme(meant, phrase.put(found.start(), found.end()))
    return None


def parted(phrase: Phrase) -> Parts | None:
    """Two things or more that what is asked for has to do with: with all of them, or with any."""
    places = phrase.places
    if len(places) < 2:
        return None
    for run, way in _runs(phrase):
        before = regex.sub(r"\b(?:both|either)\s+$", "", phrase.text[: run[0][0]])
        parts = [phrase.joined((0, len(before)), place, (run[-1][1], len(phrase.text))) for place in run]
        return Parts(way != "or", tuple(parts), listed=True)
    for (_, end), (start, _) in pairwise(places):
        gap = phrase.words[end:start]
        joint = list(_JOINT.finditer(gap))
        split = joint[-1] if joint else _IMPLICIT.search(gap) or _WORD.search(gap)
        if split is None:
            continue
        first = phrase.joined((0, end + split.start()))
        first = _without_word(first, r"\b(?:both|either)\s+")
        second = _headed(phrase, end + split.end())
        if first.places and second is not None:
            either = "or" in split[0].casefold().split()
            return Parts(not either, (first, second), tentative=not joint)
    return None


def without(phrase: Phrase) -> Without | None:
    """What is asked for without those that something else leads to."""
    words = phrase.words
    first = regex.match(
        r"\s*(?:except(?:ing)?|excluding|apart from|other than|without)\b(?:\s+(?:for|those|the ones))*(?P<out>[^,]+),"
        r"\s*(?P<rest>.+)$",
        words,
        regex.IGNORECASE,
    )
    if first is not None and len(phrase.places) == 2:
        rest = phrase.joined(first.span("rest"))
        turned = phrase.joined(first.span("rest"), first.span("out"))
        out = _headed(turned, len(rest.text))
        return None if out is None or len(out.places) != 1 else Without(rest, out)
    found = regex.search(
        rf"(?:,\s*)?(?:(?:\b(?:but|and|that|which|who|in which|where)\s+)+(?:{_AUX}\s+)?(?:{ONE}\s+)?"
        rf"|\b{_AUX}\s+{ONE}\s+)?"
        rf"(?:\b{_AUX}(?:{_NOT})?\s*)?"
        rf"(?:\b{_AUX}n['’]t\s+{ONE}|\b(?:not|never)\b|n['’]t\b|\b(?:without|except|excluding|lack(?:s|ing)?)\b)",
        words,
        regex.IGNORECASE,
    )
    if found is None:
        return None
    kept = phrase.joined((0, found.start()))
    positive = regex.sub(r"^(?:,\s*)?(?:(?:but|and|that|which|who|in which|where)\s+)+", "", words[found.start() :])
    shift = len(phrase.text) - len(positive)
    dropped = _headed(phrase, shift)
    if dropped is None or not kept.places or len(dropped.places) != 1:
        return None
    for pattern, by in (
        (r"\b(?:not|never)\s+", ""),
        (r"n['’]t\b", ""),
        (r"\b(?:without|lack(?:s|ing)?)\b", "with"),
        (r"\b(?:except|excluding)(?:\s+(?:those|the ones|for))*\b", ""),
    ):
        negation = regex.search(pattern, dropped.words, regex.IGNORECASE)
        if negation is not None:
            dropped = dropped.put(negation.start(), negation.end(), by)
    return Without(_without_word(kept, r"\s+(?:was|were|is|are|did|do|does)\s*$"), dropped)


def denial(phrase: Phrase) -> str | None:
    """The word by which a question asks for what is not."""
    denials = (found for found in _NEGATION.finditer(phrase.words) if not negated(phrase, found.start()))
    return next((found[0] for found in denials), None)


def ranked(phrase: Phrase) -> str | None:
    """The words that ask for the second, the third, … of several."""
    found = _RANK.search(phrase.words)
    return None if found is None else found[0]


def asks_whether(phrase: Phrase) -> bool:
    """Whether a question is to be answered by yes or no."""
    return regex.match(rf"\s*{_AUX}\b(?!\s+there\b)", phrase.words, regex.IGNORECASE) is not None


def unasked(phrase: Phrase) -> Phrase:
    """The phrase without the word that asks whether."""
    return _without_word(phrase, rf"^\s*{_AUX}\b\s*")


def whether(phrase: Phrase) -> Whether | None:
    """A question of yes or no about two things."""
    words, places = phrase.words, phrase.places
    found = regex.match(rf"\s*(?P<aux>{_AUX})\s+(?:the\s+)?(?:\p{{Ll}}+\s+)?(?={NAME})", words, regex.IGNORECASE)
    if found is None or len(places) != 2 or next(_runs(phrase), None) is not None:
        return None
    (_, first), (second, last) = places
    gap, aux = words[first:second], found["aux"]
    stop = ends(phrase.text)
    role = regex.fullmatch(r"\s+(?:also\s+)?(?:an?|the|one of the)\s+(?!\p{L}+\s+by\b).*", gap) or not gap.strip()
    if aux.casefold() in ("is", "are", "was", "were") and role:
        asked = phrase.joined(_word(phrase, places[0]), aux, (first, stop))
        return Whether(((expecting(asked, phrase, places[0]), places[0]),))
    verb = "" if aux.casefold() in ("did", "does", "do") else aux
    of_second = phrase.joined(_word(phrase, places[0]), verb, (first, stop))
    of_first = phrase.joined(_word(phrase, places[1]), aux, (found.end(), second), (last, stop))
    both = (
        (expecting(of_second, phrase, places[0]), places[0]),
        (expecting(of_first, phrase, places[1]), places[1]),
    )
    passive = regex.search(r"\bby\s*$", gap) is not None
    return Whether(both[::-1] if passive else both, passive)


def role(phrase: Phrase) -> tuple[str, Phrase] | None:
    """A noun that says what those asked for are beside, as "actors" does in "which actors were born in Rome"."""
    found = regex.match(rf"\s*(?:which|what)\s+(?P<noun>{_NOUN})\s+(?=\p{{L}}|{NAME})", phrase.words, regex.IGNORECASE)
    return None if found is None else (found["noun"], phrase.put(0, found.end(), "who "))


def _word(phrase: Phrase, place: Place) -> str:
    kinds = {one.entity.type for one in phrase.at(place)}
    return "who" if kinds & {"Person", "Agent", "Organization"} else "what"


def _runs(phrase: Phrase) -> Iterator[tuple[list[Place], str]]:
    """Names that stand in a list, and what joins the last two of them."""
    run: list[Place] = []
    way = ""
    for place in phrase.places:
        listed = _LISTED.fullmatch(phrase.words[run[-1][1] : place[0]]) if run else None
        if listed is not None and (listed["way"] or "," in listed[0]):
            run.append(place)
            way = (listed["way"] or way).casefold()
            continue
        if len(run) > 1 and way:
            yield run, "or" if way.startswith("or") else "and"
        run, way = [place], ""
    if len(run) > 1 and way:
        yield run, "or" if way.startswith("or") else "and"


def _headed(phrase: Phrase, start: int) -> Phrase | None:
    """The words from a place on as a question of their own, with the words that the whole begins with."""
    head = _HEAD.match(phrase.words)
    places = phrase.places
    if head is None or not places or head.end() > places[0][0]:
        return None
    rest = phrase.words[start:]
    aux = regex.match(rf"\s+({_AUX})\b", phrase.words[head.end() :], regex.IGNORECASE)
    wanted = regex.match(rf"\s*(?:{NAME}|(?:an?|the)\b)", rest, regex.IGNORECASE) is not None
    wanted = wanted and regex.search(rf"\b{_AUX}\b", rest[:40], regex.IGNORECASE) is None
    return phrase.joined((0, head.end()), aux[1] if aux is not None and wanted else "", (start, len(phrase.text)))


def _without_word(phrase: Phrase, pattern: str) -> Phrase:
    found = regex.search(pattern, phrase.words, regex.IGNORECASE)
    return phrase if found is None else phrase.put(found.start(), found.end())
