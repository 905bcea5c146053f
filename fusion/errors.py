"""The errors of question answering.

FusionError                       a kind of GraphError
└── PlannerError                  a planner cannot be trained, written, or read
"""

from kg.errors import GraphError


class FusionError(GraphError):
    """A question could not be worked on."""


class PlannerError(FusionError):
    """A planner cannot be trained, written, or read."""
