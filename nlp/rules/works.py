"""Who made a work, who is in it, when it came out, what it is based on."""

from collections.abc import Iterator

import regex

from nlp.passage import Passage, Sentence
from nlp.rules.claims import LIST, NAME, WORDS, claims, listed
from nlp.spans import Claim, Mention

_MAKERS = {
    "directed": "directed_by",
    "co-directed": "directed_by",
    "helmed": "directed_by",
    "filmed": "",
    "written": "written_by",
    "co-written": "written_by",
    "scripted": "written_by",
    "penned": "written_by",
    "authored": "written_by",
    "adapted": "",
    "screenplayed": "written_by",
    "produced": "produced_by",
    "co-produced": "produced_by",
    "executive-produced": "produced_by",
    "composed": "composed_by",
    "scored": "composed_by",
    "co-composed": "composed_by",
    "performed": "performed_by",
    "sung": "performed_by",
    "recorded": "performed_by",
    "popularized": "",
    "edited": "edited_by",
    "published": "published_by",
    "released": "published_by",
    "distributed": "",
    "photographed": "",
    "designed": "",
    "narrated": "",
    "choreographed": "",
    "shot": "",
    "animated": "",
    "created": "developed_by",
    "developed": "developed_by",
    "presented": "",
    "arranged": "",
    "starred": "",
    "hosted": "",
    "storied": "",
    "sculpted": "developed_by",
    "painted": "developed_by",
    "illustrated": "",
    "lensed": "",
}
_VERB = rf"(?:(?:{'|'.join(sorted(_MAKERS, key=lambda verb: -len(verb)))})\b)"
_IS_ITSELF = regex.compile(  # "is a musical written by ‹P›": not the musical that something else is based on
    r"\b(?:is|was)\san?\s(?:(?!(?:based|of|on|from|about|adapted|after|by|and|or)\b)[\p{Ll}-]+\s|‹[DN]\d+›\s){0,4}"
    r"(?:play|musical|opera|story|poem)\s$"
)
_ROLE = regex.compile(r"(?P<mark>‹\p{L}\d+›)\s?\((?P<role>music|score|lyrics|words|book|libretto|screenplay)[^()]*\)")
_ADVERBS = r"(?:(?:originally|jointly|first|also|later|entirely|solely|mainly|both)\s)?"
_MADE_BY = regex.compile(
    rf"\b(?P<verbs>{_VERB}(?:(?:\s?,\s?|\sand\s|\s?,\sand\s|\s?&\s|/\s?)(?:was\s)?{_ADVERBS}{_VERB})*)"
    rf"(?:\s?,|\s(?:on|in|for|to|at)\s[^.,;()]{{1,30}}?|\s\([^()]*\))?\s{_ADVERBS}by\s{LIST}"
)
_NOUNS = {
    "screenplay": "written_by",
    "script": "written_by",
    "lyrics": "written_by",
    "story": "written_by",
    "novel": "",
    "music": "composed_by",
    "score": "composed_by",
    "soundtrack": "composed_by",
    "direction": "directed_by",
    "film score": "composed_by",
    "production": "produced_by",
}
_PART_BY = regex.compile(
    rf"\b(?P<noun>{'|'.join(sorted(_NOUNS, key=lambda noun: -len(noun)))})\s(?:(?:is|was"
    rf"|were)\s)?(?:(?:composed|written|scored|penned|provided|co-written|given)\s)?by\s{LIST}"
)
_STARRING = regex.compile(
    r"\b(?:(?:co-|also\s)?starring|(?:co-)?stars|starred|(?:which|that)\sfeatures|featuring"
    rf"|features)\s(?!in\b|as\b|at\b){LIST}"
)
_CAST = regex.compile(rf"\bcast\s(?:includes|included|consists of|features|stars)\s{LIST}")
_KIND_BY = regex.compile(
    r"\b(?P<noun>album|song|single|track|EP|mixtape|ballad|novel|book|novella|memoir|poem|play"
    r"|film|opera|symphony|soundtrack|hit|autobiography|debut)"
    rf"(?:\s\([^()]*\))?\s(?:recorded\s|performed\s|sung\s)?by\s{LIST}"
)
_ISSUED_ON = regex.compile(
    rf"\b(?:on|from|of)\s(?:the\s)?{WORDS}(?P<owner>{NAME})['’]s?\s(?:(?:[\p{{Ll}}-]+|‹D\d+›"
    r"|‹N\d+›)\s){0,5}?(?:album|EP|record|film)\b"
)
_OWNED_KIND = regex.compile(
    rf"\b(?:is|was)\s{WORDS}(?P<owner>{NAME})['’]s?\s(?:[\p{{Ll}}-]+\s){{0,4}}?(?P<noun>album"
    r"|single|song|EP|novel|book|film)\b"
)
_FROM_ALBUM = regex.compile(
    r"\bfrom\s[^.‹]{0,40}(?:‹\w\d+›['’]?s?\s)?(?:[^.‹]|‹[DN]\d+›){0,40}(?:album|EP|soundtrack"
    r"|musical|film),?[\s\"“]{1,3}(?P<work>‹[Ww]\d+›)"
)
_RELEASED = regex.compile(
    r"\b(?:(?:re)?released|published|premiered|issued|opened|broadcast|aired)\b(?!\sby\s‹\w\d+›\s?,?\sand\b)"
    r"(?P<between>(?:(?!\b(?:was|were|is|but|which|after|before|since|until)\b)[^.;‹]"
    r"|‹[OoLlPpUKWwEe]\d+›){0,70}?)\b(?:(?:on|in|of)\s)?(?P<date>‹D\d+›)"
)
_BASED = regex.compile(
    r"\b(?:based\s(?:up)?on|adapted\sfrom|adaptation\sof|remake\sof|sequel\sto)\s(?P<between>"
    r"(?:[^.;‹]|‹[PpNnDOo]\d+›(?:['’]s?)?){0,60}?)[\"“]?\s?(?P<work>‹W\d+›)(?P<by>[\"”]?\s"
    rf"(?:\([^()]*\)\s)?by\s(?:{WORDS})(?P<author>‹[PpUoOlL]\d+›))?"
)
_DEBUT_OF = regex.compile(
    rf"\bdirectorial\s(?:feature\s)?debut\sof\s{LIST}|‹(?P<owner>[PpU]\d+)›['’]s?\s"
    r"(?:feature\s)?directorial\s(?:feature\s)?debut\b"
)
_ACTIVE = regex.compile(
    r"\b(?P<verbs>(?:directed|wrote|produced|composed|edited|authored|published|recorded|sang)"
    r"(?:(?:,\s|\sand\s|,\sand\s)(?:directed|wrote|produced|composed|edited|starred in"
    r"|co-wrote))*)"
    r"\s(?P<words>(?!by\b)(?:(?!\b(?:by|for|on|with|in)\b)[^.;()‹]){0,40}?)[\"“]?\s?"
    r"(?P<works>‹[Ww]\d+›(?:[\"”]?\s?(?:\([^()]*\))?(?:,?\sand\s|,\s)[\"“]?\s?‹[Ww]\d+›)*)"
)
_ACTIVE_RELATIONS = {
    "directed": "directed_by",
    "wrote": "written_by",
    "authored": "written_by",
    "co-wrote": "written_by",
    "produced": "produced_by",
    "composed": "composed_by",
    "edited": "edited_by",
    "recorded": "performed_by",
    "sang": "performed_by",
    "published": "written_by",
}
_STARRED_IN = regex.compile(
    r"\b(?:starred|starring role|lead role|leading role)\s(?:\p{L}+\s){0,3}?in\s"
    r"(?P<words>[^.;()‹]{0,40}?)[\"“]?\s?(?P<works>‹W\d+›(?:[\"”]?\s?(?:\([^()]*\))?"
    r"(?:,?\sand\s|,\s)[\"“]?\s?‹W\d+›)*)"
)
_KIND_RELATIONS = {
    "novel": "written_by",
    "book": "written_by",
    "novella": "written_by",
    "memoir": "written_by",
    "poem": "written_by",
    "play": "written_by",
    "film": "directed_by",
    "opera": "composed_by",
    "symphony": "composed_by",
    "autobiography": "written_by",
}


