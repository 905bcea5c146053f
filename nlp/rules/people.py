"""Lives: births and deaths told in words, schools, employers, prizes; marriages and kin."""

from collections.abc import Iterator

import regex

from nlp.lexicon import AWARD_WORDS, SCHOOL_WORDS, words
from nlp.names import SURE
from nlp.passage import MARK, Passage, Sentence, is_female
from nlp.rules.claims import LIST, NAME, WORDS, claims, listed
from nlp.spans import Claim, Mention

_PLACE = (
    r"(?:the\s)?(?:(?:(?:small|rural|royal|imperial)\s)?(?:city|town|village|parish|region"
    r"|province|county|district|state|island|suburb|hamlet|castle|palace|capital|house"
    r"|neighbou?rhood)\s(?:city\s)?(?:of\s|in\s)(?:the\s)?|what\sis\snow\s|present-day\s"
    r"|nearby\s|central\s|northern\s|southern\s|eastern\s|western\s|‹N\d+›\s(?:city|town"
    r"|village)\sof\s)*(?P<place>‹[LlPpOoUkwe]\d+›)(?:\s?,\s‹[LlPpOoUkwe]\d+›)*"
)
_ON = r"(?:on|in|around|about|circa|c\.)\s(?:the\s)?(?:(?:around|about|circa|c\.|early|late)\s)?(?P<date>‹D\d+›)"
_LIFE_VERB = regex.compile(
    r"(?<![\p{L}-]\s?-\s?)\b(?P<verb>[Bb]orn(?:\sand\s(?:raised|brought\sup|died|educated))?|died"
    r"(?:\sand\swas\sburied)?|buried|interred|killed|assassinated|executed|drowned"
    r"|passed\saway)\b(?!\sto\b|\sinto\b(?!\san?\s[\p{Ll}\s-]{0,40}?\bfamily\s(?:in|at|near)\s))"
)
_NEXT_CLAUSE = regex.compile(  # "Born in ‹L1›, ‹P2› moved to ‹L3› in ‹D4›"
    r",\s(?:‹[PpUOo]\d+›|he|she|the\s\p{Ll}+)\s(?!on\b|in\b|at\b|to\b|and\b|the\b|of\b|near\b|as\b|who\b)\p{Ll}"
)
_TAIL_DATE = regex.compile(rf"^(?:[^.;‹]|‹[LlPpOoUkwe]\d+›|‹K\d+›){{0,60}}?\b{_ON}")
_TAIL_PLACE = regex.compile(
    rf"^(?:(?!\b(?:and|to|where|when|while|after|before)\b)[^.;‹]|‹[DPpUOoK]\d+›){{0,50}}?\b(?:in|at|near)\s{_PLACE}"
)
_NEGATED = regex.compile(r"\b(?:not|never)\s(?:\p{L}+\s)?$")
_KIN_HINT = regex.compile(
    r"born|son|daughter|child|father|mother|brother|sister|twin|sibling|wife|husband|widow|spouse|consort|parent"
)
_BORN_TO = regex.compile(
    r"\bborn\b(?:[^.;‹]|‹[DLlUo]\d+›){0,80}?\b(?:to|as\sthe\s(?:[\p{Ll}-]+\s){0,3}(?:son"
    r"|daughter|child)\sof|(?:the\s)?(?:[\p{Ll}-]+\s){0,2}(?:son|daughter"
    rf"|child)\sof)\s{LIST}"
)
_STUDIED = regex.compile(
    r"\b(?:educated|studied|graduated|schooled|enrolled|trained|matriculated|earned|received"
    r"|obtained|alumnus|alumna|attended|attending)\b"
    r"(?P<between>(?:(?!\b(?:under|taught|with|where|before|after)\b)[^.;‹]"
    r"|‹[DN]\d+›){0,70}?)(?:\b(?:at|from|of)\s(?:both\s)?|(?<=attended\s)|"
    rf"(?<=attending\s)){LIST}"
)
_WORKS = regex.compile(
    r"\b(?:(?:works|worked|working|employed|professor|lecturer|teaches|taught|editor|reporter"
    r"|journalist)\b(?:\s(?:as\s)?[\p{Ll}\s-]{0,40}?)?\s(?:for|at)|joined|(?:professor"
    r"|dean|director|president|chairman|CEO|founder)\s(?:emeritus\s)?(?:of"
    rf"|at)\b[^.;‹]{{0,30}}?\bat)\s{LIST}"
)
_CAREER = regex.compile(  # what every pattern of a career needs, found fast
    r"educat|stud|graduat|school|enrol|train|matric|earn|receiv|obtain|alumn|attend|work|employ|profess|lectur|teach|taught"
    r"|edit|report|journal|join|dean|direct|president|chair|CEO|found|play|won|award|recipient|winn"
)
_PLAYS = regex.compile(
    r"\b(?:plays|played|playing)\b(?:\s(?:professionally|as\san?\s[\p{Ll}\s-]{1,30}?"
    r"|in\s[^.;‹]{1,20}?|professional\s[\p{Ll}\s]{1,20}?))?\sfor\s(?:the\s|(?:‹N\d+›"
    r"|[\p{Ll}-]+|‹[LlPp]\d+›(?='))\s?(?:side|club|team|clubs)\s){0,3}(?P<list>"
    rf"(?:{WORDS}{NAME})(?:(?:,\s|\sand\s|,\sand\s){NAME})*)"
)
_WON = regex.compile(
    r"\b(?:won|received|awarded|recipient\sof|winner\sof|winning|earned)\b(?P<between>(?:(?!\b"
    rf"(?:nomination|nominations|nominated|for)\b)[^.;‹]|‹[DN]\d+›){{0,40}}?){LIST}"
)
_NOMINATED = regex.compile(r"\s?[\p{L}\s-]{0,20}?nominat")
_PARTIES = words("""
Party Congress League Movement Front Alliance Union Army Navy Force Corps Senate Parliament
""")
_HEDGED = regex.compile(
    r"\b(?:perhaps|possibly|probably|allegedly|alleged|supposed|reputed|presumed|rumou?red|not"
    r"|claimed)\s(?:\p{L}+\s){0,4}$"
)
_KIN = {
    "son": "child_of",
    "daughter": "child_of",
    "child": "child_of",
    "children": "child_of",
    "sons": "child_of",
    "daughters": "child_of",
    "father": "father_of",
    "mother": "mother_of",
    "brother": "sibling",
    "sister": "sibling",
    "half-brother": "sibling",
    "half-sister": "sibling",
    "half brother": "sibling",
    "half sister": "sibling",
    "twin": "sibling",
    "sibling": "sibling",
    "wife": "married_to",
    "husband": "married_to",
    "widow": "married_to",
    "widower": "married_to",
    "spouse": "married_to",
    "consort": "married_to",
    "ex-wife": "married_to",
    "ex-husband": "married_to",
    "brothers": "sibling",
    "sisters": "sibling",
    "parents": "parents_of",
    "siblings": "sibling",
}
_KIN_WORD = (
    r"(?<![\p{L}]-\s?|\bstep|\bgrand|\bfoster\s|\badoptive\s|\badopted\s|\bgod)"
    rf"(?P<kin>{'|'.join(sorted(_KIN, key=lambda k: -len(k)))})\b(?!\s?-\s?in|\sin\slaw|-)"
)
_KIN_OF = regex.compile(
    r"(?:\b(?:the|a|an|his|her|only|and|as|was|is)\s|,\s|^|[–-])(?:(?:[\p{Ll}-]+|\d+(?:st|nd"
    rf"|rd|th)|(?:first|second)[\s-]born|\([^()]*\)),?\s(?:and\s)?){{0,4}}?{_KIN_WORD}"
    rf"(?:\s\([^()]*\))?\s(?:born\s)?(?:of|to)\s{LIST}"
)
_OWN_KIN = regex.compile(
    rf"(?:\b(?P<owner>[Hh]is|[Hh]er)|(?P<name>{NAME})['’]s?)\s(?:(?:‹N\d+›|[\p{{Ll}}-]+|\d+"
    rf"(?:st|nd|rd|th)),?\s(?:and\s)?){{0,4}}?{_KIN_WORD}"
    r"(?:\s?,\s|\s|,?\s(?:was|is|were|are)\s|,?\s(?:\p{Ll}+\s){0,2}?named\s|\s\([^()]*\)\s"
    rf"(?:was|is)\s)(?:the\s)?(?P<other>{WORDS}{NAME}(?:(?:,\s|\sand\s|,\sand\s){NAME})*)"
)
_BESIDE_OWNER = regex.compile(rf"(?P<name>{NAME})(?:\s?\([^()]*\))?,?\s(?:and|by|with|and\sof|and\sby)\s$")
_IS_OWN_KIN = regex.compile(rf"\b(?:is|was)\s(?:also\s)?(?P<name>{NAME})['’]s?\s(?:[\p{{Ll}}-]+\s){{0,3}}?{_KIN_WORD}")
_MARRIED = regex.compile(
    r"\b(?P<verb>married|wed|marries|married\soff\sto|marriage\s(?:to|with)|wedded|remarried)\b(?!\sto\sand)"
    r"(?P<between>(?:(?!\b(?:and|had|in\sthe|daughter|son|he|she|to\swhom)\b)[^.;‹]"
    rf"|‹[DL]\d+›,?){{0,60}}?)(?P<list>{WORDS}{NAME})(?P<poss>['’]s)?"
)
_MARRIED_TO = regex.compile(
    r"\b(?:(?:was|is|got|been|were|were\sboth)\s(?:\p{Ll}+ly\s|first\s|previously\s|also\s"
    r"|once\s|twice\s)?(?:married|engaged\sand\smarried|married\soff|wed)|divorced)\s"
    rf"(?:secondly\s|firstly\s)?(?:to|from)?\s?(?P<list>{WORDS}{NAME}(?:(?:\s?\([^()]*\))?"
    rf"(?:,?\sand\s(?:later\s|then\s)?(?:to\s)|,\s(?:then\s)?to\s){WORDS}{NAME})*)"
)
_AND_MARRIED = regex.compile(rf"(?P<one>{NAME})\sand\s(?P<two>{NAME})\s(?:were|are|got)\smarried\b")


