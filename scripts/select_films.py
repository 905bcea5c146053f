"""Makes examples/films from 2WikiMultiHopQA and the HippoRAG corpus: ``python -m scripts.select_films [OUT]``.

The rule looks at questions and passages alone, never at what Clew can answer. Questions, in file order: all of type
"compositional" that start from a film or a song, then "bridge_comparison" questions until there are 25. Passages: all
that these questions come with, right ones and distractors; then, in the order of the HippoRAG corpus, films and songs
that were made "by" somebody who has a passage there too, each with those people, until there are 300.
The data is read from the folder in CLEW_DATA (../shared/data if unset).
"""

import json
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

QUESTIONS, PASSAGES = 25, 300
LEFT_OUT = {"This Ain't Avatar XXX", "Malabimba – The Malicious Whore"}  # adult films
ALIASES = {"America": ["American", "United States"]}  # the questions ask for a nationality or a country in turn
WORK = re.compile(r"\b(?:is|was) an? [^.]*\b(?:film|song)\b")
LIFE = re.compile(r"\bborn\b|\bdied\b|\b\d{4}\b")


def questions(path: Path) -> list[dict]:
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    composed = [r for r in rows if r["type"] == "compositional" and re.search(r" of (film|song) ", r["question"])]
    compared = [r for r in rows if r["type"] == "bridge_comparison"]
    return [r for r in composed + compared if not LEFT_OUT & {t for t, _ in r["supporting_facts"]}][:QUESTIONS]


def question(row: dict) -> dict:
    aliases = {"aliases": ALIASES[row["answer"]]} if row["answer"] in ALIASES else {}
    supporting = list(dict.fromkeys(title for title, _ in row["supporting_facts"]))
    asked = {"id": row["_id"], "question": row["question"].strip(), "answer": row["answer"]}
    return asked | aliases | {"supporting": supporting, "evidence": row["evidences"]}


def passages(chosen: list[dict], corpus: list[dict]) -> dict[tuple[str, str], None]:
    kept = {(title, " ".join(sentences)): None for row in chosen for title, sentences in row["context"]}
    people = {bare(p["title"]): (p["title"], p["text"]) for p in corpus if LIFE.search(p["text"][:150])}
    for passage in corpus:
        if len(kept) >= PASSAGES:
            break
        if WORK.search(passage["text"][:200]) and passage["title"] not in LEFT_OUT:
            makers = [people[name] for name in names_after_by(passage["text"]) if name in people]
            kept |= dict.fromkeys([(passage["title"], passage["text"]), *makers] if makers else [])
    return kept


def bare(title: str) -> str:
    return re.sub(r" \([^()]*\)$", "", title)


def names_after_by(text: str) -> Iterator[str]:
    for words in re.findall(r"\bby ((?:[^\W\d_][\w.'’-]*[ ]?){2,4})", text):
        parts = words.split()
        yield from (" ".join(parts[:n]).rstrip(".,") for n in range(len(parts), 1, -1))


def identify(titles: list[str]) -> Iterator[str]:
    """Titles as lower-case words; a title met again gets a number."""
    seen: Counter[str] = Counter()
    for title in titles:
        slug = re.sub(r"\W+", "-", title.casefold()).strip("-")
        seen[slug] += 1
        yield slug if seen[slug] == 1 else f"{slug}-{seen[slug]}"


def write(path: Path, rows: list[dict]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")


def main() -> None:
    data = Path(os.environ.get("CLEW_DATA", "../shared/data"))
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "examples/films")
    chosen = questions(data / "MultiHopQA-100/wikihop.json")
    corpus = json.loads((data / "HippoRAG-2wiki-corpus/2wikimultihopqa_corpus.json").read_text("utf-8"))
    kept = sorted(passages(chosen, corpus))
    ids = identify([title for title, _ in kept])
    write(out / "passages.jsonl", [{"id": i, "title": t, "text": x} for i, (t, x) in zip(ids, kept, strict=True)])
    write(out / "questions.jsonl", [question(row) for row in chosen])


if __name__ == "__main__":
    main()
