"""A tokenizer's vocabulary as bytes: what each token writes, and which tokens begin with some bytes."""

import json
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

import regex

from fusion.errors import LanguageModelError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

SAMPLE = 'Paris "is" [1]; 北京 é 🙂'

_MARK = regex.compile(r"<[^<>]+>|\[[^\[\]]+\]")

Range = tuple[int, int]  # of places in the order of the bytes: from the first, to before the second


class Vocabulary:
    """Tokens by the bytes that they write, in the order of these bytes. Marks, which write nothing, are not in it."""

    def __init__(self, written: Mapping[int, bytes], *, plain: frozenset[int] = frozenset()) -> None:
        """``written`` is what each token writes; of those that write the same, one that is not ``plain`` is taken."""
        best: dict[bytes, int] = {}
        for token, text in written.items():
            known = best.get(text)
            if text and (known is None or (token in plain, token) < (known in plain, known)):
                best[text] = token
        self._written = written
        self._texts: Sequence[bytes] = sorted(best)
        self._tokens = [best[text] for text in self._texts]

    @property
    def whole(self) -> Range:
        """All of it."""
        return 0, len(self._texts)

    def text(self, token: int) -> bytes:
        """What a token writes; nothing for a mark."""
        return self._written.get(token, b"")

    def beginning(self, start: bytes, within: Range) -> Range:
        """Those tokens of a range that begin with some bytes."""
        low = bisect_left(self._texts, start, *within)
        after = start.rstrip(b"\xff")
        if not after:
            return low, within[1]
        behind = after[:-1] + bytes([after[-1] + 1])
        return low, bisect_left(self._texts, behind, low, within[1])

    def exactly(self, text: bytes, within: Range) -> int | None:
        """The token that writes these bytes and no more, where it is the first of a range; None if it is not."""
        first, last = within
        return self._tokens[first] if first < last and self._texts[first] == text else None


def read_vocabulary(tokenizer: "PreTrainedTokenizerBase", *, name: str) -> Vocabulary:
    """The vocabulary of a fast tokenizer: of bytes as GPT-2 writes them, or of pieces with bytes as a last resort.

    Raises:
        LanguageModelError: its tokens are written in another way.
    """
    decoder = tokenizer.backend_tokenizer.decoder
    kinds = set() if decoder is None else set(_kinds(json.loads(decoder.__getstate__())))
    marks = {*tokenizer.all_special_ids}
    added = tokenizer.added_tokens_decoder
    marks |= {token for token, one in added.items() if one.special}
    written: dict[int, bytes] = {}
    plain: set[int] = set()
    for text, token in tokenizer.get_vocab().items():
        if token in marks:
            continue
        if token in added:
            written[token] = text.encode("utf-8", "replace")
        elif "ByteLevel" in kinds:
            written[token] = bytes(_byte_level()[sign] for sign in text if sign in _byte_level())
        elif len(text) == 6 and text.startswith("<0x") and text.endswith(">"):
            written[token] = bytes.fromhex(text[3:5])
            plain.add(token)
        else:
            written[token] = text.replace("▁", " ").encode("utf-8", "replace")
    found = Vocabulary(written, plain=frozenset(plain))
    ids = tokenizer(SAMPLE, add_special_tokens=False).input_ids
    if b"".join(map(found.text, ids)).strip() != SAMPLE.encode():
        raise LanguageModelError(f"{name}: its tokens are written in a way that Clew does not know; choose another.")
    return found


def mark_added(tokenizer: "PreTrainedTokenizerBase") -> None:
    """Make marks of all tokens added to a tokenizer that are written as one, as ``<start_of_image>`` is.

    Many are not declared to be marks; then a text that has these characters would be read as having the mark.
    """
    from tokenizers import AddedToken

    tokenizer.add_tokens(
        [
            AddedToken(one.content, lstrip=one.lstrip, rstrip=one.rstrip, normalized=one.normalized, special=True)
            for one in tokenizer.added_tokens_decoder.values()
            if not one.special and _MARK.fullmatch(one.content)
        ],
        special_tokens=True,
    )


def _kinds(decoder: Mapping[str, object]) -> Iterator[str]:
    """What a decoder and its parts are."""
    yield str(decoder["type"])
    parts = decoder.get("decoders", ())
    for part in parts if isinstance(parts, list) else ():
        yield from _kinds(part)


@cache
def _byte_level() -> dict[str, int]:
    """The sign by which each byte is written (Radford et al. 2019, GPT-2): itself if it can be seen, else one after."""
    seen = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    hidden = [byte for byte in range(256) if byte not in seen]
    return {chr(byte): byte for byte in seen} | {chr(256 + at): byte for at, byte in enumerate(hidden)}
