"""The dialog that the overview's address asks for, as the palette's actions do: `/?invite=1`, `/?demo=load`, `/?demo=remove`."""

from core.vocabulary import Role
from dashboard.overview.demo import ask_to_load_demo, ask_to_remove_demo
from dashboard.overview.invite import ask_to_invite
from dashboard.page import Screen


async def open_asked(screen: Screen) -> None:
    """Opens it; the dialog does nothing by itself, and its verb asks again who is calling."""
    if screen.person.role is not Role.SUPERADMIN:
        return
    if screen.query("invite"):
        ask_to_invite(screen)
    elif screen.query("demo") == "remove":
        await ask_to_remove_demo(screen)
    elif screen.query("demo") == "load":
        ask_to_load_demo(screen)
