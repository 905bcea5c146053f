"""What tokens write, byte by byte, whatever the tokenizer is made of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, normalizers
from tokenizers.models import BPE, WordLevel
from transformers import PreTrainedTokenizerFast

from fusion.errors import LanguageModelError
from fusion.language.vocabulary import Vocabulary, read_vocabulary
from tests.fusion import tiny_model

BYTE_LEVEL = tiny_model.tokenizer()


def by_pieces() -> PreTrainedTokenizerFast:
    """A tokenizer of pieces, with bytes where there is none, as Gemma's is."""
    signs = ["<pad>", "<eos>", "▁", *'Paris"1[];北', "ar", "▁P", "\n\n"]
    vocabulary = {sign: at for at, sign in enumerate(dict.fromkeys(signs))}
    for byte in range(256):
        vocabulary[f"<0x{byte:02X}>"] = len(vocabulary)
    pieces = Tokenizer(BPE(vocabulary, [("a", "r"), ("▁", "P")], byte_fallback=True))
    pieces.normalizer = normalizers.Replace(" ", "▁")
    pieces.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    return PreTrainedTokenizerFast(tokenizer_object=pieces, eos_token="<eos>", pad_token="<pad>")


@pytest.mark.parametrize("tokenizer", [BYTE_LEVEL, by_pieces()], ids=["bytes", "pieces"])
@pytest.mark.parametrize("text", ["Paris", ' "Paris" [1]; 北京', "\n\n a\t", "é 🙂 鑫 \x00", "▁"])
def test_tokens_write_the_text(tokenizer: PreTrainedTokenizerFast, text: str) -> None:
    vocabulary = read_vocabulary(tokenizer, name="it")
    ids = tokenizer(text, add_special_tokens=False, split_special_tokens=True).input_ids
    expected = text.replace("▁", " ") if tokenizer is not BYTE_LEVEL else text
    assert b"".join(map(vocabulary.text, ids)) == expected.encode()


@pytest.mark.parametrize("tokenizer", [BYTE_LEVEL, by_pieces()], ids=["bytes", "pieces"])
def test_marks_write_nothing(tokenizer: PreTrainedTokenizerFast) -> None:
    vocabulary = read_vocabulary(tokenizer, name="it")
    assert vocabulary.text(tokenizer.eos_token_id) == b""
    first, last = vocabulary.beginning(b"<eos", vocabulary.whole)
    assert first == last


def test_a_piece_is_taken_before_its_byte() -> None:
    tokenizer = by_pieces()
    vocabulary = read_vocabulary(tokenizer, name="it")
    token = vocabulary.exactly(b"P", vocabulary.beginning(b"P", vocabulary.whole))
    assert token == tokenizer.convert_tokens_to_ids("P")
    assert vocabulary.text(tokenizer.convert_tokens_to_ids("<0x50>")) == b"P"


def test_a_tokenizer_of_another_kind_is_refused() -> None:
    words = Tokenizer(WordLevel({"<unk>": 0, "Paris": 1}, unk_token="<unk>"))
    with pytest.raises(LanguageModelError, match="choose another"):
        read_vocabulary(PreTrainedTokenizerFast(tokenizer_object=words, unk_token="<unk>"), name="it")


@given(st.lists(st.binary(max_size=3), max_size=20), st.binary(max_size=3))
def test_beginnings_are_those_of_the_bytes(texts: list[bytes], start: bytes) -> None:
    vocabulary = Vocabulary(dict(enumerate(texts)))
    distinct = sorted({text for text in texts if text})
    first, last = vocabulary.beginning(start, vocabulary.whole)
    assert distinct[first:last] == [text for text in distinct if text.startswith(start)]
    token = vocabulary.exactly(start, (first, last))
    assert (token is None) == (start not in distinct)
    assert token is None or texts[token] == start
