"""The answers that a question has → the claims by which a prompt bears them out: what training teaches a model to say.

An answer that is an entity is claimed with the facts of a way from what the question names; of several that one chain
leads to, the first alone, since all of a chain is given anyway. Else an answer is quoted, where a passage has it as
whole words. What the prompt does not bear out is not taught: then "none" is what is right to say.
"""

from collections.abc import Collection

import regex

from fusion.claims import Claim
from fusion.decode import CLAIMS, Grammar, sayable
from fusion.prompt import Prompt, name_shown
from fusion.quotable import QUOTED
from fusion.scoring import Steps, steps_of
from fusion.verify import walks
from kg.facts import EntityId, name_key


def taught(prompt: Prompt, answers: Collection[str], topics: Collection[EntityId]) -> tuple[Claim, ...]:
    """Claims of a prompt for answers, which are names, and the entities that the question names."""
    keys = {name_key(answer) for answer in answers if name_key(answer)}
    return _named(prompt, keys, topics) or _quoted(prompt, answers)


def _named(prompt: Prompt, keys: Collection[str], topics: Collection[EntityId]) -> tuple[Claim, ...]:
    """The first way that leads to each answer, but for those that the chain of another leads to as well."""
    claims: dict[EntityId, Claim] = {}
    told: set[tuple[EntityId, Steps]] = set()
    for one in sayable(prompt):
        assert one.entity is not None
        entity = one.entity
        start = walks(one.facts, entity.id)
        fits = any(name_key(name) in keys for name in (entity.name, *entity.aliases))
        if not fits or start is None or start not in topics or entity.id in {*claims, *topics}:
            continue
        chain = start, steps_of(one.facts, entity.id)
        if chain not in told:
            told.add(chain)
            claims[entity.id] = one.claim
    return tuple(claims.values())[:CLAIMS]


def _quoted(prompt: Prompt, answers: Collection[str]) -> tuple[Claim, ...]:
    """Each answer from the first passage that has it, no passage twice."""
    grammar = Grammar(prompt)
    claims: dict[int, Claim] = {}
    for answer in sorted(answers):
        words = name_shown(answer)
        for number, one in enumerate(prompt.passages, start=1):
            found = regex.search(regex.escape(words), one.text, regex.IGNORECASE) if 0 < len(words) <= QUOTED else None
            if found is None or number in claims:
                continue
            claim = Claim(found[0], passage=number)
            if grammar.parse(f' "{claim.text}" ({number})'.encode()) is not None:
                claims[number] = claim
                break
    return tuple(claims[number] for number in sorted(claims))[:CLAIMS]
