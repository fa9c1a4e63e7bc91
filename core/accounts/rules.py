"""What is decided without looking anything up: who may do what, and what an e-mail or a password must be."""

import ipaddress
import math
import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from core.accounts.models import UserStatus
from core.accounts.person import Person
from core.audit import Actor
from core.audit.rules import LONGEST_REASON
from core.audit.rules import clean_line as clean_line
from core.audit.rules import require_manager as require_manager
from core.audit.rules import require_reason as require_reason
from core.audit.rules import require_superadmin as require_superadmin
from core.config import Rate
from core.errors import InvalidRequest, NotAllowed

LONGEST_NAME = 100
"""Characters of the name of an organisation or a project."""
PASSWORD_SHORTEST = 12
PASSWORD_LONGEST = 1_000

# Purser often runs where no mail from outside arrives: admin@purser.local is a good address there. To change this list
# is the way that the library's manual names.
SPECIAL_USE_DOMAIN_NAMES.clear()

SESSION_IDLE = timedelta(hours=4)
SESSION_KEPT = timedelta(hours=12)
SESSION_LONGEST = timedelta(days=7)
SESSION_TOUCH = timedelta(minutes=1)
"""How exactly a session's last use is known; it is written no more often."""


# Who may


def is_self(actor: Actor, person_id: object) -> bool:
    """Whether a person acts on their own account, signed in rather than by a key."""
    return actor.kind == "user" and actor.id == person_id


def acts_for(actor: Actor, person_id: object) -> bool:
    """Whether a person acts on their own account, in person or by a key."""
    return actor.kind in ("user", "key") and actor.id == person_id


def reason_of(actor: Actor, person_id: object, reason: str | None) -> str | None:
    """The reason of a deed, cleaned. A person who acts on somebody else must give one.

    Raises:
        InvalidRequest: `reason_required`.
    """
    if actor.kind == "user" and actor.id != person_id:
        return require_reason(reason or "")
    return clean_line(reason or "", "A reason", LONGEST_REASON) or None


def require_active(person: Person) -> None:
    """Raises `NotAllowed` (`account_suspended`, with the reason) where the person is suspended."""
    if person.status is UserStatus.SUSPENDED:
        reason = person.status_reason or "No reason was noted."
        raise NotAllowed(
            f"This account is suspended. {reason}", code="account_suspended", details={"reason": reason}
        )


# What people enter


def required_name(text: str, whose: str) -> str:
    """The name of an organisation or a project as it is stored.

    Args:
        whose: what has the name, as a sentence begins: "A project".

    Raises:
        InvalidRequest: `name_required`; or it is longer than `LONGEST_NAME`.
    """
    name = clean_line(text, f"{whose}'s name", LONGEST_NAME)
    if not name:
        raise InvalidRequest(f"{whose} needs a name.", code="name_required")
    return name


def normal_email(text: str) -> str:
    """An e-mail address as it is stored: valid in form, lower case. Nobody is asked whether it exists.

    Raises:
        InvalidRequest: `invalid_email`.
    """
    try:
        address = validate_email(text.strip(), check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as fault:
        raise InvalidRequest(f"This is not an e-mail address: {fault}", code="invalid_email") from None
    if "." not in address.domain and address.domain != "localhost":
        raise InvalidRequest("This is not an e-mail address: its domain has no dot.", code="invalid_email")
    return address.normalized.lower()


def require_password(text: str) -> None:
    """Raises `InvalidRequest` (`weak_password`) where a password is too short or absurdly long."""
    if len(text) < PASSWORD_SHORTEST:
        raise InvalidRequest(f"A password has at least {PASSWORD_SHORTEST} characters.", code="weak_password")
    if len(text) > PASSWORD_LONGEST:
        raise InvalidRequest(f"A password has at most {PASSWORD_LONGEST:,} characters.", code="weak_password")


def cut_line(text: str | None, longest: int = 300) -> str | None:
    """What a browser or proxy says about itself, fit to be stored and shown."""
    return clean_line(text[:longest], "", longest) if text else None


def require_time_zone(name: str) -> str:
    """The name of a time zone of the IANA list, or `InvalidRequest`."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as unknown:
        raise InvalidRequest(f"{name[:50]!r} is not a time zone, as Europe/Berlin is.") from unknown
    return name


def require_language(tag: str) -> str:
    """A language tag in form (`en`, `pt-BR`), or `InvalidRequest`."""
    if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}", tag):
        raise InvalidRequest(f"{tag[:50]!r} is not a language, as en or pt-BR are.")
    return tag


# Time and place


def first_end(now: datetime, *, keep: bool) -> datetime:
    """When a session ends that is opened now and never used."""
    return now + (SESSION_KEPT if keep else SESSION_IDLE)


def window(now: datetime, rate: Rate) -> tuple[str, int]:
    """The fixed window of `rate` that `now` falls in: its name, and the whole seconds until the next."""
    seconds = now.timestamp()
    number = int(seconds // rate.seconds)
    return f"{rate.seconds}:{number}", max(1, math.ceil((number + 1) * rate.seconds - seconds))


def network_of(address: str) -> str:
    """Where an address counts: itself, or its /64 for IPv6, since one household owns all addresses of that."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:100]
    if isinstance(parsed, ipaddress.IPv6Address):
        mapped = parsed.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
