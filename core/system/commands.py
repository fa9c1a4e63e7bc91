"""The bodies of the command line: each does one deed as COMMAND_LINE, in one audited transaction, and returns what
`main.py` prints. Opening and closing the database is `main.py`'s part.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Self
from uuid import UUID

import sqlalchemy.exc
import typer
from rich.console import Console
from rich.progress import Progress, TaskID

from core.accounts import User, create_key, find_user, list_users
from core.accounts.models import KeyKind
from core.accounts.passwords import one_time_password
from core.audit import COMMAND_LINE
from core.audit.sealing import ChainBroken, seal
from core.config import Settings
from core.credits.approvals import approve, waiting
from core.credits.models import EntryType
from core.credits.service import adjust
from core.database import Database, migrate, run
from core.errors import Fault, InvalidRequest, NotAllowed
from core.providers.reencryption import Reencrypted, reencrypt_keys
from core.providers.vault import Vault
from core.signup import sign_up
from core.system import demo
from core.system.checks import State, check_migrations
from core.system.integrity import Anchor, Difference, verify
from core.system.invariants import INVARIANTS, audit_holds, files_are_there
from core.vocabulary import STAFF, Role

PAGE = 200


@dataclass(frozen=True, slots=True)
class Desk:
    """What a command works with: settings, an open database, the keys to vendors' keys."""

    settings: Settings
    database: Database
    vault: Vault


class Unreachable(Fault):
    """The database cannot be reached; the sentence says which one, and what it answered."""

    code = "database_unavailable"

    @classmethod
    def of(cls, settings: Settings, failure: Exception) -> Self:
        """The sentence for what went wrong when it was asked; libpq names host and user, never a password."""
        said = str(failure).splitlines()[0] if str(failure) else type(failure).__name__
        if settings.database_url:
            return cls(f"The database that DATABASE_URL names does not answer: {said}")
        return cls(f"The embedded database in {settings.data_dir / 'postgres'} does not start: {said}")


@dataclass(frozen=True, slots=True)
class Made:
    """A new user, and the password to be shown once; None where one was given, or none is needed."""

    user: User
    one_time_password: str | None


async def nothing_more(desk: Desk) -> None:
    """For commands whose deed is done once the desk is open."""


async def bring_up_to_date(desk: Desk) -> bool:
    """Migrations and functions; whether there was anything to do."""
    return await asyncio.to_thread(migrate, desk.database.url)


async def create_user(
    desk: Desk,
    email: str,
    role: Role,
    *,
    name: str = "",
    plan: str | None = None,
    password: str | None = None,
) -> Made:
    """Makes a user. Staff for whom no password is given get a one-time password; users of the API need none."""
    thought_out = one_time_password() if password is None and role in STAFF else None
    async with desk.database.transaction() as session:
        user = await sign_up(
            session,
            email=email,
            actor=COMMAND_LINE,
            name=name,
            password=password if password is not None else thought_out,
            one_time=thought_out is not None,
            role=role,
            plan_id=plan,
            time_zone=desk.settings.time_zone,
        )
    return Made(user, thought_out)


async def print_users(desk: Desk, role: Role | None = None) -> None:
    """All users in the order they were made, a line each, read page by page."""
    after = None
    while True:
        async with desk.database.transaction() as session:
            page, after = await list_users(session, role=role, limit=PAGE, after=after)
        for user in page:
            made = user.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            fields = (user.id, user.email, user.role, user.status, user.plan_id or "-", made, user.name)
            typer.echo("\t".join(map(str, fields)))
        if after is None:
            return


async def create_api_key(
    desk: Desk, id_or_email: str, *, name: str, service: bool = False, scopes: Sequence[str] = ()
) -> str:
    """Makes an API key of a user (with `service`: of a superadmin) and returns it: it is stored nowhere in clear."""
    async with desk.database.transaction() as session:
        user = await find_user(session, id_or_email)
        key = await create_key(
            session,
            COMMAND_LINE,
            user.id,
            name=name,
            kind=KeyKind.SERVICE if service else KeyKind.USER,
            scopes=scopes or None,
        )
    return key.secret


async def grant_credits(desk: Desk, id_or_email: str, amount: int, *, reason: str) -> int:
    """Grants `amount` credits, above support's limit too; returns the balance after it."""
    if amount <= 0:
        raise InvalidRequest("A grant is a positive number of credits.")
    async with desk.database.transaction() as session:
        user = await find_user(session, id_or_email)
        moved = await adjust(
            session, user.id, amount, actor=COMMAND_LINE, reason_code=reason, type=EntryType.GRANT
        )
    assert moved.entry is not None, "the command line asks nobody"
    return moved.entry.balance_after


