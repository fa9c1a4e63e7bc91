"""The statements of the demo: scenarios and people lie in temporary tables, and each batch of requests is dealt out
to both by a few set-based statements, so that ten million rows are a matter of minutes.

After every batch the books are whole: entries chain, lots cover balances, reservations are settled or released.
"""

GENERATION_COLUMNS = (
    "type", "status", "streamed", "requested_provider", "requested_model", "allow_fallback", "provider_id", "provider",
    "model", "held", "credits", "cost", "unpriced", "input_tokens", "cached_tokens", "output_tokens", "usage_estimated",
    "attempts", "latency_ms", "first_token_ms", "finish_reason", "error_class", "error_code", "error_message", "cut",
    "trace", "parameters",
)  # fmt: skip
"""What a scenario says of its generation."""

ATTEMPT_COLUMNS = (
    "number", "provider_id", "provider", "model", "outcome", "serving", "offset_ms", "waited_ms", "latency_ms",
    "first_token_ms", "error_class", "http_status", "vendor_code", "vendor_message", "input_tokens", "cached_tokens",
    "output_tokens", "usage_estimated", "cost", "unpriced",
)  # fmt: skip
"""What a scenario says of each of its attempts."""


def _uuid_at(moment: str) -> str:
    """A UUIDv7 of a moment, as an expression."""
    return (
        "(select (substr(h, 1, 8) || '-' || substr(h, 9, 4) || '-7' || substr(r, 16, 3) || substr(r, 19))::uuid"
        f" from (select lpad(to_hex((extract(epoch from {moment}) * 1000)::bigint), 12, '0') h,"
        " gen_random_uuid()::varchar r) parts)"
    )


def _names(columns: tuple[str, ...], prefix: str = "") -> str:
    return ", ".join(prefix + column for column in columns)


SCRATCH = """
create temp table demo_scenarios as
    select 0 as scenario, true as reserved, null::jsonb as prompt, null::varchar as answer, g.* from generations g limit 0;
create temp table demo_scenario_attempts as select 0 as scenario, a.* from attempts a limit 0;
create temp table demo_people (n integer primary key, user_id uuid not null, account_id uuid not null);
create temp table demo_calls (
    id uuid not null, at timestamptz not null, user_id uuid not null, account_id uuid not null, scenario integer not null
);
"""

KEEP_SCENARIO = f"""
insert into demo_scenarios (scenario, reserved, prompt, answer, {_names(GENERATION_COLUMNS)})
select %(number)s, %(reserved)s, %(prompt)s::jsonb, %(answer)s, {_names(GENERATION_COLUMNS, "g.")}
from jsonb_populate_record(null::generations, %(generation)s::jsonb) g
"""

KEEP_ATTEMPTS = f"""
insert into demo_scenario_attempts (scenario, {_names(ATTEMPT_COLUMNS)})
select %(number)s, {_names(ATTEMPT_COLUMNS, "a.")}
from jsonb_populate_recordset(null::attempts, %(attempts)s::jsonb) a
"""

