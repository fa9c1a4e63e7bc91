"""The decision about a feature, its reason, and its words."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.entitlements.rules import Reason, check, effective_limit, nearest, unavailable
from tests.unit.entitlements.samples import BEFORE, ENTITLEMENTS, FREE, LATER, NOW, PRO, Exceptional, Somebody


@pytest.mark.parametrize(
    ("person", "feature_id", "reason"),
    [
        (Somebody(), "stock-media", Reason.OK),
        (None, "stock-media", Reason.UNKNOWN_USER),
        (Somebody(status="suspended"), "stock-media", Reason.ACCOUNT_SUSPENDED),
        (Somebody(plan_id=None), "stock-media", Reason.NO_PLAN),
        (Somebody(plan_id="gone"), "stock-media", Reason.NO_PLAN),
        (Somebody(plan_expires_at=NOW), "stock-media", Reason.PLAN_EXPIRED),
        (Somebody(plan_expires_at=LATER), "stock-media", Reason.OK),
        (Somebody(plan_id="trial", trial_ends_at=NOW), "stock-media", Reason.TRIAL_EXPIRED),
        (Somebody(plan_id="trial", trial_ends_at=LATER), "stock-media", Reason.OK),
        (Somebody(plan_id="pro", trial_ends_at=BEFORE), "stock-media", Reason.OK),
        (Somebody(plan_id="old"), "voice-over", Reason.OK),
        (Somebody(), "stock-mediae", Reason.FEATURE_UNDEFINED),
        (Somebody(), "video-suite", Reason.FEATURE_NOT_IN_PLAN),
    ],
)
def test_the_answer_names_the_first_link_that_breaks(
    person: Somebody | None, feature_id: str, reason: Reason
) -> None:
    decision = check(ENTITLEMENTS, person, feature_id, NOW)
    assert decision.reason == reason
    assert decision.allowed is (reason is Reason.OK)


def allowing(
    feature_id: str = "video-suite", *, allowed: bool = True, until: datetime | None = LATER
) -> Exceptional:
    return Exceptional(feature_id, allowed=allowed, expires_at=until)


@pytest.mark.parametrize(
    ("overrides", "feature_id", "reason"),
    [
        ((allowing(),), "video-suite", Reason.OVERRIDE_ALLOWS),
        ((allowing(until=None),), "video-suite", Reason.OVERRIDE_ALLOWS),
        ((allowing(until=NOW),), "video-suite", Reason.FEATURE_NOT_IN_PLAN),
        ((allowing("voice-over"),), "video-suite", Reason.FEATURE_NOT_IN_PLAN),
        ((allowing("stock-media", allowed=False),), "stock-media", Reason.OVERRIDE_DENIES),
        ((allowing("stock-media", allowed=False, until=NOW),), "stock-media", Reason.OK),
        ((allowing("stock-media"),), "stock-media", Reason.OK),
        ((allowing(allowed=False),), "video-suite", Reason.FEATURE_NOT_IN_PLAN),
        ((allowing(), allowing(allowed=False)), "video-suite", Reason.FEATURE_NOT_IN_PLAN),
        ((allowing("nowhere-defined"),), "nowhere-defined", Reason.FEATURE_UNDEFINED),
    ],
)
def test_an_override_turns_the_answer_round_while_it_lasts(
    overrides: tuple[Exceptional, ...], feature_id: str, reason: Reason
) -> None:
    decision = check(ENTITLEMENTS, Somebody(overrides=overrides), feature_id, NOW)
    assert decision.reason == reason
    assert decision.allowed is (reason in (Reason.OK, Reason.OVERRIDE_ALLOWS))


@pytest.mark.parametrize(
    "person",
    [
        Somebody(status="suspended", overrides=(allowing(),)),
        Somebody(plan_id=None, overrides=(allowing(),)),
        Somebody(plan_expires_at=BEFORE, overrides=(allowing(),)),
    ],
)
def test_an_override_opens_no_closed_account(person: Somebody) -> None:
    assert not check(ENTITLEMENTS, person, "video-suite", NOW).allowed


def test_a_database_that_does_not_answer_is_a_no_with_its_own_reason() -> None:
    for decision in (check(None, Somebody(), "stock-media", NOW), unavailable("stock-media")):
        assert not decision.allowed
        assert decision.reason == "database_unavailable"
        assert "database does not answer" in decision.message
        assert [step.outcome for step in decision.chain] == ["failed", *["not reached"] * 6]


people = st.none() | st.builds(
    Somebody,
    status=st.sampled_from(["active", "suspended"]),
    plan_id=st.sampled_from([None, "free", "trial", "pro", "old", "gone"]),
    plan_expires_at=st.sampled_from([None, BEFORE, NOW, LATER]),
    trial_ends_at=st.sampled_from([None, BEFORE, NOW, LATER]),
    overrides=st.lists(
        st.builds(
            Exceptional,
            feature_id=st.sampled_from([None, "stock-media", "video-suite"]),
            limit_name=st.sampled_from([None, "daily_generations"]),
            allowed=st.sampled_from([None, True, False]),
            value=st.none() | st.integers(-5, 50),
            expires_at=st.sampled_from([None, BEFORE, NOW, LATER]),
        ),
        max_size=3,
    ).map(tuple),
)


@given(people, st.text(max_size=150) | st.sampled_from(["stock-media", "video-suite", "voice-over"]))
def test_whoever_asks_for_whatever_gets_an_answer_a_sentence_and_seven_steps(
    person: Somebody | None, feature_id: str
) -> None:
    decision = check(ENTITLEMENTS, person, feature_id, NOW)
    steps = decision.chain
    assert decision.allowed is (decision.reason in ("ok", "override_allows"))
    assert decision.message
    assert len(steps) == 7
    if decision.allowed:
        assert all(step.outcome != "not reached" for step in steps)
        assert all(step.outcome == "passed" for step in steps[:5])


def test_the_chain_says_what_was_passed_what_failed_and_what_was_not_reached() -> None:
    person = Somebody(plan_id="trial", trial_ends_at=LATER, overrides=(allowing("voice-over", until=LATER),))
    assert [tuple(step) for step in check(ENTITLEMENTS, person, "voice-over", NOW).chain] == [
        ("user", "passed", ""),
        ("active", "passed", ""),
        ("plan", "passed", "Trial"),
        ("not expired", "passed", "until 21 November 2026"),
        ("feature defined", "passed", "Voice-over"),
        ("feature on plan", "failed", "Trial"),
        ("override", "allows", "until 21 November 2026"),
    ]
    undefined = check(ENTITLEMENTS, Somebody(), "voice_over", NOW).chain
    assert [step.outcome for step in undefined] == ["passed"] * 4 + ["failed"] + ["not reached"] * 2


@pytest.mark.parametrize(
    ("person", "feature_id", "sentence"),
    [
        (Somebody(), "stock-media", "Stock media is part of the plan Free."),
        (Somebody(), "voice-over", "Voice-over is not part of the plan Free. It comes with Pro."),
        (Somebody(), "voice_over", 'There is no feature "voice_over". Did you mean "voice-over"?'),
        (Somebody(), "zzz", 'There is no feature "zzz".'),
        (
            Somebody(plan_expires_at=datetime(2026, 5, 3, tzinfo=UTC)),
            "zzz",
            "The plan Free ended on 3 May 2026.",
        ),
        (Somebody(plan_id="trial", trial_ends_at=BEFORE), "zzz", "The trial ended on 21 November 2026."),
        (
            Somebody(overrides=(allowing("stock-media", allowed=False),)),
            "stock-media",
            "Stock media is part of the plan Free, but switched off for this account.",
        ),
    ],
)
def test_the_sentence_tells_the_person_what_they_can_do(
    person: Somebody, feature_id: str, sentence: str
) -> None:
    assert check(ENTITLEMENTS, person, feature_id, NOW).message == sentence


def test_a_hostile_id_is_quoted_short() -> None:
    message = check(ENTITLEMENTS, Somebody(), "x" * 1_000_000, NOW).message
    assert len(message) < 200


def limit(value: int, until: datetime | None = LATER) -> Exceptional:
    return Exceptional(limit_name="daily_generations", value=value, expires_at=until)


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ((), 5),
        ((limit(20),), 20),
        ((limit(20), limit(30), limit(10)), 30),
        ((limit(2),), 5),
        ((limit(20, until=NOW),), 5),
        ((limit(20, until=None),), 20),
        ((Exceptional(limit_name="max_projects", value=20),), 5),
    ],
)
def test_an_override_raises_a_limit_while_it_lasts_and_lowers_none(
    overrides: tuple[Exceptional, ...], expected: int
) -> None:
    assert effective_limit(FREE, Somebody(overrides=overrides), "daily_generations", NOW) == expected


def test_no_limit_stays_none_and_a_visitor_without_account_has_the_plan_s() -> None:
    assert effective_limit(PRO, Somebody(overrides=(limit(20),)), "daily_generations", NOW) is None
    assert effective_limit(FREE, None, "daily_generations", NOW) == 5


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("topic-resercher", "topic-researcher"),
        ("Topic_Researcher", "topic-researcher"),
        ("voiceover", "voice-over"),
        ("billing", None),
        ("", None),
    ],
)
def test_a_misspelt_feature_finds_the_one_that_was_meant(asked: str, meant: str | None) -> None:
    assert nearest(asked, ["topic-researcher", "voice-over", "video-editor"]) == meant
