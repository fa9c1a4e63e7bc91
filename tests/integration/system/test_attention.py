"""What needs somebody: each kind of trouble is found, said in a sentence, and leads somewhere; nothing is all clear."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from core.database import Database
from core.errors import DatabaseUnavailable, ErrorClass
from core.providers.keyring import encrypted_key
from core.routing import policy
from core.system.attention import Attention, Need
from core.system.board import Board
from core.system.parts import Parts
from core.system.reports import check_books
from core.vocabulary import STAFF, Modality, Role
from tests.fakes import FakeVendors
from tests.rows import make_attempt, make_event, make_probe
from tests.world import World


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "BACKOFF_FIRST", 0.001)


async def needs(world: World) -> list[Need]:
    """As a process finds them that has just begun to look."""
    purser = world.purser
    await purser.changes.refresh()
    board = Board(purser.database, purser.snapshots, purser.breakers, purser.keys, purser.settings.zone)
    parts = Parts(purser.database, board)
    return await Attention(
        purser.database, purser.snapshots, board, parts, purser.meter, purser.settings.zone
    ).needs()


def said(found: Sequence[Need]) -> list[tuple[str, str]]:
    return [(need.severity, f"{need.title} {need.text}") for need in found]


def id_of(world: World, slug: str = "openai") -> UUID:
    provider = world.purser.snapshots.current.provider(slug)
    assert provider is not None
    return provider.id


async def change(world: World, sql: str, *params: Any) -> None:
    await world.purser.database.execute(sql, params)
    await world.purser.snapshots.rebuild()


async def open_breaker(world: World, slug: str = "openai") -> None:
    for _ in range(world.purser.breakers.threshold):
        await world.purser.breakers.failed(
            id_of(world, slug), Modality.TEXT, ErrorClass.OVERLOADED, "Overloaded", probe=None
        )


async def test_nothing_is_all_clear(world: World) -> None:
    assert await needs(world) == []
    await world.ask()
    assert await needs(world) == []


async def test_a_provider_that_is_down_says_why_and_who_carries_its_requests(
    world: World, fakes: FakeVendors
) -> None:
    fakes.openai.fail("overloaded")
    for _ in range(3):
        await world.ask()
    await world.ask(provider="anthropic")

    (need,) = await needs(world)

    assert (need.severity, need.title) == ("critical", "OpenAI is down for text.")
    assert need.text == (
        "Breaker open after 5 of 5 failures: overloaded. Google Gemini and Anthropic carry its requests."
    )
    assert need.since
    assert abs((datetime.now(UTC) - need.since).total_seconds()) < 60
    assert (need.action, need.href) == ("Open provider", f"/providers?sel={id_of(world)}")
    assert need.roles == STAFF


async def test_who_is_next_and_that_nobody_is_are_said(world: World) -> None:
    await open_breaker(world)
    assert said(await needs(world))[0][1].endswith("Google Gemini is next in order.")

    await open_breaker(world, "gemini")
    await change(world, "update providers set enabled = false where slug = 'anthropic'")
    assert all(text.endswith("Nobody else can carry its requests.") for _, text in said(await needs(world)))


async def test_a_provider_being_tested_stays_down_in_the_list(world: World) -> None:
    await open_breaker(world)
    before = await needs(world)
    await change(world, "update breakers set open_until = now()")
    await world.purser.breakers.reload()
    assert await world.purser.breakers.take_probe(id_of(world), Modality.TEXT)

    assert await needs(world) == before


async def test_an_isolated_provider_is_a_notice(world: World) -> None:
    await change(
        world,
        "insert into breakers (provider_id, modality, state, reason, opened_at) values (%s, 'text', 'isolated', %s, now())",
        id_of(world), "the vendor asked us to",
    )  # fmt: skip
    await world.purser.breakers.reload()

    assert said(await needs(world)) == [
        (
            "notice",
            "OpenAI is isolated for text. By a person, until it is reset: the vendor asked us to.",
        )
    ]


async def test_three_openings_within_an_hour_are_flapping(world: World) -> None:
    now = datetime.now(UTC)
    for minutes in (50, 30, 10):
        await make_event(
            world.purser.database, id_of(world), now - timedelta(minutes=minutes), "breaker_opened", "5 of 5",
            detail={"before": "closed"},
        )  # fmt: skip

    assert said(await needs(world)) == [
        ("warning", "OpenAI comes and goes for text. Its breaker has opened 3 times within an hour.")
    ]

    await open_breaker(world)
    (down,) = await needs(world)
    assert "It has opened 4 times within an hour." in down.text


async def test_degraded_is_a_warning_with_its_reasons(world: World) -> None:
    now = datetime.now(UTC)
    await make_probe(world.purser.database, id_of(world), now - timedelta(minutes=1))
    await make_probe(world.purser.database, id_of(world), now, ErrorClass.CONNECTION)

    (need,) = await needs(world)
    assert said([need]) == [("warning", "OpenAI is degraded for text. 1 of 2 probes unanswered: connection.")]
    assert need.since == now


async def test_down_by_its_probes_is_critical(world: World) -> None:
    for minutes in (3, 2, 1):
        at = datetime.now(UTC) - timedelta(minutes=minutes)
        await make_probe(world.purser.database, id_of(world), at, ErrorClass.TIMEOUT)

    assert said(await needs(world)) == [
        (
            "critical",
            "OpenAI is down for text. 3 of 3 probes unanswered: timeout. Google Gemini is next in order.",
        )
    ]


async def test_one_rejected_key_of_two_is_a_warning_for_superadmins(world: World) -> None:
    async with world.purser.database.transaction() as session:
        session.add(encrypted_key(world.purser.vault, id_of(world), "sk-test-second-7777"))
    await world.purser.snapshots.rebuild()
    provider = world.purser.snapshots.current.provider("openai")
    assert provider is not None
    await world.purser.keys.failed(provider, provider.keys[0], ErrorClass.AUTHENTICATION, "no", 1_200)

    (need,) = await needs(world)

    assert need.severity == "warning"
    assert need.title == "A key of OpenAI is out of use."
    assert need.text.startswith("····1234: rejected. It is tried again at ")
    assert need.text.endswith("1 other key serves.")
    assert need.roles == {Role.SUPERADMIN}
    assert need.href == f"/providers?sel={id_of(world)}&tab=keys"
    assert need.since


async def test_no_key_left_is_a_provider_down_and_tells_nothing_of_its_keys(
    world: World, fakes: FakeVendors
) -> None:
    fakes.openai.fail("quota")
    await world.ask()

    (need,) = await needs(world)

    assert (need.severity, need.title) == ("critical", "OpenAI is down for text.")
    assert need.text.startswith("No key can be used: quota exhausted. The next try is at ")
    assert need.text.endswith("Google Gemini carries its requests.")
    assert "1234" not in need.text
    assert need.roles == STAFF


async def test_a_key_that_cannot_be_decrypted_is_said(world: World) -> None:
    await change(
        world, "update provider_keys set ciphertext = 'nonsense' where provider_id = %s", id_of(world)
    )

    assert said(await needs(world)) == [
        (
            "critical",
            "OpenAI is down for text. No key can be used: cannot be decrypted. Google Gemini is next in order.",
        )
    ]


async def test_the_last_key_about_to_expire_is_said_unless_another_outlives_it(world: World) -> None:
    soon = datetime.now(UTC) + timedelta(days=3)
    await change(world, "update provider_keys set expires_at = %s where provider_id = %s", soon, id_of(world))

    (need,) = await needs(world)
    assert (need.severity, need.title) == ("warning", "The last key of OpenAI is about to expire.")
    assert need.text == f"····1234 is good until {soon.day} {soon:%B}; rotate it before."
    assert need.roles == {Role.SUPERADMIN}

    async with world.purser.database.transaction() as session:
        session.add(encrypted_key(world.purser.vault, id_of(world), "sk-test-second-7777"))
    await world.purser.snapshots.rebuild()
    assert await needs(world) == []

    await change(
        world, "update provider_keys set expires_at = now() + interval '8 days' where last_four = '1234'"
    )
    assert await needs(world) == []


async def test_most_of_a_limit_used_is_near_and_all_of_it_is_at_the_limit(world: World) -> None:
    await change(
        world,
        'update providers set limits_enabled = true, limits = \'{"tokens_per_day": 100, "usd_per_day": 1}\''
        " where slug = 'openai'",
    )
    meter = world.purser.meter
    meter.began(id_of(world))
    meter.ended(id_of(world), 79, None)
    assert await needs(world) == []

    meter.began(id_of(world))
    meter.ended(id_of(world), 1, None)
    assert said(await needs(world)) == [
        ("warning", "OpenAI is near its limit. More than 80 % of 100 tokens a day is used.")
    ]

    meter.began(id_of(world))
    meter.ended(id_of(world), 20, Decimal(2))
    tokens, usd = sorted(await needs(world), key=lambda need: need.key)
    assert tokens.text == "All of 100 tokens a day is used; others are asked until the day is over."
    assert usd.text == "All of $1.00 a day is used; others are asked until the day is over."
    assert (tokens.roles, usd.roles) == (STAFF, frozenset({Role.SUPERADMIN}))


async def test_undefined_features_are_said_with_the_nearest_defined_one(world: World) -> None:
    world.purser.undefined_features.record("topic-research", 41)
    await world.purser.undefined_features.flush()

    (need,) = await needs(world)

    assert need.severity == "warning"
    assert need.title == "“topic-research” is not a feature,"
    assert need.text.startswith("yet asked for 41 times since ")
    assert need.text.endswith("; did you mean topic-researcher?")
    assert Role.TESTER not in need.roles

    await world.purser.database.execute(
        "update undefined_features set last_seen_at = now() - interval '2 days'"
    )
    assert await needs(world) == []


async def test_calls_without_a_price_are_said_to_superadmins(world: World) -> None:
    now = datetime.now(UTC) - timedelta(minutes=1)
    for _ in range(2):
        await make_attempt(world.purser.database, id_of(world), now, cost=None)

    (need,) = await needs(world)

    assert said([need]) == [
        ("warning", "Calls to OpenAI have no price. 2 in 24 hours; what they cost is in no figure.")
    ]
    assert need.roles == {Role.SUPERADMIN}


async def test_a_simulated_outage_is_a_notice_until_it_ends(world: World) -> None:
    await change(
        world,
        "insert into drills (provider_id, error_class, latency_ms, reason, ends_at)"
        " values (%s, 'overloaded', 1500, 'rehearsal', now() + interval '10 minutes')",
        id_of(world),
    )

    (need,) = await needs(world)
    assert (need.severity, need.title) == ("notice", "An outage of OpenAI is being simulated.")
    assert need.text.startswith("Test traffic meets overloaded and 1,500 ms of delay until ")

    await change(world, "update drills set ends_at = now()")
    assert await needs(world) == []


async def test_a_late_queue_and_silent_schedules_are_said(world: World) -> None:
    database = world.purser.database
    await database.execute(
        "insert into procrastinate_jobs (queue_name, task_name, status, scheduled_at)"
        " values ('default', 'x', 'todo', now() - interval '10 minutes')"
    )
    await database.execute(
        "insert into procrastinate_periodic_defers (task_name, defer_timestamp, periodic_id)"
        " values ('x', extract(epoch from now() - interval '10 minutes'), '')"
    )

    assert said(await needs(world)) == [
        ("warning", "The queue is late. The oldest job has waited for more than 5 minutes."),
        ("warning", "The schedules stand still. None has run for more than 2 minutes; is a worker running?"),
    ]


async def test_a_slow_database_is_said_and_one_that_is_away_is_critical(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slowly(self: Database) -> float:
        return 900.0

    monkeypatch.setattr(Database, "ping", slowly)
    assert said(await needs(world)) == [
        ("warning", "The database is slow. It takes more than 250 ms to answer.")
    ]

    async def away(self: Database) -> float:
        raise DatabaseUnavailable

    monkeypatch.setattr(Database, "ping", away)
    assert said(await needs(world)) == [
        ("critical", "The database does not answer. Nothing can be served until it does.")
    ]


async def test_books_that_do_not_agree_are_critical_until_they_do_again(world: World) -> None:
    database = world.purser.database
    moved = "update credit_accounts set balance = balance + %s where user_id = %s"
    await check_books(database)
    assert await needs(world) == []

    await database.execute(moved, (1, world.user.id))
    proof = await check_books(database)
    (need,) = await needs(world)
    assert (need.severity, need.title, need.href) == ("critical", "The books do not agree.", "/credits")
    assert need.text.startswith(f"{proof.differences} difference")
    assert need.since == proof.at
    assert need.roles == {Role.SUPERADMIN, Role.SUPPORT}

    await database.execute(moved, (-1, world.user.id))
    await check_books(database)
    assert await needs(world) == []


async def test_a_failed_bulk_grant_is_a_warning_that_leads_to_it(world: World) -> None:
    grant = uuid4()
    await world.purser.database.execute(
        "insert into bulk_grants (id, title, source, type, reason_code, people, credits, state, created_by, created_label)"
        " values (%s, 'Spring', 'csv', 'grant', 'promotion', 31, 310, 'failed', %s, 'jonas@example.com')",
        (grant, uuid4()),
    )

    (need,) = await needs(world)

    assert said([need]) == [
        ("warning", "A bulk grant has failed. “Spring”, for 31 people, waits for somebody to go on with it.")
    ]
    assert need.href == f"/credits?tab=bulk&sel={grant}"
    assert need.roles == {Role.SUPERADMIN}


async def test_proposed_changes_of_plans_wait_for_a_superadmin(world: World) -> None:
    for words in ("1 proposed change of plans waits", "2 proposed changes of plans wait"):
        await world.purser.database.execute(
            "insert into plan_proposals (id, base, changes, reason, asked_by) values (%s, 1, '{}', 'asked for', %s)",
            (uuid4(), world.user.id),
        )
        (need,) = await needs(world)
        assert (need.severity, need.title) == ("waiting", f"{words} for a decision.")
    assert need.href == "/plans?tab=proposals"
    assert need.roles == {Role.SUPERADMIN}


async def test_the_worst_comes_first_then_the_oldest(world: World) -> None:
    world.purser.undefined_features.record("something-else-entirely")
    await world.purser.undefined_features.flush()
    await open_breaker(world, "gemini")
    await open_breaker(world, "openai")
    await change(
        world,
        "update breakers set opened_at = now() - interval '1 hour' where provider_id = %s",
        id_of(world),
    )
    await world.purser.breakers.reload()

    found = await needs(world)

    assert [need.title for need in found] == [
        "OpenAI is down for text.",
        "Google Gemini is down for text.",
        "“something-else-entirely” is not a feature,",
    ]


async def test_what_is_off_needs_nobody(world: World) -> None:
    await open_breaker(world)
    await change(world, "update providers set enabled = false where slug = 'openai'")

    assert await needs(world) == []


async def test_a_need_keeps_the_moment_at_which_it_was_first_seen(world: World) -> None:
    attention = world.purser.attention
    await make_probe(world.purser.database, id_of(world), datetime.now(UTC), ErrorClass.TIMEOUT)
    (first,) = await attention.needs()
    attention.forget()
    (second,) = await attention.needs()

    assert first == second
    assert first.since
