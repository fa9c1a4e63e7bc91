"""What switching off a provider or losing a key would mean, in words."""

from datetime import timedelta

import pytest

from core.errors import InvalidRequest, NotFound
from core.ids import new_id
from core.providers.config import KeyConfig, ProviderConfig
from core.providers.editing import ProviderChange
from core.routing.impact import impact, key_impact, require_offered
from core.snapshot import Snapshot
from core.vocabulary import Modality
from tests.unit.routing.samples import NOW, changed, provider, snapshot

TEXT, IMAGE = Modality.TEXT, Modality.IMAGE


def key(**fields: object) -> KeyConfig:
    return KeyConfig(new_id(), "1234", secret="s", **fields)  # pyright: ignore[reportArgumentType] - fields of a key


@pytest.fixture
def taken() -> Snapshot:
    return snapshot(
        [
            provider("alpha", 1, "a", "shared", keys=(key(),), ranks={TEXT: 1, IMAGE: 1}),
            provider("beta", 2, "shared", keys=(key(),)),
            provider("gamma", 3, "g", needs_key=False),
        ],
        {"a": {}, "shared": {}, "g": {}, "old": {"offered_by": ("alpha",), "ends_at": NOW}},
    )


def named(taken: Snapshot, slug: str) -> ProviderConfig:
    found = taken.provider(slug)
    assert found is not None
    return found


def test_it_says_what_only_this_provider_offers_and_who_carries_each_modality(taken: Snapshot) -> None:
    found = impact(taken, named(taken, "alpha").id, NOW)

    assert (found.models, found.only_here) == (2, ("a",)), "the model that has ended is none"
    assert [one.slug for one in found.carriers[TEXT]] == ["beta", "gamma"]
    assert found.carriers[IMAGE] == ()
    assert found.sentences() == (
        "Alpha offers 2 models; nobody else offers a.",
        "Text is carried by Beta, then Gamma.",
        "Nobody is left for image.",
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"enabled": False},
        {"keys": ()},
        {"keys": (key(state="disabled"),)},
        {"keys": (key(expires_at=NOW),)},
        {"keys": (key(state="set_aside", state_until=NOW + timedelta(seconds=1)),)},
    ],
)
def test_a_provider_that_would_not_be_called_carries_nothing_and_offers_nothing(
    taken: Snapshot, fields: dict[str, object]
) -> None:
    found = impact(changed(taken, "beta", **fields), named(taken, "alpha").id, NOW)

    assert [one.slug for one in found.carriers[TEXT]] == ["gamma"]
    assert found.only_here == ("a", "shared")


def test_a_provider_without_a_model_to_run_carries_nothing(taken: Snapshot) -> None:
    found = impact(
        changed(taken, "beta", default_models={}, fallback_models={}), named(taken, "alpha").id, NOW
    )

    assert [one.slug for one in found.carriers[TEXT]] == ["gamma"]


def test_many_models_are_counted_rather_than_listed() -> None:
    taken = snapshot([provider("alpha")], {name: {"offered_by": ("alpha",)} for name in "abcde"})

    assert impact(taken, taken.providers[0].id, NOW).sentences()[0] == (
        "Alpha offers 5 models; nobody else offers a, b, c and 2 more."
    )


def test_losing_one_of_several_keys_leaves_the_others(taken: Snapshot) -> None:
    one, other = key(), key()
    taken = changed(taken, "alpha", keys=(one, other, key(state="disabled")))

    found = key_impact(taken, named(taken, "alpha").id, one.id, NOW)

    assert (found.others, found.without) == (1, None)
    assert found.sentences() == ("1 other key of Alpha will serve.",)


def test_losing_the_last_usable_key_is_like_losing_the_provider(taken: Snapshot) -> None:
    last = key()
    taken = changed(taken, "alpha", keys=(last, key(expires_at=NOW), key(fault="key cannot be decrypted")))

    found = key_impact(taken, named(taken, "alpha").id, last.id, NOW)

    assert found.without == impact(taken, named(taken, "alpha").id, NOW)
    assert found.sentences()[0] == "This is the last usable key of Alpha: without it Alpha is not called."
    assert found.sentences()[-1] == "Nobody is left for image."


def test_a_key_that_serves_nothing_or_is_not_needed_is_missed_by_nobody(taken: Snapshot) -> None:
    off, spare = key(state="disabled"), key()
    taken = changed(changed(taken, "alpha", keys=(off,)), "gamma", keys=(spare,))

    idle = key_impact(taken, named(taken, "alpha").id, off.id, NOW)
    unneeded = key_impact(taken, named(taken, "gamma").id, spare.id, NOW)

    assert idle.sentences() == ("Alpha has no usable key now, with this one or without it.",)
    assert unneeded.sentences() == ("Gamma is called without a key.",)


def test_what_is_not_there_is_said(taken: Snapshot) -> None:
    with pytest.raises(NotFound):
        impact(taken, new_id(), NOW)
    with pytest.raises(NotFound):
        key_impact(taken, named(taken, "alpha").id, new_id(), NOW)


def test_a_default_or_fallback_model_is_one_that_the_provider_offers_for_the_modality(
    taken: Snapshot,
) -> None:
    alpha = named(taken, "alpha").id
    require_offered(
        taken, alpha, ProviderChange(default_models={TEXT: "shared"}, fallback_models={TEXT: None})
    )
    for change in (
        ProviderChange(default_models={TEXT: "g"}),
        ProviderChange(fallback_models={TEXT: "nothing"}),
        ProviderChange(default_models={IMAGE: "a"}),
    ):
        with pytest.raises(InvalidRequest, match="model of this provider"):
            require_offered(taken, alpha, change)
