"""What is taught is what a prompt bears out, in the words in which it may be said."""

import pytest

from fusion.claims import written
from fusion.decode import Grammar
from fusion.language import Tokens
from fusion.named import Named
from fusion.prompt import Prompt, assemble
from fusion.teaching import taught
from kg.facts import Entity
from tests.fusion.contexts import context
from tests.fusion.graphs import GUY, LEVY, NIGHT, film, person, place

MONTREAL = place("Montreal")
STATEMENTS = (
    (GUY, "directed_by", LEVY),
    (LEVY, "born_in", MONTREAL),
    (NIGHT, "directed_by", LEVY),
    (person("Anna"), "born_in", place("Oslo")),
    (Entity("Person", "Serena Levy", ("Serena Quist",)), "married_to", LEVY),
)
TEXTS = (
    'Free Guy, 2021, stars "Ryan Reynolds" and was made in New York.',
    "Ryan Reynolds 出生于温哥华。Boston is near.",
    "It came out on March 21, 2021. Free Guy was shown in Boston, too.",
)


def by_character(text: str) -> Tokens:
    return Tokens(tuple(map(ord, text)), tuple((at, at + 1) for at in range(len(text))))


@pytest.fixture(scope="module")
def prompt() -> Prompt:
    asked = context(STATEMENTS, TEXTS, ways=((MONTREAL, (0, 1)), (NIGHT, (0, 2))))
    return assemble(asked, by_character, budget=10_000)


@pytest.mark.parametrize(
    ("answers", "topics", "expected"),
    [
        (["Montreal"], [GUY], "Montreal [1][2]"),
        (["montréal", "Shawn Levy"], [GUY], "Montreal [1][2]; Shawn Levy [1]"),
        (["Montreal"], [LEVY], "Montreal [2]"),
        (["Free Guy", "Night at the Museum"], [LEVY], "Free Guy [1]"),  # one chain leads to both
        (["Oslo"], [GUY], "none"),  # a fact of somebody else
        (["Serena Quist"], [LEVY], "Serena Levy [5]"),  # by its name, which is what the prompt has
        (["Free Guy"], [GUY], '"Free Guy" (1)'),  # not what was asked about, unless a passage says so
        (["ryan reynolds"], [GUY], '"Ryan Reynolds" (1)'),
        (["New York", "Boston"], [GUY], '"New York" (1); "Boston" (3)'),
        (["温哥华"], [GUY], '"温哥华" (2)'),
        (["York, is"], [GUY], "none"),
        (["yan"], [GUY], "none"),  # part of a word
        (['"Ryan Reynolds"'], [GUY], '"Ryan Reynolds" (1)'),
        (["21 March 2021"], [GUY], '"March 21, 2021" (3)'),  # the same date
        ([""], [GUY], "none"),
        ([], [GUY], "none"),
    ],
)
def test_what_is_taught(prompt: Prompt, answers: list[str], topics: list[Entity], expected: str) -> None:
    claims = taught(prompt, answers, Named(tuple(topics)))
    assert written(claims) == expected
    said = Grammar(prompt).parse(f" {written(claims)}".encode())
    assert said is not None
    assert tuple(one.claim for one in said) == claims


def test_only_sources_are_quoted_where_they_are_known(prompt: Prompt) -> None:
    first, _, last = (one.passage.chunk.id for one in prompt.passages)
    topics = Named((GUY,))
    assert written(taught(prompt, ["Free Guy was"], topics, sources=[first])) == "none"
    assert written(taught(prompt, ["ryan reynolds"], topics, sources=[first])) == '"Ryan Reynolds" (1)'
    assert written(taught(prompt, ["ryan reynolds"], topics, sources=[last])) == "none"
    assert written(taught(prompt, ["Montreal"], topics, sources=[last])) == "Montreal [1][2]"


def test_what_only_repeats_the_question_is_not_taught() -> None:
    """Of several things named, one may be the answer."""
    text = "Free Guy came out before Night at the Museum, said Levy."
    asked = context([(GUY, "directed_by", LEVY)], (text,), question="Which film by Levy came out before Free Guy?")
    prompt = assemble(asked, by_character, budget=10_000)
    assert written(taught(prompt, ["Free Guy", "levy"], Named((GUY,)))) == "none"
    assert written(taught(prompt, ["Free Guy"], Named((GUY, LEVY), several=True))) == '"Free Guy" (1)'
    assert written(taught(prompt, ["Night at the Museum"], Named((GUY,)))) == '"Night at the Museum" (1)'


def test_no_more_is_taught_than_may_be_said() -> None:
    it = film("It")
    stars = [person(f"Star {at}") for at in range(12)]
    asked = context([(it, f"role_{at}", star) for at, star in enumerate(stars)])
    prompt = assemble(asked, by_character, budget=10_000)
    claims = taught(prompt, [star.name for star in stars], Named((it,)))
    assert len(claims) == 8
    assert Grammar(prompt).parse(f" {written(claims)}".encode()) is not None


def test_the_chain_that_leads_to_most_answers_and_fewest_others() -> None:
    it, other = film("It"), film("Other")
    ann, bob, cy = person("Ann"), person("Bob"), person("Cy")
    statements = [(it, "seen_by", cy), (it, "seen_by", ann), (it, "made_by", ann), (it, "made_by", bob)]
    asked = context([*statements, (other, "made_by", cy)])
    prompt = assemble(asked, by_character, budget=10_000)
    assert written(taught(prompt, ["Ann", "Bob"], Named((it,)))) == "Ann [3]"  # both are given with it
    assert written(taught(prompt, ["Ann", "Cy"], Named((it,)))) == "Cy [1]"
    assert written(taught(prompt, ["Ann", "Bob", "Cy"], Named((it,)))) == "Cy [1]; Bob [4]"
