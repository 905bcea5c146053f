"""What the first sentence says of the title entity: its life dates, nation, occupations, year, kind and place."""

from collections.abc import Iterator
from itertools import pairwise

import regex

from nlp.describe import is_occupation
from nlp.lexicon import NATIONALITIES, words
from nlp.names import SURE
from nlp.passage import Passage, Sentence
from nlp.rules.claims import claims
from nlp.spans import Claim, Mention

_ABOUT = (
    r"(?:(?:c\.|ca\.|circa|around|about|before|after|baptised|baptized|bapt\.|on|in|probably"
    r"|possibly|or|early|late)\s?)*"
)
_PLACES = r"(?:\s?(?:,\s(?:in|at|near)|,|in|at|near|-)\s(?:the\s)?(?P<{0}>‹[LlOoPpUuKk]\d+›)(?:,\s‹[LlOoPpUuKk]\d+›)*)?"
_NAMED_BRACKET = regex.compile(r"‹[PpOoLlUuK](?P<name>\d+)›[\"”’]{0,2},?\s?\((?P<inside>[^()]{3,260})\)")
_RANGE = regex.compile(
    rf"^[^‹]{{0,40}}?(?:\bborn\s(?:(?:as\s)?‹[PpU]\d+›[;,]?\s)?)?{_ABOUT}(?P<born>‹D\d+›)"
    rf"(?:\s?/\s?‹D\d+›)?{_PLACES.format('born_in')}"
    rf"(?:\s?[-–—]+\s?(?:died:?\s|d\.\s)?|,?\s(?:died:?|d\.)\s|)(?:on\s)?{_ABOUT}"
    rf"(?P<died>‹D\d+›){_PLACES.format('died_in')}\s*$"
)
_BORN = regex.compile(
    rf"(?:\bborn(?:\sas|:)?(?:\s‹[PpUOo]\d+›[;,]?)?|\bb\.|\*)\s?(?:on\s|in\s)?{_ABOUT}"
    rf"(?P<born>‹D\d+›){_PLACES.format('born_in')}"
)
_BORN_IN = regex.compile(r"\bborn(?:\s‹[PpUOo]\d+›,?)?\s(?:in|at)\s(?P<born_in>‹[LlOoPpU]\d+›)")
_DIED = regex.compile(rf"(?:\b(?:died:?|d\.)|†|\+)\s?(?:on\s|in\s)?{_ABOUT}(?P<died>‹D\d+›){_PLACES.format('died_in')}")
_OPEN_END = regex.compile(rf"^\s*[-–—]\s?{_ABOUT}(?P<died>‹D\d+›)\s*$")
_NOT_LIFE = regex.compile(r"\b(?:reigned|ruled|r\.|fl\.|floruit|active|in office|from|since|until)\b")
_RELATIONS = {"born": "born_on", "died": "died_on", "born_in": "born_in", "died_in": "died_in"}

_COPULA = regex.compile(
    r"\s(?:is|was|are|were)\s(?:(?:also|now|formerly|originally|currently|probably|once|both|perhaps|first)\s)?"
    r"(?P<article>an?\s|the\s|one\sof\s(?:the\s)?)"
)
_PERSON_END = regex.compile(
    r"[.;:(]|,\s(?:who|which|whose|best|known|and\s(?:the|a|was|is)|the|born|son|daughter|a"
    r"|an)\b|\b(?:who|which|that|whose|from|in|for|born|best|known|of|at|with|as|by|to|and\s"
    r"(?:the|a|was|is)|during|noted|active|whom|associated|on|famous)\b"
)
_WORK_END = regex.compile(
    r"[.;:(]|,\s|\b(?:that|which|who|directed|written|produced|starring|featuring|composed|released|recorded|performed"
    r"|published|created|based|set|made|from|by|for|with|about|in|of|and\s(?:the|a)|as|at|on|to|under|during|shot)\b"
)
_PART = regex.compile(r"(?:,\s?and\s|,\s?|\sand\s|\s?&\s|\s?/\s?|\sas well as\s|-turned-|\sturned\s)")
_OCCUPATION = regex.compile(
    r"(?P<words>(?<!\p{L})(?:[\p{Ll}][\p{L}'’-]*-?\s){0,2}?(?P<head>[\p{Ll}][\p{L}'’-]*(?:-\s?[\p{Ll}]+)*))\s*$"
)
_PLAIN_ADJECTIVES = words("""
former retired professional famous noted prominent notable late early young old influential renowned leading
well-known popular acclaimed award-winning senior first second third current great important female male amateur
successful prolific celebrated pioneering powerful independent veteran occasional sometime the a an his her
minor lost
""")
_NOT_OCCUPATIONS = words("""
son daughter child brother sister mother father wife husband widow member man woman person figure winner native
grandson granddaughter nephew niece cousin youth boy girl consort heir one eldest younger founder resident
descendant claimant player founder leader
""")
_GENRE = regex.compile(
    r"(?P<genre>(?:[\p{Ll}][\p{Ll}–-]+\s){0,3}[\p{Ll}][\p{Ll}–-]+)\s(?P<head>film|movie|album"
    r"|song|novel|series|sitcom|opera)\b"
)
_NOT_GENRES = words("""
short feature silent studio debut second first third fourth fifth sixth seventh eighth ninth tenth live upcoming
black-and-white television tv independent sound lost hit color colour title best-selling new english-language
anthology compilation greatest hits single lead promotional web original limited american final surviving
feature-length direct-to-video made-for-television made-for-tv long-running popular full-length language
""")
_SOMEWHERE = regex.compile(
    r"\b(?:in|located in|situated in|within|on)\s(?:the\s)?(?:(?:[\p{Ll}-]+\s){0,5}(?:of|in)\s"
    r"(?:the\s)?)?(?P<places>‹[LlOoPpU]\d+›(?:,\s(?:in\s)?‹[LlOoPpU]\d+›)*)"
)
_CAPITAL = regex.compile(r"\bcapital(?:\scity)?\s(?:and\s[^‹]{0,30})?of\s(?:the\s)?(?P<place>‹[LlU]\d+›)")


