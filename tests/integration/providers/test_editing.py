"""Changing providers and their order: what is refused, what is told, and what others see."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from core.audit import COMMAND_LINE, Actor
from core.database import Database
from core.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from core.ids import new_id
from core.providers.config import Limits, ProviderConfig, load
from core.providers.editing import Difference, ProviderChange, checked, differences, edit_provider
from core.providers.models import ProviderRow
from core.providers.order import reorder
from core.providers.service import set_default_model, switch_provider
from core.providers.vault import Vault
from core.routing.events import events
from core.vocabulary import Modality, Role
from tests.factories import actor_of, make_user
from tests.rows import make_provider

TEXT, IMAGE = Modality.TEXT, Modality.IMAGE


@pytest.fixture
async def provider(database: Database) -> UUID:
    return await make_provider(database, "alpha", default_models='{"text": "a-1"}')


async def edit(database: Database, provider: UUID, **how: Any) -> ProviderRow:
    given = {"actor": COMMAND_LINE, "reason": "moved", "reviewed": None} | how
    about = {name: given.pop(name) for name in ("actor", "reason", "reviewed")}
    async with database.transaction() as session:
        return await edit_provider(
            session, provider, ProviderChange(**given), allowed_hosts=("127.0.0.1",), **about
        )


async def config(database: Database, provider: UUID) -> ProviderConfig:
    vault = Vault([b"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="])
    return next(one for one in await load(database, vault, {}) if one.id == provider)


async def order(database: Database, modality: Modality, *slugs: str, actor: Actor = COMMAND_LINE) -> None:
    ids = dict(await database.fetch_all("select slug, id from providers"))
    async with database.transaction() as session:
        await reorder(session, modality, [ids.get(slug) or new_id() for slug in slugs], actor=actor)


async def ranks(database: Database, modality: Modality = TEXT) -> dict[str, int]:
    rows = await database.fetch_all("select slug, ranks from providers")
    return {slug: ranks[modality] for slug, ranks in rows if modality in ranks}


async def version(database: Database) -> int:
    row = await database.fetch_one("select version from versions where topic = 'config'")
    return row[0] if row else 0


async def test_only_what_is_given_changes_and_the_slug_stays(database: Database, provider: UUID) -> None:
    before = await config(database, provider)
    news = await version(database)

    await edit(
        database,
        provider,
        name="  Alpha   two ",
        base_url="https://eu.example.com/v1/",
        limits=Limits(requests_per_minute=30, usd_per_day=12.5),
        limits_enabled=True,
        specialisations={"Code", " technical"},
        fallback_models={TEXT: "a-0"},
    )

    after = await config(database, provider)
    assert (after.slug, after.name, after.base_url) == ("alpha", "Alpha two", "https://eu.example.com/v1")
    assert after.limits == after.stored_limits == Limits(requests_per_minute=30, usd_per_day=12.5)
    assert after.specialisations == {"code", "technical"}
    assert (after.default_models, after.fallback_models) == ({"text": "a-1"}, {"text": "a-0"})
    assert (after.probing, after.ranks, after.enabled) == (before.probing, before.ranks, before.enabled)
    assert await version(database) == news + 1

    await edit(database, provider, limits_enabled=False, base_url=None, fallback_models={TEXT: None})

    again = await config(database, provider)
    assert (again.limits, again.stored_limits) == (Limits(), after.stored_limits)
    assert (again.base_url, again.fallback_models) == (None, {})


async def test_the_review_and_the_story_say_each_field_before_and_after(
    database: Database, provider: UUID
) -> None:
    change = checked(
        "openai",
        ProviderChange(
            name="Alpha two", base_url="https://eu.example.com/v1", limits=Limits(usd_per_day=12.5),
            limits_enabled=True, probing=False, default_models={TEXT: "a-2"},
        ),
        (),
    )  # fmt: skip
    review = differences(await config(database, provider), change)

    assert review == [
        Difference("Name", "alpha", "Alpha two"),
        Difference("Base URL", "the vendor's own (https://api.openai.com/v1)", "https://eu.example.com/v1"),
        Difference("USD a day", "no limit", "$12.50"),
        Difference("Limits", "off", "on"),
        Difference("Cost-free probes", "on", "off"),
        Difference("Default model, text", "a-1", "a-2"),
    ]

    admin = await make_user(database, role=Role.SUPERADMIN, email="ann@example.com")
    async with database.transaction() as session:
        await edit_provider(
            session, provider, change, actor=actor_of(admin), reason="a new contract", allowed_hosts=(),
            reviewed=review,
        )  # fmt: skip

    (event,) = await events(database, provider)
    assert (event.kind, event.actor, event.changes) == ("edited", "ann@example.com", tuple(review))
    assert event.reason == (
        "Name, Base URL, USD a day, Limits, Cost-free probes, Default model, text changed: a new contract"
    )
    (row,) = await database.fetch_all("select action, reason, before, after from audit")
    assert row[:2] == ("provider.update", "a new contract")
    assert set(row[2]) == set(row[3]) == {
        *("name", "base_url", "limits", "limits_enabled", "probing", "default_models"),
    }  # fmt: skip
    assert (row[2]["limits"], row[3]["limits"]) == ({}, {"usd_per_day": 12.5})


async def test_a_change_that_was_reviewed_before_somebody_elses_is_refused(
    database: Database, provider: UUID
) -> None:
    review = differences(await config(database, provider), ProviderChange(name="Beta"))
    await edit(database, provider, name="Gamma")

    with pytest.raises(Conflict) as refused:
        await edit(database, provider, name="Beta", reviewed=review)

    assert refused.value.code == "changed_meanwhile"
    assert (await config(database, provider)).name == "Gamma"


async def test_what_changes_nothing_leaves_no_trace(database: Database, provider: UUID) -> None:
    news = await version(database)

    await edit(database, provider, name="alpha", probing=True, default_models={TEXT: "a-1"})

    assert await events(database, provider) == []
    assert await version(database) == news


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": " \n "}, "needs a name"),
        ({"name": "a" * 61}, "at most 60"),
        ({"base_url": "http://169.254.169.254/v1"}, "inside the network"),
        ({"base_url": "ftp://example.com"}, "begin with https"),
        ({"limits": Limits(requests_per_minute=0)}, "Requests a minute"),
        ({"limits": Limits(concurrent=-1)}, "Calls at once"),
        ({"limits": Limits(tokens_per_day=1.5)}, "whole number"),  # pyright: ignore[reportArgumentType] - as a page may send it
        ({"limits": Limits(usd_per_day=float("nan"))}, "USD a day"),
        ({"limits": Limits(usd_per_day=float("inf"))}, "USD a day"),
        ({"limits": Limits(requests_per_minute=True)}, "whole number"),
        ({"specialisations": ["<script>"]}, "not a specialisation"),
        ({"specialisations": [f"s{n}" for n in range(21)]}, "at most 20"),
        ({"default_models": {TEXT: " "}}, "replaced, not taken away"),
        ({"default_models": {Modality.VIDEO: "v-1"}}, "does not do video"),
        ({"name": "Better", "reason": " "}, "reason"),
    ],
)
async def test_what_makes_no_sense_is_refused_and_changes_nothing(
    database: Database, provider: UUID, change: dict[str, Any], words: str
) -> None:
    before = await config(database, provider)

    with pytest.raises(InvalidRequest, match=words):
        await edit(database, provider, **change)

    assert await config(database, provider) == before
    assert await events(database, provider) == []


async def test_an_internal_address_that_is_allowed_is_taken(database: Database, provider: UUID) -> None:
    assert (await edit(database, provider, base_url="http://127.0.0.1:8000/v1")).base_url == (
        "http://127.0.0.1:8000/v1"
    )


async def test_a_compatible_provider_keeps_an_address_and_the_sandbox_has_none() -> None:
    with pytest.raises(InvalidRequest, match="needs a base URL"):
        checked("openai_compatible", ProviderChange(base_url=None), ())
    with pytest.raises(InvalidRequest, match="built in"):
        checked("sandbox", ProviderChange(base_url="https://example.com"), ())


@pytest.mark.parametrize("name", ["BETA", "  beta ", "Bétá", "beta-one"])
async def test_a_name_by_which_another_is_known_is_refused(
    database: Database, provider: UUID, name: str
) -> None:
    beta = await make_provider(database, "beta")
    await edit(database, beta, name="Bétá")
    await make_provider(database, "beta-one")

    with pytest.raises(Conflict) as refused:
        await edit(database, provider, name=name)

    assert refused.value.code == "provider_exists"


async def test_of_two_that_take_the_same_name_at_once_one_is_refused(
    database: Database, provider: UUID
) -> None:
    beta = await make_provider(database, "beta")

    results = await asyncio.gather(
        edit(database, provider, name="Twin"), edit(database, beta, name="twin"), return_exceptions=True
    )

    assert sorted(type(one).__name__ for one in results) == ["Conflict", "ProviderRow"]


async def test_only_superadmins_may_in_person(database: Database, provider: UUID) -> None:
    actors = [
        actor_of(await make_user(database, role=role)) for role in (Role.SUPPORT, Role.TESTER, Role.USER)
    ]
    for actor in [*actors, Actor("key", "a key", Role.SUPERADMIN)]:
        with pytest.raises(NotAllowed):
            await edit(database, provider, name="Mine", actor=actor)
        with pytest.raises(NotAllowed):
            await order(database, TEXT, "alpha", actor=actor)
        with pytest.raises(NotAllowed):
            async with database.transaction() as session:
                await switch_provider(session, provider, False, actor=actor, reason="mine")
    with pytest.raises(NotFound):
        await edit(database, new_id(), name="Mine")


async def test_switching_needs_a_reason_and_tells_who(database: Database, provider: UUID) -> None:
    async with database.transaction() as session:
        with pytest.raises(InvalidRequest, match="reason"):
            await switch_provider(session, provider, False, actor=COMMAND_LINE, reason="")
    async with database.transaction() as session:
        await switch_provider(session, provider, False, actor=COMMAND_LINE, reason="too dear")
        await set_default_model(session, "alpha", "a-2", TEXT, actor=COMMAND_LINE)

    told = [(one.kind, one.reason, one.actor) for one in await events(database, provider)]
    assert told == [
        ("default_model", "a-1 → a-2", "command line"),
        ("disabled", "too dear", "command line"),
    ]


# The order


@pytest.fixture
async def four(database: Database, provider: UUID) -> None:
    await make_provider(database, "beta", ranks='{"text": 2, "image": 1}')
    await make_provider(database, "gamma", ranks='{"text": 3}')
    await make_provider(database, "sandbox", ranks='{"text": 99, "image": 99}')
    await database.execute("update providers set kind = 'sandbox' where slug = 'sandbox'")


async def test_the_order_is_given_ranks_for_one_modality_and_tells_who_moved(
    database: Database, provider: UUID, four: None
) -> None:
    await order(database, TEXT, "gamma", "beta", "alpha")

    assert await ranks(database) == {"gamma": 1, "beta": 2, "alpha": 3, "sandbox": 99}
    assert await ranks(database, IMAGE) == {"beta": 1, "sandbox": 99}
    (event,) = await events(database, provider)
    assert (event.kind, event.reason, event.modality) == ("reordered", "rank 1 → 3", TEXT)
    (row,) = await database.fetch_all("select subject_id, before, after from audit")
    assert row == (
        "text",
        {"order": ["alpha", "beta", "gamma", "sandbox"]},
        {"order": ["gamma", "beta", "alpha", "sandbox"]},
    )


async def test_the_sandbox_may_be_given_a_place_like_any_other(database: Database, four: None) -> None:
    await order(database, TEXT, "sandbox", "alpha", "beta", "gamma")

    assert await ranks(database) == {"sandbox": 1, "alpha": 2, "beta": 3, "gamma": 4}

    await order(database, TEXT, "alpha", "beta", "gamma")

    assert await ranks(database) == {"alpha": 1, "beta": 2, "gamma": 3, "sandbox": 4}


@pytest.mark.parametrize(
    "slugs",
    [
        ("alpha", "beta"),
        ("alpha", "beta", "gamma", "gamma"),
        ("alpha", "beta", "gamma", "unknown"),
        (),
    ],
)
async def test_an_order_that_is_not_of_all_and_only_the_providers_is_refused(
    database: Database, four: None, slugs: tuple[str, ...]
) -> None:
    before = await ranks(database)

    with pytest.raises(Conflict) as refused:
        await order(database, TEXT, *slugs)

    assert refused.value.code == "changed_meanwhile"
    assert await ranks(database) == before


async def test_the_order_that_there_is_leaves_no_trace(
    database: Database, provider: UUID, four: None
) -> None:
    await order(database, TEXT, "alpha", "beta", "gamma")

    assert await events(database, provider) == []
    assert await database.fetch_all("select 1 from audit") == []
