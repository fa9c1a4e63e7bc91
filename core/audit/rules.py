"""What holds for every audited deed, whatever it is about: who may, and that it says why."""

from core.audit.service import Actor
from core.errors import InvalidRequest, NotAllowed
from core.vocabulary import STAFF, Role

LONGEST_REASON = 500


def require_superadmin(actor: Actor, deed: str) -> None:
    """Raises `NotAllowed` unless a superadmin acts, in person or on the command line: keys hold no such power."""
    if actor.role is not Role.SUPERADMIN or actor.kind == "key":
        raise NotAllowed(f"Only a superadmin can {deed}, in the pages or on the command line.")


def require_manager(actor: Actor, role: Role, deed: str, *, colleagues: bool = False) -> None:
    """Raises `NotAllowed` unless the actor may manage people who have `role`.

    Superadmins manage everybody; their keys all but superadmins; support users alone, nobody of the staff.

    Args:
        colleagues: support may do this to testers and other support, too: it does no more than ask them in again.
    """
    if actor.role is Role.SUPERADMIN and actor.kind != "key":
        return
    if actor.role not in (Role.SUPERADMIN, Role.SUPPORT):
        raise NotAllowed(f"Only support or a superadmin can {deed}.")
    if role is Role.SUPERADMIN:
        raise NotAllowed(f"Only a superadmin can {deed} where it concerns a superadmin.")
    if role in STAFF and actor.role is Role.SUPPORT and not colleagues:
        raise NotAllowed(f"Only a superadmin can {deed} where it concerns staff.")


def require_reason(text: str) -> str:
    """The reason, cleaned; raises `InvalidRequest` (`reason_required`) where there is none."""
    reason = clean_line(text, "A reason", LONGEST_REASON)
    if not reason:
        raise InvalidRequest("This needs a reason, for the audit.", code="reason_required")
    return reason


def clean_line(text: str, what: str, longest: int = 200) -> str:
    """One line of text without control characters; raises `InvalidRequest` where it is longer than `longest`."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if len(line) > longest:
        raise InvalidRequest(f"{what} has at most {longest} characters.")
    return line
