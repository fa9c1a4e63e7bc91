"""What may be set, and which values mean something."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from urllib.parse import urlsplit

from core.audit.rules import clean_line
from core.errors import InvalidRequest

Value = str | int
"""A value as it is stored: USD as text, so that nothing is lost."""

SUPPORT_CONTACT = "support_contact"
UPGRADE_URL = "upgrade_url"
SUPPORT_LIMIT = "support_adjustment_limit"
SUPERADMIN_LIMIT = "superadmin_adjustment_limit"
TEST_BUDGET = "test_budget_usd"

LARGEST_LIMIT = 1_000_000_000
LARGEST_BUDGET = Decimal(1_000_000)
LONGEST_CONTACT, LONGEST_URL = 200, 500


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: what people call it, and how a value of it is read."""

    words: str
    read: Callable[[str, object], Value]

    def checked(self, value: object) -> Value | None:
        """The value as it is stored; None goes back to the default.

        Raises:
            InvalidRequest: it means nothing here.
        """
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        return self.read(self.words, value)


def _line(words: str, value: object) -> str:
    return clean_line(str(value), words, LONGEST_CONTACT)


def _address(words: str, value: object) -> str:
    url = clean_line(str(value), words, LONGEST_URL)
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("https", "http") and bool(parts.hostname) and not parts.username
    except ValueError:
        whole = False
    if not whole or " " in url:
        raise InvalidRequest(f"{words}: a whole address, as in https://example.com/upgrade.")
    return url


def _credits(words: str, value: object) -> int:
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount != amount.to_integral_value() or not 0 <= amount <= LARGEST_LIMIT:
        raise InvalidRequest(f"{words}: whole credits, from 0 to {LARGEST_LIMIT:,}.")
    return int(amount)


def _usd(words: str, value: object) -> str:
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not 0 <= amount <= LARGEST_BUDGET:
        raise InvalidRequest(f"{words}: US dollars, from 0 to {LARGEST_BUDGET:,}.")
    return f"{amount.quantize(Decimal('0.01')):f}"


SETTINGS: Mapping[str, Setting] = {
    SUPPORT_CONTACT: Setting("Whom users turn to", _line),
    UPGRADE_URL: Setting("Where users upgrade", _address),
    SUPPORT_LIMIT: Setting("Support adjusts without approval up to", _credits),
    SUPERADMIN_LIMIT: Setting("Superadmins adjust without approval up to", _credits),
    TEST_BUDGET: Setting("Test budget a person and month", _usd),
}
