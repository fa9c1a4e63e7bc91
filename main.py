"""The command line of Purser: `python main.py` serves, `python main.py --help` names the rest.

Data goes to stdout, messages to stderr. Exit status: 0 done, 1 refused or not in order, 2 wrong settings or usage.
Commands share the database of a running server, and start the embedded one where none runs; they work on no queue.
Imports stand inside the commands: `--help` shall not wait for what it does not need.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

from core.vocabulary import Role

if TYPE_CHECKING:
    from core.config import Settings
    from core.database import EmbeddedServer
    from core.system.commands import Desk
    from core.system.health import Check

T = TypeVar("T")

app = typer.Typer(
    help="Purser: the control room of products that sell AI features. Without a command it serves.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
user_app = typer.Typer(help="People.", no_args_is_help=True)
key_app = typer.Typer(help="Keys for the HTTP API.", no_args_is_help=True)
credits_app = typer.Typer(help="Credits.", no_args_is_help=True)
app.add_typer(user_app, name="user")
app.add_typer(key_app, name="api-key")
app.add_typer(credits_app, name="credits")


@app.callback(invoke_without_command=True)
def default(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        serve()


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on, instead of HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on, instead of PORT.")] = None,
) -> None:
    """Serves the pages and the HTTP API until it is told to stop (the default)."""
    settings = _settings(**{name: value for name, value in (("host", host), ("port", port)) if value})
    if settings.database_url:
        _guarded(lambda: _reach(settings))
    from dashboard.app import serve as run

    run(settings)


@app.command()
def migrate() -> None:
    """Brings the database up to date. The server does so itself when it starts."""
    done = _at_desk(lambda desk: _deeds().bring_up_to_date(desk), prepare=False)
    _say("The database has been brought up to date." if done else "Nothing to do.")


@app.command()
def seed() -> None:
    """Adds the plans, features and providers that are missing; never undoes what an admin changed."""
    _at_desk(lambda desk: _deeds().nothing_more(desk))
    _say("Plans, features and providers are in place.")


@app.command()
def check(
    generate: Annotated[
        bool, typer.Option("--generate", help="Also run one tiny test generation, end to end.")
    ] = False,
) -> None:
    """Looks at settings, database, keys, providers, plans, queue, disk. Exit status 1 where something is at fault."""
    settings = _settings()
    checks = _guarded(lambda: _checked(settings))
    from core.system.health import State, worst

    if generate and worst(checks) is not State.FAULT:
        checks.append(_guarded(lambda: _sample(settings)))
    elif generate:
        _say("No generation is tried while something is at fault.")
    for one in checks:
        typer.echo(str(one))
    raise typer.Exit(worst(checks) is State.FAULT)


@app.command()
def verify(
    anchor: Annotated[
        str | None, typer.Option(help="An end of the audit that was noted earlier, as NUMBER:HASH.")
    ] = None,
) -> None:
    """Proves that balances, entries, lots, reservations and generations agree, and that the audit is whole.

    Seals what is new in the audit, and changes nothing else. Every difference is a line on stdout. Exit status 1 where
    there is one.
    """
    found = _at_desk(lambda desk: _deeds().print_differences(desk, anchor), prepare=False)
    _say(f"{found:,} differences; see docs/operations.md." if found else "All agree.")
    raise typer.Exit(bool(found))


@app.command()
def demo(
    users: Annotated[int, typer.Option(min=1, help="How many people.")] = 200,
    generations: Annotated[int, typer.Option(min=0, help="How many requests, over thirty days.")] = 6_000,
    months: Annotated[
        int,
        typer.Option(
            min=0, max=120, help="Months of earlier grants: two ledger entries each, for everybody."
        ),
    ] = 0,
    again: Annotated[bool, typer.Option("--again", help="Add to demo data that is there already.")] = False,
    clear: Annotated[bool, typer.Option("--clear", help="Remove all demo data.")] = False,
) -> None:
    """Loads a month of demo data, or removes it. It is tagged, and in no total."""
    if clear:
        _say(_at_desk(lambda desk: _deeds().clear_demo(desk)))
    else:
        _say(_at_desk(lambda desk: _deeds().load_demo(desk, users, generations, months, again=again)))


@user_app.command("create")
def user_create(
    email: str,
    role: Annotated[Role, typer.Option(help="What they may do; `user` has the API only.")] = Role.USER,
    name: Annotated[str, typer.Option(help="Their name.")] = "",
    plan: Annotated[str | None, typer.Option(help="Their plan, instead of trial (staff: unlimited).")] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from the first line of stdin.")
    ] = False,
) -> None:
    """Makes a user. Staff without a password get one for the first sign-in: it is all that stdout holds."""
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else None
    who = {"name": name, "plan": plan, "password": password}
    made = _at_desk(lambda desk: _deeds().create_user(desk, email, role, **who))
    _say(f"Made {made.user.email} ({made.user.role}, plan {made.user.plan_id}), id {made.user.id}.")
    if made.one_time_password:
        _say("One-time password, shown this once:")
        typer.echo(made.one_time_password)


@user_app.command("list")
def user_list(
    role: Annotated[Role | None, typer.Option(help="Only those of this role.")] = None,
) -> None:
    """Lists users: id, e-mail, role, status, plan, creation and name, separated by tabs."""
    _at_desk(lambda desk: _deeds().print_users(desk, role))


@key_app.command("create")
def api_key_create(
    user: Annotated[str, typer.Option(help="Whose key: e-mail or id.")],
    name: Annotated[str, typer.Option(help="What the key is for.")] = "command line",
    service: Annotated[bool, typer.Option("--service", help="A service key; of a superadmin.")] = False,
    scope: Annotated[list[str] | None, typer.Option(help="A service key's scope; may be repeated.")] = None,
) -> None:
    """Makes an API key. The key alone is on stdout; it is shown this once."""
    key = _at_desk(
        lambda desk: _deeds().create_api_key(desk, user, name=name, service=service, scopes=scope or ())
    )
    typer.echo(key)


@credits_app.command("grant")
def credits_grant(
    email: str,
    amount: Annotated[int, typer.Argument(min=1, help="Whole credits.")],
    reason: Annotated[str, typer.Option(help="Why; stands in the ledger and the audit.")],
) -> None:
    """Grants credits; prints the balance after it. Twice is twice."""
    balance = _at_desk(lambda desk: _deeds().grant_credits(desk, email, amount, reason=reason))
    _say(f"Granted {amount:,} cr to {email}; the balance is")
    typer.echo(balance)


@credits_app.command("waiting")
def credits_waiting() -> None:
    """Lists what waits for a second person: id, credits, user, reason, note and who asked, separated by tabs."""
    _at_desk(lambda desk: _deeds().print_waiting_credits(desk))


@credits_app.command("approve")
def credits_approve(
    request: Annotated[str, typer.Argument(help="The id of a request, as `credits waiting` lists it.")],
) -> None:
    """Approves what waits for a second person, where there is only one superadmin. It is audited."""
    _say(_at_desk(lambda desk: _deeds().approve_credits(desk, request)))


@app.command("rotate-keys")
def rotate_keys() -> None:
    """Stores the vendors' keys under the first of ENCRYPTION_KEYS, so that the others may go.

    The keys themselves stay as they are. Each that none of ENCRYPTION_KEYS can read is a line on stdout. Exit status 1
    where there is one.
    """
    found = _at_desk(lambda desk: _deeds().rotate_keys(desk), prepare=False)
    done = f"{found.renewed:,} stored anew, {found.current:,} were under the first encryption key before"
    if found.unreadable:
        _say(
            f"{done}; {len(found.unreadable):,} cannot be read. Keep the other encryption keys, and find theirs."
        )
    else:
        _say(f"{done}. The other encryption keys may go.")
    raise typer.Exit(bool(found.unreadable))


# How commands come to a database, and how they fail


def _deeds():  # the module, inferred with its types
    from core.system import commands

    return commands


def _settings(**overrides: Any) -> "Settings":
    from core.config import SettingsError, load
    from core.log import configure_logging

    try:
        settings = load(**overrides)
    except SettingsError as faults:
        for line in faults.lines:
            _say(line)
        raise typer.Exit(2) from None
    # Commands speak for themselves: of the log only what went wrong; `serve` sets its own.
    configure_logging("DEBUG" if settings.log_level == "DEBUG" else "WARNING", settings.log_format)
    return settings


def _at_desk(work: "Callable[[Desk], Awaitable[T]]", *, prepare: bool = True) -> T:
    """Runs a command's work; `prepare` brings tables, plans and providers up to date before it."""
    settings = _settings()

    async def session() -> T:
        async with _desk(settings, prepare=prepare) as desk:
            return await work(desk)

    return _guarded(session)


