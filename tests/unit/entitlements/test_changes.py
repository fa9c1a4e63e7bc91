"""Change sets as values: carried out, turned round, kept as JSON, put into words."""

import orjson
import pytest
from hypothesis import given

from core.entitlements.change_words import described, words
from core.entitlements.changes import (
    Change,
    applied,
    cell,
    feature_property,
    inverse,
    new_feature,
    new_plan,
    ordered,
    plan_property,
)
from core.entitlements.matrix import Matrix
from core.entitlements.rules import check
from core.errors import InvalidRequest
from tests.unit.entitlements.samples import ENTITLEMENTS, FREE, NOW, PRO, Somebody
from tests.unit.entitlements.strategies import changed

MATRIX = Matrix(3, NOW, "Mira", (FREE, PRO), tuple(ENTITLEMENTS.all_features.values()))
VOICE = MATRIX.features[2]


@given(changed())
def test_the_inverse_undoes_every_change_set(case: tuple[Matrix, list[Change]]) -> None:
    stored, changes = case
    before = stored.entitlements
    after = applied(before, changes)
    assert applied(after, inverse(changes)) == before
    assert applied(applied(after, inverse(changes)), inverse(inverse(changes))) == after


@given(changed())
def test_a_change_survives_json(case: tuple[Matrix, list[Change]]) -> None:
    for change in case[1]:
        assert Change.of_json(orjson.loads(orjson.dumps(change.to_json()))) == change


@given(changed())
def test_every_change_has_words(case: tuple[Matrix, list[Change]]) -> None:
    for one in described(case[1], case[0]):
        assert all(one)


def test_what_a_change_set_brings_can_be_tried_on_a_person_before_it_is_saved() -> None:
    changes = [cell("free", "voice-over", True), plan_property(FREE, "max_projects", 50)]
    after = applied(ENTITLEMENTS, changes)
    assert not check(ENTITLEMENTS, Somebody(), "voice-over", NOW).allowed
    assert check(after, Somebody(), "voice-over", NOW).allowed
    assert after.plans["free"].max_projects == 50
    assert not check(
        applied(after, [feature_property(VOICE, "retired", True)]), Somebody(), "voice-over", NOW
    ).allowed


def test_additions_go_first_and_removals_last() -> None:
    adding = [cell("max", "chat", True), new_plan("max", display_name="Max"), new_feature("chat", "Chat")]
    assert [one.subject for one in ordered(adding)] == ["feature", "plan", "cell"]
    assert [one.subject for one in inverse(ordered(adding))] == ["cell", "plan", "feature"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (cell("pro", "voice-over", False), ("Pro", "voice-over", "On plan", "Not on plan")),
        (plan_property(PRO, "max_projects", 50), ("Pro", "Projects", "No limit", "50")),
        (
            plan_property(FREE, "monthly_credits", 1_500),
            ("Free", "Credits a month", "0", "1,500"),
        ),
        (plan_property(FREE, "trial_days", 14), ("Free", "Trial, days", "–", "14 days")),
        (plan_property(FREE, "retired", True), ("Free", "Plan", "Offered", "Retired")),
        (
            plan_property(FREE, "modalities", {"video", "text"}),
            ("Free", "Modalities", "–", "Text, Video"),
        ),
        (feature_property(VOICE, "retired", True), ("voice-over", "Feature", "Defined", "Retired")),
        (feature_property(VOICE, "description", "Speaks."), ("voice-over", "Description", "–", "Speaks.")),
        (cell("gone", "voice-over", True), ("gone", "voice-over", "Not on plan", "On plan")),
    ],
)
def test_a_change_reads_as_people_say_it(change: Change, expected: tuple[str, ...]) -> None:
    assert tuple(words(change, MATRIX)) == expected


def test_cells_of_a_new_plan_are_told_by_its_name() -> None:
    changes = [new_plan("max", display_name="Max", monthly_credits=5_000), cell("max", "voice-over", True)]
    assert [tuple(one) for one in described(changes, MATRIX)] == [
        ("Max", "Plan", "–", "“Max”: 5,000 credits a month, 0 features"),
        ("Max", "voice-over", "Not on plan", "On plan"),
    ]


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"subject": "row", "plan": None, "feature": None, "field": None, "before": 1, "after": 2},
        {"subject": "plan"},
    ],
)
def test_what_is_no_change_is_refused(said: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest):
        Change.of_json(said)


def test_an_unknown_property_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidRequest, match="has display_name"):
        plan_property(FREE, "colour", "red")
    with pytest.raises(InvalidRequest, match="has display_name"):
        feature_property(VOICE, "colour", "red")
