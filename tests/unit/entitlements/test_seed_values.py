"""What Purser starts with, as the specification lists it."""

from core.entitlements.seed import FEATURES_OF, PLANS

LISTED = {
    "free": (5, 50, 50, 1, ["text", "image"]),
    "trial": (None, 50, 50, 1, ["text", "image"]),
    "creator": (100, 1_500, 3_000, 5, ["text", "image"]),
    "premium": (100, 2_000, 5_000, 10, ["text", "image", "audio"]),
    "pro": (500, 3_000, 10_000, 25, ["text", "image", "video", "audio"]),
    "unlimited": (None, 20_000, None, None, ["text", "image", "video", "audio"]),
}


def test_plans_have_the_limits_of_the_list() -> None:
    names = ("daily_generations", "monthly_credits", "monthly_ceiling", "max_projects", "modalities")
    assert {plan["id"]: tuple(plan[name] for name in names) for plan in PLANS} == LISTED


def test_plans_have_the_tiers_and_watermarks_of_the_list() -> None:
    assert {plan["id"]: (plan["tier"], plan["watermark"]) for plan in PLANS} == {
        "free": ("free", True),
        "trial": ("free", True),
        "creator": ("paid", False),
        "premium": ("paid", False),
        "pro": ("premium", False),
        "unlimited": ("premium", False),
    }
    trial = next(plan for plan in PLANS if plan["id"] == "trial")
    assert (trial["trial_days"], trial["trial_uses"]) == (14, 2)


def test_only_the_two_dearest_plans_speak() -> None:
    assert {plan for plan, features in FEATURES_OF.items() if "voice-over" in features} == {
        "pro",
        "unlimited",
    }
    assert {plan: len(features) for plan, features in FEATURES_OF.items()} == {
        "free": 2,
        "trial": 8,
        "creator": 8,
        "premium": 8,
        "pro": 9,
        "unlimited": 9,
    }