def lives(passage: Passage, sentence: Sentence) -> Iterator[Claim]:
    """Births, deaths and burials, with their dates and places."""
    for match in _LIFE_VERB.finditer(sentence.pattern):
        if _in_life_bracket(sentence.pattern, match.start()):
            continue
        if sentence.pattern[: match.start()].endswith("were "):
            continue  # of several people, of whom the parse gives one
        if _NEGATED.search(sentence.pattern[: match.start()]):
            passage.dropped["negated"] += 1
            continue
        verb = match["verb"].casefold()
        tail = sentence.pattern[match.end() :].partition(";")[0]
        stop = _LIFE_VERB.search(tail)
        tail = tail[: stop.start()] if stop else tail
        clause = _NEXT_CLAUSE.search(tail)
        tail = tail[: clause.start()] if clause else tail
        born = verb.startswith("born")
        buried = verb in {"buried", "interred"}
        date = None if buried else _TAIL_DATE.match(tail)
        place = _TAIL_PLACE.match(tail)
        if date is None and place is None:
            continue
        before = regex.search(r"\b(?:he|she|they)\s(?:was\s)?$", sentence.pattern[: match.start()])
        subject = passage.subject(sentence, sentence.at(match.start()), "Person")
        if subject is None:
            passage.dropped[f"{verb.split()[0]}: no argument"] += 1
            continue
        kind = "born" if born else "died"
        sure = 0.9 if before or subject.coreferent or subject.confidence >= 0.9 else 0.85
        if date is not None:
            span = (match.start(), match.end() + date.end())
            yield from claims(
                passage, sentence, span, subject, f"{kind}_on", passage.marked(date["date"]), confidence=sure
            )
        if place is not None and verb != "killed":
            span = (match.start(), match.end() + place.end("place"))
            relations = [f"{kind}_in"] if not buried else ["buried_in"]
            if verb == "born and died":
                relations = ["born_in", "died_in"]
            for relation in relations:
                yield from claims(
                    passage, sentence, span, subject, relation, passage.marked(place["place"]), confidence=sure
                )


