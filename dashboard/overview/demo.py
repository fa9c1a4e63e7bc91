"""Demo data from the page: loading and removing it are background jobs, which the tray in the header shows."""

from core.audit import Actor
from core.database import Session
from core.system import demo
from core.system.demo.background import begin_clear, begin_load
from dashboard.access import SUPERADMINS
from dashboard.components.html import Node
from dashboard.components.money import format_count
from dashboard.components.toast import toast
from dashboard.forms import PageDialog, write
from dashboard.page import Screen

TYPED = "demo data"


async def load_demo(screen: Screen) -> bool:
    """Begins to load it; the page stays usable, and may be left."""

    async def begin(session: Session, actor: Actor) -> None:
        await begin_load(session, actor, credit_usd_value=screen.purser.settings.credit_usd_value)

    said = "Demo data is being loaded. The tray in the header says how far it is."
    return await write(screen, begin, said, roles=SUPERADMINS)


def ask_to_load_demo(screen: Screen) -> None:
    """Opens the dialog that loads it."""
    dialog = PageDialog(
        screen, "Load demo data", verb="Load demo data", on_confirm=lambda: load_demo(screen), width=480
    )
    with dialog.body:
        Node("p", "30 days, 200 users, one tripped breaker; tagged, never in totals, removed in one action.")
    dialog.open()


async def ask_to_remove_demo(screen: Screen) -> None:
    """Opens the dialog that removes all of it, once its name is typed."""
    there = await demo.find(screen.purser.database)
    if there is None:
        with screen.frame.main:
            toast("There is no demo data to remove.", "info")
        return

    async def remove() -> bool:
        return await write(screen, begin, roles=SUPERADMINS)

    async def begin(session: Session, actor: Actor) -> None:
        await begin_clear(session, actor)

    dialog = PageDialog(
        screen, "Remove demo data", verb="Remove demo data", kind="danger", typed=TYPED, on_confirm=remove, width=480,
        sub=f"{format_count(there.users)} users and {format_count(there.generations)} generations",
    )  # fmt: skip
    with dialog.body:
        Node(
            "p",
            "Everything tagged demo goes at once: users, credits, generations, providers. Live and test data stay.",
        )
    dialog.open()
