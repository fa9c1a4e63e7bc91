"""The palette's pages and actions: what a role may open and do, known without asking the database."""

from uuid import UUID

from core.accounts.person import Person
from core.snapshot import Snapshot
from core.vocabulary import Role
from dashboard.components.sidebar import NavItem
from dashboard.palette.entries import Entry

SEES_USERS = frozenset({Role.SUPERADMIN, Role.SUPPORT})
OPENS = "opens the dialog"


def pages(nav: tuple[NavItem, ...], role: Role) -> list[Entry]:
    """The pages of the sidebar that this role may open, with the keys that lead there."""
    return [
        Entry(
            item.icon, item.label, keys=("g", item.go) if item.go else (), href=item.route, words=item.group
        )
        for item in nav
        if item.available and role in item.roles
    ]


def providers(snapshot: Snapshot) -> list[Entry]:
    """Each provider, by name, kind or id."""
    return [
        Entry(
            "dns",
            provider.name,
            note="provider",
            href=f"/providers?sel={provider.id}",
            object=True,
            words=f"{provider.kind} {provider.slug} {provider.id}",
        )
        for provider in snapshot.providers
    ]


def actions(snapshot: Snapshot, person: Person, *, demo: bool) -> list[Entry]:
    """What this person may do: each leads to a page or opens a dialog there, and does nothing by itself."""
    admin = person.role is Role.SUPERADMIN
    return [
        *(_of_superadmins(demo=demo) if admin else []),
        *(_of_people(admin=admin) if person.role in (Role.SUPERADMIN, Role.SUPPORT) else []),
        Entry(
            "science",
            "Run a sample…",
            aside="in the playground",
            href="/playground",
            words="test generation",
            common=True,
        ),
        *_of_the_browser(),
        Entry("key", "Change password…", href="/password"),
        *(_at_providers(snapshot) if admin else []),
    ]


def _of_superadmins(*, demo: bool) -> list[Entry]:
    verb, icon, way = ("Remove", "delete_sweep", "remove") if demo else ("Load", "dataset", "load")
    return [
        Entry("add", "Add provider…", aside=OPENS, href="/providers?add=1", words="new key vendor", common=True),
        Entry("person_add", "Invite…", aside=OPENS, href="/?invite=1", words="colleague add user staff", common=True),
        Entry(icon, f"{verb} demo data…", aside=OPENS, href=f"/?demo={way}", words="clear example"),
    ]  # fmt: skip


def on_person(email: str, user_id: UUID) -> list[Entry]:
    """The dialogs about somebody who was found."""
    return [
        Entry("toll", "Adjust credits…", note=f"of {email}", aside=OPENS, href=f"/users/{user_id}?do=adjust"),
        Entry("content_copy", "Copy support summary…", note=f"of {email}", aside=OPENS, href=f"/users/{user_id}?do=summary"),
    ]  # fmt: skip


def _of_people(*, admin: bool) -> list[Entry]:
    entries = [
        Entry("person_add", "Add user…", aside=OPENS, href="/users?add=1", words="new create sign up", common=True),
        Entry("toll", "Adjust credits…", aside=OPENS, href="/credits?adjust=1", words="balance add remove", common=True),
        Entry("shopping_cart", "Record a purchase…", aside=OPENS, href="/credits?purchase=1", words="payment package"),
    ]  # fmt: skip
    if admin:
        many = Entry(
            "group_add",
            "Grant credits in bulk…",
            aside=OPENS,
            href="/credits?tab=bulk&new=1",
            words="csv many",
        )
        entries.append(many)
    return entries


def _at_providers(snapshot: Snapshot) -> list[Entry]:
    found: list[Entry] = []
    for provider in snapshot.providers:
        if not provider.enabled:
            continue
        at = f"/providers?sel={provider.id}"
        found += [
            Entry("network_check", f"Test connection of {provider.name}…", aside="opens the provider", href=at, words="probe"),
            Entry("bolt", f"Simulate outage of {provider.name}…", aside=OPENS, href=f"{at}&drill=1", words="drill fault"),
        ]  # fmt: skip
    return found


def _of_the_browser() -> list[Entry]:
    themes = {"light": "light_mode", "dark": "dark_mode", "system": "contrast"}
    heights = {"32": "Compact", "40": "Normal", "48": "Roomy"}
    return [
        Entry("keyboard", "Keyboard shortcuts", keys=("?",), data={"data-keys": "true"}, words="keys help", common=True),
        *(
            Entry(icon, f"Theme: {theme}", data={"data-theme": theme}, words="dark light mode appearance")
            for theme, icon in themes.items()
        ),
        *(
            Entry("density_medium", f"Rows: {word.lower()}", aside=f"{height} px", data={"data-density": height}, words="density height table")
            for height, word in heights.items()
        ),
    ]  # fmt: skip