def _in_life_bracket(pattern: str, position: int) -> bool:
    opened = pattern.rfind("(", 0, position)
    return opened > pattern.rfind(")", 0, position)


def careers(passage: Passage, sentence: Sentence) -> Iterator[Claim]:
    """Schools, employers, clubs and prizes."""
    if not _CAREER.search(sentence.pattern):
        return
    for match in _STUDIED.finditer(sentence.pattern):
        schools = [m for m in listed(passage, match["list"]) if _is_school(m)]
        if schools:
            subject = passage.subject(sentence, sentence.at(match.start()), "Person")
            yield from claims(passage, sentence, match.span(), subject, "educated_at", schools)
    for match in _WORKS.finditer(sentence.pattern):
        employers = [m for m in listed(passage, match["list"])[:1] if _is_employer(m)]
        if employers:
            subject = passage.subject(sentence, sentence.at(match.start()), "Person")
            relation = "member_of" if employers[0].name.split()[-1] in _PARTIES else "works_for"
            yield from claims(passage, sentence, match.span(), subject, relation, employers, confidence=0.85)
    for match in _PLAYS.finditer(sentence.pattern):
        teams = [m for m in listed(passage, match["list"]) if m.label in {"Organization", "Place", "Person", ""}]
        if teams:
            subject = passage.subject(sentence, sentence.at(match.start()), "Person")
            if subject is not None and subject.label == "Person":
                yield from claims(passage, sentence, match.span(), subject, "plays_for", teams, confidence=0.85)
    for match in _WON.finditer(sentence.pattern):
        prizes = [passage.as_type(m, "Award") for m in listed(passage, match["list"]) if _is_award(m)]
        if prizes and not _NOMINATED.match(sentence.pattern, match.end()):
            subject = passage.subject(sentence, sentence.at(match.start()), "")
            yield from claims(passage, sentence, match.span(), subject, "award_received", prizes, confidence=0.85)


