"""The Audit page's pure parts: what its address means, how a change is told field by field, and what a file may hold."""

import csv
import io
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.audit.queries import Line
from core.ids import new_id
from dashboard.audit import words
from dashboard.audit.address import ACTOR_KINDS, RANGES, Address
from dashboard.audit.diff import Field, fields_of
from dashboard.spreadsheet import FORMULA, csv_line

NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(2001, 1, 1), datetime(2199, 1, 1), timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=0)
)
NAMES = st.text(
    st.characters(codec="ascii", categories=["Ll", "Nd"], include_characters="_."), min_size=1, max_size=20
)


@st.composite
def addresses(draw: st.DrawFn) -> Address:
    begin, end = draw(st.none() | MOMENTS), None
    if begin:
        end = begin + timedelta(seconds=draw(st.integers(1, 10**6)))
    place = draw(st.sampled_from(["after", "before", None]))
    return Address(
        q=draw(st.text(max_size=20)).strip(),
        actor=draw(st.none() | st.sampled_from(sorted(ACTOR_KINDS)) | st.uuids()),
        action=draw(st.none() | NAMES),
        subject=draw(st.none() | NAMES),
        range=draw(st.none() | st.sampled_from(sorted(RANGES))),
        begin=begin,
        end=end,
        sel=draw(st.none() | st.uuids()),
        **({place: draw(st.uuids())} if place else {}),
    )


@given(addresses())
def test_a_copied_address_means_the_same(address: Address) -> None:
    again = Address.of(dict(parse_qsl(urlsplit(address.url).query)))

    assert Address.of(dict(parse_qsl(urlsplit(again.url).query))) == again
    if address.q.isprintable():
        assert again == address


@given(
    st.dictionaries(
        st.sampled_from(["q", "actor", "action", "subject", "range", "from", "to", "after", "before", "sel"]),
        st.text(),
    )
)
def test_nonsense_in_an_address_is_no_error(query: dict[str, str]) -> None:
    address = Address.of(query)

    address.filter(NOW)
    assert Address.of(dict(parse_qsl(urlsplit(address.url).query))) == address


def test_another_filter_begins_at_the_first_page() -> None:
    address = Address(after=new_id(), sel=new_id(), action="user.role")

    changed = address.changed(actor="key")

    assert (changed.after, changed.before) == (None, None)
    assert (changed.sel, changed.action, changed.actor) == (address.sel, "user.role", "key")


def test_what_the_list_reads_follows_from_the_address() -> None:
    ann = new_id()

    assert Address(actor=ann).filter(NOW).actor_id == ann
    assert Address(actor="key").filter(NOW).actor_kind == "key"
    assert Address(range="24h").filter(NOW).begin == NOW - timedelta(days=1)
    stretch = Address(range="1h", begin=NOW - timedelta(days=9), end=NOW - timedelta(days=8)).filter(NOW)
    assert (stretch.begin, stretch.end) == (NOW - timedelta(days=9), NOW - timedelta(days=8))
    assert Address().filter(NOW).begin is None


# The field diff


def told(found: list[Field]) -> list[tuple[str, str | None, str | None, str]]:
    return [(field.name, field.before, field.after, field.way) for field in found]


def test_fields_that_changed_come_first_and_say_both_values() -> None:
    before = {"enabled": True, "name": "Alpha", "order": ["a", "b"], "limit": 1500, "note": ""}
    after = {"enabled": False, "name": "Alpha", "order": ["b", "a"], "limit": None, "note": "x"}

    assert told(fields_of(before, after)) == [
        ("enabled", "yes", "no", "changed"),
        ("limit", "1,500", "none", "changed"),
        ("note", "empty", "x", "changed"),
        ("order", "a, b", "b, a", "changed"),
        ("name", "Alpha", "Alpha", "same"),
    ]