# The lower the number, the more a person asks (see CALLS) and the larger the plan. All signed up before the month began;
# with `months`, so many months earlier, in each of which the plan granted credits that expired unspent.
PEOPLE = f"""
with drawn as materialized (
    select n, (n - %(first)s)::float8 / %(people)s as place, %(begins)s::timestamptz - random() * interval '60 days' as at,
        (%(first_names)s::varchar[])[1 + floor(random() * cardinality(%(first_names)s::varchar[]))::int] as first_name,
        (%(last_names)s::varchar[])[1 + floor(random() * cardinality(%(last_names)s::varchar[]))::int] as last_name,
        (%(domains)s::varchar[])[1 + floor(random() * cardinality(%(domains)s::varchar[]))::int] as domain
    from generate_series(%(low)s::int, %(high)s::int) n
), person as materialized (
    select d.*, {_uuid_at("d.at")} as user_id, {_uuid_at("d.at")} as account_id, {_uuid_at("d.at")} as entry_id,
        p.id as plan_id, p.trial_uses, greatest(coalesce(p.monthly_credits, 0), 50) as granted,
        coalesce(p.display_name, 'none') as plan_name
    from drawn d left join plans p on p.id = case
        when place < 0.02 then 'unlimited' when place < 0.06 then 'pro' when place < 0.14 then 'premium'
        when place < 0.34 then 'creator' when place < 0.80 then 'free' else 'trial' end
), past as materialized (
    select account_id, granted, plan_name, 2 * month - 1 as seq, {_uuid_at("begins")} as grant_id, {_uuid_at("ends")} as expiry_id,
        {_uuid_at("begins")} as lot_id, begins, ends
    from person, generate_series(1, %(months)s::int) month, lateral (
        select at - (%(months)s::int + 1 - month) * interval '30 days' as begins,
            at - (%(months)s::int - month) * interval '30 days' - interval '1 second' as ends) period
), users as (
    insert into users (id, email, name, status, status_reason, plan_id, trial_ends_at, trial_uses, created_at, updated_at)
    select user_id, lower(translate(first_name || '.' || last_name, 'ö', 'o')) || '.' || n || '@' || domain,
        first_name || ' ' || last_name, case when n %% 97 = 96 then 'suspended' else 'active' end,
        case when n %% 97 = 96 then 'Chargeback; see the demo ticket 4711.' end, plan_id,
        case when trial_uses is not null then at + interval '90 days' end, trial_uses, began, at
    from person, lateral (select at - %(months)s::int * interval '30 days' as began) since
), accounts as (
    insert into credit_accounts (id, user_id, traffic, balance, seq, created_at)
    select account_id, user_id, 'demo', granted, 2 * %(months)s::int + 1, at from person
), entries as (
    insert into credit_entries (id, account_id, seq, type, amount, balance_after, reason, actor_kind, traffic, lots, created_at)
    select entry_id, account_id, 2 * %(months)s::int + 1, 'grant', granted, granted, 'Grant of plan ' || plan_name, 'system',
        'demo', '{{}}'::uuid[], at
    from person
    union all
    select grant_id, account_id, seq, 'grant', granted, granted, 'Grant of plan ' || plan_name, 'system', 'demo', '{{}}', begins
    from past
    union all
    select expiry_id, account_id, seq + 1, 'expiry', -granted, 0, 'Not spent in its month', 'system', 'demo', array[lot_id], ends
    from past
), lots as (
    insert into credit_lots (id, account_id, entry_id, granted, remaining, expires_at, closed_at, created_at)
    select {_uuid_at("at")}, account_id, entry_id, granted, granted, null, null, at from person
    union all
    select lot_id, account_id, grant_id, granted, 0, ends, ends, begins from past
)
insert into demo_people (n, user_id, account_id) select n, user_id, account_id from person
"""

# A few people ask for most: the tenth with the lowest numbers for a third of all.
CALLS = f"""
with drawn as materialized (
    select slot.begins + random() * slot.seconds * interval '1 second' as at,
        %(first)s + floor(%(people)s * power(random(), 2.2))::int as n, floor(random() * %(scenarios)s)::int as scenario
    from unnest(%(begins)s::timestamptz[], %(seconds)s::float8[], %(counts)s::int[]) slot(begins, seconds, calls),
        generate_series(1, slot.calls)
)
insert into demo_calls (id, at, user_id, account_id, scenario)
select {_uuid_at("d.at")}, d.at, p.user_id, p.account_id, d.scenario from drawn d join demo_people p on p.n = d.n
"""

