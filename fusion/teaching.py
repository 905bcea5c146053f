"""The answers that a question has → the claims by which a prompt bears them out: what training teaches a model to say.

An answer that is an entity is claimed with the facts of a way from what the question names. Of the chains that lead to
answers, the one that leads to most of them and to fewest others comes first, then such as lead to nothing but further
answers; of each the first answer alone is claimed, since all of a chain is given anyway. Else an answer is quoted where
a passage has it as whole words, if possible one that also names what the question names. What the prompt does not bear
out, and what only repeats the question, is not taught: then "none" is what is right to say.
"""

from collections.abc import Collection, Iterator

import regex

from fusion.claims import Claim
from fusion.decode import CLAIMS, Grammar, Said, sayable
from fusion.evaluate import normalise
from fusion.named import Named, repeats
from fusion.prompt import Prompt, name_shown
from fusion.quotable import QUOTED
from fusion.scoring import Steps, steps_of
from fusion.verify import walks
from kg.facts import ChunkId, Entity, EntityId
from nlp.dates import find_dates

PLACES = 32  # at which one passage may have an answer, that are looked at

_WRAPPED = regex.compile(r"^\p{P}+(.*?)\p{P}*$")  # a title in quotation marks


def taught(
    prompt: Prompt, answers: Collection[str], topics: Named, *, sources: Collection[ChunkId] = ()
) -> tuple[Claim, ...]:
    """Claims of a prompt for answers, which are names, and what the question names.

    Where it is known which passages answer the question, these ``sources`` alone are quoted.
    """
    keys = {normalise(answer) for answer in answers if normalise(answer)}
    return _named(prompt, keys, topics) or _quoted(prompt, answers, topics, sources)


def _named(prompt: Prompt, keys: Collection[str], topics: Named) -> tuple[Claim, ...]:
    """The first answer that each chain leads to, as long as there are further ones."""
    chains: dict[tuple[EntityId, Steps], dict[EntityId, Said]] = {}
    for one in sayable(prompt):
        assert one.entity is not None
        start = walks(one.facts, one.entity.id)
        if start is not None and start in topics and one.entity.id not in topics:
            chain = start, steps_of(one.facts, one.entity.id)
            chains.setdefault(chain, {}).setdefault(one.entity.id, one)
    entities = {id: one.entity for chain in chains.values() for id, one in chain.items()}
    right = {id for id, entity in entities.items() if entity is not None and is_answer(entity, keys)}
    claims: dict[EntityId, Claim] = {}
    covered: set[EntityId] = set()
    while len(claims) < CLAIMS:
        fits = {
            key: (len(new), -len(chain.keys() - right))
            for key, chain in chains.items()
            if (new := (chain.keys() & right) - covered) and (not claims or chain.keys() <= right)
        }
        if not fits:
            break
        best = chains[max(fits, key=lambda key: fits[key])]
        first = next(id for id in best if id in right - covered)
        claims[first] = best[first].claim
        covered |= best.keys() & right
    return tuple(claims.values())


def is_answer(entity: Entity, keys: Collection[str]) -> bool:
    """Whether an entity has one of these names, which are normalised."""
    return any(normalise(name) in keys for name in (entity.name, *entity.aliases))


def _quoted(prompt: Prompt, answers: Collection[str], topics: Named, sources: Collection[ChunkId]) -> tuple[Claim, ...]:
    """Each answer from the first passage that has it, no passage twice."""
    known = [entity for entity in topics.entities if entity.id in prompt.names]
    names = [name_shown(name).casefold() for entity in known for name in (entity.name, *entity.aliases)]

    def strays(number: int) -> bool:
        one = prompt.passages[number - 1]
        text = f"{name_shown(one.passage.title)} {one.text}".casefold()
        return not any(name in text for name in names)

    numbers = [at for at, one in enumerate(prompt.passages, start=1) if not sources or one.passage.chunk.id in sources]
    order = sorted(numbers, key=strays)
    grammar = Grammar(prompt)
    claims: dict[int, Claim] = {}
    for answer in sorted(answers):
        for number in order:
            found = None if number in claims else _quotation(grammar, prompt, number, answer, topics)
            if found is not None:
                claims[number] = found
                break
    return tuple(claims[number] for number in sorted(claims))[:CLAIMS]


def _quotation(grammar: Grammar, prompt: Prompt, number: int, answer: str, topics: Named) -> Claim | None:
    """The first characters of a passage that are an answer, and that may be quoted."""
    for start, end in _places(prompt.passages[number - 1].text, answer):
        claim = prompt.quotation(number, start, end)
        if claim is None or repeats(claim.text, prompt.question, topics):
            continue
        if grammar.parse(f' "{claim.text}" ({number})'.encode()) is not None:
            return claim
    return None


def _places(text: str, answer: str) -> Iterator[tuple[int, int]]:
    """Where a text has an answer to the letter, or the date that it is, in order."""
    words = _WRAPPED.sub(r"\1", name_shown(answer))
    found = {match.span() for match in regex.finditer(regex.escape(words), text, regex.IGNORECASE)} if words else set()
    key = normalise(answer)
    found |= {(start, end) for start, end, name in find_dates(text) if key and normalise(name) == key}
    yield from [place for place in sorted(found) if place[1] - place[0] <= QUOTED][:PLACES]
