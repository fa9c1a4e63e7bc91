"""What a change set may say, and what is refused in words."""

from typing import Any

import pytest
from hypothesis import given, settings

from core.entitlements.changes import (
    Change,
    applied,
    cell,
    feature_property,
    new_feature,
    new_plan,
    plan_property,
)
from core.entitlements.checking import check_changes
from core.entitlements.matrix import Matrix
from core.entitlements.models import Tier
from core.entitlements.rules import FeatureView, PlanView
from core.errors import Conflict, InvalidRequest, PurserError
from core.signup import NEW_USERS_PLAN, STAFF_PLAN
from tests.unit.entitlements.samples import NOW
from tests.unit.entitlements.strategies import changed

FREE = PlanView("free", "Free", Tier.FREE, 10, frozenset({"chat"}), frozenset({"text"}), 5, max_projects=1)
MAX = PlanView("max", "Max", Tier.PAID, 20, frozenset({"chat", "voice-over"}), frozenset({"text"}))
CHAT, VOICE = FeatureView("chat", "Chat"), FeatureView("voice-over", "Voice-over")
MATRIX = Matrix(3, NOW, "Mira", (FREE, MAX), (CHAT, VOICE))


@given(changed())
@settings(deadline=None)
def test_the_cleaned_change_set_comes_to_the_same(case: tuple[Matrix, list[Change]]) -> None:
    stored, changes = case
    if changes:
        cleaned = check_changes(stored, changes)
        assert applied(stored.entitlements, cleaned) == applied(stored.entitlements, changes)
        assert {one.key for one in cleaned} == {one.key for one in changes}


def refused(*changes: Change) -> PurserError:
    with pytest.raises(PurserError) as refusal:
        check_changes(MATRIX, changes)
    return refusal.value


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (plan_property(FREE, "daily_generations", -1), "a whole number from 0 to 1,000,000,000, or nothing"),
        (plan_property(FREE, "daily_generations", 2**40), "a whole number"),
        (plan_property(FREE, "daily_generations", True), "a whole number"),
        (plan_property(FREE, "daily_generations", "7"), "a whole number"),
        (plan_property(FREE, "monthly_credits", None), "Credits a month: a whole number"),
        (plan_property(FREE, "trial_days", 0), "Trial, days: a whole number from 1"),
        (plan_property(FREE, "tier", "gold"), "Tier: one of free, paid, premium."),
        (plan_property(FREE, "modalities", ()), "Modalities: at least one"),
        (plan_property(FREE, "modalities", {"smell"}), "Modalities: some of text, image, video, audio."),
        (plan_property(FREE, "modalities", "text"), "Modalities: some of"),
        (plan_property(FREE, "routing_strategy", "luck"), "one of priority, cost, score, tier"),
        (plan_property(FREE, "watermark", "yes"), "Watermark: yes or no."),
        (plan_property(FREE, "display_name", " \x00 "), "Name: there has to be one."),
        (plan_property(FREE, "display_name", "x" * 61), "at most 60 characters"),
        (plan_property(FREE, "display_name", "MAX"), "Two plans would be named “Max”: free and max."),
        (plan_property(FREE, "retired", True), "Free cannot be retired: visitors"),
        (feature_property(CHAT, "display_name", "Voice-Over"), "Two features would be named"),
        (cell("fre", "chat", True), "There is no plan 'fre'. Did you mean 'free'?"),
        (cell("free", "voice_over", True), "Did you mean 'voice-over'?"),
        (Change("cell", "free", "voice-over", None, False, "on"), "on a plan or not"),
        (Change("plan", "free", None, "colour", None, "red"), "A plan has no property 'colour'"),
        (Change("plan", "free", None, "display_name", "Free", "Free"), "stays as it is"),
        (new_plan("Big Plan", display_name="Big"), "cannot be the id of a plan"),
        (new_plan("x" * 41, display_name="Big"), "cannot be the id of a plan"),
        (new_plan("big"), "Name: a text."),
        (new_plan("big", display_name="Big", colour="red"), "no property 'colour'"),
        (new_plan("big", display_name="Big", features=["smell"]), "There is no feature 'smell'"),
        (new_feature("two--hyphens", "Two"), "cannot be the id of a feature"),
        (new_feature("", "Nothing"), "cannot be the id of a feature"),
        (new_feature("a\nb", "Lines"), "cannot be the id of a feature"),
        (Change("feature", None, "chat", "colour", None, "red"), "A feature has no property"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(change: Change, said: str) -> None:
    refusal = refused(change)
    assert isinstance(refusal, InvalidRequest)
    assert said in refusal.message


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (new_plan("free", display_name="Another"), "plan_exists"),
        (new_feature("chat", "Another"), "feature_exists"),
        (cell("free", "chat", True), "changed_meanwhile"),
        (Change("plan", "free", None, "max_projects", 7, 9), "changed_meanwhile"),
        (Change("feature", None, "chat", None, {"display_name": "Chat"}, None), "feature_in_use"),
    ],
)
def test_what_is_no_more_as_the_change_says_is_a_conflict(change: Change, code: str) -> None:
    refusal = refused(change)
    assert isinstance(refusal, Conflict)
    assert refusal.code == code


def test_nothing_too_much_and_the_same_twice_are_refused() -> None:
    assert refused().code == "nothing_changed"
    assert "twice" in refused(*[plan_property(FREE, "rank", rank) for rank in (1, 2)]).message
    assert "at most 2,000" in refused(*[new_feature(f"f{one}", f"F {one}") for one in range(2_001)]).message
    assert (
        "at most 100 plans" in refused(*[new_plan(f"p{i}", display_name=f"P {i}") for i in range(99)]).message
    )


def test_names_may_be_exchanged_in_one_change_set_and_those_of_retired_plans_used_again() -> None:
    check_changes(
        MATRIX, [plan_property(FREE, "display_name", "Max"), plan_property(MAX, "display_name", "Free")]
    )
    check_changes(MATRIX, [plan_property(MAX, "retired", True), new_plan("max-2", display_name="Max")])


def test_texts_are_cleaned_and_values_put_in_order() -> None:
    cleaned = check_changes(
        MATRIX,
        [
            plan_property(MAX, "display_name", "  Very\tbig \x1b"),
            new_plan("big", display_name=" Big ", modalities=["text", "audio", "text"], features=["chat"]),
        ],
    )
    values: dict[str, Any] = cleaned[0].after
    assert (values["display_name"], values["modalities"], values["max_projects"]) == (
        "Big",
        ("audio", "text"),
        None,
    )
    assert cleaned[1].after == "Very big"


def test_what_comes_with_purser_is_retired_and_never_removed() -> None:
    seeded = Change("plan", "free", None, None, {"display_name": "Free"}, None)
    assert "can be retired, not removed" in refused(seeded).message
    seeded = Change("feature", None, "voice-over", None, {"display_name": "Voice-over"}, None)
    assert "can be retired, not removed" in refused(seeded).message


@pytest.mark.parametrize("plan_id", sorted({NEW_USERS_PLAN, STAFF_PLAN, "free"}))
def test_plans_that_purser_puts_people_on_cannot_be_retired(plan_id: str) -> None:
    plan = PlanView(plan_id, plan_id, Tier.FREE)
    with pytest.raises(InvalidRequest) as refusal:
        check_changes(Matrix(0, None, "", (plan,), ()), [plan_property(plan, "retired", True)])
    assert refusal.value.code == "plan_needed"