# Whoever would run out in this batch has bought a package just before.
TOP_UP = f"""
with due as (
    select c.account_id, sum(s.credits) as total, min(c.at) - interval '1 second' as at
    from demo_calls c join demo_scenarios s using (scenario) group by 1
), bought as materialized (
    select a.id as account_id, a.seq + 1 as seq, due.at, {_uuid_at("due.at")} as entry_id, a.balance,
        ((due.total - a.balance) / 500 + 1)::bigint * 500 as amount
    from due join credit_accounts a on a.id = due.account_id where due.total > a.balance
), accounts as (
    update credit_accounts a set balance = b.balance + b.amount, seq = b.seq from bought b where a.id = b.account_id
), entries as (
    insert into credit_entries (id, account_id, seq, type, amount, balance_after, reason, actor_kind, reference, traffic,
        created_at)
    select entry_id, account_id, seq, 'purchase', amount, balance + amount, 'Package of ' || amount || ' credits', 'system',
        'demo-' || entry_id, 'demo', at
    from bought
)
insert into credit_lots (id, account_id, entry_id, granted, remaining, created_at)
select {_uuid_at("at")}, account_id, entry_id, amount, amount, at from bought
"""

RESERVATIONS = """
insert into reservations (generation_id, account_id, amount, charged, state, lease_until, created_at, resolved_at)
select c.id, c.account_id, s.held, s.credits, case when s.status = 'failed' then 'released' else 'settled' end,
    c.at + interval '1 minute', c.at, c.at + s.latency_ms * interval '1 ms'
from demo_calls c join demo_scenarios s using (scenario) where s.reserved
"""

ENTRIES = f"""
with charged as (
    select c.id, c.account_id, s.credits, s.model, c.at + s.latency_ms * interval '1 ms' as at,
        row_number() over account as place, sum(s.credits) over account as spent
    from demo_calls c join demo_scenarios s using (scenario) where s.credits > 0
    window account as (partition by c.account_id order by c.at + s.latency_ms * interval '1 ms', c.id)
)
insert into credit_entries (id, account_id, seq, type, amount, balance_after, reason, actor_kind, generation_id, traffic,
    created_at)
select {_uuid_at("c.at")}, c.account_id, a.seq + c.place, 'usage', -c.credits, a.balance - c.spent, 'Text by ' || c.model,
    'system', c.id, 'demo', c.at
from charged c join credit_accounts a on a.id = c.account_id
"""

ACCOUNTS = """
with spent as (
    select c.account_id, sum(s.credits) as credits, count(*) as entries
    from demo_calls c join demo_scenarios s using (scenario) where s.credits > 0 group by 1
)
update credit_accounts a set balance = a.balance - spent.credits, seq = a.seq + spent.entries
from spent where a.id = spent.account_id
"""

# What is left of each lot follows from the balance: the oldest are spent first.
LOTS = """
with touched as (select distinct account_id from demo_calls),
stood as (
    select l.id, greatest(0, least(l.granted,
        a.balance - coalesce(sum(l.granted) over (
            partition by l.account_id order by l.expires_at nulls last, l.id
            rows between 1 following and unbounded following), 0))) as remaining
    from touched t join credit_accounts a on a.id = t.account_id join credit_lots l on l.account_id = a.id
)
update credit_lots l set remaining = stood.remaining from stood where stood.id = l.id and l.remaining <> stood.remaining
"""

GENERATIONS = f"""
insert into generations (id, user_id, traffic, modality, revenue, finished_at, {_names(GENERATION_COLUMNS)})
select c.id, c.user_id, 'demo', 'text', s.credits * %(credit_usd_value)s::numeric, c.at + s.latency_ms * interval '1 ms',
    {_names(GENERATION_COLUMNS, "s.")}
from demo_calls c join demo_scenarios s using (scenario)
"""

ATTEMPTS = f"""
insert into attempts (id, generation_id, user_id, traffic, modality, {_names(ATTEMPT_COLUMNS)})
select {_uuid_at("(c.at + s.offset_ms * interval '1 ms')")}, c.id, c.user_id, 'demo', 'text', {_names(ATTEMPT_COLUMNS, "s.")}
from demo_calls c join demo_scenario_attempts s using (scenario)
"""

