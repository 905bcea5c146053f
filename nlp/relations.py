"""Claims by rules: which rules read which language, and what becomes of the names that no rule needs."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from kg.facts import Chunk, Topic
from kg.ontology import Ontology
from nlp.chinese import find_chinese_names
from nlp.concepts import find_phrases
from nlp.entities import find_names
from nlp.gazetteer import Gazetteer
from nlp.names import SURE
from nlp.passage import Passage, Sentence
from nlp.rules import institutions, lead, people, places, statements, works
from nlp.rules.chinese import read_chinese
from nlp.spans import Claim, Extraction, Mention

if TYPE_CHECKING:
    from spacy.tokens import Doc

LEAST_CONFIDENCE = 0.5

Rule = Callable[[Passage, Sentence], Iterator[Claim]]
ENGLISH: Sequence[Rule] = (
    lead.life,
    lead.description,
    works.credits,
    works.releases,
    works.authorship,
    people.lives,
    places.nested,
    people.careers,
    people.kin,
    people.marriages,
    institutions.foundings,
    statements.statements,
)


class RuleExtractor:
    """Finds mentions and claims by rules: English and Chinese."""

    def __init__(self, ontology: Ontology) -> None:
        self._ontology = ontology

    @property
    def name(self) -> str:
        """Name and version."""
        return "rules-1"

    def extract(self, chunk: Chunk, parsed: "Doc", *, topic: Topic | None, gazetteer: Gazetteer) -> Extraction:
        """Read one chunk; ``parsed`` is its text through ``nlp.language``."""
        if parsed.lang_ == "zh":
            return self._chinese(chunk, parsed, topic, gazetteer)
        mentions = find_names(chunk, parsed, topic=topic, gazetteer=gazetteer)
        names = sorted(mentions.found)
        if topic is None or topic.type not in statements.NAMED:
            names = sorted([*names, *find_phrases(parsed, chunk.start, free=mentions.free)])
        passage = Passage(chunk, parsed, names, topic, self._ontology)
        claims: list[Claim] = []
        for sentence in passage.sentences:
            if sentence.pattern.rstrip().endswith("?"):
                passage.dropped["question"] += 1
                continue
            claims.extend(claim for rule in ENGLISH for claim in rule(passage, sentence))
        return collect(names, claims, passage.dropped)

    def _chinese(self, chunk: Chunk, parsed: "Doc", topic: Topic | None, gazetteer: Gazetteer) -> Extraction:
        names = sorted(find_chinese_names(chunk, parsed, topic=topic, gazetteer=gazetteer).found)
        passage = Passage(chunk, parsed, names, topic, self._ontology)
        claims: list[Claim] = []
        carried = None
        if topic is not None:
            carried = Mention(chunk.start, chunk.start + 1, topic.name, topic.type, SURE, coreferent=True)
        for sentence in passage.sentences:
            found, carried = read_chinese(passage, sentence, carried)
            claims.extend(found)
        return collect(names, claims, passage.dropped)


def collect(names: Sequence[Mention], claims: Sequence[Claim], dropped: Counter[str]) -> Extraction:
    """One extraction of what was found: each claim once, and the mentions that have a type."""
    dropped = Counter(dropped)
    best: dict[tuple[str, str, str, str], Claim] = {}
    for claim in claims:
        if claim.confidence < LEAST_CONFIDENCE:
            dropped["low confidence"] += 1
            continue
        key = claim.subject.name, claim.relation, claim.object.name, claim.object.label
        if key not in best or claim.confidence > best[key].confidence:
            best[key] = claim
    used = {mention for claim in best.values() for mention in (claim.subject, claim.object)}
    retyped = {(mention.start, mention.end, mention.name) for mention in used if not mention.coreferent}
    mentions = set(used)
    for name in names:
        if (name.start, name.end, name.name) in retyped:
            continue  # a claim says what it is
        if name.label:
            mentions.add(name)
        else:
            dropped["name of no type"] += 1
    return Extraction(tuple(sorted(mentions)), tuple(sorted(best.values())), dropped)
