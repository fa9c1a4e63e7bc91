"""Making a user: account, organisation, plan, trial, credit accounts and first grant, in one transaction or not at all."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlmodel import func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from core.accounts import Member, Organisation, User, UserStatus, reactivate, set_password, set_role
from core.accounts.passwords import hash_password, one_time_password
from core.accounts.rules import (
    clean_line,
    normal_email,
    require_language,
    require_manager,
    require_password,
    require_superadmin,
    require_time_zone,
)
from core.accounts.service import lock_superadmins
from core.audit import SYSTEM, Actor, record
from core.credits.models import CreditAccount, EntryType
from core.credits.service import open_account, post
from core.database import Database
from core.entitlements.models import Plan
from core.entitlements.rules import NEW_USERS_PLAN, STAFF_PLAN
from core.errors import Conflict, InvalidRequest
from core.ids import new_id
from core.membership.periods import begin_period
from core.vocabulary import STAFF, Role, Traffic

TEST_CREDITS = 10_000
DEFAULT_ADMIN_EMAIL = "admin@purser.local"


async def sign_up(
    session: AsyncSession,
    *,
    email: str,
    actor: Actor,
    name: str = "",
    password: str | None = None,
    one_time: bool = False,
    role: Role = Role.USER,
    plan_id: str | None = None,
    language: str = "en",
    time_zone: str = "UTC",
    company: str | None = None,
    now: datetime | None = None,
) -> User:
    """Makes a user in this transaction, with all that belongs to one.

    Args:
        password: None for people who only use the API, or sign in otherwise.
        one_time: whether the password must be changed soon.
        plan_id: `trial` unless given; for staff `unlimited`.
        company: an organisation is made of it, owned by the user.
        now: when the trial and the first period begin.

    Raises:
        InvalidRequest: e-mail, password, plan, language or time zone are none.
        NotAllowed: neither support nor superadmin; staff are made by superadmins only.
        Conflict: `email_taken`, in whatever case it is written.
    """
    now = now or datetime.now(UTC)
    _require_maker(actor, role)
    email = normal_email(email)
    if password is not None:
        require_password(password)
    plan = await _plan(session, plan_id or (STAFF_PLAN if role in STAFF else NEW_USERS_PLAN))
    user = User(
        id=new_id(),
        email=email,
        name=clean_line(name, "A name"),
        role=role,
        password_hash=None if password is None else await hash_password(password),
        password_one_time=one_time,
        plan_id=plan.id,
        trial_ends_at=None if plan.trial_days is None else now + timedelta(days=plan.trial_days),
        trial_uses=plan.trial_uses,
        language=require_language(language),
        time_zone=require_time_zone(time_zone),
    )
    await _insert(session, user)
    company = clean_line(company or "", "A company's name")
    if company:
        await _found(session, company, user)
    await _open_accounts(session, user, plan, actor, now)
    await record(
        session,
        actor,
        "user.create",
        ("user", user.id),
        after={"email": email, "name": user.name, "role": role, "plan": plan.id, "company": company or None},
    )
    return user


async def appoint(session: AsyncSession, actor: Actor, user_id: UUID, role: Role, *, reason: str) -> User:
    """Changes a user's role, as `core.accounts.set_role` does and refuses; staff get their test account."""
    user = await set_role(session, actor, user_id, role, reason=reason)
    if role in STAFF:
        await _open_test_account(session, user, actor)
    return user


@dataclass(frozen=True, slots=True)
class FirstSuperadmin:
    """Who was made at the first start. `one_time_password` is to be printed once; None where the operator chose it."""

    email: str
    one_time_password: str | None = field(repr=False)


async def ensure_superadmin(
    database: Database, email: str | None = None, password: str | None = None, *, time_zone: str = "UTC"
) -> FirstSuperadmin | None:
    """Makes the first superadmin where there is none; processes that start together make one.

    Args:
        email: `ADMIN_EMAIL`; `admin@purser.local` unless given. Where it is a user already, they are appointed.
        password: `ADMIN_PASSWORD`; one is thought out unless given, which must be changed soon.

    Returns:
        The superadmin made, or None where there is one.
    """
    async with database.transaction() as session:
        await lock_superadmins(session)
        if (await session.exec(select(User.id).where(User.role == Role.SUPERADMIN).limit(1))).first():
            return None
        email = normal_email(email or DEFAULT_ADMIN_EMAIL)
        thought_out = None if password else one_time_password()
        chosen = password or thought_out or ""
        user = (await session.exec(select(User).where(func.lower(User.email) == email))).first()
        if user:
            reason = "First start: named by ADMIN_EMAIL"
            if user.status is UserStatus.SUSPENDED:
                await reactivate(session, SYSTEM, user.id, reason=reason)
            await appoint(session, SYSTEM, user.id, Role.SUPERADMIN, reason=reason)
            await set_password(session, SYSTEM, user.id, chosen, one_time=thought_out is not None)
        else:
            await sign_up(
                session,
                email=email,
                password=chosen,
                one_time=thought_out is not None,
                role=Role.SUPERADMIN,
                time_zone=time_zone,
                actor=SYSTEM,
            )
    return FirstSuperadmin(email, thought_out)


def _require_maker(actor: Actor, role: Role) -> None:
    if role in STAFF:
        require_superadmin(actor, "make accounts for staff")
    else:
        require_manager(actor, role, "make users")


async def _plan(session: AsyncSession, plan_id: str) -> Plan:
    plan = await session.get(Plan, plan_id) if plan_id.isprintable() else None
    if plan is None or plan.retired_at:
        raise InvalidRequest(f"There is no plan {plan_id[:50]!r} to join.", code="unknown_plan")
    return plan


async def _insert(session: AsyncSession, user: User) -> None:
    try:
        # A savepoint: the caller's transaction outlives a refusal, so that an import can go on with the next line.
        async with session.begin_nested():
            session.add(user)
    except IntegrityError as clash:
        if getattr(getattr(clash.orig, "diag", None), "constraint_name", None) != "users_email":
            raise
        raise Conflict("There is a user with this e-mail address already.", code="email_taken") from None


async def _found(session: AsyncSession, company: str, owner: User) -> None:
    organisation = Organisation(id=new_id(), name=company)
    session.add(organisation)
    await session.flush()
    session.add(Member(organisation_id=organisation.id, user_id=owner.id, role="owner"))


async def _open_accounts(session: AsyncSession, user: User, plan: Plan, actor: Actor, now: datetime) -> None:
    await open_account(session, user.id, Traffic.LIVE)
    await begin_period(session, user, plan, actor=actor, now=now)
    if user.role in STAFF:
        await _open_test_account(session, user, actor)


async def _open_test_account(session: AsyncSession, user: User, actor: Actor) -> None:
    """Credits for the playground, once: whoever spent them and is appointed again asks for more."""
    account_id = await open_account(session, user.id, Traffic.TEST)
    # Two appointments at once can't both find it untouched: they wait for each other in `set_role`.
    untouched = select(CreditAccount.id).where(CreditAccount.id == account_id, CreditAccount.seq == 0)
    if (await session.exec(untouched)).first():
        await post(
            session,
            account_id,
            type=EntryType.GRANT,
            amount=TEST_CREDITS,
            reason="Test credits for staff",
            actor=actor,
        )
