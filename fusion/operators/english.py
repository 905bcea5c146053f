"""The words of English questions that combine, count, compare, limit, deny or ask whether."""

from collections.abc import Iterator
from itertools import pairwise

import regex

from fusion.operators.forms import Extreme, Limit, More, Parts, Versus, Whether, Without
from fusion.operators.phrase import NAME, ONE, Phrase, Place, ends, expecting
from fusion.operators.senses import COMPARATIVES, EVENT, SUPERLATIVES, Sense, of_noun, sense
from fusion.operators.values import Bound, Value, read_date, read_number
from nlp.dates import find_dates

_AUX = r"(?:did|does|do|was|were|is|are|has|have|had)"
_BE = r"(?:(?:(?:that|which|who|and)\s+)?(?:(?:was|were|is|are|be|been|has|have|had|got|to)\s+)*)"
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
_NOT = r"(?:not|never)|n['’]t"
_MORE, _LESS = (
    r"longer|taller|higher|bigger|larger|greater|heavier|faster|richer|more|older",
    r"shorter|lower|smaller|lighter|slower|less|fewer|cheaper|younger",
)
_NEGATION = regex.compile(
    r"\b(?:not|never|neither|nor|without|except|excluding|lack(?:s|ing)?)\b|n['’]t\b|\bno\b(?!\.)", regex.IGNORECASE
)
_NO_MORE = regex.compile(
    rf"no\s+(?:later|earlier|{_MORE}|{_LESS})\s+than\s+(?:\p{{L}}+\s+){{0,2}}\W?\d", regex.IGNORECASE
)
_BOUNDS: dict[str, Bound] = {
    "after": "after", "later than": "after", "since": "since", "from": "since", "no earlier than": "since",
    "before": "before", "earlier than": "before", "prior to": "before", "until": "until", "till": "until",
    "no later than": "until", "in": "in", "on": "in", "during": "in",
}  # fmt: skip
_DATED = regex.compile(
    rf"(?:{_BE}(?P<event>{EVENT})\s+)?(?P<bound>{'|'.join(sorted(_BOUNDS, key=len, reverse=True))}|between)"
    r"\s+(?:the\s+years?\s+|the\s+)?$",
    regex.IGNORECASE,
)
_DECADE = regex.compile(r"(?<!\d)(?P<year>\d{3}0)s\b")
_MEASURED = regex.compile(
    r"(?:(?:with|having|that ha[sd]|which ha[sd]|that have|whose)\s+(?:an?\s+|the\s+)?"
    rf"(?P<noun>(?!no\b)\p{{L}}+(?:\s\p{{L}}+)?)\s+(?:of\s+|is\s+|was\s+)?)?{_BE}"
    rf"(?P<bound>(?P<no>no\s+)?(?:(?P<more>{_MORE})|(?P<less>{_LESS}))\s+than|(?P<over>over|above)"
    r"|(?P<under>under|below)|(?P<least>at least)|(?P<most>at most|up to)"
    r"|(?P<exactly>exactly))\s+(?P<value>[$€£¥]?\d.*)",
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
        listed = run is not None and not _PREPOSITION.search(words[: run[0][0][0]])
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
    places, asked = run[0], regex.match(r"\s*(?:who|which|what)(?:\s+of\b)?", words, regex.IGNORECASE)
    begin = asked.end() if asked is not None else 0
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
        rf"(?:{_BE}(?:with|having|has|have|had)\s+)the\s+(?P<word>{most})\s+(?P<noun>\p{{L}}+(?:\s(?!of\b)\p{{Ll}}+)?)",
        words,
        regex.IGNORECASE,
    )
    if noun is not None:
        meant = of_noun(noun["word"].casefold(), noun["noun"].casefold())
        return None if meant is None else Extreme(meant, phrase.put(noun.start(), noun.end()))
    for pattern in (
        rf"{_BE}(?P<event>{EVENT})\s+(?:the\s+|very\s+)*(?P<word>{SUPERLATIVES})",
        rf"{_BE}(?:the\s+|very\s+)*(?P<word>{SUPERLATIVES})\s+(?:one\s+)?(?:to\s+(?:be\s+|have been\s+)?)?"
        rf"(?P<event>{EVENT})",
        rf"\b{_BE}(?:the\s+|very\s+)*(?P<word>{SUPERLATIVES})(?:\s+one)?(?=\s*[?.!]*\s*$)",
        rf"(?:\bvery\s+)?(?P<word>{SUPERLATIVES})(?=\s+[\p{{L}}{NAME}])",
    ):
        found = regex.search(pattern, words, regex.IGNORECASE)
        if found is not None and regex.match(r"\s+(?:names?|time)\b", words[found.end() :]) is None:
            meant = sense(found["word"], found[0])
            return None if meant is None else Extreme(meant, phrase.put(found.start(), found.end()))
    return None


