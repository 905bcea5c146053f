"""Chains of facts, and how likely a language model holds them, beside what plans and reasoner say."""

import numpy as np
import pytest

from fusion.language import open_model
from fusion.language.causal import HuggingFaceModel
from fusion.reasoned import Guess
from fusion.scoring import WEIGHTS, chains, fit, rank, see, told
from kg.facts import Entity, Fact
from tests.fusion import tiny_model
from tests.fusion.graphs import GUY, LEVY, NIGHT, date, person, place

MONTREAL, YEAR = place("Montreal"), date("2021")
DIRECTED, BORN = Fact(GUY.id, "directed_by", LEVY.id), Fact(LEVY.id, "born_in", MONTREAL.id)
ALSO, RELEASED = Fact(NIGHT.id, "directed_by", LEVY.id), Fact(GUY.id, "released_on", YEAR.id)
NAMES = {one.id: one for one in (GUY, LEVY, NIGHT, MONTREAL, YEAR)}


def guess(entity: Entity, *path: Fact, planned: float = 0.1) -> Guess:
    return Guess(entity, planned, planned, 0.2, False, path)


CANDIDATES = (
    guess(MONTREAL, DIRECTED, BORN, planned=0.6),
    guess(NIGHT, DIRECTED, ALSO),
    guess(GUY, ALSO, DIRECTED),  # the same relations from elsewhere
    guess(YEAR, RELEASED),
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> HuggingFaceModel:
    found = open_model(str(tiny_model.write(tmp_path_factory.mktemp("model"))), device="cpu")
    assert isinstance(found, HuggingFaceModel)
    return found


def test_candidates_of_one_chain_stand_together() -> None:
    people = [person(f"Star {at}") for at in range(3)]
    found = chains([*CANDIDATES, *(guess(one, Fact(GUY.id, "starring", one.id)) for one in people)])
    assert [(one.start, len(one.steps), len(one.guesses)) for one in found] == [
        (GUY.id, 2, 1),
        (GUY.id, 2, 1),
        (NIGHT.id, 2, 1),
        (GUY.id, 1, 1),
        (GUY.id, 1, 3),
    ]
    assert found[1].steps == (("directed_by", True), ("directed_by", False))


def test_a_chain_is_told_by_names() -> None:
    found = chains(CANDIDATES)
    assert told(found[0], NAMES).text == "Free Guy · directed by · Shawn Levy · born in · Montreal"
    assert told(found[1], NAMES).text == "Free Guy · directed by · Shawn Levy · directed by of · Night at the Museum"


def test_what_is_no_way_is_no_chain() -> None:
    assert chains([guess(MONTREAL, BORN, DIRECTED), guess(MONTREAL)]) == ()


def test_what_the_model_says_is_the_gain_that_the_question_brings(model: HuggingFaceModel) -> None:
    found = chains(CANDIDATES)
    texts = [told(one, NAMES) for one in found]
    seen = see(model, "Where was its director born?", texts)
    asked = model.score("Question: Where was its director born?\nPath:", [f" {one.text}" for one in texts])
    alone = model.score("Path:", [f" {one.text}" for one in texts])
    gain = np.array([one.total - other.total for one, other in zip(asked, alone, strict=True)])
    np.testing.assert_allclose(seen.features[:, 3], gain - gain.max(), atol=1e-3)
    np.testing.assert_allclose(seen.features[:, 0], np.log([0.6, 0.1, 0.1, 0.1]))
    assert len(see(model, "?", ()).places) == 0


def test_calibrated_chances_follow_what_was_right(model: HuggingFaceModel) -> None:
    """Where the planner is right, its chain is the most probable, and chances are near the share that is right."""
    questions = [f"Where was the director of film {at} born?" for at in range(24)]
    found = chains(CANDIDATES)
    looks = []
    for at, question in enumerate(questions):
        answers = {MONTREAL.id} if at % 3 else {YEAR.id, GUY.id}
        texts = [told(one, NAMES, right=all(guess.entity.id in answers for guess in one.guesses)) for one in found]
        looks.append((see(model, question, texts), texts))
    calibration = fit(looks)
    assert calibration is not None
    assert calibration.questions == 24
    assert len(calibration.weights) == WEIGHTS
    assert fit(looks[:19]) is None
    ranked = rank(calibration, looks[0][0], found)
    assert ranked[0].chain == found[0]
    assert ranked[0].probability == pytest.approx(0.67, abs=0.15)
    assert calibration.error < 0.2


def test_reading_is_the_same_every_time(model: HuggingFaceModel) -> None:
    found = chains(CANDIDATES)
    once, again = (see(model, "Who?", [told(one, NAMES) for one in found]).features for _ in range(2))
    assert np.array_equal(once, again)
