"""The list of users: what it sorts by, the words it is searched by, both kept by triggers; prices for one user.

`user_stats` holds what a list of a million people is sorted and filtered by. What is a user's own (address, plan,
status, role) follows the row at once, by trigger; the figures are counted by a schedule (`core.generation.user_figures`).
"""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    for part in (STATS, WORDS, FOLLOW, FILL, PRICES, PERIODS, MARKS):
        op.execute(part)


STATS = """
create table user_stats (
    user_id uuid primary key references users on delete cascade,
    email varchar not null,
    plan_id varchar,
    status varchar not null,
    role varchar not null,
    demo boolean not null default false,
    balance bigint not null default 0,
    used_7d bigint not null default 0,
    generations_7d integer not null default 0,
    failures_7d integer not null default 0,
    last_active_at timestamptz not null,
    counted_at timestamptz not null default now()
);
create index user_stats_newest on user_stats (demo, user_id);
create index user_stats_email on user_stats (demo, email text_pattern_ops);
create index user_stats_balance on user_stats (demo, balance, user_id);
create index user_stats_used on user_stats (demo, used_7d, user_id);
create index user_stats_failures on user_stats (demo, failures_7d, user_id);
create index user_stats_active on user_stats (demo, last_active_at, user_id);
create index user_stats_plan_newest on user_stats (demo, plan_id, user_id);
create index user_stats_plan_email on user_stats (demo, plan_id, email text_pattern_ops);
create index user_stats_plan_balance on user_stats (demo, plan_id, balance, user_id);
create index user_stats_plan_used on user_stats (demo, plan_id, used_7d, user_id);
create index user_stats_plan_failures on user_stats (demo, plan_id, failures_7d, user_id);
create index user_stats_plan_active on user_stats (demo, plan_id, last_active_at, user_id);
create index user_stats_staff on user_stats (user_id) where role <> 'user';

-- Few are suspended, failing or nearly out of credits, and where they stand in an order is no accident: those who fail
-- are never the ones that have long not been seen. Without these, such a page would look through everybody else.
create index user_stats_suspended_newest on user_stats (demo, user_id) where status = 'suspended';
create index user_stats_suspended_email on user_stats (demo, email text_pattern_ops) where status = 'suspended';
create index user_stats_suspended_balance on user_stats (demo, balance, user_id) where status = 'suspended';
create index user_stats_suspended_used on user_stats (demo, used_7d, user_id) where status = 'suspended';
create index user_stats_suspended_failures on user_stats (demo, failures_7d, user_id) where status = 'suspended';
create index user_stats_suspended_active on user_stats (demo, last_active_at, user_id) where status = 'suspended';
create index user_stats_failing_newest on user_stats (demo, user_id) where failures_7d > 0;
create index user_stats_failing_email on user_stats (demo, email text_pattern_ops) where failures_7d > 0;
create index user_stats_failing_balance on user_stats (demo, balance, user_id) where failures_7d > 0;
create index user_stats_failing_used on user_stats (demo, used_7d, user_id) where failures_7d > 0;
create index user_stats_failing_active on user_stats (demo, last_active_at, user_id) where failures_7d > 0;
create index user_stats_low_newest on user_stats (demo, user_id) where balance < 10;
create index user_stats_low_email on user_stats (demo, email text_pattern_ops) where balance < 10;
create index user_stats_low_used on user_stats (demo, used_7d, user_id) where balance < 10;
create index user_stats_low_failures on user_stats (demo, failures_7d, user_id) where balance < 10;
create index user_stats_low_active on user_stats (demo, last_active_at, user_id) where balance < 10;
"""

# A person is found by the beginning of the address and of each word of the name, lower case.
WORDS = """
create table user_words (
    word varchar not null,
    user_id uuid not null references users on delete cascade,
    primary key (user_id, word)
);
create index user_words_prefix on user_words (word text_pattern_ops, user_id);

create function words_of(p_email varchar, p_name varchar) returns setof varchar language sql immutable as $$
    select p_email
    union
    -- As it is written ("o'brien", "anna-lena"), and by letters alone.
    select left(word, 100)::varchar from regexp_split_to_table(lower(p_name), '[[:space:]]+') word where word <> ''
    union
    select left(word, 100)::varchar from regexp_split_to_table(lower(p_name), '[^[:alnum:]]+') word where word <> ''
$$;
"""

