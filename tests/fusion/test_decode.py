"""Nothing can be written but claims about what is shown, and every such claim can, however it is cut into tokens."""

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.claims import Claim, written
from fusion.decode import CLAIMS, Grammar
from fusion.language import Options, Tokens
from fusion.language.causal import HuggingFaceModel
from fusion.language.vocabulary import Vocabulary
from fusion.named import Named
from fusion.prompt import Prompt, assemble, name_shown, shown
from fusion.quotable import QUOTED
from kg.facts import Entity
from tests.fusion.contexts import context
from tests.fusion.graphs import film, person, place

ALAN, LONDON, LONDONDERRY = person("Alan Turing"), place("London"), place("Londonderry")
STATEMENTS = ((ALAN, "born_in", LONDON), (LONDON, "near", LONDONDERRY), (ALAN, "field", Entity("Field", "logic")))
TEXT = 'Turing was born in 1912, in "Maida Vale", London; he died in 1954.'
CHINESE = "糖尿病有什么症状？多饮、多尿、多食和体重下降。"


@pytest.fixture(scope="module")
def prompt(model: HuggingFaceModel) -> Prompt:
    asked = context(STATEMENTS, (TEXT, CHINESE), ways=((LONDONDERRY, (0, 1)),))
    return assemble(asked, model.tokenize, budget=1900)


def accepts(grammar: Grammar, model: HuggingFaceModel, text: str) -> bool:
    """Whether each token of a text is allowed where it stands, and the end behind the last."""
    tokens = model.tokenize(text).ids
    allowed = all(token in grammar.allowed(tokens[:at]) for at, token in enumerate(tokens))
    ended = model.ends <= set(grammar.allowed(tokens))
    read = grammar.parse(text.encode())
    assert (allowed and ended) == (read is not None)
    return allowed and ended


@pytest.mark.parametrize("cut", [False, True], ids=["any cut", "one cut"])
@pytest.mark.parametrize(
    "text",
    [
        " none",
        " London [1]",
        " London [2]",
        " Londonderry [1][2]",
        " Londonderry [2]; London [1]",
        ' "1912" (1)',
        ' "in ”Maida Vale”, London" (1)',
        ' "多饮" (2)',
        ' "症状？多" (2); Alan Turing [1]',
    ],
)
def test_what_may_be_said(model: HuggingFaceModel, prompt: Prompt, text: str, cut: bool) -> None:
    tokenize = model.tokenize if cut else None
    grammar = Grammar(prompt, model.vocabulary, ends=model.ends, tokenize=tokenize)
    assert accepts(grammar, model, text)
    said = grammar.parse(text.encode())
    assert said is not None
    assert f" {written([one.claim for one in said])}" == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "none",
        " None",
        " nobody",
        " London",  # without what bears it out
        " London [3]",  # a fact that says nothing of it
        " Londonderry [1]",
        " Londonderry [2][1]",  # no way leads there in this order
        " London [1]; London [2]",  # said already
        " London [1];",
        " none; London [1]",
        " London [1]; none",
        " Paris [1]",
        ' "191" (1)',  # half of a word
        ' "1912 " (1)',
        ' "1912, in London" (1)',  # no such characters stand side by side
        ' "1912" (2)',
        ' "1912" (1); "1954" (1)',  # a passage is quoted once
        ' "" (1)',
        " Answer: London [1]",
        " <eos>",
    ],
)
def test_what_may_not(model: HuggingFaceModel, prompt: Prompt, text: str) -> None:
    assert not accepts(Grammar(prompt, model.vocabulary, ends=model.ends), model, text)


def test_what_must_follow_is_cut_as_the_tokenizer_does(model: HuggingFaceModel, prompt: Prompt) -> None:
    free = Grammar(prompt, model.vocabulary, ends=model.ends)
    bound = Grammar(prompt, model.vocabulary, ends=model.ends, tokenize=model.tokenize)
    tokens = model.tokenize(" Alan Turing [1]").ids
    choices = [(len(free.allowed(tokens[:at])), len(bound.allowed(tokens[:at]))) for at in range(len(tokens) + 1)]
    assert all(few <= many for many, few in choices)
    assert sum(few == 1 for _, few in choices) > sum(many == 1 for many, _ in choices)
    assert model.ends <= set(bound.allowed(tokens))