def life(passage: Passage, sentence: Sentence) -> Iterator[Claim]:
    """Dates and places in brackets behind a name: "(12 May 1884, Vienna – 3 March 1950)", "(born 1975)"."""
    for bracket in _NAMED_BRACKET.finditer(sentence.pattern):
        person = passage.names[int(bracket["name"])]
        own = passage.topic is not None and person.name == passage.topic.name
        if not (person.label == "Person" or (passage.fits(person, "Person") and person.label != "Place")):
            continue
        start = bracket.start("inside")
        for part in regex.finditer(r"[^;]+", bracket["inside"]):
            yield from _life_of(passage, sentence, person, part[0], start + part.start(), own=own)


def _life_of(
    passage: Passage, sentence: Sentence, person: Mention, part: str, start: int, *, own: bool
) -> Iterator[Claim]:
    if _NOT_LIFE.search(part):
        return
    whole = _RANGE.match(part) or (_OPEN_END.match(part) if own else None)
    if whole is not None:
        days = any(" " in mention.name and not mention.name.endswith("BC") for mention in passage.marked(part))
        found = [whole] if own or days or "born" in part else []
    else:
        found = [m for m in (_BORN.search(part), _DIED.search(part), _BORN_IN.search(part)) if m]
    said: set[str] = set()
    for match in found:
        for group, value in match.groupdict().items():
            if value and group not in said:
                said.add(group)
                span = (start + match.start(group), start + match.end(group))
                objects = passage.marked(value)
                yield from claims(passage, sentence, span, person, _RELATIONS[group], objects, confidence=0.95)


def description(passage: Passage, sentence: Sentence) -> Iterator[Claim]:
    """What the title entity is said to be: "was an Italian actor and film director", "is a 1957 Argentine film"."""
    topic = passage.topic
    subject = passage.topic_mention(sentence)
    if topic is None or (subject is None and not sentence.pattern.startswith(("He ", "She ", "It ", "The "))):
        return
    copula = next(
        (m for m in _COPULA.finditer(sentence.pattern) if _level(sentence.pattern, m.start()) == 0), None
    )  # fmt: skip
    if copula is None:
        return
    if subject is None or passage.names.index(subject) > _first_mark(sentence.pattern, copula.start()):
        subject = passage.subject(sentence, sentence.at(copula.start() + 1), topic.type)
        if subject is None or subject.name != topic.name:
            return
    start = copula.end()
    rest = sentence.pattern[start:]
    kinds = passage.ontology
    if topic.type == "Person":
        end = _PERSON_END.search(rest)
        stretch = rest[: end.start()] if end else rest
        yield from _nations(passage, sentence, subject, stretch, start, "nationality")
        yield from _occupations(passage, sentence, subject, stretch, start)
    elif kinds.is_a(topic.type, "Work"):
        end = _WORK_END.search(rest)
        stretch = rest[: end.start()] if end else rest
        yield from _nations(passage, sentence, subject, stretch, start, "country_of_origin")
        yield from _years(passage, sentence, subject, stretch, start)
        yield from _genres(passage, sentence, subject, stretch, start)
    elif topic.type == "Organization":
        end = _WORK_END.search(rest)
        yield from _nations(
            passage, sentence, subject, rest[: end.start()] if end else rest, start, "country_of_origin"
        )  # fmt: skip
    if kinds.is_a(topic.type, "Place") or topic.type in {"Organization", "Thing"}:
        yield from _places(passage, sentence, subject, rest, start)