def test_objects_are_taken_apart_so_that_only_what_changed_in_them_shows() -> None:
    before = {"limits": {"per_minute": 30, "daily": {"tokens": 5, "usd": 100}}, "gone": {"a": 1}}
    after = {"limits": {"per_minute": 60, "daily": {"tokens": 5, "usd": 120.5}}, "new": {"b": {"c": 2}}}

    assert told(fields_of(before, after)) == [
        ("gone › a", "1", None, "gone"),
        ("limits › daily › usd", "100", "120.5", "changed"),
        ("limits › per minute", "30", "60", "changed"),
        ("new › b › c", None, "2", "added"),
        ("limits › daily › tokens", "5", "5", "same"),
    ]


@pytest.mark.parametrize(("one", "other"), [(1, True), (0, False), ("1", 1), (None, ""), ([], {}), (1, 1.0)])
def test_values_that_only_compare_alike_are_a_change(one: Any, other: Any) -> None:
    assert [field.way for field in fields_of({"field": one}, {"field": other})] == ["changed"]


@pytest.mark.parametrize(("before", "after", "way"), [(None, {"a": 1}, "added"), ({"a": 1}, None, "gone")])
def test_one_side_alone_is_told(before: Any, after: Any, way: str) -> None:
    assert [field.way for field in fields_of(before, after)] == [way]
    assert fields_of(None, None) == []


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)
FIELD_SETS = st.dictionaries(st.text(max_size=3), VALUES, max_size=4)


@given(FIELD_SETS)
def test_nothing_is_told_of_what_is_the_same(fields: dict[str, Any]) -> None:
    assert {field.way for field in fields_of(fields, fields)} <= {"same"}


@given(FIELD_SETS, FIELD_SETS)
def test_every_change_is_told_and_back_and_forth_are_mirrored(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    there, back = fields_of(one, other), fields_of(other, one)

    assert any(field.way != "same" for field in there) or one == other
    mirrored = {"added": "gone", "gone": "added"}
    assert Counter((f.name, f.after, f.before, mirrored.get(f.way, f.way)) for f in there) == Counter(
        (f.name, f.before, f.after, f.way) for f in back
    )  # fmt: skip


# Words


def line(**fields: Any) -> Line:
    values = {
        "id": new_id(), "at": NOW, "actor_kind": "user", "actor_id": new_id(), "actor_label": "ann@example.com",
        "action": "user.role", "subject_kind": "user", "subject_id": None, "reason": None, "seq": None,
    } | fields  # fmt: skip
    return Line(**values)


def test_what_nobody_has_named_is_told_by_its_own_name() -> None:
    assert words.deed("user.role").words == "Role changed"
    assert words.deed("tea_pot.start").words == "Tea pot: start"
    assert words.deed("odd").words == "Odd"
    assert words.kind("fallback_order") == "fallback order"


@pytest.mark.parametrize(
    ("kind", "label", "lines"),
    [
        ("user", "ann@example.com", ("ann", "example.com")),
        ("key", "ann@example.com by key “a@b by key c”", ("ann", "example.com · “a@b by key c”")),
        ("command_line", "command line", ("command line", "")),
        ("system", "Purser", ("Purser", "")),
        ("user", "no address", ("no address", "")),
    ],
)
def test_an_actor_on_two_lines(kind: str, label: str, lines: tuple[str, str]) -> None:
    assert words.actor(line(actor_kind=kind, actor_label=label)) == lines


# The file


CELLS = st.builds(
    lambda beginning, rest: beginning + rest,
    st.sampled_from(["", " ", "'", *FORMULA]),
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=5),
)


@given(st.lists(CELLS))
def test_no_cell_of_a_file_begins_like_a_formula(values: list[str]) -> None:
    (read,) = list(csv.reader(io.StringIO(csv_line(["first", *values]), newline="")))

    assert len(read) == len(values) + 1
    for value, cell in zip(values, read[1:], strict=True):
        assert not cell.startswith(FORMULA)
        assert cell == (f"'{value}" if value.startswith(FORMULA) else value)


def test_numbers_and_ids_stand_in_a_file_as_they_are() -> None:
    identifier = UUID(int=7)

    assert csv_line([identifier, -5, None, 1.5]) == f"{identifier},-5,,1.5\r\n"