def credits(passage: Passage, sentence: Sentence) -> Iterator[Claim]:
    """Makers and cast of works: "directed by ‹P›", "written and produced by ‹P› and ‹P›", "It stars ‹P›"."""
    pattern = sentence.pattern
    if " by " in pattern:
        for match in _MADE_BY.finditer(pattern):
            if _of_its_source(passage, pattern[: match.start()]):
                continue
            subject = _work(passage, sentence, match.start())
            for verb in regex.findall(_VERB, match["verbs"]):
                if _MAKERS[verb]:
                    yield from _made(passage, sentence, match, subject, _MAKERS[verb])
        for match in _PART_BY.finditer(pattern):
            subject = _work(passage, sentence, match.start())
            if subject is None:  # "The music was composed by ‹P›"
                subject = passage.about(sentence.at(match.start()), len(match["noun"]), "Work")
            if _NOUNS[match["noun"]]:
                yield from _made(passage, sentence, match, subject, _NOUNS[match["noun"]])
        for match in _KIND_BY.finditer(pattern):
            subject = _kind(passage, sentence, match.start("noun"))
            if subject is not None:
                yield from _made(passage, sentence, match, subject, _KIND_RELATIONS.get(match["noun"], "performed_by"))
    # A look for the word first: most sentences have none of these, and finding that out by pattern takes longer.
    for match in _STARRING.finditer(pattern) if "star" in pattern or "featur" in pattern else ():
        yield from _made(passage, sentence, match, _work(passage, sentence, match.start()), "starring")
    for match in _CAST.finditer(pattern) if "cast " in pattern else ():
        yield from _made(passage, sentence, match, _work(passage, sentence, match.start()), "starring")
    for match in _OWNED_KIND.finditer(pattern) if "›'s" in pattern or "›’s" in pattern else ():
        subject = _kind(passage, sentence, match.start("noun"))
        relation = _KIND_RELATIONS.get(match["noun"], "performed_by")
        yield from claims(passage, sentence, match.span(), subject, relation, passage.marked(match["owner"]))
    for match in _DEBUT_OF.finditer(pattern) if "debut" in pattern else ():
        people = listed(passage, match["list"]) if match["list"] else [passage.names[int(match["owner"][1:])]]
        yield from claims(
            passage, sentence, match.span(), _work(passage, sentence, match.start()), "directed_by", people
        )


