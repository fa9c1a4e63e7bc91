"""The page Providers: what it says in words, who may act by hand-sent events, and how it stands what goes wrong."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from uuid import uuid4
from zoneinfo import ZoneInfo

import psycopg
import pytest
from nicegui import ui

from core.database import BREAKERS, CONFIG, announce_now
from core.errors import ErrorClass
from core.ids import new_id
from core.routing.breaker import Status
from core.routing.history import Band
from core.routing.models import BreakerState
from core.system import board as boards
from core.vocabulary import Modality, Role
from dashboard.components.button import Button
from dashboard.components.choice import Tabs
from dashboard.components.html import Node
from dashboard.components.markup import Drawing
from dashboard.components.sortable import Sortable
from dashboard.components.table import DataTable
from dashboard.components.ticking import Tick
from dashboard.live import providers_changed
from dashboard.providers import past
from dashboard.providers.charts import placed
from dashboard.providers.words import blame, wait_of, wait_words
from tests.pages.conftest import Visit
from tests.waiting import until
from tests.world import World

Enter = Callable[..., Awaitable[Visit]]

NOW = datetime(2026, 11, 19, 13, 1, 32, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


# Words


def test_a_countdown_says_what_is_left_and_then_what_comes() -> None:
    tick = Tick("until", NOW + timedelta(seconds=38), "probe in {}", "probe is due")

    assert tick.text(NOW) == "probe in 38 s"
    assert tick.text(NOW - 5 * MINUTE) == "probe in 5m 38s"
    assert tick.text(NOW + MINUTE) == "probe is due"
    assert Tick("since", NOW - 30 * MINUTE, "for {}").text(NOW) == "for 30m 00s"
    assert Tick("clock", NOW, "as of {}", zone=ZoneInfo("Europe/Berlin")).text(NOW) == "as of 14:01:32"


@pytest.mark.parametrize(
    ("openings", "waits", "words"),
    [
        (1, MINUTE, "wait 1 min, doubles each time"),
        (0, MINUTE, "wait 1 min, doubles each time"),
        (5, 16 * MINUTE, "wait 16 min, doubles each time"),
        (9, 60 * MINUTE, "wait 1 h, the longest there is"),
        (1, 20 * MINUTE, "wait 20 min, as the vendor asked"),
    ],
)
def test_the_wait_is_said_with_its_rule(openings: int, waits: timedelta, words: str) -> None:
    opened = NOW if openings <= 1 else NOW - timedelta(hours=3)
    breaker = Status(BreakerState.OPEN, openings=openings, opened_at=opened, open_until=NOW + waits)

    assert wait_words(breaker, MINUTE) == words
    assert wait_of(breaker, MINUTE) == (NOW, NOW + waits)


def test_only_what_a_key_has_done_is_blamed_on_it() -> None:
    assert blame(ErrorClass.OVERLOADED) == "Nothing is wrong with the key."
    assert "refused" in blame(ErrorClass.AUTHENTICATION)
    assert "nothing left" in blame(ErrorClass.QUOTA)
    assert blame(None) == ""


def test_bands_stand_where_they_were_and_only_words_that_have_room_are_written() -> None:
    begin = NOW - timedelta(hours=24)

    def band(start: float, length: float | None) -> Band:
        at = begin + timedelta(hours=start)
        end = None if length is None else at + timedelta(minutes=length)
        return Band(Modality.TEXT, at, end, BreakerState.OPEN)

    found = placed([band(6, 31), band(6.6, 5), band(23.5, None), band(-2, 150)], begin, NOW)

    said = {round(one.first): (one.text, one.side) for one in found}
    assert said[24] == ("open 31 min", "right")
    assert said[26] == ("", "right")  # no room between the first one and its word
    assert said[94] == ("open 30 min", "left")
    assert said[0] == ("open 2 h", "right")
    assert max(one.last for one in found) == 95
    assert min(one.first for one in found) == 0


# What is there, and what is not


async def test_without_a_provider_the_page_says_what_one_is_and_offers_the_one_action(enter: Enter) -> None:
    visit = await enter()
    await visit.world.purser.database.execute("delete from providers")
    await announce_now(visit.world.purser.database, CONFIG)
    await visit.world.purser.changes.refresh()

    await visit.user.open("/providers")

    await visit.user.should_see("No provider yet")
    await visit.user.should_see("none yet")
    assert len(visit.user.find(kind=Button, content="Add provider").elements) == 2


async def test_support_is_offered_nothing_where_there_is_no_provider(enter: Enter) -> None:
    visit = await enter(Role.SUPPORT)
    await visit.world.purser.database.execute("delete from providers")
    await announce_now(visit.world.purser.database, CONFIG)
    await visit.world.purser.changes.refresh()

    await visit.user.open("/providers")

    await visit.user.should_see("No provider yet")
    await visit.user.should_not_see("Add provider")


async def test_a_tab_that_cannot_be_read_does_not_take_the_page_down(enter: Enter) -> None:
    visit = await enter()
    await visit.world.purser.database.execute("alter table provider_health rename to elsewhere")

    await visit.user.open(f"/providers?sel={_sandbox(visit.world)}")

    await visit.user.should_see("Some of this could not be read just now")
    await visit.user.should_see("Success 1 h")
    await visit.user.should_not_see("This could not be loaded")


async def test_what_has_just_happened_is_told_and_counted_though_another_window_has_just_read(
    enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past, "EVENTS_SECONDS", 600.0)
    visit = await enter()
    page = f"/providers?sel={_sandbox(visit.world)}&tab=events"
    await visit.user.open(page)
    await visit.user.should_see(kind=Tabs)
    await until(lambda: _told(visit) == ["1"])

    await visit.world.purser.database.execute(
        "insert into provider_events (id, provider_id, kind, reason) values (%s, %s, 'edited', 'it moved')",
        (new_id(), _sandbox(visit.world)),
    )
    visit.world.purser.board.forget()
    await visit.user.open(page)

    await visit.user.should_see(kind=Tabs)
    await until(lambda: _told(visit) == ["2", "it moved"])


async def test_a_database_that_is_away_leaves_what_was_known_and_marks_it(
    enter: Enter, server_url: str, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boards, "LATE_SECONDS", 0.5)
    monkeypatch.setattr(boards, "FIGURES_SECONDS", 0.1)
    visit = await enter()
    await visit.user.open("/providers")
    purser, sandbox = visit.world.purser, _sandbox(visit.world)
    (table,) = visit.user.find(kind=DataTable).elements
    name = urlsplit(database_url).path.strip("/")

    async def late() -> bool:
        return (await purser.board.read()).late

    async def in_time() -> bool:
        return not await late()

    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(f"alter database {name} allow_connections false".encode())
        server.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,))
        try:
            await until(late)
            providers_changed.emit()
            await until(lambda: "does not answer" in str(table.props.get("old")))
            assert [row.id for row in table.rows] == [sandbox]
        finally:
            server.execute(f"alter database {name} allow_connections true".encode())
    await until(in_time)
    providers_changed.emit()
    await until(lambda: table.props.get("old") is None)


# Events sent by hand


async def test_a_colleague_of_support_cannot_reorder_by_sending_the_event(enter: Enter) -> None:
    visit = await enter(Role.SUPPORT)
    await _add_second(visit.world)
    before = await _ranks(visit.world)
    await visit.user.open("/providers")

    visit.user.find(kind=Sortable).trigger("step", [_sandbox(visit.world), 1])
    visit.user.find(kind=Sortable).trigger("move", [_sandbox(visit.world), 1])
    await asyncio.sleep(0)

    assert await _ranks(visit.world) == before


async def test_a_superadmin_no_more_is_refused_though_the_page_still_offers_it(enter: Enter) -> None:
    visit = await enter()
    second = await _add_second(visit.world)
    database = visit.world.purser.database
    await database.execute(
        "insert into breakers (provider_id, modality, state, openings, opened_at, open_until)"
        " values (%s, 'text', 'open', 1, now(), now() + interval '5 minutes')",
        (second,),
    )
    await announce_now(database, BREAKERS)
    await visit.world.purser.changes.refresh()
    await visit.user.open(f"/providers?sel={second}")
    before = await _ranks(visit.world), await _breakers(visit.world)
    await database.execute("update users set role = 'support' where email = 'superadmin@example.com'")

    visit.user.find(kind=Button, content="Probe now").click()
    await visit.user.should_see("This is for superadmin; you are signed in as support.")
    visit.user.find(kind=Sortable).trigger("step", [str(second), -1])
    await visit.user.should_see("This is for superadmin; you are signed in as support.")

    assert (await _ranks(visit.world), await _breakers(visit.world)) == before


async def test_nonsense_in_an_event_moves_nothing(enter: Enter) -> None:
    visit = await enter()
    await _add_second(visit.world)
    await visit.user.open("/providers")
    before = await _ranks(visit.world)

    for nonsense in (None, [], ["x", 1], [_sandbox(visit.world)], [_sandbox(visit.world), "1"], [[], {}], 7):
        visit.user.find(kind=Sortable).trigger("step", nonsense)
        visit.user.find(kind=Sortable).trigger("move", nonsense)
    visit.user.find(kind=DataTable).trigger("open", ["../../etc"])
    await asyncio.sleep(0.2)

    assert await _ranks(visit.world) == before
    await visit.user.should_not_see("Something in Purser went wrong")


async def test_a_delay_or_a_length_that_is_no_whole_number_is_refused_not_rounded(enter: Enter) -> None:
    visit = await enter()
    await visit.user.open(f"/providers?sel={_sandbox(visit.world)}&drill=1")
    delay, length = sorted(visit.user.find(kind=ui.number).elements, key=lambda field: field.id)
    visit.user.find("What is being rehearsed").type("friday's rehearsal")

    for field, value, said in (
        (delay, 1.5, "The delay in ms: a whole number"),
        (length, 20.5, "The minutes: a whole number"),
    ):
        field.set_value(value)
        visit.user.find(kind=Button, content="Start the drill").click()
        await visit.user.should_see(said)
        field.set_value(20)

    assert await visit.world.purser.database.fetch_one("select count(*) from drills") == (0,)


def _told(visit: Visit) -> list[str]:
    """How many events the pane counts, and whether it tells the one in question."""
    (tabs,) = visit.user.find(kind=Tabs).elements
    drawings = visit.user.find(kind=Drawing).elements
    return [one.text for one in tabs.descendants() if isinstance(one, Node) and one.text.isdigit()] + [
        "it moved" for one in drawings if "it moved" in one.props["innerHTML"]
    ]


def _sandbox(world: World) -> str:
    found = world.purser.snapshots.current.provider("sandbox")
    assert found is not None
    return str(found.id)


async def _add_second(world: World) -> str:
    """A provider beside the sandbox."""
    identifier = uuid4()
    await world.purser.database.execute(
        "insert into providers (id, slug, name, kind, base_url, ranks, specialisations)"
        " values (%s, 'second', 'Second', 'openai_compatible', 'http://127.0.0.1:9/v1', '{\"text\": 5}', '{general}')",
        (identifier,),
    )
    await announce_now(world.purser.database, CONFIG)
    await world.purser.changes.refresh()
    return str(identifier)


async def _ranks(world: World) -> list[tuple[str, int]]:
    return await world.purser.database.fetch_all("select slug, ranks from providers order by slug")


async def _breakers(world: World) -> list[tuple[object, ...]]:
    return await world.purser.database.fetch_all("select * from breakers")
