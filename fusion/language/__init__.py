"""Language models behind two protocols: `TextModel`, which only writes text (any server), and `CausalModel`, which also
scores, restricts what may come next, and reads soft tokens (a model in this process). `open_model` gives either one.
"""

from fusion.language.opening import open_model
from fusion.language.protocol import (
    Allowed,
    CausalModel,
    Generation,
    Likelihood,
    Options,
    SchemaModel,
    TextModel,
    Tokens,
)

__all__ = [
    "Allowed",
    "CausalModel",
    "Generation",
    "Likelihood",
    "Options",
    "SchemaModel",
    "TextModel",
    "Tokens",
    "open_model",
]
