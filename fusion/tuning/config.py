"""How a fused model is trained, and how it went."""

from dataclasses import dataclass

from fusion.reasoner.model import Calibration

PRECISIONS = ("auto", "bfloat16", "float32")
ON_PROCESSOR, ON_GPU = 1024, 16_384  # tokens that are read at once: a processor is faster where they fit its caches


@dataclass(frozen=True, slots=True)
class TuneConfig:
    """How long, how fast and in what portions to train."""

    epochs: int = 3
    batch: int = 16  # examples of a step
    tokens: int = 0  # read at once, a step's examples being dealt into portions; 0: as many as suit the device
    rate: float = 2e-4  # of AdamW for LoRA, at its highest
    graph_rate: float = 1e-3  # and for the graph encoder
    decay: float = 0.01
    warm_up: float = 0.05  # share of the steps in which the rates rise; then they fall to 0 as half a cosine
    clip: float = 1.0  # the greatest norm of a step's gradient
    measure_every: int = 0  # steps between two looks at the dev examples; 0: one an epoch
    patience: int = 3  # looks without a better one before training ends
    precision: str = "auto"  # of products: bfloat16 where this machine is faster at it
    recompute: bool = False  # what a layer computed, instead of keeping it: less memory, more time
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "rate", "graph_rate", "clip", "patience"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be above 0")
        for name in ("tokens", "decay", "warm_up", "measure_every"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be 0 or more")
        if self.warm_up > 1:
            raise ValueError(f"warm_up is {self.warm_up}; it must be at most 1")
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision {self.precision!r} is not one of {', '.join(PRECISIONS)}")


@dataclass(frozen=True, slots=True)
class Look:
    """How training stood after a step."""

    step: int
    loss: float  # the mean of the examples since the look before
    dev: float | None  # the mean loss of the dev examples
    seconds: float  # since training began
    tokens: int  # read since then, what pads not counted


@dataclass(frozen=True, slots=True)
class Tuned:
    """What training came to."""

    history: tuple[Look, ...]
    best: int  # the step whose parameters the model has now
    stopped: str  # "epochs" or "patience"
    dev: float | None  # the dev examples' loss by the parameters as they are kept
    precision: str
    calibration: Calibration | None = None  # of the scores of chains (fusion/scoring.py), as far as it was asked for
