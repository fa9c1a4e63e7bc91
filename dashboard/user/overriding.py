"""The dialogs of exceptions for one user: a feature allowed or switched off, a limit raised, a model's price; and their ends."""

from decimal import Decimal, InvalidOperation

from core.accounts.prices import PriceLine, end_price, set_price
from core.audit import Actor
from core.database import Session
from core.entitlements.overrides import OverrideLine, end_override
from core.entitlements.overrides import add_override as add
from core.entitlements.rules import Limit
from core.errors import InvalidRequest
from dashboard.access import SUPERADMINS
from dashboard.components import fields
from dashboard.components.choice import Choice, Segment
from dashboard.components.html import Node
from dashboard.ends import ask_until, moment_of
from dashboard.forms import Form
from dashboard.numbers import whole
from dashboard.user.desk import Desk

FEATURE, LIMIT = "feature", "limit"
KINDS = {FEATURE: Choice("A feature", "toggle_on"), LIMIT: Choice("A limit", "speed")}
ALLOW, DENY = "allow", "deny"
LIMIT_WORDS: dict[Limit, str] = {
    "daily_generations": "Generations a day",
    "monthly_ceiling": "Credits a month",
    "trial_uses": "Generations of the trial",
    "max_projects": "Projects",
}


def add_override(desk: Desk, *, feature: str | None = None, allowed: bool = True) -> None:
    """Asks what is to be different for this user, until when, and why; `feature` is chosen already."""

    async def change(session: Session, actor: Actor, reason: str) -> None:
        ends = moment_of(until, desk.screen)
        if kind.value == FEATURE:
            if not which.value:
                raise InvalidRequest("Choose a feature.")
            form.done = f"{names[which.value]} is {'allowed' if way.value == ALLOW else 'switched off'} for {desk.email}"
            await add(
                session, desk.user_id, feature_id=which.value, allowed=way.value == ALLOW, expires_at=ends,
                actor=actor, reason=reason,
            )  # fmt: skip
        else:
            raised = whole(value.value, "Raised to") or 0
            form.done = f"{LIMIT_WORDS[limit.value]}: {raised:,} for {desk.email}"
            await add(
                session, desk.user_id, limit_name=limit.value, value=raised, expires_at=ends,
                actor=actor, reason=reason,
            )  # fmt: skip

    def chose(which_kind: str) -> None:
        of_feature.show(which_kind == FEATURE)
        of_limit.show(which_kind == LIMIT)

    names = dict(desk.purser.snapshots.current.entitlements.features)
    form = Form(
        desk,
        "Add override",
        change,
        "The override is added",
        sub=f"{desk.email}: other than the plan says, from the next request on.",
        verb="Add override",
    )
    with form.body:
        kind = Segment("What", KINDS, FEATURE, chose)
        with Node("div", "", "pu-stack") as of_feature:
            which = fields.select("Feature", names, value=feature, search=True)
            ways = {ALLOW: Choice("Allow", "check_circle"), DENY: Choice("Switch off", "block")}
            way = Segment("For this user", ways, ALLOW if allowed else DENY)
        with Node("div", "", "pu-stack") as of_limit:
            limit = fields.select("Limit", {**LIMIT_WORDS}, value="daily_generations")
            value = fields.number(
                "Raised to", low=0, step=1, help_text="An override raises a limit, and never lowers it."
            )
        until = ask_until()
        if feature is None:
            which.props("autofocus")
    chose(FEATURE)
    form.open()


def end(desk: Desk, override: OverrideLine, words: str) -> None:
    """Asks why, and ends an override; the plan counts again."""
    Form(
        desk,
        f"End the override of {words}?",
        lambda session, actor, reason: end_override(session, override.id, actor=actor, reason=reason),
        f"The override of {words} has ended",
        sub=f"{desk.email} has from then on what the plan says.",
        verb="End override",
        kind="danger",
    ).open()


def add_price(desk: Desk) -> None:
    """Asks what a model costs this user from now on."""

    async def change(session: Session, actor: Actor, reason: str) -> None:
        if not model.value:
            raise InvalidRequest("Choose a model.")
        form.done = f"{model.value} costs {desk.email} {price.value} cr from the next request on"
        await set_price(
            session, desk.user_id, str(model.value), _price(price.value or ""),
            expires_at=moment_of(until, desk.screen), actor=actor, reason=reason,
        )  # fmt: skip

    form = Form(
        desk,
        "Set a price",
        change,
        "The price is set",
        sub=f"In credits per unit of the model, for {desk.email} alone.",
        note="What was charged before stays as it was.",
        verb="Set price",
        roles=SUPERADMINS,
    )
    with form.body:
        model = fields.select("Model", _models(desk), search=True)
        price = fields.text("Price", placeholder="8", note="credits per unit; 0 is free")
        until = ask_until()
    form.open()


def stop_price(desk: Desk, price: PriceLine) -> None:
    """Asks why, and ends a price; the catalogue's counts again."""
    Form(
        desk,
        f"End the price of {price.model_id}?",
        lambda session, actor, reason: end_price(session, price.id, actor=actor, reason=reason),
        f"{price.model_id} costs {desk.email} what it costs everybody",
        verb="End price",
        kind="danger",
        roles=SUPERADMINS,
    ).open()


def _models(desk: Desk) -> dict[str, str]:
    """The models that are offered, each once, with what they cost everybody."""
    words: dict[str, str] = {}
    for offer in desk.purser.snapshots.current.offers:
        words.setdefault(offer.model.id, f"{offer.model.id} · {offer.model.display_name}")
    return dict(sorted(words.items()))


def _price(said: str) -> Decimal:
    try:
        return Decimal(said.strip().replace(",", "."))
    except InvalidOperation:
        raise InvalidRequest("A price is a number of credits, such as 8 or 0.5.") from None
