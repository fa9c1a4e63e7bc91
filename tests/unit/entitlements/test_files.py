"""Plans and features as a file: written, read back, and what is wrong with one in words."""

import difflib

import pytest
from hypothesis import given, settings

from core.entitlements.changes import Change, applied, cell, plan_property
from core.entitlements.checking import check_changes
from core.entitlements.files import export, parse
from core.entitlements.matrix import Matrix
from core.entitlements.rules import Entitlements
from core.errors import InvalidRequest
from tests.unit.entitlements.strategies import changed
from tests.unit.entitlements.test_checking import FREE, MATRIX


def matrix_of(entitlements: Entitlements) -> Matrix:
    features = tuple(entitlements.all_features.values())
    return Matrix(entitlements.version, None, "", tuple(entitlements.plans.values()), features)


@given(changed())
@settings(deadline=None)
def test_an_imported_file_makes_the_plans_it_was_exported_from(case: tuple[Matrix, list[Change]]) -> None:
    stored, changes = case
    wanted = applied(stored.entitlements, changes)
    assert parse(export(stored), stored) == []
    found = parse(export(matrix_of(wanted)), stored)
    assert applied(stored.entitlements, found) == wanted
    if found:
        check_changes(stored, found)


def test_a_change_is_a_line_of_the_difference() -> None:
    changes = [cell("free", "voice-over", True), plan_property(FREE, "max_projects", None)]
    after = matrix_of(applied(MATRIX.entitlements, changes))
    lines = difflib.unified_diff(export(MATRIX).splitlines(), export(after).splitlines(), n=0, lineterm="")
    assert [line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")] == [
        "-max_projects = 1",
        '+max_projects = "none"',
        '+    "voice-over",',
    ]


def test_what_a_file_leaves_out_stays() -> None:
    assert parse("format = 1\n[plans.free]\nrank = 11\n", MATRIX) == [plan_property(FREE, "rank", 11)]
    assert parse("format = 1\n", MATRIX) == []


def test_what_is_new_in_a_file_is_added_with_its_defaults() -> None:
    text = (
        'format = 1\n[features.sing]\ndisplay_name = "Sing"\n'
        '[plans.choir]\ndisplay_name = "Choir"\nfeatures = ["sing", "chat"]\n'
    )
    added = check_changes(MATRIX, parse(text, MATRIX))
    assert [(one.subject, one.plan_id or one.feature_id) for one in added] == [
        ("feature", "sing"),
        ("plan", "choir"),
    ]
    assert added[1].after["features"] == ("chat", "sing")
    assert added[1].after["modalities"] == ("text",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("format = 1\n[plans.free\n", "line 2"),
        ("", "format: it must say format = 1"),
        ("format = 2", "format"),
        ("format = 1\nprices = 2", "prices: there are only features and plans"),
        ("format = 1\nplans = 2", "plans: sections are written [plans.ID]"),
        ("format = 1\n[plans]\nfree = 2", "plans: sections are written"),
        ("format = 1\n[plans.free]\ncolour = 2", "plans.free.colour: there is no such property"),
        ("format = 1\n[plans.free]\nrank = 'high'", "plans.free.rank: Rank: a whole number"),
        ("format = 1\n[plans.free]\nmonthly_credits = 'none'", "plans.free.monthly_credits"),
        ("format = 1\n[plans.free]\nrank = 1979-05-27", "plans.free.rank"),
        ("format = 1\n[plans.free]\nfeatures = ['voice']", "plans.free.features: there is no feature 'voice'"),
        ("format = 1\n[plans.free]\nfeatures = [{}]", "plans.free.features"),
        ("format = 1\n[plans.free]\nfeatures = 'chat'", "plans.free.features: a list of ids"),
        ("format = 1\n[plans.new]\nrank = 1", "plans.new.display_name: what is new needs a name"),
        ("format = 1\n[features.new]", "features.new.display_name"),
        ("format = 1\n[features.chat]\nretired = 1", "features.chat.retired: Retired: yes or no"),
        ("x" * 1_000_001, "more than 1,000,000 characters"),
        ("format = 1\na = " + "[" * 5_000, "it is no TOML"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_with_the_line_or_the_field(text: str, said: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        parse(text, MATRIX)
    assert refusal.value.code == "invalid_file"
    assert said in refusal.value.message
