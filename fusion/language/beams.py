"""Beam search over the tokens allowed: the likeliest whole texts, not the likeliest next token."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from fusion.language.protocol import Allowed

if TYPE_CHECKING:
    from fusion.language.causal import HuggingFaceModel, Run


@dataclass(frozen=True, slots=True)
class Beam:
    """A text so far, without the mark of its end."""

    tokens: tuple[int, ...] = ()
    log_likelihood: float = 0.0
    ended: bool = False


@torch.inference_mode()
def search(
    model: "HuggingFaceModel", run: "Run", *, beams: int, max_tokens: int, allowed: Allowed | None
) -> list[Beam]:
    """The ``beams`` likeliest texts found, best first; those that had not ended at ``max_tokens`` among them.

    A text only becomes less likely as it grows, so the search ends as soon as nothing that still grows can overtake.
    """
    if beams < 1:
        raise ValueError(f"beams is {beams}; it must be 1 or more")
    live, ended = [Beam()], list[Beam]()
    for step in range(max_tokens):
        grown: list[tuple[Beam, int]] = []
        for row, beam in enumerate(live):
            choices = None if allowed is None else allowed(beam.tokens)
            if choices is not None and model.ends.issuperset(choices):
                ended.append(Beam(beam.tokens, beam.log_likelihood, ended=True))
            else:
                grown += [(longer, row) for longer in _grow(model, run, row, beam, choices, beams)]
        ended = _best([*ended, *(beam for beam, _ in grown if beam.ended)], beams)
        going = sorted(((beam, row) for beam, row in grown if not beam.ended), key=lambda one: -one[0].log_likelihood)[
            :beams
        ]
        if len(ended) == beams:
            going = [(beam, row) for beam, row in going if beam.log_likelihood > ended[-1].log_likelihood]
        live = [beam for beam, _ in going]
        if not live:
            break
        if step + 1 < max_tokens:
            run.keep([row for _, row in going])
            model.read(run, [[beam.tokens[-1]] for beam in live])
    return _best([*ended, *live], beams)


def _grow(
    model: "HuggingFaceModel", run: "Run", row: int, beam: Beam, choices: Sequence[int] | None, beams: int
) -> list[Beam]:
    """The beam with each of its likeliest next tokens; where all of them are marks of the end, one more may go on."""
    likelihoods = model.head.logits(run.state[row : row + 1], choices)[0].log_softmax(dim=0)  # (n,)
    values, places = likelihoods.topk(min(beams + len(model.ends), len(likelihoods)))
    grown = []
    for value, place in zip(values.tolist(), places.tolist(), strict=True):
        token, total = (place if choices is None else choices[place]), beam.log_likelihood + value
        grown.append(Beam(beam.tokens, total, True) if token in model.ends else Beam((*beam.tokens, token), total))
    return grown


def _best(found: list[Beam], count: int) -> list[Beam]:
    return sorted(found, key=lambda beam: -beam.log_likelihood)[:count]
