"""Operating providers: probes, drills, the history of health, and what open pages keep (jobs, saved views)."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for part in (PROVIDERS, HISTORY, PAGES):
        op.execute(part)


PROVIDERS = """
alter table providers add column probing boolean not null default true;
alter table provider_keys
    add column last_used_at timestamptz,
    add column created_by uuid;
-- Attempts of a drill never reached the vendor: they are in no figure about it.
alter table attempts add column simulated boolean not null default false;

create table probes (
    id uuid primary key,
    provider_id uuid not null references providers on delete cascade,
    key_id uuid,
    ok boolean not null,
    latency_ms integer not null,
    error_class varchar,
    http_status integer,
    vendor_message varchar,
    at timestamptz not null default now()
);
create index probes_provider on probes (provider_id, id desc);

create table drills (
    provider_id uuid primary key references providers on delete cascade,
    error_class varchar,
    latency_ms integer not null default 0 check (latency_ms >= 0),
    reason varchar not null,
    actor_id uuid,
    started_at timestamptz not null default now(),
    ends_at timestamptz not null,
    check (error_class is not null or latency_ms > 0)
);
"""

HISTORY = """
create table provider_health (
    provider_id uuid not null references providers on delete cascade,
    modality varchar not null check (modality in ('text', 'image', 'video', 'audio')),
    at timestamptz not null,
    calls integer not null default 0,
    good integer not null default 0,
    errors jsonb not null default '{}',
    down_seconds integer not null default 0 check (down_seconds between 0 and 900),
    probes integer not null default 0,
    probes_good integer not null default 0,
    primary key (provider_id, modality, at)
);
create index provider_health_at on provider_health (at);

create table hour_figures (
    at timestamptz not null,
    traffic varchar not null check (traffic in ('live', 'test', 'demo')),
    completed integer not null default 0,
    failed integer not null default 0,
    p95_ms double precision,
    credits bigint not null default 0,
    revenue numeric(18, 9) not null default 0,
    cost numeric(18, 9) not null default 0,
    unpriced integer not null default 0,
    queue_age_s integer not null default 0,
    primary key (traffic, at)
);
"""

PAGES = """
create table background_jobs (
    id uuid primary key,
    kind varchar not null,
    title varchar not null,
    parameters jsonb not null default '{}',
    state varchar not null default 'waiting' check (state in ('waiting', 'running', 'done', 'failed')),
    done bigint not null default 0,
    total bigint not null default 0,
    message varchar not null default '',
    href varchar,
    actor_id uuid,
    created_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz
);
create index background_jobs_actor on background_jobs (actor_id, id desc);
create index background_jobs_open on background_jobs (id) where state in ('waiting', 'running');

create table saved_views (
    id uuid primary key,
    user_id uuid not null references users on delete cascade,
    page varchar not null,
    name varchar not null check (name <> ''),
    query varchar not null,
    created_at timestamptz not null default now(),
    unique (user_id, page, name)
);
"""
