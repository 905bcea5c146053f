"""Where in a passage a quotation may begin and end: at the edges of words, or, in Chinese, of any character.

Never within a number: "1" is not what "1.5" says. It begins with a letter, a digit or a symbol: a comma says nothing.
"""

from bisect import bisect_right

import regex

QUOTED = 200  # characters of one quotation

_ALONE = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}]")  # written without spaces between words
_WORD = regex.compile(r"[\p{L}\p{M}\p{N}_]")
_SAYS = regex.compile(r"[\p{L}\p{M}\p{N}\p{S}]")
_NUMBER = regex.compile(r"\p{N}+(?:[.,:/]\p{N}+)*")


class Words:
    """The bytes of a shown passage, and where in them quotations may begin and end.

    ``close`` is what closes one; ``character`` the place of the character that begins at a byte; ``stops`` the bytes
    before which one may end; ``furthest`` has the last of these for each byte at which one may begin.
    """

    def __init__(self, text: str, number: int) -> None:
        self.data = text.encode()
        self.close = f'" ({number})'.encode()
        offsets = [0]
        for sign in text:
            offsets.append(offsets[-1] + len(sign.encode()))
        self.character = {byte: at for at, byte in enumerate(offsets)}
        within = {at for number in _NUMBER.finditer(text) for at in range(number.start() + 1, number.end())}
        edges = [at for at in range(len(text) + 1) if at not in within and _edge(text, at)]
        starts = [offsets[at] for at in edges if at < len(text) and _SAYS.match(text[at])]
        stops = [at for at in edges if at > 0 and text[at - 1] != " "]
        self.stops = {offsets[at] for at in stops}
        self.furthest: dict[int, int] = {}
        for start in starts:
            at = self.character[start]
            last = bisect_right(stops, at + QUOTED) - 1
            if last >= 0 and stops[last] > at:
                self.furthest[start] = offsets[stops[last]]


def _edge(text: str, at: int) -> bool:
    """Whether no word goes on over this place."""
    if not 0 < at < len(text):
        return True
    before, behind = text[at - 1], text[at]
    if _ALONE.match(before) or _ALONE.match(behind):
        return regex.match(r"\p{M}", behind) is None
    return not (_WORD.match(before) and _WORD.match(behind))
