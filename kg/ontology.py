"""Types and relations: what may be said of what, and the words that people use for it.

Loaded from Turtle: classes with ``rdfs:subClassOf``; properties with ``rdfs:domain``, ``rdfs:range``,
``owl:inverseOf``, ``owl:SymmetricProperty`` and ``owl:FunctionalProperty``; ``rdfs:label`` and ``skos:altLabel``
in any language are the words.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from kg.errors import InputError

DEFAULT = Path(__file__).with_name("ontology.ttl")


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation of the ontology; an empty domain or range allows every type."""

    name: str
    domain: frozenset[str] = frozenset()
    range: frozenset[str] = frozenset()
    inverse: str | None = None
    symmetric: bool = False
    functional: bool = False
    words: dict[str, tuple[str, ...]] = field(default_factory=dict)  # language → label first, then alternatives


@dataclass(frozen=True, slots=True)
class Ontology:
    """The types with their ancestors, and the relations, by name."""

    types: dict[str, frozenset[str]]  # type → itself and all it is a kind of
    relations: dict[str, Relation]
    type_words: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)

    def is_a(self, type: str, ancestor: str) -> bool:
        """Whether every thing of the type is one of the ancestor; an unknown type is only itself."""
        return ancestor in self.types.get(type, frozenset((type,)))

    def compatible(self, one: str, other: str) -> bool:
        """Whether a thing may be of both types: one is a kind of the other."""
        return self.is_a(one, other) or self.is_a(other, one)

    def violation(self, subject_type: str, relation: str, object_type: str) -> str | None:
        """Why the ontology refuses such a fact, in one phrase, or None. A relation it does not know is allowed."""
        known = self.relations.get(relation)
        if known is None:
            return None
        if known.domain and not self._fits(subject_type, known.domain):
            return f"{relation}: subject is {subject_type}, not {' or '.join(sorted(known.domain))}"
        if known.range and not self._fits(object_type, known.range):
            return f"{relation}: object is {object_type}, not {' or '.join(sorted(known.range))}"
        return None

    def _fits(self, type: str, allowed: Iterable[str]) -> bool:
        return any(self.compatible(type, a) for a in allowed)


def load(path: Path = DEFAULT) -> Ontology:
    """Read an ontology from a Turtle file.

    Raises:
        InputError: the file cannot be read, or is not Turtle.
    """
    import rdflib
    from rdflib.namespace import OWL, RDF, RDFS, SKOS
    from rdflib.plugins.parsers.notation3 import BadSyntax

    graph = rdflib.Graph()
    try:
        graph.parse(path, format="turtle")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give the path of a Turtle file") from error
    except BadSyntax as error:
        raise InputError(
            f"{path}: line {error.lines + 1} is not Turtle; check the file with a Turtle validator"
        ) from error

    def local(node: object) -> str:
        return str(node).rsplit("#", 1)[-1].rsplit("/", 1)[-1]

    def words(node: rdflib.term.Node) -> dict[str, tuple[str, ...]]:
        found: dict[str, list[str]] = defaultdict(list)
        for predicate in (RDFS.label, SKOS.altLabel):
            for literal in sorted(graph.objects(node, predicate), key=str):
                if isinstance(literal, rdflib.Literal):
                    found[literal.language or "en"].append(str(literal))
        return {language: tuple(w) for language, w in sorted(found.items())}

    classes = set(graph.subjects(RDF.type, OWL.Class)) | set(graph.subjects(RDF.type, RDFS.Class))
    types = {
        local(node): frozenset(local(a) for a in graph.transitive_objects(node, RDFS.subClassOf)) for node in classes
    }
    properties = {
        node
        for kind in (OWL.ObjectProperty, OWL.DatatypeProperty, RDF.Property)
        for node in graph.subjects(RDF.type, kind)
    }
    inverses: dict[str, str] = {}
    for one, other in graph.subject_objects(OWL.inverseOf):
        inverses[local(one)] = local(other)
        inverses[local(other)] = local(one)
    relations = {
        local(node): Relation(
            name=local(node),
            domain=frozenset(local(o) for o in graph.objects(node, RDFS.domain)),
            range=frozenset(local(o) for o in graph.objects(node, RDFS.range)),
            inverse=inverses.get(local(node)),
            symmetric=(node, RDF.type, OWL.SymmetricProperty) in graph,
            functional=(node, RDF.type, OWL.FunctionalProperty) in graph,
            words=words(node),
        )
        for node in properties
    }
    return Ontology(types, dict(sorted(relations.items())), {local(node): words(node) for node in classes})


@cache
def default() -> Ontology:
    """The ontology that Clew ships."""
    return load()
