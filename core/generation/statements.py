"""The statements of a generation: its beginning and its end are one transaction each, its money with it.

They call the ledger's functions, so that a row never exists without its reservation, nor a charge without its row;
the end is a function of its own (functions.sql).
A crash between the two leaves a held reservation, which the sweeper resolves (`core.generation.sweeper`).
"""

from core.credits.service import RELEASE, RESERVE
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

END = (
    "select * from generation_end(%(id)s, %(settle)s, %(charge)s, %(reason)s, %(credit_usd_value)s, %(end)s::jsonb,"
    " %(attempts)s::jsonb, %(answer)s)"
)
"""outcome, credits charged or given back, balance after."""

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
