"""Turns of phrase for one step of a chain: what stands at its end, named or asked for, where ``{}`` is its start.

A step has turns of several forms (by a noun, by a verb, by the relation the other way); a form is drawn first, then a
turn of it, so that a relation with many words of one form keeps the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import regex

from fusion.planner.lexicon import Verb, Words, kinds

Forms = tuple[tuple[str, ...], ...]

_LAST = regex.compile(r" (in|on|at|for|to|from|with|of|by|as|into|under|near)$")  # what takes an object: "starred in"
_NO_TITLE = ("one", "people")  # no name follows them


@dataclass(frozen=True, slots=True)
class Turns:
    """How to name what a step leads to ("the director of {}"), and how to ask for it ("who directed {}").

    ``same`` names what this step and the same step back lead to: "the films with the same director as {}", and
    ``same_asked`` asks for it: "who acted together with {}"; ``called`` names what it starts from by what that is: "the
    film {}".
    """

    named: Forms
    asked: Forms
    same: tuple[str, ...]
    same_asked: tuple[str, ...] = ()
    kind: str | None = None  # of what it leads to
    called: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.named)


def turns(
    words: Words,
    kind: str | None,
    back: str | None,
    language: str,
    *,
    typed: Sequence[str] = (),
    typed_back: Sequence[str] = (),
) -> Turns:
    """The turns of a step by its words, from a thing of the kind ``back`` to one of ``kind``.

    ``typed`` and ``typed_back`` are what such things are called by their types: "disease", "drug".
    """
    if not words:
        return Turns((), (), (), kind=kind)
    told = _Things.of(kind, typed, language)
    named, asked = (_chinese if language == "zh" else _english)(words, told, kind)
    others = _Things.of(back, typed_back, language)
    things = others.words
    if language == "zh":
        same = [f"和{{}}有相同{noun}的{thing}" for noun, thing in product(words.nouns, things)]
        same += [f"和{{}}一起{verb.past}的{thing}" for verb, thing in product(words.does, things)]
        same_asked = [f"{{}}和{question}一起{verb.past}" for verb, question in product(words.does, others.asks)]
    else:
        same = [
            phrase
            for noun, thing in product(words.nouns, things)
            for phrase in (
                f"the {thing} with the same {noun} as {{}}",
                f"the {thing} that share the {noun} of {{}}",
                f"the other {thing} of {{}} 's {noun}",
            )
        ]
        link = "who" if back == "person" else "that"
        done = [_LAST.sub("", verb.past) for verb in words.does if not verb.past.startswith("was ")]
        did = [*(f"{verb} together with" for verb in done), *(f"co-{verb} with" for verb in done if " " not in verb)]
        same += [f"the {thing} {link} {verb} {{}}" for verb, thing in product(did, things)]
        same_asked = [f"{question} {verb} {{}}" for verb, question in product(did, others.asks)]
    called = _called((*(things if back or typed_back else ()), *words.inverse), language)
    return Turns(_kept(named), _kept(asked), tuple(same), tuple(same_asked), kind, called)


@dataclass(frozen=True, slots=True)
class _Things:
    """What things are called in one language, and the question words for them."""

    words: tuple[str, ...]
    asks: tuple[str, ...]

    @classmethod
    def of(cls, kind: str | None, typed: Sequence[str], language: str) -> "_Things":
        """By their kind and their types; things of a type are no mere "things"."""
        known = kinds()[kind or "thing"]
        which = ("哪些", "什么", "哪种") if language == "zh" else ("which ", "what ")
        asked = tuple(each + word for each, word in product(which, typed))
        words = known.words[language] if kind or not typed else ()
        return cls((*typed, *words), (*asked, *known.asks[language]))


def asks(named: str, kind: str | None, language: str) -> tuple[str, ...]:
    """Questions for what a phrase names."""
    if language == "zh":
        words = {"person": ("谁", "什么人"), "place": ("哪里", "什么"), "time": ("什么时候", "哪一年")}.get(
            kind or "", ("什么", "哪个")
        )
        return (*(f"{named}是{word}" for word in words), f"{words[0]}是{named}", f"{named}", f"请问{named}是{words[0]}")
    who = {"person": "who", "time": "when"}.get(kind or "", "what")
    asked = [f"what is {named}", f"what is {named}", f"what are {named}", f"what 's {named}", f"which is {named}"]
    asked += [f"{who} is {named}", f"{who} are {named}", f"{who} was {named}", named, f"tell me {named}"]
    asked += [f"name {named}", f"can you tell me {named}", f"do you know {named}", f"what is the name of {named}"]
    if kind in ("place", "country"):
        asked.append(f"where is {named}")
    if kind is None:
        asked += [f"who is {named}", f"where is {named}"]
    return tuple(asked)


def _called(words: Sequence[str], language: str) -> tuple[str, ...]:
    """What stands before a name, to say what has it: "the film {}", "电影{}"."""
    each = dict.fromkeys(words)
    if language == "zh":
        return tuple(f"{word}{{}}" for word in each if len(word) > 1)
    singular = [word for word in each if word not in {*(f"{other}s" for other in each), *_NO_TITLE}]
    return tuple(form for word in singular for form in (f"the {word} {{}}", f"{word} {{}}"))


def _english(words: Words, kind: _Things, name: str | None) -> tuple[list[list[str]], list[list[str]]]:
    things, questions = kind.words, kind.asks
    if name is None:
        questions = (*questions, "who", "which one")
    link = "who" if name == "person" else "that"
    of = [f"the {noun} of {{}}" for noun in words.nouns]
    own = [f"{{}} 's {noun}" for noun in words.nouns]
    acts = [f"the {thing} {link} {verb.past} {{}}" for verb, thing in product(words.acts, things)]
    does = [f"the {thing} that {{}} {verb.past}" for verb, thing in product(words.does, things)]
    done = [f"the {thing} {verb.participle} by {{}}" for verb, thing in product(words.does, things) if verb.participle]
    whose = [f"the {thing} whose {noun} is {{}}" for thing, noun in product(things, words.inverse)]
    named = [own, own, of, of, acts, does, done, whose, [each for ask in words.asks if (each := _indirect(ask))]]

    have = [f"what {noun} does {{}} have" for noun in words.nouns] + [f"what is {{}} 's {noun}" for noun in words.nouns]
    acts = [f"{question} {verb.past} {{}}" for verb, question in product(words.acts, questions)]
    does = [_question(question, verb) for verb, question in product(words.does, questions)]
    does += [f"{{}} {verb.past} what" for verb in words.does]
    by = [
        f"{question} was {{}} {verb.participle} by"
        for verb, question in product(words.acts, questions)
        if verb.participle and question not in ("where", "when")
    ]
    by += [f"{{}} was {verb.participle} by {questions[0]}" for verb in words.acts if verb.participle]
    done = [f"{each} was {verb.participle} by {{}}" for verb, each in product(words.does, questions) if verb.participle]
    whose = [f"whose {noun} is {{}}" for noun in words.inverse]
    whose += [f"{question} has {{}} as {noun}" for question, noun in product(questions, words.inverse)]
    whose += [f"{{}} is the {noun} of {question}" for question, noun in product(questions[:2], words.inverse)]
    return named, [have, acts, by, does, done, whose, list(words.asks), list(words.asks)]


def _question(question: str, verb: Verb) -> str:
    """ "which films did {} direct", "where was {} born": a preposition that "where" or "when" takes is left out."""
    first, _, rest = verb.base.partition(" ")
    if first == "be":
        auxiliary, tail = "was", rest
    else:
        auxiliary, tail = "did", verb.base
    if question in ("where", "when"):
        tail = regex.sub(r" (in|at|on)$", "", tail)
    return f"{question} {auxiliary} {{}} {tail}"


def _indirect(ask: str) -> str | None:
    """ "the place where {} was born" for "where was {} born"; none for questions of another shape."""
    found = regex.fullmatch(r"(where|when|why) (was|is) \{\} (.+)", ask)
    if found is None:
        return None
    thing = {"where": "place", "when": "time", "why": "reason"}[found[1]]
    return f"the {thing} {found[1]} {{}} {found[2]} {found[3]}"


def _chinese(words: Words, kind: _Things, name: str | None) -> tuple[list[list[str]], list[list[str]]]:
    things, questions = kind.words, kind.asks
    named: list[list[str]] = [[f"{{}}的{noun}" for noun in words.nouns]]
    asked: list[list[str]] = [
        [f"{{}}有什么{noun}" for noun in words.nouns] + [f"{{}}有哪些{noun}" for noun in words.nouns]
    ]
    for verb in words.acts:
        named.append([f"{verb.past}{{}}的{thing}" for thing in things])
        asked.append([f"{question}{verb.past}{form}{{}}" for question, form in product(questions, ("了", ""))])
        asked[-1] += [f"{{}}是{question}{verb.past}的" for question in questions]
        asked[-1] += [f"{{}}由{question}{verb.past}" for question in questions]
    for verb in words.does:
        named.append([f"{{}}{verb.past}的{thing}" for thing in things])
        asked.append([f"{{}}{verb.past}{question}" for question in questions])
    named.append([f"{noun}是{{}}的{thing}" for thing, noun in product(things, words.inverse)])
    asked.append([f"{question}的{noun}是{{}}" for question, noun in product(questions, words.inverse)])
    asked[-1] += [f"{{}}是{question}的{noun}" for question, noun in product(questions, words.inverse)]
    asked.append(list(words.asks) * 2)
    return named, asked


def _kept(forms: Sequence[Sequence[str]]) -> Forms:
    return tuple(tuple(form) for form in forms if form)
