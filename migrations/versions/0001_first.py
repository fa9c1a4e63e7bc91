"""People, plans, credits, providers, generations: the tables of the main job.

The rules that the database itself holds stand here as constraints and triggers (shared DATA, "Tables"); the ledger's
functions are in core/credits/functions.sql and are put in place after every migration.
"""

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0001"
down_revision = None


def upgrade() -> None:
    for part in (GROUND, PLANS, PEOPLE, PROVIDERS, CREDITS, GENERATIONS, AUDIT):
        op.execute(part)
    op.get_bind().exec_driver_sql(SchemaManager.get_schema().replace("%", "%%"))


GROUND = """
create table versions (
    topic varchar primary key,
    version bigint not null default 0
);
insert into versions (topic) values ('config'), ('breakers'), ('people');

create table settings (
    key varchar primary key,
    value jsonb not null,
    updated_at timestamptz not null default now(),
    updated_by uuid
);
"""

PLANS = """
create table plans (
    id varchar primary key,
    display_name varchar not null,
    tier varchar not null check (tier in ('free', 'paid', 'premium')),
    rank integer not null default 0,
    daily_generations integer check (daily_generations >= 0),
    monthly_credits bigint not null default 0 check (monthly_credits >= 0),
    monthly_ceiling bigint check (monthly_ceiling >= 0),
    trial_days integer check (trial_days >= 0),
    trial_uses integer check (trial_uses >= 0),
    max_projects integer check (max_projects >= 0),
    modalities varchar[] not null default '{text}',
    watermark boolean not null default false,
    routing_strategy varchar not null default 'priority',
    retired_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create table features (
    id varchar primary key,
    display_name varchar not null,
    description varchar not null default '',
    retired_at timestamptz,
    created_at timestamptz not null default now()
);

create table plan_features (
    plan_id varchar not null references plans,
    feature_id varchar not null references features,
    primary key (plan_id, feature_id)
);

create table plan_versions (
    id uuid primary key,
    number bigint not null unique,
    diff jsonb not null,
    reason varchar not null,
    actor_id uuid,
    created_at timestamptz not null default now()
);

create table undefined_features (
    feature_id varchar primary key,
    checks bigint not null default 1,
    first_seen_at timestamptz not null default now(),
    last_seen_at timestamptz not null default now()
);
"""

PEOPLE = """
create table users (
    id uuid primary key,
    email varchar not null check (email = lower(email)),
    name varchar not null default '',
    role varchar not null default 'user' check (role in ('superadmin', 'support', 'tester', 'user')),
    status varchar not null default 'active' check (status in ('active', 'suspended')),
    status_reason varchar,
    password_hash varchar,
    password_one_time boolean not null default false,
    plan_id varchar references plans,
    plan_expires_at timestamptz,
    trial_ends_at timestamptz,
    trial_uses integer check (trial_uses >= 0),
    language varchar not null default 'en',
    time_zone varchar not null default 'UTC',
    onboarding jsonb not null default '{}',
    preferred_provider varchar,
    preferred_model varchar,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create unique index users_email on users (lower(email));
create index users_email_prefix on users (lower(email) text_pattern_ops);

create table overrides (
    id uuid primary key,
    user_id uuid not null references users on delete cascade,
    feature_id varchar,
    limit_name varchar,
    allowed boolean,
    value bigint,
    reason varchar not null,
    expires_at timestamptz,
    created_by uuid,
    created_at timestamptz not null default now(),
    ended_at timestamptz,
    check ((feature_id is not null and allowed is not null) or (limit_name is not null and value is not null))
);
create index overrides_user on overrides (user_id);

create table sessions (
    id uuid primary key,
    token_hash bytea not null unique,
    user_id uuid not null references users on delete cascade,
    created_at timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    expires_at timestamptz not null,
    revoked_at timestamptz,
    address varchar,
    user_agent varchar
);
create index sessions_user on sessions (user_id);

create table api_keys (
    id uuid primary key,
    user_id uuid not null references users on delete cascade,
    kind varchar not null check (kind in ('user', 'service')),
    name varchar not null,
    prefix varchar not null,
    key_hash bytea not null unique,
    scopes varchar[] not null default '{}',
    created_by uuid,
    created_at timestamptz not null default now(),
    last_used_at timestamptz,
    expires_at timestamptz,
    revoked_at timestamptz
);
create index api_keys_user on api_keys (user_id);

create table organisations (
    id uuid primary key,
    name varchar not null,
    created_at timestamptz not null default now()
);

create table members (
    organisation_id uuid not null references organisations on delete cascade,
    user_id uuid not null references users on delete cascade,
    role varchar not null check (role in ('owner', 'admin', 'member')),
    created_at timestamptz not null default now(),
    primary key (organisation_id, user_id)
);
create index members_user on members (user_id);

create table projects (
    id uuid primary key,
    organisation_id uuid references organisations on delete cascade,
    owner_id uuid not null references users on delete cascade,
    name varchar not null,
    created_at timestamptz not null default now(),
    archived_at timestamptz
);
create index projects_owner on projects (owner_id);
"""

