"""A Hugging Face causal model: prompt → text, prompt and continuations → likelihoods.

The prompt is read once; what follows it is read on top of the cache, one token at a time where it is written, many
continuations side by side where they are scored. The head is multiplied only where it decides something: at the
continuations' positions, and by the rows of the tokens allowed. A token that alone is allowed costs no head at all,
and is read together with those after it.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

import torch
from tokenizers.decoders import DecodeStream
from torch import Tensor

from fusion.errors import LanguageModelError, LanguageModelMemoryError, PromptTooLongError
from fusion.language.beams import search
from fusion.language.head import Head
from fusion.language.memory import is_out_of_memory
from fusion.language.protocol import Allowed, Generation, Likelihood, Options, Tokens, Writing
from fusion.language.stopping import StopText
from fusion.language.vocabulary import Vocabulary, mark_added, read_vocabulary
from fusion.outcome import outcome

if TYPE_CHECKING:
    from transformers import Cache, PreTrainedModel, PreTrainedTokenizerBase

GREEDY = Options()


@dataclass(slots=True)
class Run:
    """Texts that are being read on, side by side: what was read (the cache), and the state after the last token.

    Shapes: state (b, d)
    """

    cache: "Cache"
    state: Tensor

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with these texts, chosen, repeated or reordered."""
        index = torch.tensor(rows, device=self.state.device)
        self.cache.reorder_cache(index)  # type: ignore[arg-type]  # it is one of longs
        self.state = self.state[index]

    def fork(self, rows: Sequence[int]) -> "Run":
        """The same, in a run of its own; this one stays as it is."""
        run = Run(copy.deepcopy(self.cache), self.state)
        run.keep(rows)
        return run


@dataclass(slots=True)
class _Writing:
    """A text as it is being written."""

    tokens: list[int] = field(default_factory=list)
    log_likelihood: float = 0.0
    ended: bool = False


