"""What kind of thing a question asks for, by how it begins."""

import pytest

from fusion.asking import unfit
from fusion.cues import Lexicon, asked
from kg import ontology


@pytest.mark.parametrize(
    ("text", "other", "fit"),
    [
        (
            "What is the place of birth of the director of film Halo?",
            {"Date", "Person", "Occupation"},
            {"City", "Place"},
        ),
        ("What is the date of death of the composer of Halo?", {"Place", "Person"}, {"Date"}),
        ("What nationality is the performer of song Halo?", {"Person", "Date"}, {"Nationality", "Country"}),
        ("Which award did the director of Halo receive?", {"Person", "Place"}, {"Award"}),
        ("Which films did Bo Dahl direct?", {"Person", "Place"}, {"Film"}),
        ("Which signs does gout have?", {"Person"}, {"Symptom", "Disease"}),
        ("Tell me the place of birth of Bo Dahl", set(), {"Date", "Person"}),
        ("What did Bo Dahl make?", set(), {"Date", "Person", "Film"}),
        ("痛风有哪些症状？", set(), {"Disease", "Symptom"}),
    ],
)
def test_what_cannot_be_the_answer(text: str, other: set[str], fit: set[str]) -> None:
    known = ontology.default()
    found = unfit(text, Lexicon(known).cues(text, []), asked(text, known), known)
    assert found >= other
    assert not found & (fit | {"Thing"})
