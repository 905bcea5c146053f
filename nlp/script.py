"""The language of a text, told from its letters and small words: Chinese, English, or neither for certain.

No model is loaded. Chinese texts are full of English terms ("使用 Transformer 的 attention"), so one Chinese
character weighs as much as one whole foreign word.
"""

import regex

_SAMPLE = 50_000  # characters: more of a text would not change the answer
_HAN = regex.compile(r"\p{Han}")
_KANA = regex.compile(r"[\p{Hiragana}\p{Katakana}]")
_HANGUL = regex.compile(r"\p{Hangul}")
_LATIN_WORD = regex.compile(r"\p{Latin}[\p{Latin}\p{M}]*+")
_OTHER_WORD = regex.compile(r"[\p{L}--\p{Han}--\p{Kana}--\p{Hira}--\p{Hangul}--\p{Latin}][\p{L}\p{M}]*+", regex.V1)


def _words(*lines: str) -> frozenset[str]:
    return frozenset(" ".join(lines).split())


_ENGLISH = _words(
    "the of and to in is was for that with are were by from this it be has have had which at or as on not can his",
    "her he she they what who you we their there been but than when where how did does",
)
# Frequent words of the other languages in Latin letters, less those that English has too ("in", "is", "was", "on").
_FOREIGN = _words(
    "der die das und ist nicht ein eine mit von den dem zu auf für wurde le la les des et est un une du dans que",
    "qui pour par au avec el los las y en del por con una se su fue como es al lo il di che della è per sono nel",
    "gli da non alla dei o e os uma não em para foi ao mais het een van niet zijn voor met och att som det på av",
    "er og til ja oli na w z jest bir ve bu yang de",
)
_FEW_WORDS = 20  # below this a text may well hold no small word at all: "Bryan Gunn, Scottish footballer"
_ENGLISH_SHARE = 0.08  # of all words; English prose has 0.3 and more


def detect(text: str) -> str:
    """The language of a text: "zh", "en", or "und" when it is another or cannot be told."""
    sample = text[:_SAMPLE]
    han, kana = len(_HAN.findall(sample)), len(_KANA.findall(sample))
    words = [word.casefold() for word in _LATIN_WORD.findall(sample)]
    foreign = len(_HANGUL.findall(sample)) + len(_OTHER_WORD.findall(sample))
    if foreign >= max(han, len(words)):
        return "und"  # as is a text without letters
    if han >= len(words):
        # Japanese has kana in every clause; a の or two in a Chinese text are decoration.
        return "und" if (kana > 2 and kana * 8 > han) or kana >= han else "zh"
    if kana >= len(words):
        return "und"
    return "en" if _reads_as_english(words) else "und"


def _reads_as_english(words: list[str]) -> bool:
    english = sum(word in _ENGLISH for word in words)
    other = sum(word in _FOREIGN for word in words)
    if other > 2 * english:  # "Il sogno di un giorno is a 1916 film directed by…" is English nonetheless
        return False
    if len(words) >= _FEW_WORDS:
        return english >= _ENGLISH_SHARE * len(words)
    return english > 0 or all(word.isascii() for word in words)
