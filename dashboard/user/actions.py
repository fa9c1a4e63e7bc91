"""What may be done about a user: plan, trial, suspension, preferences, role. Each asks again on the server who is acting."""

from collections.abc import Iterable, Mapping, Sequence

from core.accounts.service import reactivate, set_preferences, set_profile, suspend
from core.audit import Actor
from core.database import Session
from core.entitlements.rules import PlanView
from core.errors import InvalidRequest
from core.membership.plan import change_plan
from core.membership.trial import extend_trial
from core.signup import appoint
from core.vocabulary import Role
from dashboard.access import SUPERADMINS
from dashboard.components import fields
from dashboard.components.html import Icon, Node
from dashboard.components.money import format_count, format_credits
from dashboard.ends import ask_until, moment_of
from dashboard.forms import Form, telling
from dashboard.numbers import whole
from dashboard.user.desk import Desk
from dashboard.user.reading import trial_words

NO_PREFERENCE = ""
ROLES = {
    Role.USER.value: "User: the API only",
    Role.TESTER.value: "Tester: playground and own runs",
    Role.SUPPORT.value: "Support: users, credits, generations",
    Role.SUPERADMIN.value: "Superadmin: everything",
}


def ask_plan(desk: Desk) -> None:
    """Another plan: what it changes for this user, until when, and why."""
    plans = offered_plans(desk)
    now = desk.found.usage.plan

    async def change(session: Session, actor: Actor, reason: str) -> None:
        chosen = plans[which.value]
        form.done = f"{desk.email} is on {chosen.display_name}"
        await change_plan(
            session, desk.user_id, chosen.id, actor=actor, reason=reason,
            expires_at=moment_of(until, desk.screen),
        )  # fmt: skip

    def tell() -> None:
        chosen = plans[which.value]
        names = desk.purser.snapshots.current.entitlements.features
        show_changes(changes, plan_changes(now, chosen, names))
        same = now is not None and chosen.id == now.id
        form.verb.set_text("Set the end" if same else f"Change to {chosen.display_name}")
        form.note.set_text(
            "The same plan: only its end is set anew." if same else "Effective from the next request on."
        )

    form = Form(
        desk,
        "Change plan",
        change,
        "The plan is changed",
        sub=f"{desk.email} · now {now.display_name if now else 'without a plan'}",
        verb="Change plan",
    )
    with form.body:
        first = now.id if now is not None and now.id in plans else next(iter(plans))
        which = fields.select(
            "Plan",
            {plan.id: plan.display_name for plan in plans.values()},
            value=first,
            on_change=tell,
        ).props("autofocus")
        changes = Node("div", "", "pu-plan-changes", role="status")
        until = ask_until("Ends", note="optional; then nothing can be generated any more")
    tell()
    form.open()


def ask_trial(desk: Desk) -> None:
    """More days, more generations, and why."""

    async def change(session: Session, actor: Actor, reason: str) -> None:
        more_days, more_uses = whole(days.value, "Days more") or 0, whole(uses.value, "Generations more") or 0
        if more_days == 0 and more_uses == 0:
            raise InvalidRequest("Say how many days or generations more.")
        await extend_trial(session, desk.user_id, days=more_days, uses=more_uses, actor=actor, reason=reason)

    form = Form(
        desk,
        "Extend trial",
        change,
        f"The trial of {desk.email} goes on",
        sub=f"{desk.email} · {trial_words(desk.found)}",
        verb="Extend trial",
    )
    with form.body, Node("div", "", "pu-pair"):
        days = fields.number("Days more", value=7, low=0, step=1).props("autofocus")
        uses = fields.number("Generations more", value=2, low=0, step=1)
    form.open()


def ask_suspend(desk: Desk) -> None:
    """Out of pages and API within a second, and why; it can be undone."""
    Form(
        desk,
        f"Suspend {desk.email}?",
        lambda session, actor, reason: suspend(session, actor, desk.user_id, reason=reason),
        f"{desk.email} is suspended",
        sub="Open pages close and keys stop within a second. Nothing is lost: credits, keys and history stay.",
        note="The reason is told to whoever uses the key.",
        verb="Suspend",
        kind="danger",
    ).open()


def ask_reactivate(desk: Desk) -> None:
    """In again."""
    why = desk.found.user.status_reason
    Form(
        desk,
        f"Reactivate {desk.email}?",
        lambda session, actor, reason: reactivate(session, actor, desk.user_id, reason=reason),
        f"{desk.email} is let in again",
        sub=f"Suspended because: {why}" if why else "Keys work as before; sessions are opened anew.",
        verb="Reactivate",
    ).open()