PROVIDERS = """
create table providers (
    id uuid primary key,
    slug varchar not null unique,
    name varchar not null,
    kind varchar not null,
    base_url varchar,
    enabled boolean not null default true,
    ranks jsonb not null default '{}',
    default_models jsonb not null default '{}',
    fallback_models jsonb not null default '{}',
    limits jsonb not null default '{}',
    limits_enabled boolean not null default false,
    specialisations varchar[] not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create table provider_keys (
    id uuid primary key,
    provider_id uuid not null references providers on delete cascade,
    ciphertext bytea not null,
    last_four varchar not null,
    fingerprint varchar not null,
    weight integer not null default 1 check (weight > 0),
    state varchar not null default 'active' check (state in ('active', 'set_aside', 'disabled')),
    state_class varchar,
    state_reason varchar,
    state_until timestamptz,
    expires_at timestamptz,
    created_at timestamptz not null default now(),
    unique (provider_id, fingerprint)
);

create table breakers (
    provider_id uuid not null references providers on delete cascade,
    modality varchar not null check (modality in ('text', 'image', 'video', 'audio')),
    state varchar not null default 'closed' check (state in ('closed', 'open', 'half_open', 'isolated')),
    failures integer not null default 0,
    openings integer not null default 0,
    error_class varchar,
    reason varchar,
    vendor_message varchar,
    opened_at timestamptz,
    open_until timestamptz,
    probe_lease_until timestamptz,
    actor_id uuid,
    updated_at timestamptz not null default now(),
    primary key (provider_id, modality)
);

create table provider_events (
    id uuid primary key,
    provider_id uuid not null references providers on delete cascade,
    modality varchar,
    kind varchar not null,
    reason varchar not null,
    detail jsonb not null default '{}',
    actor_id uuid,
    at timestamptz not null default now()
);
create index provider_events_provider on provider_events (provider_id, id desc);

create table models (
    provider_id uuid not null references providers on delete cascade,
    model_id varchar not null,
    modality varchar not null check (modality in ('text', 'image', 'video', 'audio')),
    display_name varchar,
    active boolean,
    credits numeric(18, 6) check (credits >= 0),
    unit varchar check (unit in ('generation', 'image', '1k tokens', 'second')),
    capabilities jsonb,
    plans varchar[],
    updated_at timestamptz not null default now(),
    primary key (provider_id, model_id)
);

create table prices (
    id uuid primary key,
    kind varchar not null,
    model_id varchar not null,
    unit varchar not null,
    usd numeric(18, 9) not null check (usd >= 0),
    valid_from timestamptz not null,
    created_by uuid,
    created_at timestamptz not null default now(),
    unique (kind, model_id, unit, valid_from)
);
"""

