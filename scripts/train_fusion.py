"""Trains a fused model on a file of examples: ``python -m scripts.train_fusion EXAMPLES.jsonl ADAPTER``."""

import argparse
import sys
from pathlib import Path

from api.errors import Exit, exit_code
from fusion.tuning.command import Task, train
from fusion.tuning.config import Look, TuneConfig
from fusion.tuning.extending import REPLAY
from kg.errors import GraphError


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("examples", type=Path, help="as fusion.tuning.examples writes them")
    parser.add_argument("adapter", type=Path, help="folder to write; NAME.run beside it holds checkpoints")
    parser.add_argument("--dev", type=Path, help="examples that say when to stop")
    parser.add_argument("--extend", dest="earlier", type=Path, help="the adapter to go on from, instead of a new one")
    parser.add_argument("--replay", type=float, default=REPLAY.replayed, help="earlier examples for each new one")
    parser.add_argument("--elastic", type=float, default=REPLAY.elastic, help="how firmly its parameters are held")
    parser.add_argument("--model", default="", help="language model: a folder or hub:OWNER/NAME; else Gemma 3 270M")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--rank", type=int, default=8)
    parser.add_argument(
        "--no-soft-tokens", dest="soft_tokens", action="store_false", help="train on the same examples without them"
    )
    parser.add_argument("--board", type=Path, help="folder for TensorBoard's curves")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint")
    training = parser.add_argument_group("training")
    for name in ("epochs", "batch", "tokens", "patience", "measure_every", "seed"):
        training.add_argument(f"--{name.replace('_', '-')}", type=int, default=getattr(TuneConfig(), name))
    for name in ("rate", "graph_rate"):
        training.add_argument(f"--{name.replace('_', '-')}", type=float, default=getattr(TuneConfig(), name))
    training.add_argument("--recompute", action="store_true", help="less memory, more time")
    return parser.parse_args()


def tell(look: Look) -> None:
    dev = "" if look.dev is None else f", dev {look.dev:.4f}"
    speed = look.tokens / max(look.seconds, 1e-9)
    print(f"step {look.step}: loss {look.loss:.4f}{dev} ({look.seconds:.0f} s, {speed:.0f} tokens/s)", file=sys.stderr)


def main() -> int:
    given = vars(options())
    settings = {name: given.pop(name) for name in TuneConfig.__dataclass_fields__ if name in given}
    try:
        found = train(Task(**given), TuneConfig(**settings), progress=tell).calibration
    except (GraphError, ValueError) as error:
        print(f"clew: {error}", file=sys.stderr)
        return exit_code(error) if isinstance(error, GraphError) else Exit.USAGE
    except KeyboardInterrupt:
        print("clew: stopped; the same command with --resume goes on from the checkpoint.", file=sys.stderr)
        return Exit.INTERRUPTED
    if found is not None:
        print(f"scores of chains: {found.questions} questions, calibration error {found.error:.3f}", file=sys.stderr)
    return Exit.DONE


if __name__ == "__main__":
    sys.exit(main())
