"""Why somebody may not do what a page would offer, where that is known beforehand; the server refuses in any case."""

from uuid import UUID

from core.accounts.person import Person
from core.vocabulary import STAFF, Role, Traffic


def beyond_account(reader: Person, user_id: UUID, role: Role) -> str | None:
    """Of changing an account, whose user has `role`; None where the reader may."""
    if reader.role is not Role.SUPPORT or role not in STAFF:
        return None
    own = reader.id == user_id
    whose = "A superadmin's" if role is Role.SUPERADMIN else "Your own" if own else "A colleague's"
    return f"{whose} account is changed by superadmins only. Your role is support."


def beyond_credits(reader: Person, user_id: UUID, role: Role, traffic: Traffic) -> str | None:
    """Of moving credits in the books of `traffic`: test credits buy nothing, so only superadmins' are guarded."""
    if traffic is Traffic.TEST and role is not Role.SUPERADMIN:
        return None
    return beyond_account(reader, user_id, role)


def beyond_purchase(reader: Person, user_id: UUID, role: Role) -> str | None:
    """Of recording what was paid, which nobody does for themselves."""
    if reader.role is Role.SUPERADMIN and reader.id == user_id:
        return "Another superadmin records this: it is your own account."
    return beyond_account(reader, user_id, role)


def beyond_refund(reader: Person, user_id: UUID, role: Role, traffic: Traffic) -> str | None:
    """Of giving a charge back, which nobody does alone for live credits of their own."""
    if reader.role is Role.SUPERADMIN and reader.id == user_id and traffic is not Traffic.TEST:
        return "Another superadmin gives this back: it is your own account."
    return beyond_credits(reader, user_id, role, traffic)
