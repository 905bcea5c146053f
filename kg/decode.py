"""Bytes to text: which encoding, where it breaks, and which characters cannot be kept.

UTF-8 is proven over the whole file. What is not UTF-8 is UTF-16 or UTF-32, Chinese (GB18030, Big5), or Western
European, each told by the characters that it would give; for the rest charset-normalizer is asked. Line ends become
``\\n``, as ``open()`` gives them.
"""

import codecs
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

import regex

from kg.errors import InputError

_BLOCK = 1 << 20
_SAMPLE = 1 << 16
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"\x84\x31\x95\x33", "gb18030"),
)
_MAGIC = (
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"\xca\xfe\xba\xbe", "a program"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"RIFF", "sound, a picture or a film"),
    (b"ID3", "sound"),
    (b"OggS", "sound"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"PK\x03\x04", "a zip archive"),
    (b"SQLite format 3", "a SQLite database"),
    (b"\xd0\xcf\x11\xe0", "an old Office file"),
    (b"%PDF-", "a PDF"),
)
_CONTROL = bytes(set(range(32)) - set(b"\t\n\v\f\r\b\x1b"))
_WESTERN = frozenset("éèêëàâäáãåæçîïíìñôöóòõøœúùûüýÿßÉÈÊËÀÂÄÁÃÅÆÇÎÏÍÑÔÖÓÕØŒÚÙÛÜÝ«»“”‘’‚„–—…•°©®€£§·¿¡½¼¾²³ºª×±™´\xa0")
# The most frequent characters of Chinese texts, simplified, then those with a traditional form of their own: a fifth
# to a half of any text. Bytes read with the wrong table give rare characters instead.
_COMMON = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么"
    "去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又"
    "关点正业外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海"
    "通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件计管"
    "期市直德资命山金指克许统区保至队形社便空决治展马科司五基眼书非则听白却界达光放强即像难且权思王象完设式色路记南品住告类求据程北"
    "這個們來為國說時會對發後裡過學經麼與長機無開關現動還進樣實軍業將兩間問並應戰頭體見產話給門東聲員論處義幾認條氣題別變總電數報結"
    "務場計區隊決馬書聽卻達強難權設記類據規萬術領確傳師觀讓識帶導爭運，。、；：？！（）《》“”‘’"
)
_UNSTORABLE = regex.compile(r"[\x00\ud800-\udfff]")
_UNPRINTABLE = regex.compile(r"[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]")


class Line(NamedTuple):
    """A line without its end; where bytes could not be decoded, U+FFFD stands and ``problem`` says so."""

    number: int  # from 1
    text: str
    problem: str = ""


def one_line(name: str) -> str:
    """A name as a message may show it: characters that break or reorder a line are escaped."""
    return _UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), name)


def storable(text: str) -> tuple[str, int]:
    """The text with NUL and lone surrogates, which no store can keep, replaced by U+FFFD; and how many there were."""
    return _UNSTORABLE.subn("\ufffd", text) if _UNSTORABLE.search(text) else (text, 0)


def check_encoding(encoding: str) -> str:
    """The encoding, if it is one.

    Raises:
        InputError: no such encoding is known.
    """
    try:
        b" ".decode(encoding, "replace")  # of nothing, Python would not even look at the name
        return encoding
    except (LookupError, UnicodeError, ValueError) as error:
        raise InputError(f"{one_line(encoding)}: no such encoding; try utf-8, gb18030, big5 or latin-1") from error


def binary_kind(head: bytes) -> str | None:
    """What a file is that starts so and is not text, in words; None for text."""
    if any(head.startswith(bom) for bom, _ in _BOMS):
        return None
    for magic, kind in _MAGIC:
        if head.startswith(magic) and (len(magic) > 3 or _has_controls(head)):
            return kind
    return "binary" if _has_controls(head) and _wide(head) is None else None


def detect(stream: BinaryIO, *, source: str) -> str:
    """The encoding of a seekable stream, which is left at its start.

    Raises:
        InputError: it is empty, not text, or in no encoding that can be told.
    """
    stream.seek(0)
    head = stream.read(_SAMPLE)
    if not head:
        raise InputError(f"{one_line(source)}: is empty; there is nothing to read")
    if kind := binary_kind(head):
        raise InputError(f"{one_line(source)}: is {kind}, not text; convert it to text or leave it out")
    encoding = next((name for bom, name in _BOMS if head.startswith(bom)), None) or _wide(head) or _proven(stream, head)
    stream.seek(0)
    if encoding is None:
        raise InputError(f"{one_line(source)}: is in an encoding that cannot be told; name it with --encoding")
    return encoding


