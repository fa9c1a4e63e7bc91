"""Organisations and projects as lists, visitors without an account, rates of all processes, and the first table of files."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    for part in (ORGANISATIONS, VISITORS, RATES, FILES):
        op.execute(part)


ORGANISATIONS = """
create index organisations_name on organisations (lower(name) text_pattern_ops, id);
alter table organisations add column archived_at timestamptz;
create index projects_organisation on projects (organisation_id) where organisation_id is not null;
create index generations_project on generations (project_id, id desc) where project_id is not null;
"""

# A visitor without an account is counted by address and holds no credits: the reservation then has no account.
VISITORS = """
alter table reservations alter column account_id drop not null;
alter table reservations add column visitor varchar;
alter table reservations add constraint reservations_of_somebody check ((account_id is null) <> (visitor is null));
alter table reservations add constraint reservations_of_visitors check (visitor is null or charged = 0);
"""

# What the processes tell one another each second: worth no log, since a crash forgets no more than one window.
RATES = """
create unlogged table rate_windows (
    subject varchar not null,
    number bigint not null,
    used bigint not null,
    changed_at timestamptz not null default clock_timestamp(),
    primary key (subject, number)
);
create index rate_windows_changed on rate_windows (changed_at);
"""

FILES = """
create table files (
    id uuid primary key,
    user_id uuid references users on delete set null,
    name varchar not null,
    kind varchar not null,
    type varchar not null,
    size bigint not null check (size >= 0),
    place varchar not null unique,
    state varchar not null default 'pending' check (state in ('pending', 'stored', 'deleted')),
    created_at timestamptz not null default now(),
    expires_at timestamptz
);
create index files_user on files (user_id, id desc);
create index files_expiry on files (expires_at) where state <> 'deleted' and expires_at is not null;
"""
