"""What a document declares itself to be about, read from its title and its first sentence alone.

"Teutberga (died 11 November 875) was a queen of Lotharingia" declares Teutberga, a Person. No model is loaded, so
every document can be asked before any is read.
"""

import regex

from kg.facts import Document, Topic, name_key
from nlp.dates import find_dates, find_years
from nlp.describe import chinese_type, description_of, type_of
from nlp.lexicon import STOP_NAMES
from nlp.names import clean_name

_LEAD = 700  # characters: a definition that starts later than that is none
_QUALIFIER = regex.compile(r"\s*[(（][^()（）]*[)）]\s*$")
_INNER = regex.compile(r"\([^()]*\)|（[^（）]*）")
_COPULA = regex.compile(
    r"\s(?:is|was|are|were)\s(?:(?:also|now|formerly|originally|currently|probably|once|both|perhaps)\s)?"
    r"(?P<article>an?\s|the\s(?!name\b|same\b)|one\sof\s(?:the\s)?|(?:since\s\d+\s)|(?=\d{4}\s))"
)
_BARE_COPULA = regex.compile(
    r"\s(?:is|was)\s(?:(?:first|also|now|formerly|since\s\d+)\s)*(?:an?\s|the\s)?(?!\p{Ll}+ed\s|born\b|made\b)"
)
_OPENING_LIFE = regex.compile(
    r"^[\"“\s]*\p{Lu}[^().]{2,80}\s?\((?=[^()]*\d{3})(?:[^()]*\b(?:born|died|b\.|d\.)\s"
    r"|[^()]*\d\s?[-–—]\s?[^()]*\d|[^()]*\d{4,6}\s\p{Lu}\p{Ll}+\s\d{4})[^()]*\)"
)
_NO_DEFINITION = regex.compile(r"\s(?:(?:may|can)\s(?:also\s)?refer\sto|refers\sto)\b")
_KNOWN_AS = regex.compile(
    r"(?:(?:also|better|best|commonly|formerly|professionally|sometimes|generally|widely)\s)?"
    r"(?:known|called|spelled|written)"
    r"(?:\s(?:simply|professionally|mononymously))?\s(?:as\s|by\s(?:the|his|her)\s"
    r"(?:stage\s)?name\s(?:of\s)?)?|\bor\b\s?|\baka\s|a\.k\.a\.\s"
)
_LIFE = regex.compile(
    r"\b(?:born|died|b\.|d\.|née)\s|\d{3}[^()]{0,60}[-–—]\s?[^()]{0,60}\d\d|\d\s?[-–—]\s?(?:\p{L}|\d)"
)
_CHINESE = regex.compile(
    r"^\s*(?P<subject>[《“\"]?[\p{Han}\p{Latin}\p{N}·・\-\s.]{1,40}?[》”\"]?)\s*"
    r"(?P<paren>（[^（）]{0,120}）|\([^()]{0,120}\))?"
    r"\s*[,，]?\s*(?:(?:又|也)(?:称|叫|名)[^，。]{1,30}[,，])?\s*(?:是|为)"
    r"(?P<article>一(?:种|个|位|名|部|首|款|类|家|座|所|本|项|张|支|条|片|组|套|门)|由|指|)(?P<description>[^。！？；\n]{2,120})"
)
_CHINESE_LIFE = regex.compile(
    r"^\s*(?P<subject>[\p{Han}\p{Latin}·・\s]{2,24}?)\s*(?P<paren>[（(][^（）()]{0,40}\d{3,4}年[^（）()]{0,60}[）)])"
    r"(?P<article>[，,])(?P<description>[^。！？；\n]{2,60})"
)
_SENTENCE_END = regex.compile(r"(?<=[\p{Ll}\p{N})\"”’]{2})[.!?](?=\s+[\p{Lu}\"“]|\s*$)|\n")
_DIED = r"\b(?:died|d\.)|†"
_APPOSITION = regex.compile(r"\s?,\s(?:the|an?|who|which|only|eldest|son|daughter|born)\s")
_PROPER = regex.compile(r"\p{Lu}|\p{Han}|\d")


def declare(document: Document) -> Topic | None:
    """The topic of a document whose first sentence defines its title or, without title, its own subject."""
    lead = document.text[:_LEAD].lstrip()
    if document.language == "zh":
        return _declare_chinese(document.title.strip(), lead)
    return _declare_english(document.title.strip(), lead)


