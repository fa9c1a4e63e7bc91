"""Several keys and one breaker: an exhausted key rests while the others serve, and without any the breaker waits for the
first that comes back."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.fernet import Fernet

from core.audit import COMMAND_LINE
from core.errors import ErrorClass
from core.providers.config import KeyConfig, ProviderConfig
from core.providers.keyring import add_key, change_key, encrypted_key, remove_key, restore, rotate_key
from core.providers.service import probe_keys
from core.providers.vault import Vault
from core.routing.breaker import Status
from core.routing.events import events
from core.routing.models import BreakerState
from core.vocabulary import Modality
from tests.fakes import FakeVendors
from tests.waiting import until
from tests.world import World, running, settings_for

FIRST, SECOND, THIRD = "sk-test-openai-1234", "sk-test-openai-second", "sk-test-openai-third"


def openai(world: World, slug: str = "openai") -> ProviderConfig:
    provider = world.purser.snapshots.current.provider(slug)
    assert provider is not None
    return provider


def key_of(world: World, secret: str) -> KeyConfig:
    return next(key for key in openai(world).keys if key.secret == secret)


def status(world: World, slug: str = "openai") -> Status:
    return world.purser.breakers.status(openai(world, slug).id, Modality.TEXT)


def secrets_used(fakes: FakeVendors) -> Iterator[str]:
    """The keys of the calls so far, in order."""
    for call in fakes.openai.requests:
        if call.method == "POST":
            yield call.headers["Authorization"].removeprefix("Bearer ")


async def add(world: World, secret: str = SECOND) -> None:
    async with world.purser.database.transaction() as session:
        await add_key(session, world.purser.vault, openai(world).id, secret, actor=COMMAND_LINE)
    await world.purser.changes.refresh()


async def times_pass(world: World, column: str = "state_until") -> None:
    """What was to come is over now."""
    await world.purser.database.execute(
        f"update provider_keys set {column} = now() - interval '1 second' where {column} is not null"
    )
    await world.purser.snapshots.rebuild()


def from_now(moment: datetime | None) -> float:
    assert moment is not None
    return (moment - datetime.now(UTC)).total_seconds()


async def test_with_one_key_exhausted_requests_go_on_over_the_other(world: World, fakes: FakeVendors) -> None:
    await add(world)
    fakes.openai.fail("quota", times=1, retry_after=300)

    results = [await world.ask() for _ in range(5)]
    await world.purser.changes.refresh()

    assert {result.provider for result in results} == {"openai"}
    exhausted, *others = secrets_used(fakes)
    assert len(others) == 5
    assert set(others) == {FIRST, SECOND} - {exhausted}
    key = key_of(world, exhausted)
    assert (key.state, key.state_class) == ("set_aside", ErrorClass.QUOTA)
    assert key.state_reason == "You exceeded your current quota."
    assert 290 < from_now(key.state_until) <= 300
    assert status(world).state is BreakerState.CLOSED
    (event,) = [one for one in await events(world.purser.database, openai(world).id) if "key_set" in one.kind]
    assert (event.reason, event.vendor) == ("its quota is exhausted", "You exceeded your current quota.")
    assert (event.key, event.until) == (exhausted[-4:], key.state_until)


async def test_with_both_gone_the_breaker_opens_with_quota_until_the_first_key_comes_back(
    world: World, fakes: FakeVendors
) -> None:
    await add(world)
    fakes.openai.fail("quota", times=1, retry_after=120)
    fakes.openai.fail("quota", retry_after=900)

    result = await world.ask()
    await world.ask()

    assert (result.provider, fakes.openai.calls) == ("gemini", 2)
    assert set(secrets_used(fakes)) == {FIRST, SECOND}
    breaker = status(world)
    assert (breaker.state, breaker.error_class) == (BreakerState.OPEN, ErrorClass.QUOTA)
    assert breaker.reason == "no usable key left: quota (HTTP 429)"
    assert breaker.vendor_message == "You exceeded your current quota."
    assert 110 < from_now(breaker.open_until) <= 120, "not the 900 s that the vendor said last"


async def test_geminis_retry_info_is_the_time_for_key_and_breaker(world: World, fakes: FakeVendors) -> None:
    fakes.gemini.fail("quota", retry_after=400)

    await world.ask(provider="gemini", allow_fallback=True)
    await world.purser.changes.refresh()

    (key,) = openai(world, "gemini").keys
    assert 390 < from_now(key.state_until) <= 400
    assert 390 < from_now(status(world, "gemini").open_until) <= 400
    assert status(world, "gemini").reason == "no usable key left: quota (HTTP 429)"


async def test_a_key_whose_time_has_come_is_tried_by_one_request_and_put_back_when_it_serves(
    world: World, fakes: FakeVendors
) -> None:
    await add(world)
    fakes.openai.fail("quota", times=1)
    await world.ask()
    rested = next(secrets_used(fakes))
    await world.purser.changes.refresh()
    await world.purser.database.execute(
        "update provider_keys set weight = case when fingerprint = %s then 1000 else 1 end",
        (key_of(world, rested).fingerprint,),
    )
    await times_pass(world)
    fakes.openai.latency, calls = 0.3, fakes.openai.calls

    await asyncio.gather(*(world.ask() for _ in range(8)))

    used = list(secrets_used(fakes))[calls:]
    assert used.count(rested) == 1
    await world.purser.changes.refresh()
    assert key_of(world, rested).state == "active"
    kinds = [(one.kind, one.actor) for one in await events(world.purser.database, openai(world).id)]
    assert kinds[0] == ("key_restored", "Purser")
    assert len([one for one in kinds if one[0] == "key_restored"]) == 1


async def test_a_key_that_is_tried_again_in_vain_rests_twice_as_long_each_time(
    world: World, fakes: FakeVendors
) -> None:
    fakes.openai.fail("quota")
    rests: list[float] = []
    for _ in range(4):
        await world.ask()
        await world.purser.changes.refresh()
        rests.append(from_now(key_of(world, FIRST).state_until))
        assert status(world).state is BreakerState.OPEN
        assert from_now(status(world).open_until) >= rests[-1] - 1
        await times_pass(world)
        await world.purser.database.execute("update breakers set open_until = now()")
        await world.purser.breakers.reload()
    assert [round(rest / 60) for rest in rests] == [1, 2, 4, 8]

    fakes.openai.clear()
    await world.ask()
    await world.purser.changes.refresh()
    fakes.openai.fail("quota")
    await world.ask()
    await world.purser.changes.refresh()

    assert round(from_now(key_of(world, FIRST).state_until) / 60) == 1, "it has served: the count begins anew"


async def test_a_success_from_before_does_not_put_an_exhausted_key_back(
    world: World, fakes: FakeVendors
) -> None:
    fakes.openai.latency = 0.5
    early = asyncio.create_task(world.ask())
    await until(lambda: fakes.openai.calls > 0)
    fakes.openai.latency = 0
    fakes.openai.fail("quota")
    await world.ask()

    assert (await early).provider == "openai"
    await world.purser.changes.refresh()
    assert key_of(world, FIRST).state == "set_aside"


async def test_a_new_key_serves_at_once_though_the_breaker_was_to_stay_open_for_long(
    database_url: str, fakes: FakeVendors, tmp_path: Path
) -> None:
    settings = settings_for(database_url, tmp_path, fakes)
    async with running(settings) as one, running(settings) as other:
        fakes.openai.fail("quota", times=1, retry_after=40_000)
        await one.ask()
        await add(other)
        await one.purser.changes.refresh()

        assert (await one.ask()).provider == "openai"
        await other.purser.changes.refresh()
        assert (await other.ask()).provider == "openai"
        assert list(secrets_used(fakes)) == [FIRST, SECOND, SECOND]


async def test_a_key_that_a_person_puts_back_is_used_in_every_process(
    database_url: str, fakes: FakeVendors, tmp_path: Path
) -> None:
    settings = settings_for(database_url, tmp_path, fakes)
    async with running(settings) as one, running(settings) as other:
        fakes.openai.fail("unauthorized", times=1)
        await one.ask()
        await other.purser.changes.refresh()
        async with other.purser.database.transaction() as session:
            await restore(session, key_of(other, FIRST).id, actor=COMMAND_LINE, reason="the account is paid")
        for world in (one, other):
            await world.purser.changes.refresh()

        assert [key.id for key in one.purser.keys.usable(openai(one))] == [key_of(one, FIRST).id]
        assert (await one.ask()).provider == "openai"
        assert status(one).state is BreakerState.CLOSED


async def test_during_the_overlap_both_keys_serve_and_after_it_the_old_one_never(
    world: World, fakes: FakeVendors
) -> None:
    async with world.purser.database.transaction() as session:
        await rotate_key(
            session,
            world.purser.vault,
            key_of(world, FIRST).id,
            SECOND,
            overlap=timedelta(hours=1),
            actor=COMMAND_LINE,
            reason="yearly",
        )
    await world.purser.changes.refresh()
    for _ in range(40):
        await world.ask()
    assert set(secrets_used(fakes)) == {FIRST, SECOND}

    await times_pass(world, "expires_at")
    fakes.openai.requests.clear()
    for _ in range(20):
        await world.ask()
    assert set(secrets_used(fakes)) == {SECOND}

    fakes.openai.fail("quota")
    await world.ask()
    await world.purser.database.execute("update breakers set open_until = now()")
    await world.purser.breakers.reload()
    fakes.openai.requests.clear()
    await world.ask()
    assert list(secrets_used(fakes)) == [SECOND], "not even as a probe"


async def test_one_key_under_a_wrong_encryption_key_is_said_and_the_other_serves(
    world: World, fakes: FakeVendors
) -> None:
    foreign = Vault([Fernet.generate_key()])
    async with world.purser.database.transaction() as session:
        session.add(encrypted_key(foreign, openai(world).id, THIRD))
    await world.purser.snapshots.rebuild()

    assert [(await world.ask()).provider for _ in range(5)] == ["openai"] * 5

    assert set(secrets_used(fakes)) == {FIRST}
    assert [(key.last_four, key.fault) for key in openai(world).keys] == [
        ("1234", None),
        ("hird", "key cannot be decrypted"),
    ]
    tests = await probe_keys(world.purser.clients, openai(world))
    assert [(one.ok, one.failure) for one in tests] == [(True, None), (False, None)]
    assert tests[1].words == "There is nothing to test with: key cannot be decrypted."


async def test_a_test_of_the_connection_tries_each_key_and_keeps_the_vendors_words(
    world: World, fakes: FakeVendors
) -> None:
    await add(world)
    fakes.openai.fail("unauthorized", times=1, probes=True)

    tests = await probe_keys(world.purser.clients, openai(world))

    assert sorted(one.ok for one in tests) == [False, True]
    (failed,) = [one for one in tests if not one.ok]
    assert failed.failure is not None
    assert failed.failure.status == 401
    assert "Incorrect API key" in failed.words
    assert "sk-test" not in failed.words
    assert fakes.openai.calls == 0
    await world.purser.changes.refresh()
    assert {key.state for key in openai(world).keys} == {"active"}, "a test changes nothing"


async def test_without_any_usable_key_the_trace_says_why_of_each(world: World, fakes: FakeVendors) -> None:
    await add(world)
    await add(world, THIRD)
    async with world.purser.database.transaction() as session:
        await change_key(
            session, key_of(world, SECOND).id, enabled=False, actor=COMMAND_LINE, reason="too dear"
        )
        await change_key(
            session,
            key_of(world, THIRD).id,
            expires_at=datetime.now(UTC) + timedelta(hours=1),
            actor=COMMAND_LINE,
            reason="its date",
        )
        await remove_key(session, key_of(world, FIRST).id, actor=COMMAND_LINE, reason="it leaked")
    await world.purser.changes.refresh()
    await times_pass(world, "expires_at")

    result = await world.ask()

    assert result.provider == "gemini"
    assert result.trace[0]["detail"] == "key ····cond is switched off; key ····hird has expired"


async def test_the_last_use_of_a_key_is_kept_at_the_stop_and_told_before(
    database_url: str, fakes: FakeVendors, tmp_path: Path
) -> None:
    settings = settings_for(database_url, tmp_path, fakes)
    async with running(settings) as world:
        before = datetime.now(UTC)
        await world.ask()
        key = key_of(world, FIRST)
        told = (await world.purser.keys.last_used(openai(world)))[key.id]
        assert before <= told <= datetime.now(UTC)
        assert key.last_used_at is None

    async with running(settings) as world:
        assert key_of(world, FIRST).last_used_at == told
        assert await world.purser.keys.last_used(openai(world)) == {key.id: told}


async def test_a_removed_key_leaves_no_client_behind(world: World) -> None:
    await add(world)
    for _ in range(20):
        await world.ask()
    key = key_of(world, FIRST)
    async with world.purser.database.transaction() as session:
        await remove_key(session, key.id, actor=COMMAND_LINE, reason="it leaked")
    await world.purser.changes.refresh()

    assert str(key.id) not in world.purser.clients._newest
    assert (await world.ask()).provider == "openai"


async def test_a_request_that_began_before_does_not_take_a_key_that_was_set_aside_since(
    world: World, fakes: FakeVendors
) -> None:
    before = openai(world)
    fakes.openai.fail("quota")
    await world.ask()
    await world.purser.changes.refresh()

    assert before.keys[0].state == "active"
    assert world.purser.keys.usable(before) == []


async def test_a_probe_takes_the_key_that_comes_back_first_and_none_that_has_expired(world: World) -> None:
    keys, now = world.purser.keys, datetime.now(UTC)
    await world.purser.database.execute(
        "update provider_keys set state = 'set_aside', state_class = 'quota', state_until = %s",
        (now + timedelta(hours=2),),
    )
    await world.purser.snapshots.rebuild()
    assert keys.choose(openai(world)) is None
    assert keys.choose_for_probe(openai(world)) == key_of(world, FIRST)

    await add(world)
    await world.purser.database.execute(
        "update provider_keys set state = 'set_aside', state_until = %s, expires_at = now() where fingerprint = %s",
        (now + timedelta(hours=1), key_of(world, SECOND).fingerprint),
    )
    await world.purser.snapshots.rebuild()

    assert keys.choose_for_probe(openai(world)) == key_of(world, FIRST)
    assert 7_100 < (keys.back_in(openai(world)) or 0) <= 7_200