FOLLOW = """
create function users_made() returns trigger language plpgsql as $$
begin
    -- One statement may make users and their accounts; which of the two triggers comes first is not said anywhere.
    insert into user_stats (user_id, email, plan_id, status, role, demo, balance, last_active_at)
        select m.id, m.email, m.plan_id, m.status, m.role, d.id is not null, coalesce(d.balance, 0), m.created_at
        from made m left join credit_accounts d on d.user_id = m.id and d.traffic = 'demo';
    insert into user_words (word, user_id) select w, m.id from made m, words_of(m.email, m.name) w;
    return null;
end $$;
create trigger users_made after insert on users
    referencing new table as made for each statement execute function users_made();

create function users_changed() returns trigger language plpgsql as $$
begin
    update user_stats s set email = n.email, plan_id = n.plan_id, status = n.status, role = n.role
        from now_rows n join was_rows o on o.id = n.id
        where s.user_id = n.id
            and (o.email, o.plan_id, o.status, o.role) is distinct from (n.email, n.plan_id, n.status, n.role);
    delete from user_words w using now_rows n join was_rows o on o.id = n.id
        where w.user_id = n.id and (o.email, o.name) is distinct from (n.email, n.name);
    insert into user_words (word, user_id)
        select w, n.id from now_rows n join was_rows o on o.id = n.id, words_of(n.email, n.name) w
        where (o.email, o.name) is distinct from (n.email, n.name);
    return null;
end $$;
create trigger users_changed after update on users
    referencing old table as was_rows new table as now_rows for each statement execute function users_changed();

create function accounts_opened() returns trigger language plpgsql as $$
begin
    update user_stats s set demo = true, balance = o.balance from opened o where o.user_id = s.user_id and o.traffic = 'demo';
    return null;
end $$;
create trigger accounts_opened after insert on credit_accounts
    referencing new table as opened for each statement execute function accounts_opened();
"""

FILL = """
insert into user_stats (user_id, email, plan_id, status, role, demo, balance, last_active_at)
    select u.id, u.email, u.plan_id, u.status, u.role, d.id is not null, coalesce(l.balance, d.balance, 0), u.created_at
    from users u
    left join credit_accounts l on l.user_id = u.id and l.traffic = 'live'
    left join credit_accounts d on d.user_id = u.id and d.traffic = 'demo';
insert into user_words (word, user_id) select w, u.id from users u, words_of(u.email, u.name) w;
"""

PRICES = """
create table price_overrides (
    id uuid primary key,
    user_id uuid not null references users on delete cascade,
    model_id varchar not null,
    credits numeric(18, 9) not null check (credits >= 0),
    reason varchar not null,
    expires_at timestamptz,
    created_by uuid,
    created_at timestamptz not null default now(),
    ended_at timestamptz
);
create index price_overrides_user on price_overrides (user_id);
create unique index price_overrides_open on price_overrides (user_id, model_id) where ended_at is null;
"""

# The month for which a plan grants its credits: `period_anchor` is when a person's first one began, `next_grant_at`
# when the next one begins, `period_granted` what the plan has granted in the one that runs.
PERIODS = """
alter table users add column period_anchor timestamptz;
alter table users add column next_grant_at timestamptz;
alter table users add column period_granted bigint not null default 0 check (period_granted >= 0);
create index users_next_grant on users (next_grant_at) where next_grant_at is not null and status = 'active';
"""

# By these the schedule finds to whom something happened; a generation that goes well touches neither.
MARKS = """
create index generations_failed on generations (finished_at) where status = 'failed';
create index api_keys_used on api_keys (last_used_at) where last_used_at is not null;
create table marks (
    name varchar primary key,
    at timestamptz not null,
    details jsonb not null default '{}'
);
"""
