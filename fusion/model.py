"""A language model that sees a graph: one soft token for each candidate, and LoRA.

    GraphView                                                        prompt, as text
      names ──┐                                                             │
      vectors ┤                                                       embeddings of
      topics ─┼► h⁰ ─► layer ─► … ─► layer ─► h of each candidate        its tokens
      scores ─┘           ▲                          │                      │
      relations ─► ρ ─────┴── of every fact,    projector                   │
                              both ways              │                      │
                                      g · y / |y|, one a candidate          │
                                                     │                      │
                              [bos] [soft 1] … [soft c] [prompt ………………………] [target ……] [end]
                                └────────────────────────┬──────────────────────────┘
                                   language model, frozen, with LoRA in its layers
                                                         │
                                      the target and the end, and nothing else, are learned

    h⁰_v  = W_n name_v + W_x vector_v + W_m [topic_v ; candidate_v ; scores_v]
    m_u→v = relu(A n(h_u) + B_way ρ(r))             for every fact (u, r, v), and back again with another B_way
    h_v   ← h_v + relu(W [n(h_v) ; mean m ; max m])                        n: LayerNorm
    y     = W₂ gelu(W₁ n(h_v)),  a soft token is g · y / |y|

A relation is known by the sentence vector of its words alone, so one that training never saw is read as well. ``g``
starts at the length of real embeddings: soft tokens that nobody trained are as loud as words, no louder. There is one
for each candidate, in their order, where G-Retriever (He et al. 2024, https://arxiv.org/abs/2402.07630) has one for the
whole graph. Messages as in GINE (Hu et al. 2020, https://arxiv.org/abs/1905.12265); LoRA: Hu et al. 2022,
https://arxiv.org/abs/2106.09685.

``n`` entities, ``e`` facts, ``r`` relations, ``c`` candidates; ``t`` the width of sentence vectors, ``d`` of learned
ones, ``w`` of the encoder's states; ``width`` that of the language model's embeddings.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import Tensor, nn
from torch_geometric.data import Batch, Data
from torch_geometric.nn import MessagePassing
from torch_geometric.utils import scatter

from fusion.context import GraphView
from fusion.errors import AdapterError, OtherModelError
from fusion.language.causal import HuggingFaceModel

MARKS = 8  # of an entity: how surely it is named, whether it is a candidate, three scores and their probabilities
LEAST = -10.0  # of a score: what is less probable is no further told apart
ROWS = 256  # of the embeddings that tell language models apart, and that their length is read off
SCALE = 8.0  # of sentence vectors, which have unit length


@dataclass(frozen=True, slots=True)
class FusedConfig:
    """How the trained parts are built."""

    rank: int = 8  # of LoRA
    alpha: float = 16.0
    targets: tuple[str, ...] = ()  # names of the linear layers that get LoRA; none named: all but the head
    rslora: bool = False  # scale by alpha / √rank (Kalajdzievski 2023, https://arxiv.org/abs/2312.03732)
    dora: bool = False  # learn magnitudes apart (Liu et al. 2024, https://arxiv.org/abs/2402.09353)
    dropout: float = 0.0  # of what LoRA reads, in training
    width: int = 128  # of the graph encoder's states
    layers: int = 3
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("rank", "alpha", "width", "layers"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be above 0")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout is {self.dropout}; it must be 0 or more and less than 1")


class Layer(MessagePassing):  # type: ignore[misc]
    """One round of messages along all facts, both ways."""

    def __init__(self, width: int) -> None:
        super().__init__(aggr=["mean", "max"])
        self.norm = nn.LayerNorm(width)
        self.send = nn.Linear(width, width)
        self.ways = nn.Linear(width, 2 * width, bias=False)
        self.change = nn.Linear(3 * width, width)

    def forward(self, h: Tensor, rho: Tensor, edges: Tensor, rows: Tensor) -> Tensor:
        """Shapes: h (n, w), rho (r, w), edges (2, e), rows (e,) -> (n, w)."""
        seen = self.norm(h)
        kinds = torch.cat(self.ways(rho).chunk(2, dim=1))  # (2r, w): along a fact, and back
        both = torch.cat((edges, edges.flip(0)), dim=1)  # (2, 2e)
        kind = torch.cat((rows, rows + len(rho)))  # (2e,)
        told = self.propagate(both, sent=self.send(seen), kind=kinds[kind], size=(len(h), len(h)))  # (n, 2w)
        found: Tensor = h + torch.relu(self.change(torch.cat((seen, told), dim=1)))
        return found

    def message(self, sent_j: Tensor, kind: Tensor) -> Tensor:
        """Shapes: (2e, w), (2e, w) -> (2e, w)."""
        return torch.relu(sent_j + kind)


class GraphEncoder(nn.Module):
    """Views of graphs → one soft token a candidate."""

    def __init__(self, config: FusedConfig, *, text_width: int, vector_width: int, width: int, norm: float) -> None:
        """``norm`` is the length of the language model's embeddings."""
        super().__init__()
        w = config.width
        self.text_width, self.vector_width = text_width, vector_width
        self.name = nn.Linear(text_width, w)
        self.vector = nn.Linear(vector_width, w, bias=False) if vector_width else None
        self.mark = nn.Linear(MARKS, w, bias=False)
        self.relation = nn.Linear(text_width, w)
        self.layers = nn.ModuleList(Layer(w) for _ in range(config.layers))
        self.project = nn.Sequential(nn.LayerNorm(w), nn.Linear(w, 2 * w), nn.GELU(), nn.Linear(2 * w, width))
        self.gain = nn.Parameter(torch.tensor(norm))

    def forward(self, views: Sequence[GraphView]) -> list[Tensor]:
        """The soft tokens of each view.

        Shapes: returns (c, width) for each

        Raises:
            OtherModelError: the vectors of a view have another width than those that the encoder was trained on.
        """
        graph = Batch.from_data_list([self._graph(view) for view in views]).to(self.gain.device)
        h = self.name(graph.names * SCALE) + self.mark(graph.marks)  # (n, w)
        if self.vector is not None:
            h = h + self.vector(graph.vectors)
        rho = self.relation(graph.relations * SCALE)  # (r, w)
        for layer in self.layers:
            h = layer(h, rho, graph.edge_index, graph.rows)
        y = self.project(h[graph.candidates])  # (c, width)
        tokens = self.gain * nn.functional.normalize(y, dim=1)
        return list(torch.split(tokens, [len(view.candidates) for view in views]))

    def _graph(self, view: GraphView) -> Data:
        _check_width("sentence", self.text_width, view.names.shape[1])
        view = view.of_width(self.vector_width)
        _check_width("learned", self.vector_width, view.vectors.shape[1])
        candidates, scores = torch.from_numpy(view.candidates), torch.from_numpy(view.scores)
        judged = torch.cat((torch.ones(len(scores), 1), 1 - scores.clamp(LEAST, 0) / LEAST, scores.exp()), dim=1)
        marks = scatter(judged, candidates, dim_size=len(view.names), reduce="max")  # (n, 7): none of them below 0
        return _Graph(
            names=torch.from_numpy(view.names),
            vectors=torch.from_numpy(view.vectors),
            marks=torch.cat((torch.from_numpy(view.topics)[:, None], marks), dim=1),
            relations=torch.from_numpy(view.relations),
            edge_index=torch.from_numpy(np.stack((view.subjects, view.objects))),
            rows=torch.from_numpy(view.rows),
            candidates=candidates,
            num_nodes=len(view.names),
        )


