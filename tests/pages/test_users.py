"""The list of users: found, filtered, sorted, added; for superadmins and support alone."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from nicegui import Client

from core.generation.user_figures import recount
from core.vocabulary import Role
from dashboard.components.button import Button
from dashboard.components.table import DataTable
from dashboard.users.address import Address
from tests.factories import make_user
from tests.pages.conftest import Visit
from tests.world import World, person

Enter = Callable[..., Awaitable[Visit]]


async def test_it_says_who_has_what(enter: Enter) -> None:
    visit = await enter(Role.SUPPORT)
    await visit.world.ask()
    await count_all(visit.world)

    await visit.user.open("/users")

    for said in ("user@example.com", "Unlimited", "999 cr", "1 cr", "Active", "users · as of"):
        await visit.user.should_see(said)


async def test_a_tester_is_told_which_roles_may_and_gets_no_file(enter: Enter) -> None:
    visit = await enter(Role.TESTER)

    await visit.user.open("/users")
    answer = await visit.user.http_client.get("/users.csv")

    await visit.user.should_see("Not with your role")
    await visit.user.should_not_see("user@example.com")
    assert answer.status_code == 403


async def test_somebody_who_became_a_tester_meanwhile_reads_no_further(enter: Enter) -> None:
    visit = await enter(Role.SUPPORT)
    for number in range(51):
        await make_user(visit.world.purser.database, email=f"ada{number}@found.example")
    await count_all(visit.world)
    client = await visit.user.open("/users?sort=email")
    await visit.user.should_see("ada0@found.example")
    table = table_of(visit)
    (page_on,) = [one for one in table._event_listeners.values() if one.type == "page"]

    # Nobody is told of it: the page stands open, and its events come as before.
    await visit.world.purser.database.execute("update users set role = 'tester' where role = 'support'")
    table._handle_event({"listener_id": page_on.id, "args": "next"})

    await visit.user.should_see("This is for superadmin or support; you are signed in as tester.")
    assert (client.id in Client.instances, table.rows) == (True, ())


async def test_search_filters_and_order_stand_in_the_address(enter: Enter) -> None:
    visit = await enter(Role.SUPERADMIN)
    for name, plan in (("ada", "pro"), ("bob", "free"), ("cyd", "pro")):
        await person(visit.world.purser, f"{name}@found.example", credits=10, plan=plan)

    await visit.user.open("/users?plan=pro&sort=-email")

    await visit.user.should_see("cyd@found.example")
    assert [row.name for row in table_of(visit).rows] == ["cyd@found.example", "ada@found.example"]
    await visit.user.open("/users?q=bob")
    await visit.user.should_see("bob@found.example")
    assert [row.name for row in table_of(visit).rows] == ["bob@found.example"]
    await visit.user.open("/users?q=bob&plan=pro")
    await visit.user.should_see("No user matches “bob” and plan Pro.")


@pytest.mark.parametrize(
    "query",
    ["?plan=%00&status=x&low=2&sort=size&after=no&before=%00", "?q=%00%25%27", "?after=" + "A" * 2_000],
    ids=range(3),
)
async def test_an_address_that_means_nothing_does_no_harm(enter: Enter, query: str) -> None:
    visit = await enter(Role.SUPPORT)

    await visit.user.open(f"/users{query}")

    await visit.user.should_not_see("This could not be loaded")
    await visit.user.should_not_see("Something in Purser went wrong")


async def test_support_adds_users_but_no_staff(enter: Enter) -> None:
    visit = await enter(Role.SUPPORT)
    await visit.user.open("/users?add=1")

    await visit.user.should_see("Staff are added by superadmins.")
    (verb,) = [
        one for one in visit.user.find(kind=Button, content="Add user").elements if one.text == "Add user"
    ]
    await verb._click()

    await visit.user.should_see("This is not an e-mail address")


async def test_the_file_holds_the_filtered_list_or_the_chosen_users(enter: Enter) -> None:
    visit = await enter(Role.SUPPORT)
    world = visit.world
    ada = await person(world.purser, "ada@found.example", credits=10, plan="pro")
    await person(world.purser, "bob@found.example", credits=10, plan="free")

    filtered = await visit.user.http_client.get("/users.csv?plan=pro")
    chosen = await visit.user.http_client.get(f"/users.csv?ids={ada.id},{world.user.id},nonsense")

    assert names_in(filtered.text) == ["ada@found.example"]
    assert names_in(chosen.text) == ["ada@found.example", "user@example.com"]


def test_an_order_pressed_again_is_turned_and_a_search_brings_its_own() -> None:
    address = Address()
    assert (address.order, address.descending) == ("active", True)
    once, twice = address.sorted_by("balance"), address.sorted_by("balance").sorted_by("balance")
    assert (once.descending, twice.descending) == (True, False)
    assert Address().sorted_by("email").descending is False
    assert Address(q="mara").order == "match"
    assert Address(q="mara", sort="used").order == "used"


def names_in(text: str) -> list[str]:
    return [line.split(",")[1] for line in text.splitlines()[1:]]


def table_of(visit: Visit) -> DataTable:
    (found,) = visit.user.find(kind=DataTable).elements
    return found


async def count_all(world: World) -> None:
    rows = await world.purser.database.fetch_all("select id from users")
    await recount(world.purser.database, [row[0] for row in rows], datetime.now(UTC))
