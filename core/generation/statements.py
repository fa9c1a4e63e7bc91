"""The statements of a generation: its beginning and its end are one transaction each, its money with it.

They call the ledger's functions, so that a row never exists without its reservation, nor a charge without its row.
A crash between the two leaves a held reservation, which the sweeper resolves (`core.generation.sweeper`).
"""

from core.credits.service import RELEASE, RESERVE, SETTLE
from core.generation.visitors import RESERVE as RESERVE_FOR_VISITOR

BEGINNING = """
with reserved as materialized ({reserve}),
row as (
    insert into generations (id, user_id, api_key_id, project_id, traffic, modality, type, status, streamed,
        requested_provider, requested_model, allow_fallback, strategy, held, parameters, request_id)
    select %(id)s, %(user_id)s, %(api_key_id)s, %(project_id)s, %(traffic)s, %(modality)s, %(type)s, 'processing',
        %(streamed)s, %(requested_provider)s, %(requested_model)s, %(allow_fallback)s, %(strategy)s, {held},
        %(parameters)s::jsonb, %(request_id)s
    from reserved where reserved.outcome = 'held'
),
content as (
    insert into generation_content (id, prompt) select %(id)s, %(prompt)s::jsonb from reserved where reserved.outcome = 'held'
)
select outcome, amount, available, used from reserved
"""
BEGIN = BEGINNING.format(reserve=RESERVE, held="reserved.amount")
"""outcome, credits held (or required), credits available, count of the quota that refused."""
BEGIN_FOR_VISITOR = BEGINNING.format(reserve=RESERVE_FOR_VISITOR, held="0")
"""The same for somebody without an account: counted, with nothing held."""

ATTEMPTS = """
    insert into attempts (id, generation_id, user_id, number, traffic, modality, provider_id, provider, model, key_id,
        outcome, serving, offset_ms, waited_ms, latency_ms, first_token_ms, error_class, http_status, vendor_code,
        vendor_message, vendor_request_id, retry_after_ms, input_tokens, cached_tokens, output_tokens, usage_estimated,
        cost, unpriced, simulated)
    select a.id, %(id)s, %(user_id)s, a.number, %(traffic)s, %(modality)s, a.provider_id, a.provider, a.model, a.key_id,
        a.outcome, a.serving, a.offset_ms, a.waited_ms, a.latency_ms, a.first_token_ms, a.error_class, a.http_status,
        a.vendor_code, a.vendor_message, a.vendor_request_id, a.retry_after_ms, a.input_tokens, a.cached_tokens,
        a.output_tokens, a.usage_estimated, a.cost, a.unpriced, a.simulated
    from jsonb_to_recordset(%(attempts)s::jsonb) as a(id uuid, number integer, provider_id uuid, provider varchar,
        model varchar, key_id uuid, outcome varchar, serving boolean, offset_ms integer, waited_ms integer,
        latency_ms integer, first_token_ms integer, error_class varchar, http_status integer, vendor_code varchar,
        vendor_message varchar, vendor_request_id varchar, retry_after_ms integer, input_tokens bigint,
        cached_tokens bigint, output_tokens bigint, usage_estimated boolean, cost numeric, unpriced boolean,
        simulated boolean)
    on conflict do nothing
"""

OUTCOME = """
        provider_id = %(provider_id)s, provider = %(provider)s, model = %(model)s, excess_credits = %(excess)s,
        cost = %(cost)s, unpriced = %(unpriced)s, input_tokens = %(input_tokens)s, cached_tokens = %(cached_tokens)s,
        output_tokens = %(output_tokens)s, usage_estimated = %(usage_estimated)s, attempts = %(attempt_count)s,
        latency_ms = %(latency_ms)s, first_token_ms = %(first_token_ms)s, finish_reason = %(finish_reason)s,
        error_class = %(error_class)s, error_code = %(error_code)s, error_message = %(error_message)s, cut = %(cut)s,
        trace = %(trace)s::jsonb, finished_at = now()
"""

FINISH = f"""
with settled as materialized ({SETTLE}),
row as (
    update generations g set status = %(status)s, credits = settled.charged,
        revenue = case when g.traffic = 'live' then settled.charged * %(credit_usd_value)s::numeric else 0 end, {OUTCOME}
    from settled where g.id = %(id)s
),
called as ({ATTEMPTS}),
content as (update generation_content set answer = %(answer)s where id = %(id)s and %(answer)s::varchar is not null)
select outcome, charged, balance_after from settled
"""
"""outcome, credits charged, balance after."""

FAIL = f"""
with released as materialized ({RELEASE}),
row as (update generations g set status = %(status)s, {OUTCOME}
    from released
    -- What the sweeper has released meanwhile still learns what it had cost; what was settled stays as it is.
    where g.id = %(id)s and (released.outcome = 'released' or g.error_code = 'interrupted')
),
called as ({ATTEMPTS})
select outcome, amount, balance_after from released
"""
"""outcome, credits given back, balance after."""

REFUSE = """
with row as (
    insert into generations (id, user_id, api_key_id, project_id, traffic, modality, type, status, streamed,
        requested_provider, requested_model, allow_fallback, strategy, error_code, error_message, trace, parameters,
        request_id, latency_ms, finished_at)
    values (%(id)s, %(user_id)s, %(api_key_id)s, %(project_id)s, %(traffic)s, %(modality)s, %(type)s, 'failed',
        %(streamed)s, %(requested_provider)s, %(requested_model)s, %(allow_fallback)s, %(strategy)s, %(error_code)s,
        %(error_message)s, %(trace)s::jsonb, %(parameters)s::jsonb, %(request_id)s, 0, now())
)
insert into generation_content (id, prompt) values (%(id)s, %(prompt)s::jsonb)
"""
"""A request that was turned away before anything was held."""

RENEW = (
    "update reservations set lease_until = now() + make_interval(secs => %(seconds)s)"
    " where generation_id = any(%(ids)s) and state = 'held'"
)

LAPSED = "select generation_id from reservations where state = 'held' and lease_until < now() order by lease_until limit 200"

SWEEP = f"""
with released as materialized ({RELEASE})
update generations g set status = 'failed', error_code = 'interrupted', finished_at = now(),
    error_message = 'Purser stopped while this was running; what was held came back.'
from released where g.id = %(id)s and released.outcome = 'released' and g.status in ('pending', 'processing')
"""
