"""What an example costs: the mean negative log-likelihood of its target's tokens, the mark of its end included.

The head, which is most of a small model's work, is multiplied at the positions that foretell a token of a target, and
at no other.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from fusion.context import GraphView
from fusion.language.head import AT_ONCE, Head
from fusion.model import FusedModel
from fusion.tuning.batches import Line, collate


def losses(model: FusedModel, lines: Sequence[Line], views: Sequence[GraphView], *, dtype: torch.dtype) -> Tensor:
    """The loss of each example; products in ``dtype``, but those of the graph encoder.

    Shapes: returns (b,), float32
    """
    module = model.language.module
    batch = collate(lines).to(module.device)
    soft = torch.cat(model.encoder(views))  # (Σ c, width)
    with torch.autocast(module.device.type, torch.bfloat16, enabled=dtype == torch.bfloat16):
        embeddings = module.get_input_embeddings()(batch.ids)  # (b, s, width)
        places = batch.soft_rows, batch.soft_columns
        given = embeddings.index_put(places, soft.to(embeddings))
        states = module.base_model(inputs_embeds=given, use_cache=False).last_hidden_state  # (b, s, d)
        wanted = states[batch.rows, batch.columns]  # (k, d)
        parts = list(zip(torch.split(wanted, AT_ONCE), torch.split(batch.targets, AT_ONCE), strict=True))
        keep = len(parts) == 1
        likelihoods = torch.cat([_likelihoods(model.language.head, *part, keep=keep) for part in parts])  # (k,)
    counts = torch.tensor([len(line.target) for line in lines], device=likelihoods.device)
    totals = likelihoods.new_zeros(len(lines)).index_add(0, batch.rows, likelihoods)
    return -totals / counts


def _likelihoods(head: Head, states: Tensor, targets: Tensor, *, keep: bool) -> Tensor:
    """Without ``keep``, logits are computed again for the slope: of many positions, they are the largest tensors."""
    if keep or not torch.is_grad_enabled():
        return head.log_likelihoods(states, targets)
    found: Tensor = checkpoint(head.log_likelihoods, states, targets, use_reentrant=False)
    return found
