"""Makes examples to train a fused model on, of a graph: ``python -m scripts.make_examples EXAMPLES.jsonl``."""

import argparse
import sys
from pathlib import Path

from api import settings
from api.assemble import Services
from api.errors import Exit, exit_code
from fusion.answerer import Answerer
from fusion.errors import ExamplesError
from fusion.language import open_model
from fusion.language.causal import HuggingFaceModel
from fusion.planned import open_reader
from fusion.planner.questions import Question, read_questions
from fusion.speaking import LocalSpeaker
from fusion.tuning.curriculum import Curriculum, Wanted
from fusion.tuning.examples import Examples, write
from kg.errors import GraphError
from kg.store import GraphStore


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("examples", type=Path, help="file to write; its views go beside it")
    parser.add_argument("--dev", type=Path, help="file for a twentieth of them, to measure by")
    parser.add_argument("--questions", type=Path, help="your own, as `clew learn --questions` reads them")
    parser.add_argument("--count", type=int, default=Wanted().count)
    parser.add_argument("--seed", type=int, default=Wanted().seed)
    parser.add_argument("--store", help="address of the graph")
    return parser.parse_args()


def note(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def answering(services: Services, store: GraphStore) -> Answerer:
    """What answers questions of the graph, or of what is left of it."""
    planned = open_reader(store, services.embedder, planner=services.planner_file, reasoner=services.reasoner_file)
    return Answerer(
        store, embedder=services.embedder, ontology=services.ontology, planned=lambda: planned, names=services.names
    )


def make(given: argparse.Namespace, services: Services) -> None:
    own: list[Question] = []
    if given.questions:
        own, problems = read_questions(given.questions)
        for line in problems.lines:
            note(f"clew: {line}")
    model = open_model(services.settings.language_model, notify=note)
    if not isinstance(model, HuggingFaceModel):
        raise ExamplesError(f"{services.settings.language_model}: is a server; give a model that runs here.")
    embedder, ontology = services.embedder, services.ontology
    curriculum = Curriculum(
        services.store,
        LocalSpeaker(model),
        lambda store: answering(services, store),
        ontology=ontology,
        embedder=embedder,
    )
    made = curriculum.make(Wanted(given.count, seed=given.seed), own, stage=note)
    for line in made.told:
        print(line)
    train, dev = made.split(0.05 if given.dev else 0)
    for path, part in ((given.examples, train), (given.dev, dev)):
        if path is not None:
            write(path, Examples(embedder.name, part))
            print(f"{len(part):,} examples in {path}")


def main() -> int:
    given = options()
    services = Services(settings.read(store=given.store), notify=note)
    try:
        make(given, services)
    except (GraphError, ValueError) as error:
        note(f"clew: {error}")
        return exit_code(error) if isinstance(error, GraphError) else Exit.USAGE
    finally:
        services.close()
    return Exit.DONE


if __name__ == "__main__":
    sys.exit(main())
