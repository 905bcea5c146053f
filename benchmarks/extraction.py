"""How much of what Wikipedia passages are known to state do the rules find? Recall of gold triples, by relation.

The gold are the evidence triples of the hundred questions in MultiHopQA-100/wikihop.json. No rule was made with
these passages in view. A triple counts as found when the claim has its relation and both names agree as names,
aliases or dates do; nationality and country also agree as "Italian" and "Italy" do, and "Porto, Portugal" is Porto.
"""

import json
import time
from collections import Counter
from pathlib import Path

from benchmarks.rows import Row, data_folder, write_rows
from kg import ontology
from kg.facts import Chunk, Document, Topic, name_key
from nlp.dates import find_dates
from nlp.gazetteer import Gazetteer
from nlp.language import parse
from nlp.lexicon import COUNTRY_NAMES, NATIONALITIES
from nlp.link import NameLinker
from nlp.relations import RuleExtractor
from nlp.topics import declare

RELATIONS = {
    "director": "directed_by",
    "date of birth": "born_on",
    "date of death": "died_on",
    "place of birth": "born_in",
    "place of death": "died_in",
    "father": "father",
    "mother": "mother",
    "spouse": "married_to",
    "child": "child",
    "country of citizenship": "nationality",
    "publication date": "released_on",
    "performer": "performed_by",
    "composer": "composed_by",
    "producer": "produced_by",
    "country of origin": "country_of_origin",
    "country": "country_of_origin",
    "educated at": "educated_at",
    "employer": "works_for",
    "award received": "award_received",
    "inception": "founded_on",
    "has part": "has_part",
}
Triple = tuple[str, str, str]


def passages(path: Path) -> tuple[list[Document], dict[Triple, None]]:
    """The passages of the questions, each once, and their gold triples, each once."""
    documents: dict[str, Document] = {}
    gold: dict[Triple, None] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        question = json.loads(line)
        for title, sentences in question["context"]:
            documents.setdefault(title, Document(title, " ".join(sentences), title, "en"))
        for subject, relation, object in question["evidences"]:
            gold[subject, relation, object] = None
    return list(documents.values()), gold


def forms(name: str) -> set[str]:
    """The keys under which a name of the gold is looked for among the claims."""
    dates = [date for _, _, date in find_dates(name)]
    names = {name, *dates, COUNTRY_NAMES.get(name, name), name.partition(" (")[0], name.partition(", ")[0]}
    nations = {NATIONALITIES[n] for n in names if n in NATIONALITIES}
    nations |= {adjective for adjective, country in NATIONALITIES.items() if country in names}
    return {name_key(form) for form in names | nations}


def claims(documents: list[Document]) -> set[Triple]:
    """What the rules and the linker make of the passages: keys of names and aliases, both ways round if symmetric."""
    known = ontology.default()
    topics: list[tuple[Document, Topic | None]] = [(document, declare(document)) for document in documents]
    gazetteer = Gazetteer((document.id, topic) for document, topic in topics if topic is not None)
    aliases = {topic.name: {topic.name, *topic.aliases} for _, topic in topics if topic is not None}
    extractor, linker = RuleExtractor(known), NameLinker(known)
    found: set[Triple] = set()
    for (document, topic), parsed in zip(topics, parse((d.text for d in documents), "en"), strict=True):
        chunk = Chunk(document.id, 0, len(document.text), document.text)
        extraction = extractor.extract(chunk, parsed, topic=topic, gazetteer=gazetteer)
        links = linker.link(document, topic, extraction.mentions, gazetteer)
        for claim in extraction.claims:
            subject, object = links.entities[claim.subject], links.entities[claim.object]
            if known.violation(subject.type, claim.relation, object.type) is not None:
                continue
            for one in aliases.get(subject.name, {subject.name}):
                for other in aliases.get(object.name, {object.name}):
                    found.add((name_key(one), claim.relation, name_key(other)))
                    if known.relations[claim.relation].symmetric:
                        found.add((name_key(other), claim.relation, name_key(one)))
    return found


def main() -> None:
    """Measure, print a line a relation, and write the rows."""
    data = data_folder() / "MultiHopQA-100" / "wikihop.json"
    started = time.perf_counter()
    documents, gold = passages(data)
    found = claims(documents)
    hits: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    for subject, relation, object in gold:
        totals[relation] += 1
        name = RELATIONS[relation]
        hits[relation] += any((one, name, other) in found for one in forms(subject) for other in forms(object))
    seconds = time.perf_counter() - started
    rows: list[Row] = []
    for relation, total in [("all", totals.total()), *totals.most_common()]:
        hit = hits.total() if relation == "all" else hits[relation]
        print(f"{relation:24} {hit:4} of {total:4}  {hit / total:.2f}")
        rows.append(
            Row(
                data="MultiHopQA-100/wikihop gold evidence",
                split="all",
                system="rules",
                measure=f"recall, {relation} ({total} triples)",
                value=round(hit / total, 3),
                unit="",
                seconds=round(seconds, 1),
                command="python -m benchmarks.extraction",
            )
        )
    write_rows("extraction", rows)


if __name__ == "__main__":
    main()
