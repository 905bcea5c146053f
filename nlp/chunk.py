"""A document cut into chunks that tile its text: at paragraphs where that fits, else after a sentence.

A sentence is cut only when it alone is longer than a chunk may be: then at a line break, after a clause, at white
space, and at last between two characters as a reader sees them. White space behind a cut belongs to the chunk before.
"""

from collections.abc import Callable, Iterator

import regex

from kg.facts import Chunk, Document

_LOOK_AHEAD = 64  # characters behind the limit that decide whether a sentence ends before it

_CLOSERS = r"""["'”’」』）】》〉〕］)\]}»›]*+"""
_PARAGRAPH = regex.compile(r"\n[^\S\n]*+\n(\s*+)")
# Group 1 is the white space behind a boundary. The alternatives: Chinese stops; a stop of any script that white space
# and no lower-case letter follow; a line break before an item of a list or a heading.
_SENTENCE = regex.compile(
    rf"""(?:[。！？；｡]|……|(?<=[\p{{Han}}\p{{Kana}}\p{{Hira}}])[!?;])++{_CLOSERS}(\s*+)(?![，、,])
    |(?P<stop>[.!?…؟।]++){_CLOSERS}(?P<gap>\s++)(?![\p{{Ll}},;:])
    |\n(?P<list>\s*+)(?=[-*+•‣·]\s|\d{{1,3}}[.)、]|[(（]\d{{1,3}}[)）]|[一二三四五六七八九十]+、|\#{{1,6}}\s)""",
    regex.VERBOSE,
)
_LINE = regex.compile(r"\n(\s*+)")
_CLAUSE = regex.compile(r"(?:[，、：—]++|[,;:)\]](?=\s))(\s*+)")
_SPACE = regex.compile(r"(?<=\S)(\s++)")
_GRAPHEME = regex.compile(r"\X")
_INSIDE_GRAPHEME = regex.compile(r"[\p{M}\p{Emoji_Modifier}\u200d\U000E0020-\U000E007F]|(?<=\u200d).|(?<=\r)\n")


def _words(*lines: str) -> frozenset[str]:
    return frozenset(" ".join(lines).split())


_WORD_BEFORE = regex.compile(r"(?r)[\p{L}\p{N}]+(?:\.[\p{L}\p{N}]+)*")  # (?r): searched backwards from the stop
_WORD_BEHIND = regex.compile(r"""["'“‘(\[]*+([\p{L}\p{N}]+)""")
_TITLES = _words(
    "mr mrs ms dr prof st ste gen col lt sgt capt cmdr maj adm rev hon gov sen rep pres mt ft vs cf e.g",
    "i.e viz approx ca",
)
_BEFORE_NUMBER = _words(
    "no nos nr vol vols fig figs eq eqs sec sect ch chap pp p pt art ver jan feb mar apr jun jul aug sep",
    "sept oct nov dec",
)
_MAY_END = _words("inc ltd co corp llc jr sr bros etc al ed eds ave blvd rd dept univ assn est")
_STARTERS = _words(
    "a an the this that these those he she it they we i you his her its their our there here in on at as",
    "after before by for from if when while although though however but and so since during under with to",
)


def split(document: Document, *, size: int = 1200) -> Iterator[Chunk]:
    """Cut a document into chunks of at most ``size`` characters, in order; an empty text has none.

    Raises:
        ValueError: ``size`` is less than 1.
    """
    if size < 1:
        raise ValueError(f"a chunk of {size} characters cannot hold text: give a size of at least 1")
    return _split(document, size)


def _split(document: Document, size: int) -> Iterator[Chunk]:
    text, identity = document.text, document.id
    start = 0
    while start < len(text):
        end = len(text) if len(text) - start <= size else _cut(text, start, start + size)
        yield Chunk(identity, start, end, text[start:end])
        start = end


def _cut(text: str, start: int, limit: int) -> int:
    """The best place in (start, limit] to end a chunk that starts at ``start``."""
    half = start + (limit - start) // 2
    for pattern, floor, ends in (
        (_PARAGRAPH, half, None),
        (_SENTENCE, start, _ends_sentence),
        (_LINE, half, None),
        (_CLAUSE, half, None),
        (_SPACE, start, None),
    ):
        cut = _last(pattern, text, start, limit, ends)
        if cut > floor:
            return cut
    return _between_graphemes(text, start, limit)


def _last(
    pattern: "regex.Pattern[str]",
    text: str,
    start: int,
    limit: int,
    accepts: "Callable[[str, int, regex.Match[str]], bool] | None",
) -> int:
    """The last boundary of this kind that leaves no more than the chunk may hold, or ``start``."""
    best = start
    for match in pattern.finditer(text, start, min(len(text), limit + _LOOK_AHEAD)):
        content_end = match.start(match.lastindex or 0)
        if content_end > limit:
            break
        cut = min(match.end(), limit)  # white space that does not fit leads the next chunk
        if _INSIDE_GRAPHEME.match(text, cut):
            continue
        if accepts is None or accepts(text, start, match):
            best = cut
    return best


def _ends_sentence(text: str, start: int, match: "regex.Match[str]") -> bool:
    """Whether a stop ends a sentence, rather than an abbreviation, an initial or the number of an item."""
    if match["stop"] != ".":
        return True
    stop = match.start("stop")
    before = _WORD_BEFORE.search(text, max(start, stop - 40), stop)
    if before is None or before.end() != stop:
        return True
    word = before[0].casefold()
    behind = _WORD_BEHIND.match(text, match.end())
    following = behind[1] if behind else ""
    if word in _TITLES:
        return False
    if word in _BEFORE_NUMBER:
        return not following[:1].isdigit()
    if word.isdigit():
        line = text.rfind("\n", start, before.start()) + 1 or start
        return bool(text[line : before.start()].strip())  # "1. Introduction"
    initials = len(before[0]) == 1 and before[0].isupper()
    if initials or "." in word or word in _MAY_END:
        return following.casefold() in _STARTERS and following[:1].isupper()
    return True


def _between_graphemes(text: str, start: int, limit: int) -> int:
    """The last end of a grapheme cluster up to the limit; the limit itself if one cluster is longer than a chunk."""
    best = start
    for match in _GRAPHEME.finditer(text, start, min(len(text), limit + _LOOK_AHEAD)):
        if match.end() > limit:
            break
        best = match.end()
    return best if best > start else limit