CREDITS = """
create table credit_accounts (
    id uuid primary key,
    user_id uuid not null references users,
    traffic varchar not null default 'live' check (traffic in ('live', 'test', 'demo')),
    balance bigint not null default 0,
    held bigint not null default 0,
    seq bigint not null default 0,
    created_at timestamptz not null default now(),
    unique (user_id, traffic),
    constraint held_within_balance check (0 <= held and held <= balance)
) with (fillfactor = 70);

create table credit_entries (
    id uuid primary key,
    account_id uuid not null references credit_accounts,
    seq bigint not null,
    type varchar not null check (type in ('grant', 'purchase', 'usage', 'refund', 'bonus', 'adjustment', 'expiry')),
    amount bigint not null check (amount <> 0),
    balance_after bigint not null check (balance_after >= 0),
    reason varchar not null,
    reason_code varchar,
    note varchar,
    actor_kind varchar not null check (actor_kind in ('user', 'key', 'system', 'command_line')),
    actor_id uuid,
    generation_id uuid,
    refund_of uuid references credit_entries,
    reference varchar,
    lots uuid[] not null default '{}',
    traffic varchar not null default 'live' check (traffic in ('live', 'test', 'demo')),
    created_at timestamptz not null default now(),
    unique (account_id, seq)
);
create index credit_entries_generation on credit_entries (generation_id) where generation_id is not null;
create unique index credit_entries_reference on credit_entries (reference) where type = 'purchase';
create index credit_entries_refund_of on credit_entries (refund_of) where refund_of is not null;

create table credit_lots (
    id uuid primary key,
    account_id uuid not null references credit_accounts,
    entry_id uuid not null references credit_entries,
    granted bigint not null check (granted > 0),
    remaining bigint not null check (0 <= remaining and remaining <= granted),
    expires_at timestamptz,
    created_at timestamptz not null default now()
) with (fillfactor = 70);
create index credit_lots_burn on credit_lots (account_id, expires_at, id);
create index credit_lots_entry on credit_lots (entry_id);

create table reservations (
    generation_id uuid primary key,
    account_id uuid not null references credit_accounts,
    amount bigint not null check (amount >= 0),
    charged bigint not null default 0 check (0 <= charged and charged <= amount),
    state varchar not null default 'held' check (state in ('held', 'settled', 'released')),
    lease_until timestamptz not null,
    day varchar,
    month varchar,
    trial boolean not null default false,
    created_at timestamptz not null default now(),
    resolved_at timestamptz
) with (fillfactor = 70);
create index reservations_held on reservations (lease_until) where state = 'held';

create table quota_counters (
    subject varchar not null,
    name varchar not null,
    period varchar not null,
    used bigint not null default 0 check (used >= 0),
    updated_at timestamptz not null default now(),
    primary key (subject, name, period)
) with (fillfactor = 70);

create table idempotency (
    caller varchar not null,
    key varchar not null,
    body_hash bytea not null,
    answer jsonb,
    created_at timestamptz not null default now(),
    primary key (caller, key)
);

create function refuse_change() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' and old.traffic = 'demo' then
        return old;
    end if;
    raise exception '% is append-only', tg_table_name using errcode = 'PR001';
end $$;
create trigger credit_entries_append_only before update or delete on credit_entries
    for each row execute function refuse_change();
create function refuse_truncate() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name using errcode = 'PR001';
end $$;
create trigger credit_entries_no_truncate before truncate on credit_entries
    for each statement execute function refuse_truncate();
"""

