"""What a training run is told, and what it tells: kept as JSON beside the weights."""

from dataclasses import dataclass

from kg.embeddings.errors import SettingError
from kg.embeddings.evaluate import Metrics
from kg.embeddings.scorers import SCORERS

OPTIMIZERS = ("adagrad", "adamw")
PRECISIONS = ("auto", "float32", "bfloat16")
LAYERS = {"rgcn": 2, "rgcn-complex": 2, "compgcn": 1, "compgcn-complex": 1, "compgcn-transe": 1}  # of graph encoders


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """A training run. With the same graph, seed and machine it gives the same vectors.

    Raises: ``SettingError`` for settings that cannot be.
    """

    scorer: str = "complex"  # a key of kg.embeddings.scorers.SCORERS, or the name of what train() is given to build
    dimension: int = 256  # numbers in a vector
    epochs: int = 100  # at most
    batch_size: int = 500  # queries
    answers: int = 32  # of a query that are given at once; the others come in other batches
    optimizer: str = "adagrad"
    learning_rate: float = 0.1
    regularisation: float = 0.05  # N3, of the mean fact
    relation_weight: float = 0.0  # of predicting the relation between head and tail (Chen et al. 2021)
    candidates: int = 0  # entities that a batch is held against, drawn at random; 0: all of them
    neighbours: int = 0  # edges that a graph encoder draws for an entity in each layer; 0: all of them
    initial_scale: float = 1e-3  # standard deviation of the first vectors
    precision: str = "auto"  # of matrix products: bfloat16 where the device multiplies it faster
    evaluate_every: int = 1  # epochs between measurements on held-out facts
    patience: int = 5  # measurements without a better MRR before stopping
    minutes: float = 0.0  # stop before an epoch that would end later than this; 0: no limit
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (
            ("dimension", 1),
            ("epochs", 1),
            ("batch_size", 1),
            ("answers", 1),
            ("candidates", 0),
            ("neighbours", 0),
            ("evaluate_every", 1),
            ("patience", 1),
            ("minutes", 0),
            ("regularisation", 0),
            ("relation_weight", 0),
            ("seed", 0),
        ):
            if getattr(self, name) < least:
                raise SettingError(f"{name} must be at least {least}, not {getattr(self, name)}")
        if not self.learning_rate > 0:
            raise SettingError(f"learning_rate must be above 0, not {self.learning_rate}")
        if self.neighbours and self.scorer in SCORERS:
            raise SettingError(
                f"neighbours are drawn for the graph encoders ({', '.join(LAYERS)}); {self.scorer} reads none"
            )
        if self.optimizer not in OPTIMIZERS:
            raise SettingError(f"optimizer must be one of {', '.join(OPTIMIZERS)}, not {self.optimizer!r}")
        if self.precision not in PRECISIONS:
            raise SettingError(f"precision must be one of {', '.join(PRECISIONS)}, not {self.precision!r}")


# What may differ when a run is taken up again: how long it goes on, not what it does.
LENGTH = frozenset({"epochs", "patience", "minutes"})


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass over the facts."""

    number: int  # from 1
    loss: float  # mean of a fact, its share of regularisation included
    seconds: float  # since training began, measurements included
    dev: Metrics | None = None  # where it was measured