def ask_preferences(desk: Desk) -> None:
    """Name, language, time zone; the provider and model to be asked first."""
    person, snapshot = desk.found.user, desk.purser.snapshots.current

    async def change(session: Session, actor: Actor, reason: str) -> None:
        await set_profile(
            session, actor, desk.user_id, name=name.value or "", language=(language.value or "").strip(),
            time_zone=(zone.value or "").strip(), reason=reason,
        )  # fmt: skip
        await set_preferences(
            session,
            actor,
            desk.user_id,
            provider=provider.value or None,
            model=model.value or None,
            reason=reason,
        )

    form = Form(
        desk,
        "Preferences",
        change,
        f"The preferences of {desk.email} are saved",
        sub=desk.email,
        note="Provider and model are honoured where plan and health allow.",
        verb="Save",
    )
    providers = {one.slug: desk.reader.name(one.slug) for one in snapshot.providers}
    models = {offer.model.id: offer.model.id for offer in snapshot.offers}
    with form.body:
        name = fields.text("Name", value=person.name).props("autofocus maxlength=300")
        with Node("div", "", "pu-pair"):
            language = fields.text("Language", value=person.language)
            zone = fields.text("Time zone", value=person.time_zone)
        with Node("div", "", "pu-pair"):
            provider = fields.select(
                "Preferred provider", _with_none(providers, person.preferred_provider), value=person.preferred_provider or NO_PREFERENCE
            )  # fmt: skip
            model = fields.select(
                "Preferred model", _with_none(models, person.preferred_model), value=person.preferred_model or NO_PREFERENCE
            )  # fmt: skip
    form.open()


def ask_role(desk: Desk) -> None:
    """What this person may do in the pages; superadmins alone give that."""
    person = desk.found.user
    if not desk.admin:
        explain_role(desk, "Roles are set by superadmins.")
        return

    async def change(session: Session, actor: Actor, reason: str) -> None:
        form.done = f"{desk.email} is {role.value} now"
        await appoint(session, actor, desk.user_id, Role(role.value), reason=reason)

    form = Form(
        desk,
        "Set role",
        change,
        "The role is set",
        sub=f"{desk.email} · now {person.role}",
        note="It holds in open pages within a second.",
        verb="Set role",
        roles=SUPERADMINS,
    )
    with form.body:
        role = fields.select("Role", ROLES, value=person.role.value).props("autofocus")
    form.open()


def explain_role(desk: Desk, what: str) -> None:
    """Says which role may, and who grants it."""
    dialog = telling(desk.screen, "Not with your role")
    with dialog.body, Node("div", "", "pu-row"):
        Icon("lock")
        Node("p", f"{what} Your role is {desk.screen.person.role}; a superadmin can change it.")
    dialog.open()


def offered_plans(desk: Desk) -> dict[str, PlanView]:
    """The plans that can be joined, and the user's own, by rank."""
    every = desk.purser.snapshots.current.entitlements.plans.values()
    own = desk.found.user.plan_id
    return {
        plan.id: plan
        for plan in sorted(every, key=lambda one: one.rank)
        if not plan.retired or plan.id == own
    }


Difference = tuple[str, str, str]


def plan_changes(now: PlanView | None, then: PlanView, names: Mapping[str, str]) -> Sequence[Difference]:
    """What another plan changes, as (what, before, after): limits, then the features gained and lost."""
    had = now or PlanView("", "", then.tier, daily_generations=0, monthly_ceiling=0, max_projects=0)
    limits: Sequence[tuple[str, int | None, int | None, bool]] = (
        ("Generations a day", had.daily_generations, then.daily_generations, False),
        ("Credits a month", had.monthly_credits, then.monthly_credits, True),
        ("Ceiling a month", had.monthly_ceiling, then.monthly_ceiling, True),
        ("Projects", had.max_projects, then.max_projects, False),
    )
    said = [
        (what, _amount(before, money=money), _amount(after, money=money))
        for what, before, after, money in limits
        if before != after
    ]
    if had.modalities != then.modalities:
        said.append(("Kinds", _listed(had.modalities), _listed(then.modalities)))
    if had.watermark != then.watermark:
        said.append(("Watermark", "yes" if had.watermark else "no", "yes" if then.watermark else "no"))
    gained, lost = then.features - had.features, had.features - then.features
    if gained:
        said.append(("Gains", "", _listed(names.get(one, one) for one in gained)))
    if lost:
        said.append(("Loses", _listed(names.get(one, one) for one in lost), ""))
    return said


def show_changes(place: Node, changes: Sequence[Difference]) -> None:
    """Before → after, one line each."""
    place.clear()
    with place:
        if not changes:
            Node("p", "Nothing differs from what the user has.", "is-quiet")
            return
        with Node("dl", "", "pu-user-changes"):
            for what, before, after in changes:
                Node("dt", what)
                with Node("dd"):
                    if before:
                        Node("span", before, "is-second")
                    if before and after:
                        Icon("arrow_forward", label="then")
                    if after:
                        Node("span", after, "is-strong")


def _amount(value: int | None, *, money: bool) -> str:
    return "no limit" if value is None else format_credits(value) if money else format_count(value)


def _listed(words: Iterable[str]) -> str:
    return ", ".join(sorted(words)) or "none"


def _with_none(options: dict[str, str], own: str | None) -> dict[str, str]:
    """What can be chosen: nothing, what there is, and what was chosen though it is no more."""
    kept = {own: f"{own}, not offered now"} if own and own not in options else {}
    return {NO_PREFERENCE: "no preference", **options, **kept}