def _is_school(mention: Mention) -> bool:
    return (
        any(word in SCHOOL_WORDS for word in regex.findall(r"[\p{L}\p{M}]+", mention.name))
        and mention.label != "Person"
    )


def _is_employer(mention: Mention) -> bool:
    return mention.label == "Organization" and (mention.confidence >= SURE or " " in mention.name)


def _is_award(mention: Mention) -> bool:
    return mention.label == "Award" or any(word in AWARD_WORDS for word in mention.name.split())


def kin(passage: Passage, sentence: Sentence) -> Iterator[Claim]:
    """Parents, children, brothers, sisters, wives and husbands."""
    if not _KIN_HINT.search(sentence.pattern):
        return
    for match in _BORN_TO.finditer(sentence.pattern):
        if regex.match(r"\s?(?:family|parents|immigrant|household|descent)", sentence.pattern[match.end() :]):
            continue
        subject = passage.subject(sentence, sentence.at(match.start()), "Person")
        yield from _related(
            passage, sentence, match.span(), subject, "child_of", listed(passage, match["list"]), match["list"]
        )
    subject = None
    end = -1
    for match in _KIN_OF.finditer(sentence.pattern):
        if match.start() - end > 1 or not match[0].startswith("and "):
            subject = _kin_subject(passage, sentence, match.start("kin"))
        end = match.end()  # "the daughter of ‹P1› and sister of ‹P2›": still of her
        others = listed(passage, match["list"])
        kind = _KIN[match["kin"]]
        if _HEDGED.search(sentence.pattern[: match.start("kin")]):
            passage.dropped["hedged"] += 1
            continue
        if match["kin"] in {"sons", "daughters", "children"} and subject is not None and not subject.coreferent:
            continue
        yield from _related(passage, sentence, match.span(), subject, kind, others, match["list"])
    for match in _OWN_KIN.finditer(sentence.pattern):
        before = sentence.pattern[match.start() : match.start("kin")]
        if any(word in _KIN for word in before.split()[1:]):
            continue  # "his father and brother ‹P›": the name is only one of theirs
        owner = _owner(passage, sentence, match)
        others = [m for m in passage.marked(match["other"]) if m.label != "Nationality"]
        if match["kin"] not in {"sons", "daughters", "children", "brothers", "sisters", "parents", "siblings"}:
            others = others[:1]
        yield from _related(passage, sentence, match.span(), owner, _inverse(match["kin"]), others, match["other"])
    for match in _IS_OWN_KIN.finditer(sentence.pattern):
        subject = passage.subject(sentence, sentence.at(match.start()), "Person")
        others = passage.marked(match["name"])
        yield from _related(passage, sentence, match.span(), subject, _KIN[match["kin"]], others, match["name"])