def limited(phrase: Phrase) -> Limit | None:
    """A date or a number that the value of what is asked for lies before, after, above, …"""
    for start, end, value, upper in _dates(phrase):
        found = _DATED.search(phrase.words[:start])
        if found is None:
            continue
        if found["bound"].casefold() == "between" or (upper is not None and found["bound"].casefold() == "from"):
            last = _upper(phrase, end) if upper is None else (end, upper)
            if last is None:
                continue
            end, upper = last
            bounds: tuple[tuple[Bound, Value], ...] = (("since", value), ("until", upper))
        elif upper is not None:
            bounds = (("since", value), ("until", upper))
        else:
            bounds = ((_BOUNDS[found["bound"].casefold()], value),)
        meant = sense("first", found["event"] or "")
        rest = _free(phrase, found.start(), end).put(found.start(), end)
        if meant is not None and rest.places:
            return Limit(meant, bounds, phrase.text[found.start("bound") : end], rest)
    return _measured(phrase)


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
    denials = (found for found in _NEGATION.finditer(phrase.words) if not _NO_MORE.match(phrase.text, found.start()))
    return next((found[0] for found in denials), None)


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


def _dates(phrase: Phrase) -> Iterator[tuple[int, int, Value, Value | None]]:
    """Dates that are no part of a longer name; of a decade, its first and its last year."""
    longer = phrase.places
    found: list[tuple[int, int, Value | None, Value | None]] = [
        (match.start(), match.end(), read_date(match["year"]), read_date(match["year"][:3] + "9"))
        for match in _DECADE.finditer(phrase.text)
    ]
    found += [(start, end, read_date(name), None) for start, end, name in find_dates(phrase.text)]
    for start, end, value, upper in sorted(found, key=lambda one: one[0]):
        inside = any(a <= start and end <= b and (a, b) != (start, end) for a, b in longer)
        if value is not None and not inside:
            yield start, end, value, upper


def _upper(phrase: Phrase, start: int) -> tuple[int, Value] | None:
    for first, end, value, _ in _dates(phrase):
        if first >= start and regex.fullmatch(r"\s*(?:and|to|-|–)\s*", phrase.text[start:first]):
            return end, value
    return None


def _free(phrase: Phrase, start: int, end: int) -> Phrase:
    """The phrase without the names that stand in a stretch, which are values there."""
    return phrase.only(place for place in phrase.places if place[1] <= start or place[0] >= end)


def _measured(phrase: Phrase) -> Limit | None:
    found = _MEASURED.search(phrase.text)
    if found is None:
        return None
    words = found["value"].split()
    for count in range(min(4, len(words)), 0, -1):
        said = regex.match(rf"(?:\S+\s+){{{count - 1}}}\S+", found["value"])
        value = read_number(said[0].rstrip("?.,! ")) if said is not None else None
        if said is None or value is None:
            continue
        end = found.start("value") + len(said[0].rstrip("?.,! "))
        bound: Bound = (
            "until" if found["most"] or (found["no"] and found["more"])
            else "since" if found["least"] or (found["no"] and found["less"])
            else "after" if found["more"] or found["over"]
            else "before" if found["less"] or found["under"] else "in"
        )  # fmt: skip
        noun = _counts(value, said[0], phrase.words[end:])
        if found["noun"]:
            meant: Sense | None = of_noun("most", found["noun"].casefold())
        elif noun is not None:
            meant, end = of_noun("most", noun["noun"].casefold()), end + noun.end()
        else:
            word = (found["more"] or found["less"] or "").casefold()
            meant = sense(word) or Sense(found[0], (), 0, 1)
        rest = _free(phrase, found.start(), end).put(found.start(), end)
        if meant is not None and rest.places:
            said_so = phrase.text[found.start("noun" if found["noun"] else "bound") : end]
            return Limit(
                Sense(meant.word, meant.hints, 0, meant.number or 1, meant.strict), ((bound, value),), said_so, rest
            )
    return None


def _counts(value: Value, said: str, after: str) -> "regex.Match[str] | None":
    """What a number without a unit counts, by the word behind it: "more than 3 prizes"."""
    if value.kind or any(c.isalpha() for c in said):
        return None
    return regex.match(
        r"\s+(?!(?:and|or|but|by|in|on|at|of|for|to|with|from|that|which|who|than|\p{L}+ed)\b)(?P<noun>\p{Ll}+)", after
    )
