"""Why people move credits: the codes that adjustments and refunds carry, and what they mean in words."""

from collections.abc import Mapping

from core.audit import Actor
from core.audit.rules import clean_line
from core.errors import InvalidRequest

REASONS: Mapping[str, str] = {
    "goodwill": "Goodwill after failed generations",
    "poor_result": "Result not usable",
    "outage": "Outage",
    "charged_wrongly": "Charged wrongly",
    "charged_twice": "Charged twice",
    "plan_change": "Change of plan",
    "promotion": "Promotion",
    "moved": "Moved from another system",
    "misuse": "Misuse",
    "other": "Other, see note",
}
"""Reason code → words, in the order in which they are offered."""

NEEDS_NOTE = frozenset({"other"})
LONGEST_CODE = 200
LONGEST_NOTE = 500


def words_of(code: str) -> str:
    """What a reason code means; a code of one's own stands for itself."""
    return REASONS.get(code, code)


def checked_reason(actor: Actor, code: str, note: str) -> tuple[str, str]:
    """The reason code and note as they are stored. Purser itself and the command line may say it in their own words.

    Raises:
        InvalidRequest: no reason (`reason_required`), one that is not listed, too long a note, or none where one is needed.
    """
    code, note = clean_line(code, "A reason", LONGEST_CODE), clean_line(note, "A note", LONGEST_NOTE)
    if not code:
        raise InvalidRequest("This needs a reason, for the books.", code="reason_required")
    if actor.kind in ("user", "key"):
        if code not in REASONS:
            raise InvalidRequest(f"There is no reason “{code[:50]}”; there are {', '.join(REASONS)}.")
        if code in NEEDS_NOTE and not note:
            raise InvalidRequest(f"The reason “{words_of(code)}” needs a note.", code="note_required")
    return code, note
