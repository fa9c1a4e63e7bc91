"""Actions and kinds of subjects in words, each with its symbol. What nobody has named here is told by its own name."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.audit.queries import Line


@dataclass(frozen=True, slots=True)
class Deed:
    """What was done: words, symbol."""

    words: str
    icon: str


DEEDS: Mapping[str, Deed] = {
    "breaker.isolated": Deed("Breaker isolated", "front_hand"),
    "breaker.probe_now": Deed("Probe asked for", "science"),
    "breaker.reset": Deed("Breaker reset", "restart_alt"),
    "bulk_grant.discard": Deed("Bulk grant thrown away", "delete"),
    "bulk_grant.done": Deed("Bulk grant finished", "check_circle"),
    "bulk_grant.draft": Deed("Bulk grant drafted", "edit_note"),
    "bulk_grant.resume": Deed("Bulk grant gone on with", "play_arrow"),
    "bulk_grant.list_again": Deed("List of a bulk grant gone on with", "play_arrow"),
    "bulk_grant.start": Deed("Bulk grant begun", "play_arrow"),
    "code.make": Deed("Code made", "confirmation_number"),
    "code.retire": Deed("Code retired", "block"),
    "credits.adjustment": Deed("Credits adjusted", "tune"),
    "credits.approve": Deed("Movement of credits approved", "check_circle"),
    "credits.ask": Deed("Approval asked for", "schedule"),
    "credits.bonus": Deed("Bonus given", "redeem"),
    "credits.expiry": Deed("Credits expired", "event_busy"),
    "credits.grant": Deed("Credits granted", "add_circle"),
    "credits.purchase": Deed("Credits bought", "shopping_cart"),
    "credits.redeem": Deed("Code redeemed", "confirmation_number"),
    "credits.refund": Deed("Charge refunded", "undo"),
    "credits.reject": Deed("Movement of credits rejected", "block"),
    "credits.withdraw": Deed("Request withdrawn", "undo"),
    "demo.clear": Deed("Demo data removed", "delete_sweep"),
    "demo.load": Deed("Demo data loaded", "dataset"),
    "feature.dismiss": Deed("Undefined feature dismissed", "visibility_off"),
    "key.create": Deed("API key created", "vpn_key"),
    "key.revoke": Deed("API key revoked", "key_off"),
    "organisation.archive": Deed("Organisation archived", "archive"),
    "organisation.create": Deed("Organisation made", "domain_add"),
    "organisation.member_add": Deed("Member taken in", "group_add"),
    "organisation.member_remove": Deed("Member let go", "group_remove"),
    "organisation.member_role": Deed("Member's role changed", "badge"),
    "organisation.rename": Deed("Organisation renamed", "edit"),
    "organisation.restore": Deed("Organisation restored", "unarchive"),
    "override.add": Deed("Exception made", "rule"),
    "override.end": Deed("Exception ended", "event_busy"),
    "package.add": Deed("Package added", "sell"),
    "package.change": Deed("Package changed", "edit"),
    "package.retire": Deed("Package retired", "block"),
    "plans.proposal_accepted": Deed("Proposed plans accepted", "check_circle"),
    "plans.proposal_rejected": Deed("Proposed plans rejected", "block"),
    "plans.proposal_withdrawn": Deed("Proposed plans withdrawn", "undo"),
    "plans.propose": Deed("Change of plans proposed", "lightbulb"),
    "plans.revert": Deed("Plans reverted", "undo"),
    "plans.save": Deed("Plans changed", "grid_on"),
    "project.archive": Deed("Project archived", "archive"),
    "project.create": Deed("Project made", "create_new_folder"),
    "project.rename": Deed("Project renamed", "edit"),
    "project.restore": Deed("Project restored", "unarchive"),
    "provider.create": Deed("Provider added", "add_circle"),
    "provider.default_model": Deed("Default model chosen", "star"),
    "provider.disabled": Deed("Provider switched off", "block"),
    "provider.drill_ended": Deed("Outage drill ended", "bolt"),
    "provider.drill_started": Deed("Outage drill started", "bolt"),
    "provider.enabled": Deed("Provider switched on", "check_circle"),
    "provider.import": Deed("Provider imported", "download"),
    "provider.key_added": Deed("Provider's key added", "key"),
    "provider.key_changed": Deed("Provider's key changed", "tune"),
    "provider.key_removed": Deed("Provider's key removed", "delete"),
    "provider.key_restored": Deed("Provider's key back in use", "check_circle"),
    "provider.key_rotated": Deed("Provider's key rotated", "autorenew"),
    "provider.keys_reencrypted": Deed("Provider's keys stored under another encryption key", "lock_reset"),
    "provider.reorder": Deed("Fallback order changed", "swap_vert"),
    "provider.update": Deed("Provider edited", "edit"),
    "session.open": Deed("Signed in", "login"),
    "session.revoke": Deed("Session ended", "logout"),
    "session.revoke_all": Deed("All sessions ended", "logout"),
    "settings.change": Deed("Settings changed", "settings"),
    "user.create": Deed("User created", "person_add"),
    "user.password": Deed("Password changed", "password"),
    "user.plan": Deed("Plan changed", "workspace_premium"),
    "user.preferences": Deed("Preferences changed", "tune"),
    "user.price": Deed("Own price set", "sell"),
    "user.price_end": Deed("Own price ended", "sell"),
    "user.profile": Deed("Profile edited", "edit"),
    "user.reactivate": Deed("User let in again", "check_circle"),
    "user.role": Deed("Role changed", "badge"),
    "user.suspend": Deed("User suspended", "block"),
    "user.trial": Deed("Trial extended", "more_time"),
    "view.delete": Deed("Saved view deleted", "bookmark_remove"),
    "view.save": Deed("View saved", "bookmark_add"),
}
KINDS: Mapping[str, str] = {
    "demo": "demo data",
    "plans": "plans, version",
    "proposal": "proposal for plans",
    "view": "saved view",
}
ACTORS: Mapping[str, tuple[str, str]] = {
    "user": ("person", "in the pages"),
    "key": ("vpn_key", "by an API key"),
    "command_line": ("terminal", "on the command line"),
    "system": ("settings_suggest", "by Purser itself"),
}
"""Symbol of each kind of actor, and how it acts."""


def deed(action: str) -> Deed:
    """An action: `tea_pot.start`, which nobody has named, is “Tea pot: start”."""
    known = DEEDS.get(action)
    if known:
        return known
    what, _, verb = action.replace("_", " ").partition(".")
    return Deed(f"{what.capitalize()}: {verb}" if verb else what.capitalize(), "edit_note")


def kind(subject_kind: str) -> str:
    """A kind of subject: `fallback order`."""
    return KINDS.get(subject_kind, subject_kind.replace("_", " "))


def actor(line: Line) -> tuple[str, str]:
    """An actor on two lines: an address by its two halves, with the key that was used; anything else on the first."""
    address, _, key = line.actor_label.partition(" by key ")
    if line.actor_kind in ("user", "key") and "@" in address:
        name, _, domain = address.rpartition("@")
        return name, f"{domain} · {key}" if key else domain
    return line.actor_label, ""
