"""Makes examples to train a fused model on, of a graph: ``python -m scripts.make_examples EXAMPLES.jsonl``."""

import argparse
import sys
from pathlib import Path

from api import settings
from api.assemble import Services
from api.display import note
from api.errors import Exit, exit_code
from api.training import examples_of, make_examples
from fusion.planner.questions import Question, read_questions
from fusion.tuning.curriculum import Wanted
from fusion.tuning.examples import write
from kg.errors import GraphError


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("examples", type=Path, help="file to write; its views go beside it")
    parser.add_argument("--dev", type=Path, help="file for a twentieth of them, to measure by")
    parser.add_argument("--questions", type=Path, help="your own, as `clew learn --questions` reads them")
    parser.add_argument("--count", type=int, default=Wanted().count)
    parser.add_argument("--seed", type=int, default=Wanted().seed)
    parser.add_argument("--store", help="address of the graph")
    return parser.parse_args()


def make(given: argparse.Namespace, services: Services) -> None:
    own: list[Question] = []
    if given.questions:
        own, problems = read_questions(given.questions)
        for line in problems.lines:
            note(f"clew: {line}")
    wanted = Wanted(given.count, seed=given.seed)
    made = make_examples(services, services.settings.language_model, wanted, own, note)
    for line in made.told:
        print(line)
    train, dev = made.split(0.05 if given.dev else 0)
    for path, part in ((given.examples, train), (given.dev, dev)):
        if path is not None:
            write(path, examples_of(services, part))
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
