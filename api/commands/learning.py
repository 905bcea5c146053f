"""`clew learn`: the graph as vectors, or how to answer questions."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api import learning
from api.commands.options import Debug, Json, Store, display, open_services
from api.commands.planning import learn_planner
from api.display import note, plural
from api.errors import RequestError, exit_code
from api.planning import MOST_SEED
from kg.errors import GraphError
from kg.memory_store import MemoryStore

if TYPE_CHECKING:
    from kg.embeddings.config import Epoch
    from kg.embeddings.workers import Workers

PROBE, NEWCOMERS = "probe", "newcomers"  # the training that leaves facts out, and that for entities to come
SILENCE = 5.0  # seconds
EPOCHS = 100
# What goes with --questions.
PLANNER_OPTIONS = frozenset(
    {"file", "questions", "generated", "reasoner", "epochs", "seed", "store", "as_json", "debug"}
)


def learn(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(help="With --questions: your own questions, with their answers.", metavar="FILE")
    ] = None,
    questions: Annotated[
        bool, typer.Option("--questions", help="Learn how to answer questions, instead of learning the graph.")
    ] = False,
    generated: Annotated[
        bool, typer.Option(help="With --questions: learn from questions made of the graph, too.")
    ] = True,
    reasoner: Annotated[
        bool, typer.Option(help="With --questions: learn to reason where no plan is sure, too.")
    ] = True,
    update: Annotated[bool, typer.Option("--update", help="Begin with what was learned before.")] = False,
    scorer: Annotated[str, typer.Option(help="complex, distmult, rotate, transe, rgcn or compgcn.")] = "complex",
    dimension: Annotated[int, typer.Option(min=2, help="Numbers in a vector.")] = 256,
    neighbours: Annotated[
        int, typer.Option(min=0, help="Facts drawn for an entity in each layer of rgcn or compgcn; 0 is all.")
    ] = 0,
    candidates: Annotated[
        int | None,
        typer.Option(min=0, help="Entities drawn to hold a batch against; 0 is all, as without --neighbours."),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="The most passes over the facts (100), or passes over the questions.")
    ] = None,
    minutes: Annotated[float, typer.Option(min=0, help="Stop in time for this; 0 is no limit.")] = 0.0,
    seed: Annotated[int, typer.Option(min=0, max=MOST_SEED, help="Of everything that is drawn at random.")] = 0,
    newcomers: Annotated[bool, typer.Option(help="Learn what to expect of entities that come later.")] = True,
    device: Annotated[str, typer.Option(help="Where to compute: cpu, or cuda.")] = "cpu",
    store: Store = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Learn the graph: a vector for every entity, for `similar`, `predict` and `suspicious`.

    With --questions, learn how to answer questions instead: from ones made of the graph, and from your own in FILE.
    """
    if questions:
        _only(context, PLANNER_OPTIONS)
        with open_services(store) as services:
            learn_planner(
                services, file, generated=generated, reasoner=reasoner, epochs=epochs, seed=seed, as_json=as_json
            )
        return
    if file is not None or not (generated and reasoner):
        given = file if file is not None else "--no-reasoner" if generated else "--no-generated"
        raise RequestError(f"{given} says nothing without --questions")
    with open_services(store) as services:
        from kg.embeddings.learn import learn
        from kg.embeddings.models import config_for
        from kg.embeddings.workers import join

        workers = join(device)
        with _said_once(workers):
            drawn = {"neighbours": neighbours} | ({} if candidates is None else {"candidates": candidates})
            config = config_for(
                scorer, dimension=dimension, epochs=epochs or EPOCHS, minutes=minutes, seed=seed, **drawn
            )
            workers.main(lambda: services.store.address)  # where it cannot be opened, all are told
            found = learn(
                services.store if workers.is_main else MemoryStore(),  # nothing else reads it or writes to it
                services.model_folder,
                config,
                device=workers.device,
                update=update,
                encoder=services.embedder if newcomers else None,
                newcomers=newcomers,
                watch=_Watch(),
                workers=workers,
            )
        if not workers.is_main:
            return
        shown = learning.report(found, services.store)
        out = display(services)
        if as_json:
            out.json(shown)
            return
        out.line(
            f"Learned {plural(shown.facts, 'fact')} between {found.learned.entities:,} entities in "
            f"{shown.seconds:.0f} s, {plural(shown.epochs, 'epoch')}."
        )
        if shown.mrr is not None:
            off = "" if shown.calibration_error is None else f", probabilities off by {shown.calibration_error:.3f}"
            out.line(
                f"On {plural(shown.held_out, 'fact')} held out: MRR {shown.mrr:.3f}, Hits@10 {shown.hits10:.3f}{off}."
            )
            if shown.newcomers_mrr is not None:
                out.line(f"Of entities that come later, without learning anew: MRR {shown.newcomers_mrr:.3f}.")
        else:
            out.line("The graph is too small to hold facts out; how good its predictions are is not known.")


def _only(context: typer.Context, taken: frozenset[str]) -> None:
    """Refuse options that would do nothing.

    Raises:
        RequestError: one of them was given.
    """
    for parameter in context.command.params:
        given = parameter.name is not None and context.get_parameter_source(parameter.name)
        if given and given.name == "COMMANDLINE" and parameter.name not in taken:
            raise RequestError(f"{parameter.opts[0]} says nothing with --questions; leave it out")


@contextmanager
def _said_once(workers: "Workers") -> Iterator[None]:
    """Leave it to the main process to say what has gone wrong in all of them.

    Raises:
        typer.Exit: it has, and this is another process.
    """
    from kg.embeddings.errors import LostProcessError

    try:
        yield
    except LostProcessError:
        raise
    except GraphError as error:
        if workers.is_main:
            raise
        raise typer.Exit(exit_code(error)) from error


class _Watch:
    """Tells how training goes, every few seconds and whenever held-out facts are found better than before."""

    def __init__(self) -> None:
        self._told = time.monotonic()
        self._best = 0.0

    def __call__(self, stage: str, epoch: "Epoch") -> None:
        better = epoch.dev is not None and epoch.dev.mrr > self._best
        if not better and time.monotonic() - self._told < SILENCE:
            return
        self._told = time.monotonic()
        found = ""
        if epoch.dev is not None:
            self._best = max(self._best, epoch.dev.mrr)
            found = f", MRR {epoch.dev.mrr:.3f}"
        on = {PROBE: "", NEWCOMERS: " for new entities"}.get(stage, " on all facts")
        count = "step" if stage == NEWCOMERS else "epoch"
        note(f"{count} {epoch.number}{on}: loss {epoch.loss:.3f}{found}, {epoch.seconds:.0f} s")