class HuggingFaceModel:
    """A causal model in this process; ``module`` and ``tokenizer`` are open to those who train it."""

    def __init__(self, module: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", *, name: str) -> None:
        """Take a model and its tokenizer, which must be a fast one.

        Raises:
            LanguageModelError: the tokenizer gives no offsets, or the model's head is not one that can be restricted.
        """
        if not tokenizer.is_fast:
            raise LanguageModelError(f"{name}: its tokenizer does not say where tokens stand; choose a model with one.")
        self.module = module.train(False)
        self.tokenizer = tokenizer
        mark_added(tokenizer)
        self.head = Head(module)
        self.head.check(name)
        self._name = name
        self._lead: tuple[int, ...] = tuple(tokenizer("").input_ids)  # the mark of the beginning, where there is one
        self._ends = _ends(module, tokenizer)

    @property
    def name(self) -> str:
        """The folder or hub name it came from."""
        return self._name

    @property
    def width(self) -> int:
        """The length of a token's embedding."""
        return int(self.module.get_input_embeddings().embedding_dim)

    @property
    def context(self) -> int:
        """The most tokens that it reads and writes together."""
        return int(self.module.config.get_text_config().max_position_embeddings)

    @property
    def ends(self) -> frozenset[int]:
        """The tokens that end a text."""
        return self._ends

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """What each token writes.

        Raises:
            LanguageModelError: its tokens are written in a way that is not known.
        """
        return read_vocabulary(self.tokenizer, name=self.name)

    def tokenize(self, text: str) -> Tokens:
        """The tokens of a text, without marks; what looks like a mark in it is plain text."""
        found = self.tokenizer(
            text, add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True, verbose=False
        )
        return Tokens(tuple(found.input_ids), tuple((start, end) for start, end in found["offset_mapping"]))

    def begin(self, prompt: str, *, prefix: Tensor | None = None, room: int = 0) -> Run:
        """Read a prompt; ``room`` more tokens must fit after it.

        Shapes:
            prefix (p, width)

        Raises:
            PromptTooLongError: it does not fit into the model's context.
            LanguageModelMemoryError: there is no memory for it.
        """
        ids = [*self._lead, *self.tokenize(prompt).ids]
        soft = 0 if prefix is None else len(prefix)
        if not ids and not soft:
            raise ValueError("the prompt is empty, and this model has no mark of the beginning")
        if len(ids) + soft + room > self.context:
            raise PromptTooLongError(
                f"The prompt has {len(ids) + soft} tokens and {room} are to follow, but {self.name} takes "
                f"{self.context} in all; give it less text."
            )
        try:
            return self._begin(ids, prefix)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            raise self._no_memory(f"a prompt of {len(ids) + soft} tokens") from error

    def read(self, run: Run, tokens: Sequence[Sequence[int]]) -> Tensor:
        """Read on, the same number of tokens in each text; the run goes on after the last of them.

        Shapes:
            tokens (b, s); returns the states (b, s, d)
        """
        with torch.inference_mode():
            states = self._read(torch.tensor(tokens, device=self.module.device), run.cache)  # (b, s, d)
            run.state = states[:, -1]  # (b, d)
            return states

    def score(
        self,
        prompt: str,
        continuations: Sequence[str],
        *,
        prefix: Tensor | None = None,
        ended: bool = False,
        batch: int = 16,
    ) -> list[Likelihood]:
        """How likely each continuation follows the prompt; ``ended``: and that the text ends with it.

        A continuation is read as the tokens that it has alone, so it should begin with the space before it.

        Shapes:
            prefix (p, width)

        Raises:
            PromptTooLongError: the prompt and the longest continuation do not fit into the model's context.
            LanguageModelMemoryError: there is no memory for even one of them at a time.
        """
        end = (min(self.ends),) if ended else ()
        texts = [(*self.tokenize(text).ids, *end) for text in continuations]
        if not texts:
            return []
        if not all(texts):
            raise ValueError("a continuation is empty; there is nothing to score")
        begun = self.begin(prompt, prefix=prefix, room=max(map(len, texts)))
        order = sorted(range(len(texts)), key=lambda one: len(texts[one]))  # like lengths together: little padding
        found: dict[int, Likelihood] = {}
        while order:
            some = order[:batch]
            try:
                scored = self._score(begun, [texts[one] for one in some])
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                if batch == 1:
                    raise self._no_memory(f"a continuation of {len(texts[order[0]])} tokens") from error
                batch = max(1, batch // 2)
                continue
            found.update(zip(some, scored, strict=True))
            order = order[batch:]
        return [found[one] for one in range(len(texts))]

    def generate(
        self,
        prompt: str,
        *,
        options: Options = GREEDY,
        allowed: Allowed | None = None,
        prefix: Tensor | None = None,
    ) -> Generation:
        """The text after the prompt, of the tokens allowed.

        Shapes:
            prefix (p, width)

        Raises:
            PromptTooLongError: the prompt does not fit into the model's context.
            LanguageModelMemoryError: there is no memory for it.
        """
        return outcome(self.stream(prompt, options=options, allowed=allowed, prefix=prefix))

    def stream(
        self,
        prompt: str,
        *,
        options: Options = GREEDY,
        allowed: Allowed | None = None,
        prefix: Tensor | None = None,
    ) -> Writing:
        """The text that `generate` gives, piece by piece; raises as it does."""
        writing, text = _Writing(), list[str]()
        try:
            for piece in self._pieces(prompt, writing, options, allowed, prefix):
                text.append(piece)
                yield piece
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            raise self._no_memory("what it writes") from error
        return Generation("".join(text), writing.ended, tuple(writing.tokens), writing.log_likelihood)

    def search(
        self,
        prompt: str,
        *,
        beams: int,
        max_tokens: int,
        allowed: Allowed | None = None,
        prefix: Tensor | None = None,
    ) -> list[Generation]:
        """The likeliest texts after the prompt that a beam search of this width finds, best first.

        Shapes:
            prefix (p, width)

        Raises:
            PromptTooLongError: the prompt does not fit into the model's context.
            LanguageModelMemoryError: there is no memory for it.
        """
        begun = self.begin(prompt, prefix=prefix, room=max_tokens)
        try:
            found = search(self, begun, beams=beams, max_tokens=max_tokens, allowed=allowed)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            raise self._no_memory(f"{beams} beams") from error
        return [
            Generation(
                str(self.tokenizer.decode(list(beam.tokens), skip_special_tokens=True)),
                beam.ended,
                beam.tokens,
                beam.log_likelihood,
            )
            for beam in found
        ]

    def _pieces(
        self, prompt: str, writing: _Writing, options: Options, allowed: Allowed | None, prefix: Tensor | None
    ) -> Iterator[str]:
        """The text as it is written; a last character of which only some bytes were written is left out."""
        run = self.begin(prompt, prefix=prefix, room=options.max_tokens)
        decode = DecodeStream(skip_special_tokens=True)
        stop = StopText(options.stop)
        for token in self._written(run, writing, options, allowed):
            piece = decode.step(self.tokenizer.backend_tokenizer, token)
            if piece and (shown := stop.add(piece)):
                yield shown
            if stop.met:
                writing.ended = True
                return
        if held := stop.rest():
            yield held

    def _written(self, run: Run, writing: _Writing, options: Options, allowed: Allowed | None) -> Iterator[int]:
        """The tokens one by one, without the mark of the end."""
        generator = torch.Generator().manual_seed(options.seed)
        unread: list[int] = []
        while True:
            choices = None if allowed is None else allowed(writing.tokens)
            if choices is not None and self.ends.issuperset(choices):
                writing.ended = True
                return
            if len(writing.tokens) == options.max_tokens:
                return
            if choices is not None and len(choices) == 1:
                token, likelihood = choices[0], 0.0  # nothing to decide
            else:
                if unread:
                    self.read(run, [unread])
                    unread = []
                thresholds = {} if writing.tokens else dict(options.thresholds)
                token, likelihood = self._choose(run.state, choices, options, generator, thresholds)
            writing.log_likelihood += likelihood
            if token in self.ends:
                writing.ended = True
                return
            writing.tokens.append(token)
            unread.append(token)
            yield token

    @torch.inference_mode()
    def _choose(
        self,
        state: Tensor,
        choices: Sequence[int] | None,
        options: Options,
        generator: torch.Generator,
        thresholds: Mapping[int, float],
    ) -> tuple[int, float]:
        """A token and the logarithm of its probability; one below its threshold is left out, if there is another."""
        logits = self.head.logits(state, choices)[0]  # (n,)
        likelihoods = logits.log_softmax(dim=0)
        places = (
            {token: token for token in thresholds} if choices is None else {one: at for at, one in enumerate(choices)}
        )
        rare = [
            places[one] for one, least in thresholds.items() if one in places and likelihoods[places[one]].exp() < least
        ]
        if len(rare) < len(logits):
            logits[rare] = -torch.inf
        if options.temperature == 0:
            at = int(logits.argmax())
        else:
            at = _sample((logits.cpu() / options.temperature).softmax(dim=0), options.top_p, generator)
        return (at if choices is None else choices[at]), float(likelihoods[at])

    @torch.inference_mode()
    def _begin(self, ids: Sequence[int], prefix: Tensor | None) -> Run:
        tokens = torch.tensor([ids], dtype=torch.long, device=self.module.device)  # (1, s)
        if prefix is None:
            output = self.module.base_model(input_ids=tokens, use_cache=True)
        else:
            hard = self.module.get_input_embeddings()(tokens)[0]  # (s, d)
            lead = len(self._lead)
            parts = [hard[:lead], prefix.to(hard), hard[lead:]]
            output = self.module.base_model(inputs_embeds=torch.cat(parts)[None], use_cache=True)
        return Run(output.past_key_values, output.last_hidden_state[:, -1])

    def _read(self, tokens: Tensor, cache: "Cache") -> Tensor:
        states: Tensor = self.module.base_model(
            input_ids=tokens, past_key_values=cache, use_cache=True
        ).last_hidden_state
        return states

    @torch.inference_mode()
    def _score(self, begun: Run, texts: Sequence[Sequence[int]]) -> list[Likelihood]:
        longest = max(map(len, texts))
        run = begun.fork([0] * len(texts))
        states = run.state[:, None]  # (b, 1, d)
        if longest > 1:  # the last token of each need not be read; what pads is behind all that sees it
            rows = [[*text, *[0] * (longest - len(text))][:-1] for text in texts]
            states = torch.cat([states, self.read(run, rows)], dim=1)  # (b, s, d)
        wanted = torch.cat([states[row, : len(text)] for row, text in enumerate(texts)])  # (n, d)
        targets = torch.tensor([token for text in texts for token in text], device=states.device)  # (n,)
        likelihoods = iter(self.head.log_likelihoods(wanted, targets).tolist())
        return [Likelihood(tuple(islice(likelihoods, len(text)))) for text in texts]

    def _no_memory(self, what: str) -> LanguageModelMemoryError:
        return LanguageModelMemoryError(
            f"{self.name}: no memory left for {what}; give it less text, a smaller model, or a lower precision."
        )


def _ends(module: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase") -> frozenset[int]:
    configured = getattr(module.generation_config, "eos_token_id", None)
    listed = configured if isinstance(configured, list) else [configured]
    return frozenset(int(token) for token in (*listed, tokenizer.eos_token_id) if token is not None)


def _sample(probabilities: Tensor, top_p: float, generator: torch.Generator) -> int:
    """One of the likeliest that together have the probability ``top_p`` (Holtzman et al., 2020, nucleus sampling)."""
    ordered, order = probabilities.sort(descending=True, stable=True)
    ordered[ordered.cumsum(dim=0) - ordered >= top_p] = 0
    return int(order[torch.multinomial(ordered, 1, generator=generator)])