def decode(stream: BinaryIO, *, source: str, encoding: str | None = None) -> str:
    """The whole of a seekable stream as text, from its start.

    Raises:
        InputError: it is empty, not text, or not in the encoding.
    """
    encoding = encoding or detect(stream, source=source)
    stream.seek(0)
    data = stream.read()
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{one_line(source)}: byte {error.start} is not {encoding}; name the right encoding with --encoding"
        ) from error
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def lines(stream: BinaryIO, encoding: str, *, limit: int = 200_000_000) -> Iterator[Line]:
    """The lines of a stream from its start, one at a time. A line of more than ``limit`` bytes comes empty."""
    stream.seek(0)
    if codecs.lookup(encoding).name.startswith(("utf-16", "utf-32")):
        yield from _wide_lines(stream, encoding, limit)
        return
    offset = number = 0
    while data := stream.readline(limit + 1):
        number += 1
        size = len(data)
        problem = ""
        if size > limit and not data.endswith(b"\n"):
            problem = f"is longer than {limit} bytes"
            data = b""
            while rest := stream.readline(_BLOCK):
                size += len(rest)
                if rest.endswith(b"\n"):
                    break
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError as error:
            problem = f"byte {offset + error.start} is not {encoding}"
            text = data.decode(encoding, "replace")
        if number == 1:
            text = text.removeprefix("\ufeff")
        yield Line(number, text.rstrip("\r\n"), problem)
        offset += size


def _wide_lines(stream: BinaryIO, encoding: str, limit: int) -> Iterator[Line]:
    """Lines of two or four bytes a character: a broken one takes the rest with it, for its line end is lost."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    number, offset, pending = 0, 0, ""
    while True:
        data = stream.read(_BLOCK)
        problem = ""
        try:
            pending += decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            problem = f"byte {offset + error.start} or near it is not {encoding}; nothing behind it was read"
        offset += len(data)
        *whole, pending = pending.split("\n")
        for text in whole:
            number += 1
            yield Line(number, text.removeprefix("\ufeff").rstrip("\r"))
        if len(pending) * 2 > limit:
            problem = f"is longer than {limit} bytes; nothing behind it was read"
        if problem or not data:
            break
    if pending or problem:
        yield Line(number + 1, pending.removeprefix("\ufeff").rstrip("\r"), problem)


def _has_controls(head: bytes) -> bool:
    """Whether so many bytes are control characters that no text in single bytes is likely."""
    return len(head) - len(head.translate(None, _CONTROL)) > max(1, len(head) // 50)


def _wide(head: bytes) -> str | None:
    """UTF-16 or UTF-32 without a byte order mark, if reading it so gives everyday characters."""
    best, choice = 0.9, None
    for encoding, width in (("utf-32-le", 4), ("utf-32-be", 4), ("utf-16-le", 2), ("utf-16-be", 2)):
        if len(head) % width and len(head) < _SAMPLE:
            continue
        try:
            text = codecs.getincrementaldecoder(encoding)("strict").decode(head, final=False)
        except UnicodeDecodeError:
            continue
        score = sum(map(_everyday, text)) / max(1, len(text))
        if score > best and (b"\0" in head or (not _is_utf8(head) and _chinese_share(text) > 0.1)):
            best, choice = score, encoding
    return choice


def _everyday(character: str) -> float:
    if character in _COMMON or " " <= character <= "~" or character in "\t\n\r":
        return 1.0
    if "\u4e00" <= character <= "\u9fff":
        return 0.95
    return 0.92 if "\xa0" <= character <= "\u05ff" or "\u3000" <= character <= "\u30ff" else 0.0


def _proven(stream: BinaryIO, head: bytes) -> str | None:
    """UTF-8 if the whole stream is, else what the bytes from its first error on look like."""
    stream.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    read = beyond_ascii = 0
    while True:
        data = stream.read(_BLOCK)
        held = decoder.getstate()[0]
        try:
            text = decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            proven = (held + data)[: error.start]
            beyond_ascii += len(proven) - len(proven.decode("utf-8"))
            stream.seek(read - len(held) + error.start)
            return _legacy(stream.read(_SAMPLE), well_formed=beyond_ascii)
        beyond_ascii += len(data) - len(text)  # at least one for each character beyond ASCII
        read += len(data)
        if not data:
            return "utf-8"


def _legacy(sample: bytes, *, well_formed: int) -> str | None:
    """The encoding of bytes that are not UTF-8; "utf-8" after all if most of them are."""
    as_utf8 = sample.decode("utf-8", "replace")
    broken = as_utf8.count("\ufffd")
    if well_formed + sum(c > "\x7f" for c in as_utf8) - broken >= 3 * broken:
        return "utf-8"
    scores = {encoding: _chinese_share(sample.decode(encoding, "replace")) for encoding in ("gb18030", "big5hkscs")}
    best = max(scores, key=lambda encoding: scores[encoding])
    if scores[best] > 0.1:
        return best
    beyond = regex.findall(rb"[\x80-\xff]+", sample)
    western = sample.decode("cp1252", "replace")
    high = [character for character in western if character > "\x7f"]
    if sum(len(run) <= 2 for run in beyond) >= 0.8 * len(beyond) and sum(c in _WESTERN for c in high) >= 0.9 * len(
        high
    ):
        return "latin-1" if "\ufffd" in western else "cp1252"
    from charset_normalizer import from_bytes  # slow to load, and seldom needed

    found = from_bytes(sample).best()
    return None if found is None else found.encoding


def _chinese_share(text: str) -> float:
    """The share of frequent Chinese characters among all beyond ASCII; 0 when too much could not be decoded."""
    beyond = [character for character in text if character > "\x7f"]
    if not beyond or beyond.count("\ufffd") > 1 + len(beyond) // 100:
        return 0.0
    return sum(character in _COMMON for character in beyond) / len(beyond)


def _is_utf8(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")("strict").decode(head, final=False)
    except UnicodeDecodeError:
        return False
    return True
