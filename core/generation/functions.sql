-- The end of a generation, its money and its attempts, as one: a row never ends without its charge, nor a charge is made
-- without its row. As one statement all of it would be planned at each call; here that is so of the two updates alone,
-- which are planned for the month of this id (docs/decisions/0001).
--
-- Settles (`p_settle`) or releases what was held. `p_end` are the columns of the row, and of `p_attempts` those of all
-- attempts (`core.generation.outcome` makes both); `p_answer` is kept if there is one.
-- outcome: settled | released | gone, as the ledger says; amount: credits charged, or given back.
--
-- Processes of an older release call it too, while they are replaced: what comes anew comes in `p_end` and is missing in
-- theirs, and these parameters stay.
create or replace function generation_end(
    p_generation uuid, p_settle boolean, p_charge bigint, p_reason varchar, p_credit_usd_value numeric,
    p_end jsonb, p_attempts jsonb, p_answer varchar
) returns table (outcome text, amount bigint, balance_after bigint)
language plpgsql as $$
begin
    if p_settle then
        select * into outcome, amount, balance_after from ledger_settle(p_generation, p_charge, p_reason);
    else
        select * into outcome, amount, balance_after from ledger_release(p_generation);
    end if;

    update generations g set
        status = e.status,
        credits = case when p_settle then amount else g.credits end,
        revenue = case when p_settle and g.traffic = 'live' then amount * p_credit_usd_value else g.revenue end,
        provider_id = e.provider_id, provider = e.provider, model = e.model, excess_credits = e.excess_credits,
        cost = e.cost, unpriced = e.unpriced, input_tokens = e.input_tokens, cached_tokens = e.cached_tokens,
        output_tokens = e.output_tokens, usage_estimated = e.usage_estimated,
        attempts = jsonb_array_length(p_attempts), latency_ms = e.latency_ms, first_token_ms = e.first_token_ms,
        finish_reason = e.finish_reason, error_class = e.error_class, error_code = e.error_code,
        error_message = e.error_message, cut = e.cut, trace = e.trace, finished_at = now()
    from jsonb_to_record(p_end) as e(
        status varchar, provider_id uuid, provider varchar, model varchar, excess_credits bigint, cost numeric,
        unpriced boolean, input_tokens bigint, cached_tokens bigint, output_tokens bigint, usage_estimated boolean,
        latency_ms integer, first_token_ms integer, finish_reason varchar, error_class varchar, error_code varchar,
        error_message varchar, cut varchar, trace jsonb)
    -- What the sweeper has released meanwhile still learns what it had cost; what was settled stays as it is.
    where g.id = p_generation and (p_settle or outcome = 'released' or g.error_code = 'interrupted');

    insert into attempts (id, generation_id, user_id, number, traffic, modality, provider_id, provider, model, key_id,
        outcome, serving, offset_ms, waited_ms, latency_ms, first_token_ms, error_class, http_status, vendor_code,
        vendor_message, vendor_request_id, retry_after_ms, input_tokens, cached_tokens, output_tokens, usage_estimated,
        cost, unpriced, simulated)
    select a.id, p_generation, e.user_id, a.number, e.traffic, e.modality, a.provider_id, a.provider, a.model, a.key_id,
        a.outcome, a.serving, a.offset_ms, a.waited_ms, a.latency_ms, a.first_token_ms, a.error_class, a.http_status,
        a.vendor_code, a.vendor_message, a.vendor_request_id, a.retry_after_ms, a.input_tokens, a.cached_tokens,
        a.output_tokens, a.usage_estimated, a.cost, a.unpriced, a.simulated
    from jsonb_to_record(p_end) as e(user_id uuid, traffic varchar, modality varchar),
    jsonb_to_recordset(p_attempts) as a(id uuid, number integer, provider_id uuid, provider varchar,
        model varchar, key_id uuid, outcome varchar, serving boolean, offset_ms integer, waited_ms integer,
        latency_ms integer, first_token_ms integer, error_class varchar, http_status integer, vendor_code varchar,
        vendor_message varchar, vendor_request_id varchar, retry_after_ms integer, input_tokens bigint,
        cached_tokens bigint, output_tokens bigint, usage_estimated boolean, cost numeric, unpriced boolean,
        simulated boolean)
    on conflict do nothing;

    if p_answer is not null then
        update generation_content c set answer = p_answer where c.id = p_generation;
    end if;
    return next;
end $$;