def _of_its_source(passage: Passage, before: str) -> bool:
    """Whether "written by" tells of the novel that a film is based on."""
    return (
        passage.topic is not None
        and passage.topic.type != "Book"
        and not _IS_ITSELF.search(before)
        and regex.search(r"\b(?:novel|book|play|story|poem|comic|manga|musical|memoir)\b[^,.;‹]{0,40}$", before)
        is not None
    )


def _made(
    passage: Passage, sentence: Sentence, match: "regex.Match[str]", subject: Mention | None, relation: str
) -> Iterator[Claim]:
    makers = listed(passage, match["list"])
    if relation != "published_by":
        makers = [m for m in makers if m.label not in {"Place", "Country"} or m.confidence < 0.9]
    if relation == "written_by":  # "written by ‹P1› (music) and ‹P2› (lyrics)"
        music = [
            m
            for role in _ROLE.finditer(match["list"])
            if role["role"] in {"music", "score"}
            for m in passage.marked(role["mark"])
        ]
        yield from claims(passage, sentence, match.span(), subject, "composed_by", music, confidence=0.9)
        makers = [maker for maker in makers if maker not in music]
    yield from claims(passage, sentence, match.span(), subject, relation, makers, confidence=0.95)


def _work(passage: Passage, sentence: Sentence, position: int) -> Mention | None:
    """The work that a participle or verb at a place in the pattern tells of."""
    before = regex.search(
        r"‹(W)(\d+)›[\"”]?\s?,?\s?(?:\([^()]*\),?\s?)?(?:which\s|that\s)?(?:was\s|is\s)?$", sentence.pattern[:position]
    )
    if before:
        return passage.names[int(before[2])]
    return passage.subject(sentence, sentence.at(position), "Work")


