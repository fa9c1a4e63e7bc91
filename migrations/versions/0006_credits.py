"""Credits by the hand of people: approvals, bulk grants, packages, codes; and what lists and totals of the ledger need.

No index here is touched by a charge: of the entries, charges are nearly all, and none of them has an actor.
"""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    for part in (ENTRIES, ACCOUNTS, TOTALS, REQUESTS, BULK, SHOP, PERIODS):
        op.execute(part)


ENTRIES = """
alter table credit_entries add column approved_by uuid;
create index credit_entries_moved on credit_entries (traffic, type, id desc) where type <> 'usage';
create index credit_entries_moved_of on credit_entries (account_id, seq desc) where type <> 'usage';
create index credit_entries_actor on credit_entries (actor_id, id desc) where actor_id is not null;
create index credit_entries_people on credit_entries (traffic, id desc) where actor_id is not null;
create index credit_entries_apart on credit_entries (traffic, id desc) where traffic <> 'live';

-- A lot whose time is up is closed once: what was left of it has expired then.
alter table credit_lots add column closed_at timestamptz;
create index credit_lots_ending on credit_lots (expires_at, id) where expires_at is not null and closed_at is null;

create index idempotency_created on idempotency (created_at);
"""

# Free credits of the day are taken once: this is the end of the last day for which they were.
ACCOUNTS = """
alter table credit_accounts add column daily_until timestamptz;
"""

TOTALS = """
create table credit_hours (
    at timestamptz not null,
    traffic varchar not null check (traffic in ('live', 'test', 'demo')),
    type varchar not null,
    entries bigint not null,
    credits bigint not null,
    primary key (traffic, at, type)
);

create table integrity_reports (
    id uuid primary key,
    started_at timestamptz not null,
    finished_at timestamptz not null,
    checked jsonb not null default '{}',
    findings jsonb not null default '[]'
);
"""

REQUESTS = """
create table credit_requests (
    id uuid primary key,
    kind varchar not null check (kind in ('adjustment', 'bulk')),
    user_id uuid references users on delete cascade,
    bulk_id uuid,
    traffic varchar not null default 'live' check (traffic in ('live', 'test', 'demo')),
    type varchar not null default 'adjustment',
    amount bigint not null check (amount <> 0),
    reason_code varchar not null,
    note varchar not null default '',
    expires_at timestamptz,
    asked_by uuid not null,
    asked_label varchar not null,
    asked_kind varchar not null default 'user' check (asked_kind in ('user', 'key')),
    created_at timestamptz not null default now(),
    state varchar not null default 'waiting' check (state in ('waiting', 'approved', 'rejected', 'withdrawn')),
    decided_by uuid,
    decided_label varchar,
    decided_at timestamptz,
    decision_note varchar,
    entry_id uuid references credit_entries,
    check ((kind = 'bulk') = (bulk_id is not null) and (kind = 'adjustment') = (user_id is not null)),
    check ((state = 'waiting') = (decided_at is null)),
    -- Nobody approves what they asked for, or what is theirs; without an id it was somebody at the command line.
    constraint credit_requests_second_person check (
        state <> 'approved'
        or coalesce(decided_by <> asked_by and decided_by <> coalesce(user_id, asked_by), decided_label = 'command line', false))
);
create unique index credit_requests_entry on credit_requests (entry_id) where entry_id is not null;
create index credit_requests_waiting on credit_requests (id) where state = 'waiting';
create index credit_requests_user on credit_requests (user_id, id desc);
"""

BULK = """
create table bulk_grants (
    id uuid primary key,
    title varchar not null,
    source varchar not null check (source in ('filter', 'csv', 'refund')),
    filter jsonb not null default '{}',
    type varchar not null default 'grant',
    reason_code varchar not null,
    note varchar not null default '',
    expires_at timestamptz,
    people bigint not null default 0,
    credits bigint not null default 0,
    state varchar not null default 'draft'
        check (state in ('drafting', 'draft', 'waiting', 'running', 'done', 'failed', 'rejected', 'withdrawn')),
    created_by uuid not null,
    created_label varchar not null,
    approved_by uuid,
    job_id uuid,
    created_at timestamptz not null default now(),
    finished_at timestamptz
);
create index bulk_grants_newest on bulk_grants (id desc);

create table bulk_grant_lines (
    bulk_id uuid not null references bulk_grants on delete cascade,
    number bigint not null,
    user_id uuid not null,
    amount bigint not null check (amount > 0),
    entry_id uuid,
    refusal varchar,
    primary key (bulk_id, number),
    unique (bulk_id, user_id)
);
create index bulk_grant_lines_open on bulk_grant_lines (bulk_id, number) where entry_id is null and refusal is null;

alter table credit_requests add foreign key (bulk_id) references bulk_grants on delete cascade;
"""

SHOP = """
create table packages (
    id uuid primary key,
    name varchar not null check (name <> ''),
    credits bigint not null check (credits > 0),
    bonus bigint not null default 0 check (bonus >= 0),
    price_usd numeric(18, 9) not null check (price_usd >= 0),
    rank integer not null default 0,
    retired_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create unique index packages_name on packages (lower(name)) where retired_at is null;

-- What was paid for, once per reference; the price is that of its moment.
create table purchases (
    reference varchar primary key check (reference <> ''),
    user_id uuid not null references users,
    package_id uuid not null references packages,
    price_usd numeric(18, 9) not null,
    entry_id uuid,
    bonus_entry_id uuid,
    note varchar not null default '',
    recorded_by uuid,
    recorded_label varchar not null,
    created_at timestamptz not null default now()
);
create index purchases_user on purchases (user_id, created_at desc);

create table promo_codes (
    code varchar primary key check (code = upper(code) and code <> ''),
    credits bigint not null check (credits > 0),
    uses integer not null default 0 check (uses >= 0),
    most_uses integer check (most_uses > 0),
    expires_at timestamptz,
    credits_last_days integer check (credits_last_days > 0),
    note varchar not null default '',
    retired_at timestamptz,
    created_by uuid,
    created_at timestamptz not null default now(),
    check (uses <= most_uses)
);

create table promo_uses (
    code varchar not null references promo_codes,
    user_id uuid not null references users on delete cascade,
    entry_id uuid not null,
    created_at timestamptz not null default now(),
    primary key (code, user_id)
);
"""

# People who were there before had their first grant when they signed up: their months are counted from then.
PERIODS = """
update users u set period_anchor = u.created_at,
    next_grant_at = (u.created_at at time zone 'UTC' + interval '1 month') at time zone 'UTC',
    period_granted = p.monthly_credits
from plans p
where p.id = u.plan_id and exists (select from credit_accounts a where a.user_id = u.id and a.traffic = 'live');
"""
