"""Settings: what is sold, which codes are valid, whom users turn to, and what people may do alone."""

from collections.abc import Callable

from dashboard.access import SUPERADMINS
from dashboard.components.choice import Choice, Tabs
from dashboard.page import Screen, page
from dashboard.settings.codes import Codes
from dashboard.settings.contact import Contact
from dashboard.settings.packages import Packages

TABS = {"packages": Choice("Packages"), "codes": Choice("Codes"), "contact": Choice("Contact and limits")}
Tab = Packages | Codes | Contact
MAKE: dict[str, Callable[[Screen], Tab]] = {"packages": Packages, "codes": Codes, "contact": Contact}


@page("/settings", title="Settings", group="System", roles=SUPERADMINS)
async def settings(screen: Screen) -> None:
    """Tabs are links: each has its own address."""
    asked = screen.query("tab")
    shown = asked if asked in TABS else "packages"
    tabs = Tabs("Settings", TABS, shown, address=lambda key: f"/settings?tab={key}").classes(
        "pu-settings-tabs"
    )
    with tabs.panel(shown):
        tab = MAKE[shown](screen)
        await tab.refresh()
