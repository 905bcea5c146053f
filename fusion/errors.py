"""The errors of question answering.

FusionError                       a kind of GraphError
└── PlannerError                  a planner cannot be trained, written, or read
    └── NothingLearnedError       the questions or the graph give nothing to learn from
"""

from kg.errors import GraphError


class FusionError(GraphError):
    """A question could not be worked on."""


class PlannerError(FusionError):
    """A planner cannot be trained, written, or read."""


class NothingLearnedError(PlannerError):
    """The questions or the graph give nothing to learn from."""
