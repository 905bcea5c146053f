"""How fast is a fused model trained, beside a plain loop with peft over the same prompts?

``python -m benchmarks.fusion_training`` trains Gemma 3 270M on questions of MetaQA's dev set, each with facts around
its topic as text (200 to 400 tokens) and two answers at most, with the numbers of their facts, as target. The plain
loop is peft's LoRA and transformers' own loss, in batches as they come: the logits of all 262,144 tokens at every
position, prompts masked. Clew's loop sorts by length, multiplies the head at the targets alone, and trains the graph
encoder and its soft tokens as well. Both in the precision that this machine is faster at, and the plain one in float32
too, one after the other; tokens are those of prompts and targets, without padding or soft tokens. ``--examples N``
chooses how many, ``--no-write`` only prints.
"""

import argparse
import random
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from peft import LoraConfig, inject_adapter_in_model

from benchmarks.rows import Row, data_folder, write_rows
from fusion.claims import Claim, written
from fusion.context import GraphView
from fusion.language import open_model
from fusion.language.causal import HuggingFaceModel
from fusion.model import FusedConfig, FusedModel
from fusion.tuning.batches import Line, lines
from fusion.tuning.config import TuneConfig
from fusion.tuning.examples import Example, Examples
from fusion.tuning.loop import tune
from kg.embeddings.precision import resolve
from nlp.embed import MiniLM

NAME = "fusion_training"
BATCH = 4  # of the plain loop: its logits take 0.4 GB an example, three times over
FACTS = 12, 24
Triple = tuple[str, str, str]


def questions(count: int) -> Examples:
    """Questions of one to three hops, each with the facts that surround its topic, drawn by chance."""
    folder, encoder = data_folder() / "MetaQA", MiniLM()
    around: dict[str, list[Triple]] = defaultdict(list)
    for line in (folder / "kb_recovered.txt").read_text("utf-8").splitlines():
        subject, relation, value = line.split("|")
        around[subject].append((subject, relation, value))
        around[value].append((subject, relation, value))
    asked = [(folder / f"{hops}-hop" / "vanilla" / "qa_dev.txt").read_text("utf-8").splitlines() for hops in (1, 2, 3)]
    draw, found = random.Random(0), list[Example]()
    while len(found) < count:
        question, answers = draw.choice(asked[len(found) % 3]).split("\t")
        topic = question.partition("[")[2].partition("]")[0]
        near = around[topic][:8]
        ends = dict.fromkeys(end for fact in near for end in (fact[0], fact[2]) if end != topic)
        further = dict.fromkeys(one for end in ends for one in around[end][:6] if one not in near)
        wanted = draw.randint(*FACTS)  # as many as the context of a question happens to hold
        facts = [*near, *draw.sample(list(further), min(len(further), max(0, wanted - len(near))))]
        if len(facts) >= FACTS[0]:
            found.append(_example(question, answers.split("|"), topic, facts, encoder))
    return Examples(encoder.name, tuple(found))


def _example(question: str, answers: Sequence[str], topic: str, facts: Sequence[Triple], encoder: MiniLM) -> Example:
    names = list(dict.fromkeys([topic, *(end for subject, _, value in facts for end in (subject, value))]))
    relations = list(dict.fromkeys(relation for _, relation, _ in facts))
    place = {name: at for at, name in enumerate(names)}
    told = [
        f"[{at}] {subject} | {relation.replace('_', ' ')} | {value}" for at, (subject, relation, value) in _n(facts)
    ]
    claims = [
        Claim(answer, tuple(at for at, fact in _n(facts) if answer in fact)[:1])
        for answer in answers
        if answer in place
    ][:2]
    candidates = np.array([place[name] for name in names if name != topic][:10], np.int64)
    topics = np.zeros(len(names), np.float32)
    topics[0] = 1
    view = GraphView(
        names=encoder.encode(names),
        vectors=np.zeros((len(names), 0), np.float32),
        topics=topics,
        relations=encoder.encode([relation.replace("_", " ") for relation in relations]),
        subjects=np.array([place[subject] for subject, _, _ in facts], np.int64),
        rows=np.array([relations.index(relation) for _, relation, _ in facts], np.int64),
        objects=np.array([place[value] for _, _, value in facts], np.int64),
        candidates=candidates,
        scores=np.full((len(candidates), 3), np.log(0.1), np.float32),
    )
    prompt = f"Facts:\n{chr(10).join(told)}\nQuestion: {question.replace('[', '').replace(']', '')}?\nAnswer:"
    return Example(prompt, view, f" {written(claims)}")