async def approve_credits(desk: Desk, request_id: str) -> str:
    """Approves what waits for a second person where there is none; returns what is to be said.

    Raises:
        NotAllowed: `second_person`, another superadmin than who asked and whose it is could approve it in the page.
    """
    try:
        identifier = UUID(request_id)
    except ValueError:
        raise InvalidRequest("A request is named by its id, as `credits waiting` lists it.") from None
    async with desk.database.transaction() as session:
        second = (await run(session, SECOND_PERSON, {"request": identifier})).scalar()
        if second is not None:
            raise NotAllowed(
                f"Another superadmin approves this in the page, for example {second}.", code="second_person"
            )
        entry = await approve(session, identifier, actor=COMMAND_LINE)
    if entry is None:
        return "Approved; a worker of the running server books it."
    return f"Approved: {entry.amount:+,} cr, the balance is {entry.balance_after:,}."


SECOND_PERSON = """
select u.email from credit_requests r
join users u on u.role = 'superadmin' and u.status = 'active' and u.id <> r.asked_by
    and u.id is distinct from r.user_id
    and not exists (select from bulk_grant_lines l where l.bulk_id = r.bulk_id and l.user_id = u.id)
where r.id = :request order by u.id limit 1
"""


async def print_waiting_credits(desk: Desk) -> None:
    """What waits for a second person, a line each: id, credits, whose, reason, note and who asked."""
    for one in await waiting(desk.database):
        about = one.email or f"{one.title} ({one.people:,} people)"
        typer.echo("\t".join((str(one.id), f"{one.amount:+}", about, one.reason, one.note, one.asked_label)))


async def require_current(database: Database) -> None:
    """Raises `Fault` where the tables are not those of this release: statements would fail, or mislead."""
    migrations = await check_migrations(database)
    if migrations.state is State.FAULT:
        raise Fault(f"The database is {migrations.detail}. {migrations.fix}", retryable=False)


async def rotate_keys(desk: Desk) -> Reencrypted:
    """Stores the vendors' keys under the first encryption key; a line on stdout for each that cannot be read."""
    await require_current(desk.database)
    async with desk.database.transaction() as session:
        found = await reencrypt_keys(session, desk.vault, actor=COMMAND_LINE)
    for one in found.unreadable:
        typer.echo(one)
    return found


async def print_differences(desk: Desk, anchor: str | None = None) -> int:
    """The integrity check: differences on stdout as they are found, progress on stderr. Returns how many there are.

    What the audit has not sealed yet is sealed first. `anchor` is an end of the audit that was noted earlier.
    """
    await require_current(desk.database)
    noted = Anchor.of(anchor) if anchor else None
    invariants = (*INVARIANTS, files_are_there(Path(desk.settings.data_dir) / "files"))
    if noted:
        invariants = (*invariants, audit_holds(noted.seq, noted.hash))
    await _seal(desk.database)
    found = 0
    # On a terminal the sentence of what is being proved stands below the lines; elsewhere there are only the lines.
    with Console(stderr=True).status("") as status:
        async for event in verify(
            desk.database.url, invariants=invariants, begun=lambda begun: status.update(begun.proves)
        ):
            if isinstance(event, Difference):
                found += 1
                typer.echo(str(event))
            elif isinstance(event, Anchor):
                typer.echo(
                    f"The audit ends at {event}; noted elsewhere, verify --anchor can prove it.", err=True
                )
            else:
                word = f"{event.differences:,} differences" if event.differences else "ok"
                typer.echo(f"{event.invariant.name:28} {event.seconds:7.2f} s  {word}", err=True)
    return found


async def _seal(database: Database) -> None:
    """A chain that is broken, or a copy that cannot be written to, keeps nobody from looking at it."""
    try:
        sealed = await seal(database)
    except ChainBroken as broken:
        typer.echo(f"Not sealed: {broken.message}", err=True)
    except sqlalchemy.exc.InternalError as refused:
        typer.echo(f"Not sealed: {str(refused.orig).splitlines()[0]}", err=True)
    else:
        if sealed:
            typer.echo(f"Sealed {sealed:,} rows of the audit.", err=True)


async def load_demo(desk: Desk, users: int, generations: int, months: int, *, again: bool) -> str:
    """Loads demo data with a bar for each part; returns what is to be said of it."""
    with _bars() as progress:
        loaded = await demo.load(
            desk.database,
            actor=COMMAND_LINE,
            users=users,
            generations=generations,
            months=months,
            again=again,
            credit_usd_value=desk.settings.credit_usd_value,
            progress=progress,
        )
    there = f"{loaded.data.users:,} demo users and {loaded.data.generations:,} requests"
    if not loaded.new:
        return f"There are {there} already. --again adds more, --clear removes them."
    return f"There are {there} now ({loaded.seconds:.1f} s). --clear removes them."


async def clear_demo(desk: Desk) -> str:
    """Removes demo data; returns what is to be said of it."""
    with _bars() as progress:
        gone = await demo.clear(desk.database, actor=COMMAND_LINE, progress=progress)
    return f"Removed {gone:,} demo users and all that was theirs." if gone else "There was no demo data."


@contextmanager
def _bars() -> Iterator[demo.Progress]:
    """A bar on stderr for each thing that is counted."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bars:
        tasks: dict[str, TaskID] = {}

        def progress(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done)

        yield progress