def marriages(passage: Passage, sentence: Sentence) -> Iterator[Claim]:
    """ "He married ‹P› in ‹D›", "was married to ‹P›"."""
    for match in _MARRIED_TO.finditer(sentence.pattern):
        subject = passage.subject(sentence, sentence.at(match.start()), "Person")
        yield from claims(passage, sentence, match.span(), subject, "married_to", _people(passage, match["list"]))
    for match in _MARRIED.finditer(sentence.pattern):
        if match["poss"] or regex.search(
            r"\b(?:was|is|were|been|got|be)\s(?:\p{L}+\s)?$", sentence.pattern[: match.start()]
        ):
            continue
        subject = passage.subject(sentence, sentence.at(match.start()), "Person")
        yield from claims(passage, sentence, match.span(), subject, "married_to", _people(passage, match["list"]))
    for match in _AND_MARRIED.finditer(sentence.pattern):
        one, two = passage.marked(match["one"]), passage.marked(match["two"])
        yield from claims(passage, sentence, match.span(), one[0], "married_to", two)


def _people(passage: Passage, pattern: str) -> list[Mention]:
    return [m for m in listed(passage, pattern) if passage.fits(m, "Person")]


def _kin_subject(passage: Passage, sentence: Sentence, position: int) -> Mention | None:
    """Who is the son, wife, … : the name that the noun is said of, or stands beside."""
    before = sentence.pattern[:position]
    beside = regex.search(
        rf"(?P<name>{NAME})(?:\s?\([^()]*\))?\s?,\s(?:(?:the|a|an)\s)?(?:[\p{{Ll}}-]+,?\s(?:and\s)?){{0,4}}$", before
    )
    placed = beside and regex.search(r"\b(?:in|at|near|from)\s(?:the\s)?$", before[: beside.start()])
    if beside and not placed and not regex.search(r"\b(?:was|is)\b", before[beside.start() :]):
        name = passage.marked(beside["name"])[0]
        if passage.fits(name, "Person") and name.label not in {"Date", "Place", "Country"}:
            return name
    return passage.subject(sentence, sentence.at(position), "Person")