class _Graph(Data):  # type: ignore[misc]
    """A view as PyTorch Geometric puts it beside others: places are counted on."""

    def __inc__(self, key: str, value: object, *args: object, **options: object) -> object:
        if key == "rows":
            return len(self.relations)
        return self.num_nodes if key == "candidates" else super().__inc__(key, value, *args, **options)


@dataclass(frozen=True, slots=True)
class Base:
    """Which language model it is: its name, the width of its embeddings, and a digest by which it is known."""

    name: str
    width: int
    digest: str


class FusedModel:
    """A language model with LoRA in its layers, and the encoder of graphs before it.

    ``language`` is the model given, which from now on computes with LoRA; `soft_tokens` are a ``prefix`` for it.
    """

    def __init__(
        self,
        language: HuggingFaceModel,
        config: FusedConfig,
        *,
        encoder: str,
        text_width: int,
        vector_width: int = 0,
    ) -> None:
        """``encoder`` is the name of the sentence encoder whose vectors, of ``text_width``, views will hold.

        Raises:
            AdapterError: the language model carries LoRA already, or has none of the layers named.
        """
        if any(isinstance(part, BaseTunerLayer) for part in language.module.modules()):
            raise AdapterError(f"{language.name}: carries an adapter already; open the language model anew.")
        self.language, self.config, self.sentence_encoder = language, config, encoder
        self.base = Base(language.name, language.width, digest(language))
        device = language.module.device
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(config.seed)
            self.lora = _add_lora(language, config)
            self.encoder = GraphEncoder(
                config,
                text_width=text_width,
                vector_width=vector_width,
                width=language.width,
                norm=_norm(language),
            ).to(device)
        self.train(False)

    def soft_tokens(self, view: GraphView) -> Tensor:
        """What a view says, for `generate`, `search` and `score` of the language model as ``prefix``.

        Shapes: returns (c, width)

        Raises:
            OtherModelError: the view's vectors have another width than those that the encoder was trained on.
        """
        with torch.inference_mode():
            found: Tensor = self.encoder([view])[0]
            return found

    def trained(self) -> dict[str, nn.Parameter]:
        """The parameters that training changes, by name; all are float32."""
        lora = {name: one for name, one in self.language.module.named_parameters() if one.requires_grad}
        return {f"lora/{name}": one for name, one in lora.items()} | {
            f"graph/{name}": one for name, one in self.encoder.named_parameters()
        }

    @torch.no_grad()
    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take up parameters that were trained before.

        Raises:
            AdapterError: they are not those of this model.
        """
        own = self.trained()
        if strange := sorted(own.keys() ^ state.keys()):
            raise AdapterError(f"The adapter has other parts than the model ({', '.join(strange[:3])}); train it anew.")
        for name, parameter in own.items():
            then, now = tuple(state[name].shape), tuple(parameter.shape)
            if then != now:
                raise AdapterError(f"The adapter's {name} has the shape {then}, not {now}; train it anew.")
            parameter.copy_(state[name])

    @torch.no_grad()
    def round(self) -> None:
        """Round what is trained to bfloat16, in which it is kept."""
        for parameter in self.trained().values():
            parameter.copy_(parameter.bfloat16())

    def train(self, training: bool = True) -> None:
        """Go over to training, or back."""
        self.language.module.train(training)
        self.encoder.train(training)

    def merge(self) -> None:
        """Add LoRA to the weights that it changes: answering is then as fast as without it. It cannot be trained on."""
        for part in self.language.module.modules():
            if isinstance(part, BaseTunerLayer):
                part.merge()


def digest(language: HuggingFaceModel) -> str:
    """A digest by which a language model is known, whatever its precision: of its embeddings and its norms.

    Its other layers may be held in fewer bits, where no number is as it was.
    """
    found = hashlib.sha256(json.dumps([type(language.module).__name__, language.width]).encode())
    embeddings = language.module.get_input_embeddings().weight
    norms = [parameter for parameter in language.module.parameters() if parameter.dim() == 1]
    for part in (embeddings[_spread(len(embeddings), embeddings.device)], *norms):
        found.update(part.detach().bfloat16().view(torch.int16).cpu().numpy().tobytes())
    return found.hexdigest()[:16]


@torch.inference_mode()
def _norm(language: HuggingFaceModel) -> float:
    """The length of embeddings, as they are given out: half of them are longer."""
    layer = language.module.get_input_embeddings()
    rows = _spread(layer.num_embeddings, language.module.device)
    return float(layer(rows).float().norm(dim=1).median())


def _spread(count: int, device: torch.device) -> Tensor:
    """Some rows of so many. Shapes: -> (k,)."""
    return torch.linspace(0, count - 1, min(ROWS, count), device=device).long()


def _add_lora(language: HuggingFaceModel, config: FusedConfig) -> LoraConfig:
    """Put LoRA into a model's layers, in float32; all else in it is frozen."""
    lora = LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,  # type: ignore[arg-type]  # it may be any number
        lora_dropout=config.dropout,
        target_modules=list(config.targets) or "all-linear",
        use_rslora=config.rslora,
        use_dora=config.dora,
        task_type="CAUSAL_LM",
    )
    try:
        inject_adapter_in_model(lora, language.module)
    except ValueError as error:
        raise AdapterError(
            f"{language.name}: has no layers named {', '.join(config.targets)}; name others, or none for all."
        ) from error
    for parameter in language.module.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    return lora


def _check_width(what: str, trained: int, given: int) -> None:
    if trained != given:
        raise OtherModelError(
            f"The adapter was trained on {what} vectors of {trained} numbers, and these have {given}; train it anew."
        )