CONTENT = """
insert into generation_content (id, prompt, answer)
select c.id, s.prompt, s.answer from demo_calls c join demo_scenarios s using (scenario)
"""

BATCH = (TOP_UP, RESERVATIONS, ENTRIES, ACCOUNTS, LOTS, GENERATIONS, ATTEMPTS, CONTENT)
"""In this order: entries are numbered from the account as it stood before the batch."""

# One charge in fifty people is refunded in whole, at the end.
REFUNDS = f"""
with charge as materialized (
    select distinct on (e.account_id) e.id, e.account_id, e.generation_id, -e.amount as amount, now() as at
    from demo_people p join credit_entries e on e.account_id = p.account_id and e.type = 'usage'
    where p.n %% 50 = 3 and e.refund_of is null order by e.account_id, e.seq desc
), back as materialized (
    select charge.*, a.seq + 1 as seq, a.balance + charge.amount as balance, {_uuid_at("charge.at")} as entry_id
    from charge join credit_accounts a on a.id = charge.account_id
), accounts as (
    update credit_accounts a set balance = b.balance, seq = b.seq from back b where a.id = b.account_id
), entries as (
    insert into credit_entries (id, account_id, seq, type, amount, balance_after, reason, reason_code, note, actor_kind,
        generation_id, refund_of, traffic, created_at)
    select entry_id, account_id, seq, 'refund', amount, balance, 'Result not usable', 'poor_result',
        'The answer was not usable.', 'system', generation_id, id, 'demo', at from back
)
insert into credit_lots (id, account_id, entry_id, granted, remaining, created_at)
select {_uuid_at("at")}, account_id, entry_id, amount, amount, at from back
"""

NEXT_NUMBER = (
    "select coalesce(max(substring(email from '[.]([0-9]{1,8})@[^@]+[.]example$')::int), -1) + 1 from users"
    " where email like '%%.example'"
)
"""Demo addresses carry a number; this is the first free one."""

ANALYZE = (
    "users", "credit_accounts", "credit_entries", "credit_lots", "reservations", "generations", "attempts",
    "generation_content",
)  # fmt: skip

# Away again. Demo users are those with a demo account; whoever was given live or test credits meanwhile stays, since
# the ledger keeps every entry that is not the demo's.
CLEAR = (
    "create temp table demo_gone on commit drop as select id, user_id from credit_accounts where traffic = 'demo'",
    "analyze demo_gone",
    "delete from generation_content c using generations g where g.id = c.id and g.traffic = 'demo'",
    "delete from attempts where traffic = 'demo'",
    "delete from generations where traffic = 'demo'",
    "delete from reservations r using demo_gone d where r.account_id = d.id",
    "delete from credit_lots l using demo_gone d where l.account_id = d.id",
    "delete from credit_requests r using demo_gone d where r.user_id = d.user_id and r.traffic = 'demo'",
    "delete from credit_entries e using demo_gone d where e.account_id = d.id",
    "delete from credit_hours where traffic = 'demo'",
    "delete from credit_accounts a using demo_gone d where a.id = d.id",
    "delete from credit_accounts a using demo_gone d where a.user_id = d.user_id and a.seq = 0"
    " and not exists (select from reservations r where r.account_id = a.id)",
    "delete from users u using demo_gone d where u.id = d.user_id"
    " and not exists (select from credit_accounts a where a.user_id = u.id)",
    "delete from providers where slug = any(%(slugs)s) and not enabled",
    "delete from settings where key = 'demo'",
)

# Each deleted account asks whether a reservation refers to it, which is a look through the whole table. Where there are
# many, this index is worth its making; it blocks reservations meanwhile, and goes with the transaction that made it.
CLEARING_INDEX = "create index demo_clear on reservations (account_id)"
CLEARING_DROP = "drop index demo_clear"