def _owner(passage: Passage, sentence: Sentence, match: "regex.Match[str]") -> Mention | None:
    if match["name"]:
        return passage.marked(match["name"])[0]
    beside = _BESIDE_OWNER.search(sentence.pattern[: match.start("owner")])
    if beside:  # "the son of ‹P1› and his wife ‹P2›": his is not the son's
        name = passage.marked(beside["name"])[0]
        if name.label == "Person" or (passage.fits(name, "Person") and name.label != "Place"):
            return name
    start = sentence.at(match.start("owner"))
    female = match["owner"].casefold() == "her"
    return passage.person(sentence, start, start + 3, female=female)


def _inverse(kin: str) -> str:
    """What "his son ‹P›" makes of him: the relation of the owner to the one named."""
    kind = _KIN[kin]
    return {
        "child_of": "parent_of",
        "father_of": "has_father",
        "mother_of": "has_mother",
        "parents_of": "child_of",
    }.get(kind, kind)


def _related(
    passage: Passage,
    sentence: Sentence,
    span: tuple[int, int],
    subject: Mention | None,
    kind: str,
    others: list[Mention],
    pattern: str,
) -> Iterator[Claim]:
    people = [other for other in others if passage.fits(other, "Person") and other.label not in {"Country", "City"}]
    if subject is None:
        passage.dropped["kin: no argument"] += len(people)
        return
    if kind in {"sibling", "married_to"}:
        people = people[:1] if kind == "married_to" else people
        yield from claims(passage, sentence, span, subject, kind, people)
    elif kind in {"father_of", "mother_of"}:
        parent = kind.removesuffix("_of")
        yield from claims(passage, sentence, span, subject, parent, people, reverse=True)
        yield from claims(passage, sentence, span, subject, "child", people)
    elif kind in {"has_father", "has_mother"}:
        yield from claims(passage, sentence, span, subject, kind.removeprefix("has_"), people)
        yield from claims(passage, sentence, span, subject, "child", people, reverse=True)
    elif kind == "parent_of":
        yield from claims(passage, sentence, span, subject, "child", people)
        female = _female(passage, subject)
        if female is not None:
            parent = "mother" if female else "father"
            yield from claims(passage, sentence, span, subject, parent, people, reverse=True, confidence=0.85)
    else:
        parents = people[:2] if " and " in pattern or " & " in pattern or " by " in pattern else people[:1]
        for parent_mention, relation, sure in _parents(passage, parents, pattern):
            yield from claims(passage, sentence, span, subject, relation, [parent_mention], confidence=sure)
        yield from claims(passage, sentence, span, subject, "child", parents, reverse=True)


def _parents(passage: Passage, people: list[Mention], pattern: str) -> Iterator[tuple[Mention, str, float]]:
    """Which of one or two parents is the father: by name and title, and the father comes first unless these tell."""
    females = [_female(passage, person) for person in people]
    if (
        len(people) == 2
        and females[0] is None
        and females[1] is not True
        and _says(pattern, 1, people, passage, "wife")
    ):
        females = [False, True]
    if len(people) == 2:
        mother_first = females[0] is True and females[1] is not True
        order = ["mother", "father"] if mother_first else ["father", "mother"]
        sure = 0.9 if females[0] is not None or females[1] is not None else 0.8
        for person, relation in zip(people, order, strict=True):
            yield person, relation, sure
    elif people:
        female = (
            females[0]
            if females[0] is not None
            else bool(regex.search(r"\b(?:actress|queen|princess|singer and actress|mother)\b", pattern))
        )
        yield people[0], "mother" if female else "father", 0.85


def _says(pattern: str, index: int, people: list[Mention], passage: Passage, word: str) -> bool:
    marks = list(MARK.finditer(pattern))
    return any(passage.names[int(mark[1])] == people[index] and word in pattern[: mark.start()][-30:] for mark in marks)


def _female(passage: Passage, person: Mention) -> bool | None:
    if passage.topic is not None and person.name == passage.topic.name:
        return passage.topic_female
    return is_female(person.name)
