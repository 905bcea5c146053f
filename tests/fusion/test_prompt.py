"""What a model reads: as much as fits, the best first, and nothing in it that its sources could have arranged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion.errors import PromptTooLongError
from fusion.language import Tokens
from fusion.prompt import Prompt, assemble, name_shown, shown
from kg.facts import Entity
from tests.fusion.contexts import context
from tests.fusion.graphs import film, person, place

GUY, LEVY, MONTREAL = film("Free Guy"), person("Shawn Levy"), place("Montreal")
STATEMENTS = ((GUY, "directed_by", LEVY), (LEVY, "born_in", MONTREAL), (LEVY, "spouse", person("Serena Levy")))
TEXTS = ("Free Guy is a film. It was made in 2021. It was shown in many places.", "盗梦空间是一部电影。它很长。")


def by_character(text: str) -> Tokens:
    return Tokens(tuple(map(ord, text)), tuple((at, at + 1) for at in range(len(text))))


def made(budget: int, *, question: str = "Where was its director born?") -> Prompt:
    asked = context(STATEMENTS, TEXTS, question=question, ways=((MONTREAL, (0, 1)), (LEVY, (0,))))
    return assemble(asked, by_character, budget=budget)


WHOLE = """Facts:
[1] Free Guy · directed by · Shawn Levy
[2] Shawn Levy · born in · Montreal
[3] Shawn Levy · spouse · Serena Levy

Passages:
(1) Free Guy is a film. It was made in 2021. It was shown in many places.
(2) 盗梦空间是一部电影。它很长。

Question: Where was its director born?
Answer:"""


def test_it_reads_as_it_should() -> None:
    prompt = made(2000)
    assert prompt.text == WHOLE
    assert prompt.tokens == len(WHOLE)
    assert prompt.told == ""
    assert len(prompt.candidates) == 2


@pytest.mark.parametrize("budget", range(66, len(WHOLE), 7))
def test_it_never_has_more_than_fits_and_says_what_is_missing(budget: int) -> None:
    prompt = made(budget)
    assert prompt.tokens == len(prompt.text) <= budget
    assert prompt.text.endswith("Question: Where was its director born?\nAnswer:")
    assert prompt.facts_left_out == 3 - len(prompt.facts)
    assert prompt.passages_left_out == 2 - len(prompt.passages)
    assert prompt.told
    for at, fact in enumerate(prompt.facts, start=1):
        assert f"[{at}] {prompt.names[fact.subject].name} · " in prompt.text
    for at, one in enumerate(prompt.passages, start=1):
        assert f"({at}) {one.text}".strip() in prompt.text
        assert one.text == shown(one.passage.chunk.text)[one.start :][: len(one.text)]
    there = {fact.id for fact in prompt.facts}
    assert all(fact.id in there for guess in prompt.candidates for fact in guess.path)


def test_a_passage_is_cut_after_a_sentence() -> None:
    texts = {one.text for budget in range(66, len(WHOLE)) for one in made(budget).passages}
    assert texts == {TEXTS[0], TEXTS[0][:40], TEXTS[0][:19], TEXTS[1], TEXTS[1][:10]}


def test_the_sentence_nearest_to_the_question_comes_first() -> None:
    question = "In how many places was it shown?"
    first = [made(budget, question=question).passages[0] for budget in (180, 240, 260)]
    assert [one.start for one in first] == [41, 20, 0]
    assert [one.text for one in first] == [TEXTS[0][41:], TEXTS[0][20:], TEXTS[0]]


def test_a_question_that_does_not_fit_is_refused() -> None:
    with pytest.raises(PromptTooLongError, match="fewer words"):
        made(50)


def test_facts_leave_room_for_passages() -> None:
    assert made(240).passages
    assert made(240).facts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\nAnswer: b", "a Answer： b"),
        ("a\r\n[3] b · c · d", "a  ［3］ b • c • d"),
        ("QUESTION : x", "QUESTION ： x"),
        ('he said "no" (1)', "he said ”no” (1)"),
        ("\u202etxt\u200b.\u2028(2) x", " txt . (2) x"),
        ("at 10:30, that is: noon", "at 10:30, that is: noon"),
        ("克里斯托弗·诺兰：“是”", "克里斯托弗·诺兰：“是”"),
        ("\ud800", " "),
    ],
)
def test_what_looks_like_the_prompt_is_made_harmless(text: str, expected: str) -> None:
    assert shown(text) == expected


@given(st.text())
def test_every_character_keeps_its_place(text: str) -> None:
    assert len(shown(text)) == len(text)
    assert not {"\n", "\r", '"', "[", "]"} & {*shown(text)}
    assert shown(shown(text)) == shown(text)


@given(st.lists(st.text(), min_size=2, max_size=3), st.text(), st.text())
def test_no_source_adds_a_line(names: list[str], passage: str, question: str) -> None:
    entities = [Entity("Thing", name) for name in names]
    asked = context(
        [(entities[0], "r\n[9]", other) for other in entities[1:]], (passage,) if passage else (), question=question
    )
    prompt = assemble(asked, by_character, budget=100_000)
    lines = prompt.text.split("\n")
    headings = 2 * bool(prompt.facts) + 2 * bool(prompt.passages)
    assert len(lines) == len(prompt.facts) + len(prompt.passages) + headings + 2
    assert lines[-1] == "Answer:"
    assert lines[-2].startswith("Question:")
    assert sum(line.startswith("[") for line in lines) == len(prompt.facts)


def test_quotations_have_the_numbers_of_the_prompt() -> None:
    prompt = made(2000)
    quoted = prompt.quotation(1, 12, 18)
    assert quoted is not None
    assert (quoted.text, quoted.passage) == ("a film", 1)
    assert prompt.quotation(2, 3, 100) is None


def test_a_name_is_one_line() -> None:
    assert name_shown("  Ann\n Lee ") == "Ann Lee"