def test_what_is_read_is_what_was_meant(prompt: Prompt) -> None:
    grammar = Grammar(prompt)
    said = grammar.parse(' Londonderry [1][2]; "in ”Maida Vale”" (1)'.encode())
    assert said is not None
    name, quoted = said
    assert name.entity == LONDONDERRY
    assert [fact.relation for fact in name.facts] == ["born_in", "near"]
    assert quoted.passage is not None
    assert quoted.passage.passage.chunk.text[quoted.start : quoted.end] == 'in "Maida Vale"'


def test_a_long_quotation_ends(model: HuggingFaceModel) -> None:
    text = "word " * 100
    grammar = Grammar(assemble(context((), (text,)), model.tokenize, budget=1900))
    assert grammar.parse(f' "{text[: QUOTED - 1]}" (1)'.encode()) is not None
    assert grammar.parse(f' "{text[: QUOTED + 4]}" (1)'.encode()) is None


@pytest.mark.parametrize(
    ("text", "may", "may_not"),
    [
        ("It cost 1.5 million, not 1,500.", ("1.5", "1,500", "1.5 million"), ("1", "5 million", "1,5", "500")),
        ("At 10:30 on 3/4/1999", ("10:30", "3/4/1999"), ("10", "1999")),
        ("价格是1,200元。", ("1,200元", "价格是1,200"), ("1", "200元")),
        ("état né naïf", ("né", "naïf"), ("n", "é", "na")),
        ("e\u0301tat", ("e\u0301tat",), ("e", "tat")),
    ],
)
def test_words_and_numbers_are_quoted_whole(text: str, may: tuple[str, ...], may_not: tuple[str, ...]) -> None:
    grammar = Grammar(assemble(context((), (text,)), tiny_tokenize, budget=1000))
    for words in (*may, *may_not):
        assert (grammar.parse(f' "{words}" (1)'.encode()) is not None) is (words in may), words


def test_no_more_than_so_many_claims(model: HuggingFaceModel) -> None:
    stars = [person(f"Star {at}") for at in range(CLAIMS + 1)]
    grammar = Grammar(
        assemble(context([(film("It"), "starring", star) for star in stars]), model.tokenize, budget=1900)
    )
    claims = [Claim(star.name, (at,)) for at, star in enumerate(stars, start=1)]
    assert grammar.parse(f" {written(claims[:CLAIMS])}".encode()) is not None
    assert grammar.parse(f" {written(claims)}".encode()) is None


def test_two_things_of_one_name_are_told_apart_by_their_facts(model: HuggingFaceModel) -> None:
    halo, song = film("Halo"), Entity("Song", "Halo")
    asked = context([(halo, "directed_by", person("Bo")), (song, "written_by", person("Cy"))])
    grammar = Grammar(assemble(asked, model.tokenize, budget=1900))
    for text, meant in ((" Halo [1]", halo), (" Halo [2]", song)):
        said = grammar.parse(text.encode())
        assert said is not None
        assert [one.entity for one in said] == [meant]


def test_nothing_shown_is_nothing_to_say(model: HuggingFaceModel) -> None:
    grammar = Grammar(assemble(context(), model.tokenize, budget=1900), model.vocabulary, ends=model.ends)
    assert grammar.empty


def test_an_alias_may_be_said(model: HuggingFaceModel) -> None:
    turing = Entity("Person", "Alan Turing", ("A. M. Turing",))
    grammar = Grammar(assemble(context([(turing, "born_in", LONDON)]), model.tokenize, budget=1900))
    said = grammar.parse(b" A. M. Turing [1]")
    assert said is not None
    assert said[0].entity == turing


HALO, SONG = Entity("Film", "Halo", ("Ring",)), Entity("Song", "Halo")


