"""The chain of hashes: its form is for ever, and nothing that is changed afterwards fits."""

import hashlib
import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.audit.chain import FIELDS, START, Flaw, Proof, canonical, link

PLAIN = {
    "id": "0199aaaa-0000-7000-8000-000000000001",
    "at": "1763703480.120000",
    "actor_kind": "user",
    "actor_id": "0199aaaa-0000-7000-8000-000000000002",
    "actor_label": "änn@example.com",
    "action": "user.role",
    "subject_kind": "user",
    "subject_id": "0199aaaa-0000-7000-8000-000000000003",
    "reason": 'asked "by phone"\n',
    "before": '{"z": 1.50, "aa": null, "b": [true, {"y": 2, "x": "ü"}]}',
    "after": '{"role": "support"}',
    "address": None,
    "request_id": "req-12345678",
}

TEXTS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
FIELD_SETS = st.dictionaries(TEXTS, VALUES, max_size=4)


def row(**changes: str | None) -> list[str | None]:
    fields = PLAIN | changes
    return [fields[name] for name in FIELDS]


def sealed(rows: Sequence[Sequence[str | None]]) -> list[tuple[int, bytes, Sequence[str | None]]]:
    """A whole chain."""
    chain: list[tuple[int, bytes, Sequence[str | None]]] = []
    previous = START
    for seq, fields in enumerate(rows, 1):
        previous = link(previous, seq, fields)
        chain.append((seq, previous, fields))
    return chain


def flaws(chain: Sequence[tuple[int, bytes, Sequence[str | None]]]) -> list[Flaw]:
    proof = Proof()
    return [flaw for seq, found, fields in chain for flaw in proof.flaws(seq, found, fields)]


def written(value: Any, *, compact: bool) -> str:
    """JSON with decimals as they are: in the form of PostgreSQL, or in another one that means the same."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: (len(name.encode()), name.encode()), reverse=not compact)
        inner = (", " if compact else " ,\n").join(
            f"{json.dumps(name, ensure_ascii=not compact)}: {written(value[name], compact=compact)}"
            for name in names
        )
        return f"{{{inner}}}"
    if isinstance(value, list):
        return f"[{', '.join(written(one, compact=compact) for one in value)}]"
    return format(value, "f") if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=not compact)


def test_the_form_that_is_hashed_is_fixed_for_ever() -> None:
    form = (
        '{"action":"user.role","actor_id":"0199aaaa-0000-7000-8000-000000000002","actor_kind":"user",'
        '"actor_label":"\\u00e4nn@example.com","address":null,"after":{"role":"support"},"at":"1763703480.120000",'
        '"before":{"aa":null,"b":[true,{"x":"\\u00fc","y":2}],"z":1.50},"id":"0199aaaa-0000-7000-8000-000000000001",'
        '"reason":"asked \\"by phone\\"\\n","request_id":"req-12345678","seq":7,'
        '"subject_id":"0199aaaa-0000-7000-8000-000000000003","subject_kind":"user"}'
    )

    assert canonical(7, row()) == form
    assert link(START, 7, row()) == hashlib.sha256(b"\0" * 32 + form.encode()).digest()


@given(FIELD_SETS)
def test_how_the_database_writes_json_makes_no_difference(fields: dict[str, Any]) -> None:
    ours, other = written(fields, compact=True), written(fields, compact=False)

    assert canonical(1, row(before=ours)) == canonical(1, row(before=other))


@given(FIELD_SETS, FIELD_SETS)
def test_fields_that_differ_have_forms_that_differ(one: dict[str, Any], other: dict[str, Any]) -> None:
    same = written(one, compact=True) == written(other, compact=True)

    assert (
        canonical(1, row(after=written(one, compact=True)))
        == canonical(1, row(after=written(other, compact=True)))
    ) is same


def test_none_is_not_an_empty_text_and_a_number_is_not_its_text() -> None:
    forms = {canonical(1, row(reason=reason)) for reason in (None, "", "None", "null")}
    numbers = {
        canonical(1, row(after=after)) for after in ('{"a": 1}', '{"a": "1"}', '{"a": 1.0}', '{"a": true}')
    }

    assert (len(forms), len(numbers)) == (4, 4)


def test_a_whole_chain_has_no_flaw() -> None:
    assert flaws(sealed([row(reason=str(number)) for number in range(20)])) == []


@given(st.integers(0, 9), st.sampled_from(FIELDS), st.data())
def test_any_field_of_any_row_that_is_changed_is_found(place: int, name: str, data: st.DataObject) -> None:
    chain = sealed([row(reason=str(number)) for number in range(10)])
    seq, found, fields = chain[place]
    old = fields[FIELDS.index(name)]
    values = st.sampled_from(['{"other": 1}', None]) if name in ("before", "after") else st.none() | TEXTS
    changed = list(fields)
    changed[FIELDS.index(name)] = data.draw(values.filter(lambda value: value != old))

    (flaw,) = flaws([*chain[:place], (seq, found, changed), *chain[place + 1 :]])

    assert flaw.row.startswith(f"row {seq} ")
    assert flaw.found == found.hex() != flaw.expected


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [(1, 1, "row 1"), (1, 4, "rows 1 to 4"), (5, 5, "row 5"), (5, 8, "rows 5 to 8")],
)
def test_rows_that_were_taken_out_are_named(first: int, last: int, expected: str) -> None:
    chain = sealed([row(reason=str(number)) for number in range(10)])

    (flaw,) = flaws([one for one in chain if not first <= one[0] <= last])

    assert (flaw.expected, flaw.found) == (expected, "none")
    assert flaw.row.startswith(f"before row {last + 1} ")


def test_two_rows_that_changed_places_are_found() -> None:
    chain = sealed([row(reason=str(number)) for number in range(5)])
    (two, first, fields), (three, second, others) = chain[1], chain[2]

    found = flaws([chain[0], (two, second, others), (three, first, fields), *chain[3:]])

    assert [flaw.row.split(" (")[0] for flaw in found] == ["row 2", "row 3", "row 4"]


def test_a_row_whose_seal_was_made_anew_does_not_fit_the_next() -> None:
    chain = sealed([row(reason=str(number)) for number in range(5)])
    fields = row(reason="another")
    forged = link(chain[1][1], 3, fields)

    (flaw,) = flaws([*chain[:2], (3, forged, fields), *chain[3:]])

    assert flaw.row.startswith("row 4 ")
    assert "whose fields or whose link to row 3 were changed" in flaw.row
