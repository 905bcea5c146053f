"""What moves what a language model says, against likelihoods that are computed one by one."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from fusion.claims import Claim
from fusion.decode import Said
from fusion.influence import influences
from fusion.language import open_model
from fusion.language.causal import HuggingFaceModel
from fusion.speaking import LocalSpeaker, Spoken
from kg.facts import Entity
from tests.fusion import tiny_model
from tests.fusion.contexts import context

GUY, LEVY, MONTREAL = Entity("Film", "Free Guy"), Entity("Person", "Shawn Levy"), Entity("City", "Montreal")
FACTS = [(GUY, "directed_by", LEVY), (LEVY, "born_in", MONTREAL)]
TEXTS = ["Free Guy was shown in Paris.", "Berlin is the capital of Germany."]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> HuggingFaceModel:
    found = open_model(str(tiny_model.write(tmp_path_factory.mktemp("model"), context=1024)), device="cpu")
    assert isinstance(found, HuggingFaceModel)
    return found


def test_each_part_is_left_out_in_turn(model: HuggingFaceModel) -> None:
    soft = torch.randn(2, model.width, generator=torch.Generator().manual_seed(1))
    found = context(FACTS, TEXTS, ways=[(LEVY, [0]), (MONTREAL, [0, 1])])
    found = replace(found, view=replace(found.view, candidates=np.arange(2)))
    speaker = LocalSpeaker(model, soft_tokens=lambda view: soft)
    prompt = speaker.prompt(found)
    entity = Said(Claim("Montreal", (2,)), entity=MONTREAL)
    spoken = Spoken((entity,), 0.5, prompt=prompt)
    moved = influences(speaker, found, spoken)
    assert {(one.kind, one.number) for one in moved} == {
        (kind, number) for kind in ("fact", "passage", "soft token") for number in (1, 2)
    }
    assert [abs(one.change) for one in moved] == sorted((abs(one.change) for one in moved), reverse=True)

    def likelihood(text: str, prefix: Tensor) -> float:
        return model.score(text, [" Montreal [2]"], prefix=prefix, ended=True)[0].total

    whole = likelihood(prompt.text, soft)
    changes = {(one.kind, one.number): one.change for one in moved}
    without = prompt.text.replace("[1] Free Guy · directed by · Shawn Levy\n", "")
    assert without != prompt.text
    assert changes["fact", 1] == pytest.approx(whole - likelihood(without, soft))
    without = prompt.text.replace("(2) Berlin is the capital of Germany.\n", "")
    assert without != prompt.text
    assert changes["passage", 2] == pytest.approx(whole - likelihood(without, soft))
    assert changes["soft token", 2] == pytest.approx(whole - likelihood(prompt.text, soft[:1]))


def test_what_bears_the_answer_out_is_tried_first(model: HuggingFaceModel) -> None:
    found = context(FACTS, TEXTS)
    speaker = LocalSpeaker(model)
    prompt = speaker.prompt(found)
    passage = prompt.passages[1]
    said = (Said(Claim("Montreal", (2,)), entity=MONTREAL), Said(Claim("Berlin", passage=2), passage=passage))
    tried = influences(speaker, found, Spoken(said, 0.5, prompt=prompt), most=2)
    assert {(one.kind, one.number) for one in tried} == {("fact", 2), ("passage", 2)}


def test_where_nothing_was_read_nothing_moved(model: HuggingFaceModel) -> None:
    assert influences(LocalSpeaker(model), context(FACTS), Spoken()) == []