def _guarded(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Runs it; a refusal or fault becomes a sentence on stderr and status 1."""
    import psycopg

    from core.errors import PurserError

    try:
        return asyncio.run(work())
    except PurserError as refusal:
        _fail(refusal.message)
    except psycopg.Error as failure:
        _fail(f"The database refused: {str(failure).splitlines()[0]}")


@asynccontextmanager
async def _desk(settings: "Settings", *, prepare: bool) -> "AsyncGenerator[Desk, None]":
    from core import bootstrap
    from core.database import Database
    from core.database import migrate as apply
    from core.providers.vault import Vault
    from core.secrets import encryption_keys
    from core.system.commands import Desk

    server = bootstrap.embedded_server(settings)
    try:
        url = await _reach(settings, server)
        if prepare:
            await asyncio.to_thread(apply, url)
        database = Database(url, pool_timeout=settings.database_pool_timeout)
        await database.open()
        try:
            desk = Desk(settings, database, Vault(encryption_keys(settings)))
            if prepare:
                await bootstrap.furnish(settings, database, desk.vault)
            yield desk
        finally:
            await database.close()
    finally:
        if server:
            await asyncio.to_thread(server.stop)


async def _reach(settings: "Settings", server: "EmbeddedServer | None" = None) -> str:
    """The address of a database that answers, the embedded one started where it is `server`; else `Unreachable`."""
    import subprocess

    import psycopg

    from core import bootstrap
    from core.system.commands import Unreachable

    try:
        url = await asyncio.to_thread(bootstrap.database_url, settings, server)
        connection = await psycopg.AsyncConnection.connect(
            url, connect_timeout=settings.database_connect_timeout
        )
        await connection.close()
    except (psycopg.Error, OSError, subprocess.SubprocessError, AssertionError, RuntimeError) as failure:
        raise Unreachable.of(settings, failure) from failure
    return url


async def _checked(settings: "Settings") -> "list[Check]":
    from core.system.checks import check_all, check_away

    try:
        async with _desk(settings, prepare=False) as desk:
            return await check_all(desk.settings, desk.database, desk.vault)
    except _deeds().Unreachable as absence:
        return check_away(settings, absence.message)


async def _sample(settings: "Settings") -> "Check":
    from core import bootstrap
    from core.system.sample import generate_sample

    purser = await bootstrap.start(settings, worker=False)
    try:
        return await generate_sample(purser.database, purser.identities, purser.generations)
    finally:
        await purser.stop()


def _say(line: str) -> None:
    typer.echo(line, err=True)


def _fail(sentence: str) -> NoReturn:
    _say(sentence)
    raise typer.Exit(1)


if __name__ == "__main__":
    app()
