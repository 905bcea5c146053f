"""RDF to statements: N-Triples line by line, and Turtle by way of sorted N-Triples.

What RDF says of a thing's name and type becomes its name and type; everything else becomes facts:
``rdfs:label`` and ``skos:prefLabel`` name it (the label without a language first, then English, then Chinese),
other labels and ``skos:altLabel`` are aliases, ``rdf:type`` gives its type by local name. Without a label its name
is the local name of its IRI. Things of one type and name are told apart by their local names or IRIs. Literals are
things of type Date, Number or Text. The provenance in what Clew itself exported (``kg.rdf``) is passed over: the
file at hand is the source now.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote

from kg.decode import one_line
from kg.errors import InputError
from kg.facts import Entity
from kg.rdf import PROVENANCE_TYPES
from kg.statements import DEFAULT_TYPE, LONGEST_NAME, Known, Named, Problems, Statement

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_RDFS = "http://www.w3.org/2000/01/rdf-schema#"
_SKOS = "http://www.w3.org/2004/02/skos/core#"
_XSD = "http://www.w3.org/2001/XMLSchema#"
_OWL = "http://www.w3.org/2002/07/owl#"
_TYPE = f"{_RDF}type"
_LABELS = frozenset((f"{_RDFS}label", f"{_SKOS}prefLabel"))
_NAMING = _LABELS | {f"{_SKOS}altLabel"}
_NO_TYPES = frozenset((f"{_OWL}Thing", f"{_OWL}NamedIndividual", f"{_RDFS}Resource"))
_NUMBERS = frozenset(
    f"{_XSD}{sign}{size}"
    for sign in ("", "unsigned", "nonNegative", "nonPositive", "positive", "negative")
    for size in (
        "integer",
        "Integer",
        "decimal",
        "double",
        "float",
        "int",
        "Int",
        "long",
        "Long",
        "short",
        "Short",
        "byte",
    )
)
_DATES = frozenset(_XSD + name for name in ("date", "dateTime", "gYear", "gYearMonth"))
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?(?:T.*|Z|[+-]\d\d:\d\d)?")

_TRIPLE = re.compile(
    r"""\s*(?:<(?P<subject>[^<>"\s]*)>|(?P<blank>_:[^\s<>"]+))\s*<(?P<predicate>[^<>"\s]*)>\s*
    (?:<(?P<object>[^<>"\s]*)>|(?P<blank_object>_:[^\s<>"]+?)
      |"(?P<literal>(?:[^"\\]|\\.)*)"(?:@(?P<language>[A-Za-z0-9-]+)|\^\^<(?P<datatype>[^<>"\s]*)>)?)
    \s*\.\s*(?:\#.*)?""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))", re.DOTALL)
_ESCAPED = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f"}


class _Line(NamedTuple):
    number: int
    start: int
    end: int
    subject: str
    predicate: str
    object: str | None  # an IRI or a blank node; None for a literal
    literal: str
    literal_at: int  # where the literal's characters stand; -1 where they are escaped
    language: str
    datatype: str


def from_turtle(text: str, *, source: str) -> str:
    """The graph of a Turtle text as N-Triples, sorted; blank nodes are named by what is said of them.

    Raises:
        InputError: it is not Turtle; the message names the line.
    """
    from rdflib import BNode, Graph
    from rdflib.compare import to_canonical_graph
    from rdflib.plugins.parsers.notation3 import BadSyntax

    graph = Graph()
    try:
        graph.parse(data=text, format="turtle", publicID="urn:file:")
    except BadSyntax as error:
        why = one_line(str(error).partition("Bad syntax (")[2].partition(")")[0])[:100]
        raise InputError(f"{one_line(source)}: line {error.lines + 1} is not Turtle ({why}); correct it") from error
    if any(isinstance(node, BNode) for triple in graph for node in triple):
        graph = to_canonical_graph(graph)
    rows = graph.serialize(format="nt", encoding="utf-8").decode("utf-8").split("\n")
    return "".join(sorted(f"{row}\n" for row in rows if row))


def read_ntriples(text: str, problems: Problems) -> Iterator[Statement]:
    """What the lines of N-Triples say, in their order."""
    things, provenance = _things(text)
    literals: dict[tuple[str, str], Known] = {}
    for line in _parsed(text, problems):
        if line.subject in provenance:
            continue
        subject = things[line.subject]
        if line.predicate in _NAMING:
            if subject is not None and line.literal == subject.entity.name and line.literal_at < 0:
                continue  # a name with escaped characters cannot be quoted, and need not be
            if line.literal_at < 0 or subject is None or not 0 < len(line.literal) <= LONGEST_NAME:
                problems.add(line.number, "holds a name that is escaped, empty or too long; that name is not kept")
            else:
                at = Named(subject, line.literal_at, line.literal_at + len(line.literal))
                yield Statement(line.start, line.end, None, (at,))
        elif line.predicate != _TYPE:
            object = _literal(line, literals) if line.object is None else things[line.object]
            if subject is None or object is None:
                problems.add(line.number, "is about a blank node without a label; give it one")
            elif not 0 < len(object.entity.name) <= LONGEST_NAME:
                problems.add(
                    line.number, f"has an empty text, or one of more than {LONGEST_NAME} characters; shorten it"
                )
            else:
                yield Statement(line.start, line.end, (subject, _local(line.predicate), object))


def _parsed(text: str, problems: Problems | None = None) -> Iterator[_Line]:
    """The triples of a text; ``problems`` gets the lines that are none."""
    offset = 0
    for number, row in enumerate(text.split("\n"), 1):
        start, offset = offset, offset + len(row) + 1
        match = _TRIPLE.fullmatch(row)
        if match is None:
            if problems is not None and row.strip() and not row.lstrip().startswith("#"):
                problems.add(number, "is not an N-Triple; correct it")
            continue
        literal = match["literal"] or ""
        yield _Line(
            number,
            start,
            start + len(row),
            _iri(match["subject"]) if match["subject"] is not None else match["blank"],
            _iri(match["predicate"]),
            _iri(match["object"]) if match["object"] is not None else match["blank_object"],
            _ESCAPE.sub(_unescape, literal),
            -1 if "\\" in literal or match["literal"] is None else start + match.start("literal"),
            (match["language"] or "").lower(),
            match["datatype"] or "",
        )


def _things(text: str) -> tuple[dict[str, Known | None], set[str]]:
    """Every IRI and blank node as an entity, None for a blank node without a label; and what is provenance alone."""
    provenance: set[str] = set()
    labels: defaultdict[str, list[tuple[int, str, str]]] = defaultdict(list)
    types: defaultdict[str, set[str]] = defaultdict(set)
    nodes: dict[str, None] = {}
    for line in _parsed(text):
        nodes[line.subject] = None
        if line.predicate == _TYPE and line.object is not None:
            if line.object in PROVENANCE_TYPES:
                provenance.add(line.subject)
            elif line.object not in _NO_TYPES:
                types[line.subject].add(_local(line.object))
            continue
        if line.object is not None:
            nodes[line.object] = None
        elif line.predicate in _LABELS and (label := line.literal.strip(" \t\r\n")) and len(label) <= LONGEST_NAME:
            rank = {"": 0, "en": 1, "zh": 2}.get(line.language.partition("-")[0], 3)
            labels[line.subject].append((rank, line.language, label))
    chosen: dict[str, tuple[str, str]] = {}
    for node in nodes:
        type = min(types[node]) if node in types else DEFAULT_TYPE
        if node in labels:
            chosen[node] = (type, min(labels[node])[2])
        elif not node.startswith("_:"):
            chosen[node] = (type, _readable(node))
    distinct = _distinct(chosen)
    return {node: _known(*distinct[node]) if node in distinct else None for node in nodes}, provenance


def _distinct(chosen: dict[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """The types and names, made longer where several things would share them."""
    for detail in (_readable, str):
        shared = Counter(chosen.values())
        chosen = {
            node: (type, f"{name} ({detail(node)})")
            if shared[type, name] > 1 and name != detail(node)
            else (type, name)
            for node, (type, name) in chosen.items()
        }
    return chosen


def _literal(line: _Line, literals: dict[tuple[str, str], Known]) -> Known:
    type, name = "Text", " ".join(line.literal.split())
    if line.datatype in _NUMBERS:
        type = "Number"
    elif line.datatype in _DATES:
        type, name = "Date", _date(name)
    found = literals.get((type, name))
    if found is None:
        found = literals[type, name] = _known(type, name)
    return found


def _known(type: str, name: str) -> Known:
    entity = Entity(type, name)
    return Known(entity, entity.id)


def _date(lexical: str) -> str:
    """27 July 1917, July 1917 or 1917 for what XML Schema writes as 1917-07-27, 1917-07 and 1917."""
    match = _DATE.fullmatch(lexical)
    if match is None or not 0 < int(match[2] or 1) <= 12:
        return lexical
    year, month, day = match.groups()
    return " ".join(filter(None, (day and str(int(day)), month and _MONTHS[int(month) - 1], str(int(year)))))


def _iri(raw: str) -> str:
    return _ESCAPE.sub(_unescape, raw) if "\\" in raw else raw


def _unescape(match: "re.Match[str]") -> str:
    code = match[1] or match[2]
    return chr(int(code, 16)) if code else _ESCAPED.get(match[3], match[3])


def _local(iri: str) -> str:
    """The last part of an IRI."""
    return unquote(re.split(r"[#/:]", iri.rstrip("#/:"))[-1]) or iri


def _readable(iri: str) -> str:
    return " ".join(_local(iri).replace("_", " ").split())[:LONGEST_NAME] or iri
