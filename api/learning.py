"""What learning found, as JSON: shapes, and how each is made from what the learned model says."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from api import views
from api.schemas import EntityOut, Shape, Step
from kg.embeddings.errors import NotLearnedError
from kg.facts import Entity, EntityId
from kg.store import EntityHit, GraphStore, Learned

if TYPE_CHECKING:
    from api.assemble import Services
    from kg.embeddings.learn import Report
    from kg.embeddings.learned import Doubt, Prediction, Reason


class LearnedOut(Shape):
    """The model whose vectors the graph holds."""

    model: str
    learned_at: str = Field(description="ISO 8601, UTC")
    dimensions: int
    entities: int
    stale: bool = Field(description="Whether the graph has changed since")


class ReportOut(Shape):
    """What learning came to."""

    learned: LearnedOut
    facts: int
    epochs: int
    seconds: float
    held_out: int = Field(description="Facts that the first training did not see")
    mrr: float | None = Field(description="Filtered mean reciprocal rank on them; null where none was held out")
    hits10: float | None
    calibration_error: float | None = Field(description="How far probabilities are off, on average, on half of them")
    carried: int = Field(description="Entities whose vectors were taken over from the model before")
    newcomers_mrr: float | None = Field(
        description="The same measure, of what is foretold for entities that come later; null where it is not known"
    )


class SimilarEntity(Shape):
    """An entity whose learned vector points nearly the same way."""

    entity: EntityOut
    cosine: float


class SimilarOut(Shape):
    """Entities like one, the most alike first."""

    learned: LearnedOut
    placed_by_name: bool = Field(description="Whether the entity came after the learning, and is placed by its name")
    entities: list[SimilarEntity]


class ReasonOut(Shape):
    """A path of facts that speaks for something, and how often such a path goes with such a fact."""

    path: list[Step]
    holds: int = Field(description="Cases of this path, in a sample, with such a fact between their ends")
    cases: int
    confidence: float


class PredictionOut(Shape):
    """What the model expects. It is not a fact, and no document says it."""

    predicted: Literal[True] = True
    subject: EntityOut
    relation: str
    object: EntityOut
    probability: float
    reasons: list[ReasonOut]


class PredictionsOut(Shape):
    """Predictions, the likeliest first."""

    stale: str = Field(description="How the graph differs from the one that was learned; empty where it does not")
    predictions: list[PredictionOut]


class DoubtOut(Shape):
    """A fact of the graph that the model would not have expected."""

    subject: EntityOut
    relation: str
    object: EntityOut
    probability: float = Field(description="Of its less expected end, given the other")
    deviation: float = Field(description="From what is usual for the relation, in standard deviations")
    reasons: list[ReasonOut] = Field(description="What speaks for it all the same")


class DoubtsOut(Shape):
    """Facts to look at, the strangest first."""

    stale: str
    doubts: list[DoubtOut]


def learned(store: GraphStore) -> Learned:
    """What the graph was last learned as.

    Raises:
        NotLearnedError: it never was.
    """
    found = store.learned()
    if found is None:
        raise NotLearnedError(f"{store.address}: nothing has been learned yet; run `clew learn`")
    return found


def learned_out(found: Learned, store: GraphStore) -> LearnedOut:
    """A model."""
    return LearnedOut(
        model=found.model,
        learned_at=found.learned_at,
        dimensions=found.dimensions,
        entities=found.entities,
        stale=found.version != store.version(),
    )


def report(found: "Report", store: GraphStore) -> ReportOut:
    """What learning came to."""
    return ReportOut(
        learned=learned_out(found.learned, store),
        facts=found.facts,
        epochs=found.epochs,
        seconds=round(found.seconds, 2),
        held_out=found.dev.count // 2 if found.dev else 0,
        mrr=round(found.dev.mrr, 4) if found.dev else None,
        hits10=round(found.dev.hits10, 4) if found.dev else None,
        calibration_error=None if found.calibration.error is None else round(found.calibration.error, 4),
        carried=found.carried,
        newcomers_mrr=None if found.newcomers is None or found.newcomers.mrr is None else round(found.newcomers.mrr, 4),
    )


def similar(services: "Services", id: EntityId, *, limit: int) -> SimilarOut:
    """The entities most like one; one that came after the learning is placed by its name.

    Raises:
        UnknownEntityError: the graph does not hold it.
        NotLearnedError: nothing was learned, or not of this entity and not of names.
    """
    store = services.store
    one = views.known(store, id)
    model = learned(store)
    vector = store.entity_vectors([id]).get(id)
    placed = vector is None
    if vector is None:
        vector = tuple(services.placing.place([one], services.embedder)[0].tolist())
    near: Sequence[EntityHit] = store.nearest_entities(vector, limit=limit + 1)
    found = [SimilarEntity(entity=views.entity(hit.entity), cosine=hit.score) for hit in near if hit.entity.id != id]
    return SimilarOut(learned=learned_out(model, store), placed_by_name=placed, entities=found[:limit])


def predictions(store: GraphStore, found: "Sequence[Prediction]", *, stale: str) -> PredictionsOut:
    """Predictions by name."""
    names = _Names(store, found)
    return PredictionsOut(stale=stale, predictions=[PredictionOut(**names.judged(one)) for one in found])


def doubts(store: GraphStore, found: "Sequence[Doubt]", *, stale: str) -> DoubtsOut:
    """Doubtful facts by name."""
    names = _Names(store, found)
    return DoubtsOut(stale=stale, doubts=[DoubtOut(deviation=one.deviation, **names.judged(one)) for one in found])


class _Names:
    """The entities that predictions, doubts and their reasons name."""

    def __init__(self, store: GraphStore, found: "Sequence[Prediction | Doubt]") -> None:
        ids = {id for one in found for id in (one.subject, one.object)}
        ids |= {id for one in found for reason in one.reasons for s, _, o in reason.path for id in (s, o)}
        self._entities: dict[EntityId, Entity] = {entity.id: entity for entity in store.entities(ids)}

    def judged(self, one: "Prediction | Doubt") -> dict[str, Any]:
        """The fields that predictions and doubts share."""
        return {
            "subject": views.entity(self._entities[one.subject]),
            "relation": one.relation,
            "object": views.entity(self._entities[one.object]),
            "probability": one.probability,
            "reasons": self._reasons(one.reasons),
        }

    def _reasons(self, found: "Iterable[Reason]") -> list[ReasonOut]:
        return [
            ReasonOut(
                path=[
                    Step(subject=self._entities[s].name, relation=r, object=self._entities[o].name)
                    for s, r, o in reason.path
                ],
                holds=reason.holds,
                cases=reason.cases,
                confidence=reason.confidence,
            )
            for reason in found
        ]