@pytest.mark.parametrize(
    ("topics", "may", "may_not"),
    [
        (Named(), ("Halo [1]", "Ring [1]", "Bo [1]"), ()),
        (Named((HALO,)), ("Bo [1]", "Halo [3]"), ("Halo [1]", "Ring [1]", "Ring [1][2]", "Halo [2]")),
        (Named((HALO, SONG)), ("Bo [1]", "Cy [2]"), ("Halo [1]", "Halo [2]", "Halo [3]", "Ring [3]")),
        (Named((HALO, SONG), several=True), ("Halo [1]", "Halo [2]", "Ring [1]", "Cy [2]"), ()),
    ],
    ids=["nothing", "one thing", "one name of two things", "two things"],
)
def test_what_is_asked_about_is_not_said(
    model: HuggingFaceModel, topics: Named, may: tuple[str, ...], may_not: tuple[str, ...]
) -> None:
    """Neither by a fact of its own, nor by a way that comes back to it, nor by another name."""
    bo, cy = person("Bo"), person("Cy")
    statements = [(HALO, "directed_by", bo), (SONG, "written_by", cy), (HALO, "theme", SONG)]
    prompt = assemble(context(statements, ways=((HALO, (0, 0)), (cy, (2, 1)))), model.tokenize, budget=1900)
    grammar = Grammar(prompt, model.vocabulary, ends=model.ends, topics=topics)
    for text in (*may, *may_not):
        said = accepts(grammar, model, f" {text}")
        assert said is (text in may), text
        name, _, rest = text.partition(" ")
        numbers = [int(number) for number in regex.findall(r"\d+", rest)]
        assert (grammar.meant(name, numbers) is not None) is said, text
    assert {"Halo", "Ring"}.isdisjoint(grammar.names) is (topics == Named((HALO, SONG)))


def test_whatever_is_written_can_be_read(model: HuggingFaceModel, prompt: Prompt) -> None:
    texts = set()
    for seed in range(40):
        tokenize = model.tokenize if seed % 2 else None
        grammar = Grammar(prompt, model.vocabulary, ends=model.ends, tokenize=tokenize)
        options = Options(max_tokens=400, temperature=3.0, seed=seed)
        found = model.generate(prompt.text, options=options, allowed=grammar.allowed)
        said = grammar.read(found.tokens, ended=found.ended)
        assert said is not None
        if found.ended:
            assert f" {written([one.claim for one in said])}" == found.text
        texts.add(found.text)
    assert len(texts) > 20


def test_what_was_cut_off_keeps_what_was_whole(prompt: Prompt) -> None:
    grammar = Grammar(prompt)
    said = grammar.parse(b" London [1]; Londond", ended=False)
    assert said is not None
    assert [one.claim.text for one in said] == ["London"]
    assert grammar.parse(b" Lond", ended=False) is None


SIGNS = st.sampled_from([*"ab 1[]\"'();.·:，。京北🙂é\n\t", "[1]", '" (1)', "none", "; ", "Answer:", "\u202e", "👩‍🚀"])
NAMES = st.lists(SIGNS, min_size=1, max_size=6).map("".join).filter(lambda name: name_shown(name) != "")


@settings(max_examples=60, deadline=None)
@given(st.lists(NAMES, min_size=2, max_size=5, unique_by=name_shown), st.data())
def test_every_name_is_said_as_it_is_written(names: list[str], data: st.DataObject) -> None:
    entities = [Entity("Thing", name) for name in names]
    statements = [(entities[0], "r", other) for other in entities[1:]]
    asked = context(statements)
    grammar = Grammar(assemble(asked, tiny_tokenize, budget=100_000), BYTES, ends={256})
    chosen = data.draw(st.lists(st.integers(1, len(statements)), min_size=1, max_size=3, unique=True))
    claims = [Claim(name_shown(names[at]), (at,)) for at in chosen]
    text = f" {written(claims)}".encode()
    said = grammar.parse(text)
    assert said is not None
    assert [one.entity for one in said] == [entities[at] for at in chosen]
    assert [one.claim for one in said] == claims
    assert all(byte in grammar.allowed(list(text[:at])) for at, byte in enumerate(text))
    assert 256 in grammar.allowed(list(text))


@settings(max_examples=60, deadline=None)
@given(st.lists(SIGNS, min_size=1, max_size=30).map("".join))
def test_every_quotation_is_found_again(text: str) -> None:
    asked = context((), (text,))
    prompt = assemble(asked, tiny_tokenize, budget=100_000)
    grammar = Grammar(prompt, BYTES, ends={256})
    for one in prompt.passages:
        for word in shown(text).split():
            said = grammar.parse(f' "{word}" (1)'.encode())
            if len(word) > QUOTED:
                continue
            if not regex.match(r"[\p{L}\p{M}\p{N}\p{S}]", word):
                assert said is None
                continue
            assert said is not None
            [found] = said
            assert (
                shown(text)[found.start : found.end]
                == word
                == one.text[found.start - one.start : found.end - one.start]
            )


BYTES = Vocabulary({byte: bytes((byte,)) for byte in range(256)})


def tiny_tokenize(text: str) -> Tokens:
    return Tokens(tuple(text.encode("utf-8", "replace")), tuple((at, at + 1) for at in range(len(text))))
