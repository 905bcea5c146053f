"""States → logits, of the whole vocabulary or of some of it: 262,144 rows are most of a small model's work."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from fusion.errors import LanguageModelError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

AT_ONCE = 64  # positions whose logits over the whole vocabulary are held at a time: 64 MiB for Gemma in float32


class Head:
    """The last layer of a causal model, row by row."""

    def __init__(self, module: "PreTrainedModel") -> None:
        config = module.config.get_text_config()
        self._module = module
        self._cap = getattr(config, "final_logit_softcapping", None)  # Gemma 2
        self._scale = (getattr(config, "logit_scale", None) or 1.0) / (getattr(config, "logits_scaling", None) or 1.0)

    def logits(self, states: Tensor, rows: Sequence[int] | None = None) -> Tensor:
        """Logits of the tokens in ``rows``, or of every token.

        Shapes:
            states (n, d); returns (n, len(rows)) or (n, v), float32
        """
        layer = self._module.get_output_embeddings()  # type: ignore[no-untyped-call]  # of transformers
        weight, bias = layer.weight, getattr(layer, "bias", None)
        if rows is not None:
            index = torch.tensor(rows, device=states.device)
            weight, bias = weight[index], None if bias is None else bias[index]
        logits = functional.linear(states, weight, bias).float() * self._scale  # (n, v)
        return logits if self._cap is None else self._cap * torch.tanh(logits / self._cap)

    def log_likelihoods(self, states: Tensor, targets: Tensor) -> Tensor:
        """The natural logarithm of each target's probability among the whole vocabulary.

        Shapes:
            states (n, d); targets (n,); returns (n,), float32
        """
        parts = []
        for start in range(0, len(states), AT_ONCE):
            logits = self.logits(states[start : start + AT_ONCE])  # (c, v)
            wanted = targets[start : start + AT_ONCE, None]  # (c, 1)
            parts.append(logits.gather(1, wanted)[:, 0] - logits.logsumexp(dim=1))
        return torch.cat(parts)  # (n,)

    @torch.inference_mode()
    def check(self, name: str) -> None:
        """Whether the logits here are those that the model gives itself.

        Raises:
            LanguageModelError: it computes them in a way of its own.
        """
        ids = torch.tensor([[1, 2, 3]], device=self._module.device)
        states = self._module.base_model(input_ids=ids, use_cache=False).last_hidden_state[0]  # (3, d)
        own = self._module(input_ids=ids, use_cache=False).logits[0].float()  # (3, v)
        if not torch.allclose(self.logits(states), own, rtol=1e-2, atol=1e-2):
            raise LanguageModelError(
                f"{name}: computes its logits in a way that Clew does not know; choose a model of another kind."
            )
