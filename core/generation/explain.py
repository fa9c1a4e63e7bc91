"""Why a generation failed, in plain words: what happened, whose fault, what became of the money, what to do next; and
how one that went well came to its answer.

Made from the row and its attempts alone, so that the answer is the same on the page, in an e-mail and a year later.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import ErrorClass
from core.vocabulary import Modality

PASSED = ("breaker_open", "isolated", "testing", "limit", "no_key")
"""Reasons of the trace for which a provider is passed over for its state, not for the request's sake."""

DEADLINES: Mapping[str, float] = {
    Modality.TEXT: 60, Modality.AUDIO: 60, Modality.IMAGE: 120, Modality.VIDEO: 900,
}  # fmt: skip

Attempts = Sequence[Mapping[str, Any]]
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Four answers. `cause` is its own sentence in short; `what` goes on from there."""

    cause: str
    what: str
    fault: str
    money: str
    next_step: str
    retry_helps: bool


# Per class: what the vendor did, whose fault it is, what to do next, and whether trying again can help.
VENDOR: Mapping[str, tuple[str, str, str, bool]] = {
    ErrorClass.AUTHENTICATION: (
        "refused our key",
        "Ours: the key is wrong, revoked or lacks a right",
        "A superadmin replaces the key in Providers",
        False,
    ),
    ErrorClass.QUOTA: (
        "refused, because our quota there is used up",
        "Ours: the account at the vendor is out of credit",
        "A superadmin tops up at the vendor or adds a key",
        False,
    ),
    ErrorClass.RATE_LIMIT: (
        "refused, because we asked too often",
        "The vendor's limit, not the user's",
        "Retry in a minute, with fallback",
        True,
    ),
    ErrorClass.OVERLOADED: ("was overloaded", "The vendor's, not the user's", "Retry with fallback", True),
    ErrorClass.TIMEOUT: (
        "did not answer in time",
        "The vendor's, not the user's",
        "Retry; a shorter answer (maxTokens) comes sooner",
        True,
    ),
    ErrorClass.CONNECTION: (
        "could not be reached, or hung up",
        "The vendor's or the network's, not the user's",
        "Retry with fallback",
        True,
    ),
    ErrorClass.SERVER: (
        "had an error of its own",
        "The vendor's, not the user's",
        "Retry with fallback",
        True,
    ),
    ErrorClass.MODEL_NOT_FOUND: (
        "no longer knows the model",
        "Ours: the model was retired or is not open to our account",
        "A superadmin sets another default model in Providers",
        False,
    ),
    ErrorClass.INVALID_REQUEST: (
        "found the request invalid",
        "The request's: it asks for what the model does not take",
        "Change the request as the vendor's words say",
        False,
    ),
    ErrorClass.CONTENT_BLOCKED: (
        "blocked it by its safety rules",
        "The content's: the vendor's rules forbid it",
        "Rephrase the prompt; another vendor's rules may differ",
        False,
    ),
}

DRILL = "Nobody's: the outage is a drill, for test runs only"

# Refusals by Purser itself, before any vendor was called.
OURS: Mapping[str, tuple[str, str, str, bool]] = {
    "insufficient_credits": ("The balance was too small.", "Nobody's: the credits are used up", "Buy or grant credits", True),
    "trial_expired": ("The trial had ended.", "Nobody's: its days are over", "Extend the trial or change the plan", True),
    "trial_used": ("The trial's generations were used up.", "Nobody's", "Extend the trial or change the plan", True),
    "daily_limit": ("The plan's generations of the day were used up.", "Nobody's", "Wait for midnight, or change the plan", True),
    "monthly_ceiling": ("The plan's credits of the month were used up.", "Nobody's", "Wait for the month to end, or change the plan", False),
    "no_plan": ("The account has no plan.", "Ours: every account should have one", "Give the user a plan", True),
    "plan_expired": ("The plan had ended.", "Nobody's", "Renew or change the plan", True),
    "modality_not_in_plan": ("The plan does not include this kind of generation.", "Nobody's", "Change the plan", False),
    "model_not_in_plan": ("The plan does not include the model.", "Nobody's", "Change the plan, or use another model", False),
    "budget_blocked": ("What is left of the month's test budget does not cover this run.", "Nobody's", "Wait for the month to end, or raise the budget", False),
    "no_provider": ("No provider could serve it.", "Ours: none is configured, switched on or capable", "Look into Providers", False),
    "interrupted": (
        "Purser stopped while it was running.",
        "Ours: the process ended before the answer came",
        "Retry",
        True,
    ),
    "database_unavailable": ("The database went away before it could be charged.", "Ours", "Retry", True),
    "internal_error": ("Something in Purser went wrong.", "Ours", "Retry; quote the request id if it goes on", True),
}  # fmt: skip


def explain(row: Row, attempts: Attempts) -> Explanation | None:
    """The explanation of a failed or cancelled generation; None where nothing went wrong.

    `row` and `attempts` have the columns of their tables.
    """
    if row["status"] == "cancelled":
        return _cancelled(row)
    if row["status"] != "failed":
        return None
    code = row.get("error_code") or ""
    if code in OURS:  # also where vendors were called: what they said is not why this failed
        what, fault, step, helps = OURS[code]
        return Explanation(what, row.get("error_message") or "", fault, _money(row), step, helps)
    if not attempts:
        return _nobody_called(row)
    return _vendors(row, attempts)


def answered(row: Row, attempts: Attempts) -> str:
    """How a completed generation came to its answer: who served it, after whom, and why not they."""
    last = next((one for one in attempts if one.get("serving")), attempts[-1] if attempts else row)
    by, failed = last.get("provider") or "", [one for one in attempts if one.get("error_class")]
    in_time = f"in {_seconds(row)}"
    others = list(dict.fromkeys(one["provider"] for one in failed if one["provider"] != by))
    why = [f"{provider_name(other)} {_did(failed, other)}" for other in others]
    why += [
        f"{provider_name(step['provider'])} was passed over: {step.get('detail', '')}"
        for step in row.get("trace") or ()
        if step.get("reason") in PASSED and step["provider"] not in (by, *others)
    ]
    own = len(failed) - sum(one["provider"] != by for one in failed)
    if why:
        sentence = f"{provider_name(by)} answered {in_time}, after {'; '.join(why)}."
    elif own:
        sentence = f"{provider_name(by)} answered {in_time}, at the {_ordinal(own + 1)} call; before, it {_did(failed, by)}."
    else:
        sentence = f"{provider_name(by)} answered at the first call, {in_time}."
    if outrun := [provider_name(one["provider"]) for one in attempts if one.get("outcome") == "cancelled"]:
        were = "was" if len(outrun) == 1 else "were"
        sentence += (
            f" {' and '.join(outrun)} {were} asked at the same time, and cancelled when it had answered."
        )
    if row.get("finish_reason") == "length":
        sentence += " The answer ends where the limit of tokens was reached."
    return sentence


def deadline_of(modality: str) -> float:
    """Seconds over all attempts of a generation (DATA, Defaults)."""
    return DEADLINES.get(modality, DEADLINES[Modality.TEXT])


def short_cause(row: Row) -> str:
    """The cause in a word or two, for a list."""
    if row["status"] == "cancelled":
        return "by the user"
    return str(row.get("error_class") or row.get("error_code") or "")


def _vendors(row: Row, attempts: Attempts) -> Explanation:
    last = next((one for one in reversed(attempts) if one.get("error_class")), attempts[-1])
    did, fault, step, helps = VENDOR.get(last.get("error_class") or "", VENDOR[ErrorClass.SERVER])
    drill = bool(last.get("simulated"))
    if drill:
        did, fault, step = f"{did} (simulated)", DRILL, "Nothing to do: the drill ends by itself"
    providers = list(dict.fromkeys(one["provider"] for one in attempts))
    name = provider_name(last["provider"])
    if row.get("cut"):
        return Explanation(
            f"{name} broke off in the middle of the answer.",
            f"It {did}; what had been delivered by then stands.",
            fault, _money(row), "Retry; the rest of this answer is lost", True,
        )  # fmt: skip
    calls = f"{_number(len(attempts))} call{'s' if len(attempts) > 1 else ''}"
    if len(providers) == 1:
        alone = "" if row.get("allow_fallback") else ", and the caller allowed no other provider"
        what = f"{calls} in {_seconds(row)} failed{alone}."
        if not row.get("allow_fallback") and helps and not drill:
            step = "Retry with fallback"
        return Explanation(f"{name} {did}.", what, fault, _money(row), step, helps)
    causes = "; ".join(
        f"{provider_name(provider)}: {next((a['error_class'] for a in reversed(attempts) if a['provider'] == provider), '')}"
        for provider in providers
    )
    return Explanation(
        "Every provider failed.", f"{calls} in {_seconds(row)}: {causes}.",
        DRILL if all(one.get("simulated") for one in attempts) else "The vendors', not the user's",
        _money(row), "Retry; look into Providers if it goes on", True,
    )  # fmt: skip


def _nobody_called(row: Row) -> Explanation:
    """Nobody was called: breakers, keys or limits stood in the way of each candidate."""
    steps = [step for step in row.get("trace") or () if step.get("decision") == "skipped"]
    causes = "; ".join(
        f"{provider_name(step['provider'])}: {step['detail']}"
        for step in steps
        if step["reason"] != "no_fallback"
    )
    return Explanation(
        "No provider could be called.", f"{causes}." if causes else (row.get("error_message") or ""),
        "Ours or the vendors', not the user's", _money(row), "Wait for the next probe, or look into Providers", True,
    )  # fmt: skip


def _cancelled(row: Row) -> Explanation:
    delivered = bool(row.get("credits") or row.get("output_tokens"))
    what = "What had been delivered by then stands." if delivered else "Nothing had been delivered."
    return Explanation(
        "The reader went away, or stopped it.", what, "Nobody's", _money(row), "Nothing to do", False
    )


def _money(row: Row) -> str:
    held, charged = row.get("held") or 0, row.get("credits") or 0
    if charged:
        returned = f"; {held - charged:,} of {held:,} held came back" if held > charged else ""
        return f"{charged:,} cr for what was delivered{returned}"
    return f"Nothing; {held:,} cr were held and came back" if held else "Nothing; nothing was held"


def _seconds(row: Row) -> str:
    return f"{(row.get('latency_ms') or 0) / 1000:.1f} s"


def _did(failed: Attempts, provider: str) -> str:
    """What a provider did at its last failure: "was overloaded"."""
    calls = [one for one in failed if one["provider"] == provider]
    if not calls:
        return "failed"
    did = VENDOR.get(calls[-1]["error_class"], VENDOR[ErrorClass.SERVER])[0]
    return f"{did} (simulated)" if calls[-1].get("simulated") else did


def _number(count: int) -> str:
    words = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")
    return words[count] if count < len(words) else f"{count:,}"


def _ordinal(number: int) -> str:
    return {1: "first", 2: "second", 3: "third"}.get(number, f"{number}th")


def provider_name(provider: str) -> str:
    """A provider's slug as people write it."""
    known = {"openai": "OpenAI", "deepseek": "DeepSeek"}
    return known.get(provider, provider.replace("-", " ").capitalize())