def _declare_english(title: str, lead: str) -> Topic | None:
    sentence = _first_sentence(lead)
    if _NO_DEFINITION.search(sentence):
        return None
    if title.endswith("(disambiguation)"):
        return None
    name = clean_name(title)
    opening = _OPENING_LIFE.match(sentence)
    copula = _copula(sentence, article=not opening)
    if copula is not None:
        before, description = sentence[: copula.start()], description_of(sentence[copula.end() :])
    elif opening and name:
        before, description = opening[0], ""  # "George I (6 May 1747 – 9 September 1813) reigned as …"
    else:
        return None
    subject, others = _subject(before)
    life = bool(_LIFE.search(" ".join(_INNER.findall(before))))
    if not subject or not (description or opening):
        return None
    if name:
        if not _defines(name, subject, before, life=life):
            return None
    elif _may_be_defined(subject):
        name = subject
    else:
        return None
    type = "Person" if life else type_of(description) or type_of(_further(sentence, copula)) or "Thing"
    if life and type == "Person":
        description = (description + _years(before)).removeprefix(", ")
    return Topic(name, type, description, _aliases(name, subject, others))


def _first_sentence(lead: str) -> str:
    for end in _SENTENCE_END.finditer(lead):
        sentence = lead[: end.end()]
        if sentence.count("(") <= sentence.count(")") and len(sentence) > 20:
            return sentence
    return lead


def _copula(sentence: str, *, article: bool) -> "regex.Match[str] | None":
    """The first "is a" (or bare "was", where no article is needed) that stands outside brackets."""
    for match in (_COPULA if article else _BARE_COPULA).finditer(sentence):
        if sentence.count("(", 0, match.start()) <= sentence.count(")", 0, match.start()):
            return match
    return None


def _further(sentence: str, copula: "regex.Match[str] | None") -> str:
    """The description read on past its commas: "private, Christian high school"."""
    return description_of(sentence[copula.end() :].replace(",", " ").replace('"', " ")) if copula else ""


def _subject(before: str) -> tuple[str, list[str]]:
    """The thing defined and its other names: "A (…), also known as B," → A, [B]."""
    bare = before
    while _INNER.search(bare):
        bare = _INNER.sub(" ", bare)
    others = []
    known = _KNOWN_AS.search(bare)
    if known and known.start() > 0:
        others = [clean_name(part) for part in regex.split(r",|\bor\b|\band\b", bare[known.end() :])]
        bare = bare[: known.start()]
    bare = _APPOSITION.split(bare, maxsplit=1)[0]
    subject = clean_name(bare.strip().rstrip(","))
    return subject, [other for other in others if other and _PROPER.match(other) and len(other) < 60]


def _may_be_defined(subject: str) -> bool:
    words = subject.split()
    if (
        not _PROPER.match(subject)
        or len(subject) > 60
        or len(words) > 12
        or name_key(words[0]) in {"this", "it", "he", "she", "they", "there", "these", "that", "here"}
    ):
        return False
    return not all(word.casefold() in STOP_NAMES for word in words) or (len(words) > 1 and subject != subject.lower())


def _defines(title: str, subject: str, before: str, *, life: bool) -> bool:
    """Whether the sentence about this subject is about the title: they share a word, or it tells a life."""
    bare = _QUALIFIER.sub("", title)
    titled, named = set(name_key(bare).split()), set(name_key(subject).split())
    if bare in before or titled & named - {"the", "of", "a", "and"} or name_key(bare) == name_key(subject):
        return True
    return life and len(titled) > 1 and len(named) <= 8


def _years(before: str) -> str:
    """ ", 1895–1962" as the brackets behind the name give the years of a life."""
    for bracket in _INNER.findall(before):
        if _LIFE.search(bracket):
            years = [name.split(" ")[-1] for _, _, name in find_dates(bracket)] or [
                name for _, _, name in find_years(bracket, 0, len(bracket))
            ]
            if years:
                if len(years) == 1:
                    return f", {'died' if regex.search(_DIED, bracket) else 'born'} {years[0]}"
                return ", " + "–".join(years[:2])
    return ""


def _aliases(name: str, subject: str, others: list[str]) -> tuple[str, ...]:
    bare = _QUALIFIER.sub("", name)
    found = {alias for alias in (bare, subject, *others) if alias and alias != name and len(alias) > 1}
    return tuple(sorted(found))


def _declare_chinese(title: str, lead: str) -> Topic | None:
    match = _CHINESE.match(lead) or _CHINESE_LIFE.match(lead)
    if match is None:
        return None
    subject = match["subject"].strip(' 《》“”"')
    if not subject or subject in {"这", "它", "他", "她", "我", "这些", "其", "本文", "目的", "我们", "你", "这里"}:
        return None
    name = clean_name(title)
    if name:
        bare = _QUALIFIER.sub("", name)
        if not (bare in subject or subject in bare):
            return None
    elif len(subject) > 20:
        return None
    type = chinese_type(match["description"], match["paren"] or "")
    if not type and not match["article"]:
        return None
    description = regex.split(r"[,，、]", match["description"])[0].strip()[:40]
    name = name or subject
    return Topic(name, type or "Concept", description, _aliases(name, subject, []))