GENERATIONS = """
create table generations (
    id uuid primary key,
    user_id uuid,
    api_key_id uuid,
    project_id uuid,
    traffic varchar not null default 'live' check (traffic in ('live', 'test', 'demo')),
    modality varchar not null check (modality in ('text', 'image', 'video', 'audio')),
    type varchar,
    style varchar,
    status varchar not null check (status in ('pending', 'processing', 'completed', 'failed', 'cancelled')),
    streamed boolean not null default false,
    requested_provider varchar,
    requested_model varchar,
    allow_fallback boolean not null default true,
    strategy varchar not null default 'priority',
    provider_id uuid,
    provider varchar,
    model varchar,
    held bigint not null default 0,
    credits bigint not null default 0,
    excess_credits bigint not null default 0,
    revenue numeric(18, 9) not null default 0,
    cost numeric(18, 9),
    unpriced boolean not null default false,
    input_tokens bigint,
    cached_tokens bigint,
    output_tokens bigint,
    usage_estimated boolean not null default false,
    attempts integer not null default 0,
    latency_ms integer,
    first_token_ms integer,
    finish_reason varchar,
    error_class varchar,
    error_code varchar,
    error_message varchar,
    cut varchar,
    trace jsonb not null default '[]',
    parameters jsonb not null default '{}',
    request_id varchar,
    finished_at timestamptz
) partition by range (id);
create index generations_user on generations (user_id, id desc);
create index generations_status on generations (status, id desc);
create index generations_provider on generations (provider_id, id desc);
create index generations_traffic on generations (traffic, id desc) include (status);
create index generations_cause on generations (coalesce(error_class, error_code), id desc)
    where coalesce(error_class, error_code) is not null;

create table attempts (
    id uuid primary key,
    generation_id uuid not null,
    user_id uuid,
    number integer not null,
    traffic varchar not null default 'live' check (traffic in ('live', 'test', 'demo')),
    modality varchar not null check (modality in ('text', 'image', 'video', 'audio')),
    provider_id uuid,
    provider varchar not null,
    model varchar not null,
    key_id uuid,
    outcome varchar not null check (outcome in ('completed', 'failed', 'cancelled')),
    serving boolean not null default false,
    offset_ms integer not null default 0,
    waited_ms integer not null default 0,
    latency_ms integer not null default 0,
    first_token_ms integer,
    error_class varchar,
    http_status integer,
    vendor_code varchar,
    vendor_message varchar,
    vendor_request_id varchar,
    retry_after_ms integer,
    input_tokens bigint,
    cached_tokens bigint,
    output_tokens bigint,
    usage_estimated boolean not null default false,
    cost numeric(18, 9),
    unpriced boolean not null default false
) partition by range (id);
create index attempts_generation on attempts (generation_id);
create index attempts_provider on attempts (provider_id, id desc);

create table generation_content (
    id uuid primary key,
    prompt jsonb not null,
    answer varchar
) partition by range (id);
"""

AUDIT = """
create table audit (
    id uuid primary key,
    at timestamptz not null default now(),
    actor_kind varchar not null check (actor_kind in ('user', 'key', 'system', 'command_line')),
    actor_id uuid,
    actor_label varchar not null,
    action varchar not null,
    subject_kind varchar not null,
    subject_id varchar,
    reason varchar,
    before jsonb,
    after jsonb,
    address varchar,
    request_id varchar,
    seq bigint unique,
    hash bytea
);
create index audit_subject on audit (subject_kind, subject_id, id desc);
create index audit_actor on audit (actor_id, id desc);

create function refuse_audit_change() returns trigger language plpgsql as $$
begin
    -- The one change allowed is sealing: a row that has no hash yet receives its place in the chain.
    if tg_op = 'UPDATE' and old.hash is null and new.hash is not null
        and to_jsonb(old) - 'seq' - 'hash' = to_jsonb(new) - 'seq' - 'hash' then
        return new;
    end if;
    raise exception 'audit is append-only' using errcode = 'PR001';
end $$;
create trigger audit_append_only before update or delete on audit
    for each row execute function refuse_audit_change();
create trigger audit_no_truncate before truncate on audit
    for each statement execute function refuse_truncate();
"""
