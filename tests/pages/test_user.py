"""What a user's page shows: who they are, what they have, what happened, what they may and why; for superadmins and support alone."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import product
from uuid import UUID

import orjson
import pytest
from nicegui.testing.user_interaction import UserInteraction

from core.accounts.keys import create_key
from core.accounts.service import suspend
from core.audit import SYSTEM, record
from core.credits.models import EntryType
from core.credits.service import open_account, post
from core.entitlements.overrides import add_override
from core.ids import short
from core.vocabulary import Role
from dashboard.components.button import Button
from dashboard.components.html import Node
from dashboard.live import audit_changed, generations_changed
from dashboard.user.reading import read
from dashboard.user.summary import last_failures, summary
from tests.pages.conftest import Visit
from tests.world import World, person

Enter = Callable[..., Awaitable[Visit]]
TABS = ("activity", "ledger", "generations", "features", "overrides", "keys", "projects", "audit", "api")


@pytest.mark.parametrize("role", [Role.SUPERADMIN, Role.SUPPORT])
async def test_it_says_what_a_user_has_and_what_happened(enter: Enter, role: Role) -> None:
    visit = await enter(role)
    world = visit.world
    made = (await world.ask()).id
    left = (await world.balance()).balance

    await visit.user.open(f"/users/{world.user.id}")

    for said in (
        "user@example.com",
        "Active",
        "Unlimited",
        f"{left:,} cr",
        "nothing held",
        "sandbox-text at Sandbox",
        "−1 cr",
        "User created",
    ):
        await visit.user.should_see(said)
    await visit.user.open(f"/users/{world.user.id}?tab=ledger")
    for said in ("Usage", "−1 cr", short(made), "ledger = balance, as of"):
        await visit.user.should_see(said)


@pytest.mark.parametrize("role", [Role.SUPERADMIN, Role.SUPPORT])
async def test_every_tab_opens_for_a_user_with_a_past_and_for_one_without(enter: Enter, role: Role) -> None:
    visit = await enter(role)
    await live(visit.world)
    other = await person(visit.world.purser, "new@example.com", credits=0)

    for user_id, tab in product((visit.world.user.id, other.id), TABS):
        await visit.user.open(f"/users/{user_id}?tab={tab}")
        await visit.user.should_not_see("This could not be loaded")
        await visit.user.should_not_see("Something in Purser went wrong")


async def test_support_sees_no_usd(enter: Enter) -> None:
    visit = await enter(Role.SUPPORT)
    await visit.world.ask()
    await visit.world.purser.database.execute("update generations set cost = 1.25")

    for tab in TABS:
        await visit.user.open(f"/users/{visit.world.user.id}?tab={tab}")
        await visit.user.should_not_see("$1.25")
        await visit.user.should_not_see("Cost")


async def test_a_tester_is_told_which_roles_may(enter: Enter) -> None:
    visit = await enter(Role.TESTER)

    await visit.user.open(f"/users/{visit.world.user.id}")

    await visit.user.should_see("Not with your role")
    await visit.user.should_not_see("user@example.com")


@pytest.mark.parametrize(
    "identifier", ["01a1fcb1-d36b-7131-b25a-a13797835dec", "nonsense", "%00", "0" * 4_000], ids=range(4)
)
async def test_an_address_that_names_nobody_says_so(enter: Enter, identifier: str) -> None:
    visit = await enter(Role.SUPPORT)

    await visit.user.open(f"/users/{identifier}")

    await visit.user.should_see("No such user")


async def test_an_address_that_means_nothing_shows_the_page_all_the_same(enter: Enter) -> None:
    visit = await enter(Role.SUPPORT)

    await visit.user.open(
        f"/users/{visit.world.user.id}?tab=x&traffic=y&after=z&before=%00&feature=%00&do=everything"
    )

    await visit.user.should_see("Last 24 h")


async def test_a_suspended_user_and_a_user_of_whom_nothing_is_known_are_shown_as_such(enter: Enter) -> None:
    visit = await enter(Role.SUPPORT)
    async with visit.world.purser.database.transaction() as session:
        await suspend(session, SYSTEM, visit.world.user.id, reason="card fraud")
    await visit.world.purser.changes.refresh()

    await visit.user.open(f"/users/{visit.world.user.id}?tab=generations")

    for said in ("Suspended", "No generations yet", "never"):
        await visit.user.should_see(said)
    await visit.user.open(f"/users/{visit.world.user.id}?tab=api")
    for said in ("403", "account_suspended", "card fraud"):
        await visit.user.should_see(said)


async def test_a_trial_that_is_over_is_said_with_what_ended_it(enter: Enter) -> None:
    visit = await enter(Role.SUPPORT)
    user = await person(visit.world.purser, "trial@example.com", credits=10, plan="trial")
    await visit.user.open(f"/users/{user.id}")
    for said in ("14 days, 2 generations left", "Extend trial…"):
        await visit.user.should_see(said)

    await visit.world.purser.database.execute(
        "update users set trial_ends_at = now() - interval '1 day' where id = %s", (user.id,)
    )
    await visit.world.purser.identities.forget()
    await visit.user.open(f"/users/{user.id}")

    for said in ("Trial ended", "over: its days have passed"):
        await visit.user.should_see(said)


async def test_why_not_names_the_step_that_fails_and_the_nearest_feature(enter: Enter) -> None:
    visit = await enter(Role.SUPPORT)
    user = await person(visit.world.purser, "creator@example.com", credits=10, plan="creator")

    await visit.user.open(f"/users/{user.id}?tab=features&feature=voice-over")
    for said in (
        "Voice-over is not part of the plan Creator.",
        "Allow for this user…",
        "not in plan Creator",
    ):
        await visit.user.should_see(said)

    await visit.user.open(f"/users/{user.id}?tab=features&feature=voice_ovr")
    for said in ("There is no feature", "Ask about voice-over", "not reached"):
        await visit.user.should_see(said)
    await visit.user.should_not_see("Allow for this user…")


async def test_features_say_where_they_come_from_and_until_when(enter: Enter) -> None:
    visit = await enter(Role.SUPERADMIN)
    world = visit.world
    user = await person(world.purser, "creator@example.com", credits=10, plan="creator")
    ends = datetime.now(UTC) + timedelta(days=9)
    async with world.purser.database.transaction() as session:
        await add_override(
            session,
            user.id,
            feature_id="voice-over",
            allowed=True,
            expires_at=ends,
            actor=SYSTEM,
            reason="beta",
        )
        await add_override(
            session, user.id, limit_name="daily_generations", value=777, actor=SYSTEM, reason="launch"
        )
    await world.purser.changes.refresh()

    await visit.user.open(f"/users/{user.id}?tab=features")

    zone = world.purser.settings.zone
    for said in (
        "override",
        f"{ends.astimezone(zone):%Y-%m-%d}",
        "plan Creator",
        "777",
        "override, plan says 100",
    ):
        await visit.user.should_see(said)
    await visit.user.open(f"/users/{user.id}?tab=overrides")
    for said in ("beta", "launch", "Generations a day", "777"):
        await visit.user.should_see(said)


async def test_the_api_view_answers_what_the_users_own_key_gets(enter: Enter) -> None:
    visit = await enter(Role.SUPERADMIN)
    await visit.world.ask()

    await visit.user.open(f"/users/{visit.world.user.id}?tab=api")
    await visit.user.should_see("available")

    shown = {
        said["balance"]: said
        for node in visit.user.find(kind=Node).elements
        if node.tag == "pre" and "balance" in (said := orjson.loads(node.text))
    }
    left = await visit.world.balance()
    assert shown[left.balance] | {"expiring": []} == {
        "balance": left.balance,
        "held": 0,
        "available": left.available,
        "expiring": [],
    }


async def test_the_summary_says_who_what_and_why_and_nothing_secret(world: World) -> None:
    await live(world)
    async with world.purser.database.transaction() as session:
        key = await create_key(session, SYSTEM, world.user.id, name="theirs")
    await world.purser.database.execute(
        "update generations set status = 'failed', error_class = 'overloaded', error_message = 'key ····9Qfx', cost = 1.25"
    )
    now = datetime.now(UTC)
    found = await read(world.purser, world.user.id, now)
    assert found is not None

    failures = await last_failures(world.purser, found)
    text = summary(found, failures, now, world.purser.settings.zone)

    for said in (
        "User: user@example.com",
        f"Id: {world.user.id}",
        "Plan: Unlimited",
        f"Balance: {found.balance.balance:,} cr, nothing held",
        "overloaded, sandbox-text",
        f"generation {failures[0].id}",
    ):
        assert said in text
    for secret in (key.secret, key.prefix, "9Qfx", "$", "1.25", "password"):
        assert secret not in text


async def test_what_happens_elsewhere_is_shown_by_itself(enter: Enter) -> None:
    visit = await enter(Role.SUPPORT)
    await visit.user.open(f"/users/{visit.world.user.id}?tab=generations")
    await visit.user.should_see("No generations yet")

    await visit.world.ask()
    generations_changed.emit()

    await visit.user.should_see("sandbox-text")


async def test_whoever_looks_at_a_user_takes_none_of_their_free_credits_of_the_day(enter: Enter) -> None:
    visit = await enter(Role.SUPERADMIN)
    database = visit.world.purser.database
    await database.execute("update plans set daily_credits = 3 where id = 'premium'")
    await visit.world.purser.snapshots.rebuild()
    user = await person(visit.world.purser, "daily@example.com", credits=0, plan="premium")
    owned = "select seq, balance, daily_until from credit_accounts where user_id = %s"
    before = await database.fetch_all(owned, (user.id,))

    await visit.user.open(f"/users/{user.id}?tab=api")
    await visit.user.should_see("3 cr")
    await visit.user.should_see("available")
    await audit_changed.call()

    told = [
        said
        for node in visit.user.find(kind=Node).elements
        if node.tag == "pre" and "available" in (said := node.text)
    ]
    assert len(told) == 2
    assert all('"available": 3' in said for said in told)
    assert await database.fetch_all(owned, (user.id,)) == before


async def test_only_what_happens_to_this_user_has_the_page_read_again(enter: Enter) -> None:
    visit = await enter(Role.SUPPORT)
    world, database = visit.world, visit.world.purser.database
    other = await person(world.purser, "other@example.com", credits=0)
    await visit.user.open(f"/users/{world.user.id}")
    await audit_changed.call()
    await database.execute("update credit_accounts set balance = 777 where user_id = %s", (world.user.id,))

    await told_of(world, other.id)
    await audit_changed.call()
    await visit.user.should_not_see("777 cr")

    await told_of(world, world.user.id)
    await audit_changed.call()
    await visit.user.should_see("777 cr")


async def test_an_open_page_is_read_for_whoever_its_person_is_now(enter: Enter) -> None:
    visit = await enter(Role.SUPPORT)
    world, database = visit.world, visit.world.purser.database
    await visit.user.open(f"/users/{world.user.id}?tab=projects")
    await visit.user.should_see("No projects")
    await database.execute("update users set role = 'tester' where email = 'support@example.com'")
    await database.execute("update credit_accounts set balance = 777 where user_id = %s", (world.user.id,))

    await told_of(world, world.user.id)
    await audit_changed.call()
    await visit.user.should_see("old. This is for superadmin or support")
    await visit.user.should_not_see("777 cr")

    (copy,) = [
        button
        for button in visit.user.find(kind=Button).elements
        if any(isinstance(part, Node) and part.text == "support " for part in button.descendants())
    ]
    UserInteraction(visit.user, {copy}, None).click()
    await visit.user.should_see("you are signed in as tester")
    await visit.user.should_not_see("Support summary of")


async def told_of(world: World, user_id: UUID) -> None:
    async with world.purser.database.transaction() as session:
        await record(session, SYSTEM, "user.profile", ("user", user_id))


async def live(world: World) -> None:
    """A generation, a movement by hand, an API key."""
    await world.ask()
    async with world.purser.database.transaction() as session:
        account = await open_account(session, world.user.id)
        await post(session, account, type=EntryType.BONUS, amount=5, reason="beta survey", actor=SYSTEM)
        await create_key(session, SYSTEM, world.user.id, name="theirs")