def _n(facts: Sequence[Triple]) -> list[tuple[int, Triple]]:
    return list(enumerate(facts, 1))


def model(precision: str) -> HuggingFaceModel:
    """Gemma 3 270M, as it comes."""
    found = open_model("", precision=precision, device="cpu")
    assert isinstance(found, HuggingFaceModel)
    return found


def plain(precision: str, examples: Examples) -> float:
    """The seconds of one pass of the loop that one would write first."""
    language = model(precision)
    module = language.module
    inject_adapter_in_model(LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM"), module)
    optimizer = torch.optim.AdamW([one for one in module.parameters() if one.requires_grad], lr=2e-4)
    module.train()
    found = lines(language, examples.examples)
    begun = time.perf_counter()
    for start in range(0, len(found), BATCH):
        some = found[start : start + BATCH]
        ids = [[*line.lead, *line.prompt, *line.target] for line in some]
        longest = max(map(len, ids))
        padded = torch.tensor([[*one, *[0] * (longest - len(one))] for one in ids])
        labels = torch.full(padded.shape, -100)
        for row, (line, one) in enumerate(zip(some, ids, strict=True)):
            labels[row, len(one) - len(line.target) : len(one)] = torch.tensor(line.target)
        mask = torch.tensor([[1] * len(one) + [0] * (longest - len(one)) for one in ids])
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            loss = module(input_ids=padded, attention_mask=mask, labels=labels, use_cache=False).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return time.perf_counter() - begun


def ours(precision: str, examples: Examples) -> float:
    """The seconds of one pass of Clew's loop."""
    fused = FusedModel(model(precision), FusedConfig(), encoder=examples.encoder, text_width=384)
    config = TuneConfig(epochs=1, precision=precision)
    begun = time.perf_counter()
    tune(fused, examples, config)
    return time.perf_counter() - begun


def systems() -> Mapping[str, tuple[Callable[[str, Examples], float], str]]:
    """What is measured, and in which precision."""
    fast = str(resolve("auto", "cpu")).removeprefix("torch.")
    return {f"Clew, {fast}": (ours, fast)} | {
        f"plain peft loop, {precision}": (plain, precision) for precision in dict.fromkeys((fast, "float32"))
    }


def main() -> None:
    """Measure, and write rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=48)
    parser.add_argument("--no-write", action="store_true")
    given = parser.parse_args()
    examples = questions(given.examples)
    found: list[Line] = lines(model("float32"), examples.examples)
    tokens = sum(line.length + 1 - line.soft for line in found)
    lengths = sorted(len(line.prompt) for line in found)
    targets = sorted(len(line.target) for line in found)
    print(f"{len(found)} prompts of {lengths[0]} to {lengths[-1]} tokens, targets of {targets[0]} to {targets[-1]}")
    rows: list[Row] = []
    for name, (measure, precision) in systems().items():
        busy = time.process_time()
        seconds = measure(precision, examples)
        busy = time.process_time() - busy  # with what loads the model; less than the seconds: others were working too
        print(f"{name}: {tokens / seconds:.0f} tokens a second ({seconds:.0f} s, {busy:.0f} s of a core)", flush=True)
        rows.append(
            {
                "data": "MetaQA",
                "split": "dev",
                "system": name,
                "measure": "training",
                "value": round(tokens / seconds, 1),
                "unit": "tokens/s",
                "seconds": round(seconds, 1),
                "command": " ".join(["python -m benchmarks.fusion_training", *sys.argv[1:]]),
            }
        )
    if not given.no_write:
        write_rows(NAME, rows)


if __name__ == "__main__":
    main()