def _level(pattern: str, position: int) -> int:
    return pattern.count("(", 0, position) - pattern.count(")", 0, position)


def _first_mark(pattern: str, before: int) -> int:
    mark = regex.search(r"‹\p{L}(\d+)›", pattern[:before])
    return int(mark[1]) if mark else -1


def _nations(
    passage: Passage, sentence: Sentence, subject: Mention, stretch: str, start: int, relation: str
) -> Iterator[Claim]:
    for mark in regex.finditer(r"(?<!-\s?)‹[NL]\d+›(?!-?\s?(?:born|set|language|trained|based)\b)", stretch):
        nation = passage.marked(mark[0])[0]
        if nation.label != "Nationality" and nation.name not in NATIONALITIES:
            continue
        span = (start + mark.start(), start + mark.end())
        parts = [part.strip() for part in regex.split(r"[-–]", nation.name)]
        known = [part for part in parts if part in NATIONALITIES]
        for part in known if len(known) == len(parts) else [nation.name]:
            country = NATIONALITIES.get(part)
            if relation == "nationality" or country is None:
                name, label = part, "Nationality"
            else:
                name, label = country, "Country"
            if relation == "nationality" or label == "Country":
                object = Mention(
                    nation.start, nation.end, name, label, SURE, coreferent=label == "Country" or name != nation.name
                )
                yield from claims(passage, sentence, span, subject, relation, [object], confidence=0.95)


def _occupations(passage: Passage, sentence: Sentence, subject: Mention, stretch: str, start: int) -> Iterator[Claim]:
    position = 0
    pieces = [*_PART.finditer(stretch), None]
    for separator in pieces:
        end = separator.start() if separator else len(stretch)
        piece = stretch[position:end]
        match = _OCCUPATION.search(piece)
        if match and is_occupation(match["head"].replace(" ", "")) and match["head"] not in _NOT_OCCUPATIONS:
            words = match["words"].split(" ")
            while len(words) > 1 and (words[0] in _PLAIN_ADJECTIVES or words[0].endswith("ly") or words[0] == "-"):
                words = words[1:]
            name = " ".join(words).replace("- ", "-").strip("- ")
            offset = position + match.end("words") - len(" ".join(words))
            base = passage.chunk.start
            last = sentence.at(start + position + match.end("words") - 1) + 1
            object = Mention(base + sentence.at(start + offset), base + last, name, "Occupation", SURE)
            span = (start + offset, start + position + match.end("words"))
            yield from claims(passage, sentence, span, subject, "occupation", [object], confidence=0.9)
        position = separator.end() if separator else end


def _years(passage: Passage, sentence: Sentence, subject: Mention, stretch: str, start: int) -> Iterator[Claim]:
    for mark in regex.finditer(r"‹D\d+›(?!\s?(?:novel|play|book|song|album)s?\s(?:by|of))", stretch):
        span = (start + mark.start(), start + mark.end())
        yield from claims(passage, sentence, span, subject, "released_on", passage.marked(mark[0]), confidence=0.9)
        return


def _genres(passage: Passage, sentence: Sentence, subject: Mention, stretch: str, start: int) -> Iterator[Claim]:
    match = _GENRE.search(stretch)
    if match is None:
        return
    words = match["genre"].split(" ")
    while words and words[0].casefold() in _NOT_GENRES:
        words = words[1:]
    while words and words[-1].casefold() in _NOT_GENRES:
        words = words[:-1]
    genre = " ".join(words)
    if not genre or len(genre) < 3:
        return
    begin = start + match.start("genre") + match["genre"].index(genre)
    first, last = sentence.at(begin), sentence.at(begin + len(genre) - 1) + 1
    base = passage.chunk.start
    object = Mention(base + first, base + last, f"{genre} {match['head']}", "Concept", SURE, coreferent=True)
    yield from claims(passage, sentence, (begin, begin + len(genre)), subject, "genre", [object])


def _places(passage: Passage, sentence: Sentence, subject: Mention, rest: str, start: int) -> Iterator[Claim]:
    capital = _CAPITAL.search(rest)
    if capital:
        span = (start + capital.start(), start + capital.end())
        yield from claims(
            passage, sentence, span, subject, "capital", passage.marked(capital["place"]), reverse=True
        )  # fmt: skip
    match = _SOMEWHERE.search(rest.partition(". ")[0])
    if match is None:
        return
    places = passage.marked(match["places"])
    span = (start + match.start(), start + match.end())
    yield from claims(passage, sentence, span, subject, "located_in", places)
    for inner, outer in pairwise(places):
        yield from claims(passage, sentence, span, inner, "located_in", [outer], confidence=0.8)
