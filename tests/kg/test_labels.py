"""Names in the database: as people wrote them, unless the database could not tell them apart."""

from hypothesis import given
from hypothesis import strategies as st

from kg.labels import ARCADEDB, NEO4J, RESERVED, quoted

names = st.one_of(
    st.text(max_size=12),
    st.sampled_from(sorted(RESERVED)).flatmap(
        lambda name: st.sampled_from([name, name + "_", "r:" + name, "T:" + name])
    ),
    st.text("名~*,\\a", min_size=1, max_size=300),
)


def test_common_names_stay_as_they_are() -> None:
    for naming in (NEO4J, ARCADEDB):
        assert [naming.label(type) for type in ("Film", "症状", "Award 2")] == ["Film", "症状", "Award 2"]
        assert naming.relationship("directed_by") == "directed_by"
    assert NEO4J.relationship("症状") == "症状"
    assert ARCADEDB.relationship("症状") == "r:症状"
    assert ARCADEDB.label("film") == "T:film"


@given(st.lists(names, min_size=2, max_size=8, unique=True))
def test_names_never_meet(found: list[str]) -> None:
    for naming in (NEO4J, ARCADEDB):
        labels = {naming.label(name) for name in found}
        relationships = {naming.relationship(name) for name in found}
        assert len(labels) == len(relationships) == len(found)
        assert not (labels | relationships) & RESERVED
        assert not any(c in naming.forbidden for name in labels | relationships for c in name)
    assert not labels & relationships, "ArcadeDB has one namespace for both"


def test_backticks_are_doubled() -> None:
    assert quoted("a`b") == "`a``b`"