def _kind(passage: Passage, sentence: Sentence, position: int) -> Mention | None:
    """The work that is said to be "a song by" somebody: the subject of the sentence, or the title before the noun."""
    copula = regex.search(r"\s(?:is|was)\s(?:an?|the)\s[^.;]*$", sentence.pattern[:position])
    if copula is None:
        return None
    between = sentence.pattern[copula.start() : position]
    if regex.search(
        r"\b(?:based|adaptation|version|cover|remake|sequel|inspired|about|to|with|from|by|for|of|after)\b", between
    ):
        return None
    return passage.subject(sentence, sentence.at(copula.start() + 1), "Work")


def releases(passage: Passage, sentence: Sentence) -> Iterator[Claim]:
    """When a work came out, what it is based on, and the album that a song is from."""
    pattern = sentence.pattern
    for match in _RELEASED.finditer(pattern):
        subject = _work(passage, sentence, match.start())
        if subject is not None:
            yield from claims(
                passage, sentence, match.span(), subject, "released_on", passage.marked(match["date"]), confidence=0.9
            )
    for match in _BASED.finditer(pattern):
        source = passage.marked(match["work"])
        subject = _work(passage, sentence, match.start())
        if subject is not None and pattern[match.start()] in "ba" and not match[0].startswith("adaptation of a"):
            yield from claims(passage, sentence, match.span(), subject, "based_on", source)
        if match["author"]:
            yield from claims(passage, sentence, match.span(), source[0], "written_by", passage.marked(match["author"]))
    for match in _FROM_ALBUM.finditer(pattern):
        if passage.topic is not None and passage.topic.type == "Song":
            subject = passage.topic_mention(sentence) or passage.subject(sentence, sentence.at(match.start()), "Song")
            yield from claims(passage, sentence, match.span(), subject, "part_of", passage.marked(match["work"]))
    if passage.topic is not None and passage.topic.type in {"Song", "Album"} and sentence.first:
        for match in _ISSUED_ON.finditer(pattern):
            yield from claims(
                passage,
                sentence,
                match.span(),
                passage.topic_mention(sentence),
                "performed_by",
                passage.marked(match["owner"]),
                confidence=0.85,
            )


def authorship(passage: Passage, sentence: Sentence) -> Iterator[Claim]:
    """ "She directed ‹W›", "He wrote and produced the film ‹W›", "‹P› starred in ‹W›"."""
    for match in _ACTIVE.finditer(sentence.pattern):
        if sentence.pattern[: match.start()].rstrip().endswith(("was", "were", "is", "been", "be", "being", "and was")):
            continue
        if regex.search(
            r"\b(?:songs?|music|episodes?|score|screenplay|lyrics|scripts?|themes?|material|tracks?"
            r"|scenes?|articles?|for)\b",
            match["words"],
        ):
            continue
        subject = passage.subject(sentence, sentence.at(match.start()), "Person")
        works = passage.marked(match["works"])
        for verb in regex.findall(r"[\p{L}-]+", match["verbs"]):
            if verb in _ACTIVE_RELATIONS and subject is not None:
                yield from claims(
                    passage, sentence, match.span(), subject, _ACTIVE_RELATIONS[verb], works, reverse=True
                )
    for match in _STARRED_IN.finditer(sentence.pattern):
        subject = passage.subject(sentence, sentence.at(match.start()), "Person")
        works = passage.marked(match["works"])
        yield from claims(passage, sentence, match.span(), subject, "starring", works, reverse=True, confidence=0.85)
