-- Visitors: people without an account, counted by their address. Nothing is held or charged; a reservation (with
-- `visitor` in the place of an account) keeps what was counted, so that it can be given back to the day it was
-- taken from. `ledger_settle` and `ledger_release` (core/credits/functions.sql) hand on to the functions here. Once it
-- is resolved the address is struck out of it: counters are forgotten in time, reservations never.
--
-- The day's counter is the lock: whoever holds it decides alone about this address. Order, as everywhere: reservation
-- that is resolved, then the counters of day, trial and month.

-- Counts one generation of an address, with the largest amount of credits that the month's allowance carries.
-- outcome: held | daily_limit | monthly_ceiling | duplicate. available: what is left of the allowance.
create or replace function visitor_reserve(
    p_visitor varchar, p_generation uuid, p_amounts bigint[], p_lease_seconds integer,
    p_day varchar, p_day_cap bigint, p_month varchar, p_month_cap bigint
) returns table (outcome text, amount bigint, available bigint, used bigint)
language plpgsql as $$
declare
    v_subject varchar := 'visitor:' || p_visitor;
    counted bigint;
begin
    insert into quota_counters (subject, name, period, used) values (v_subject, 'day', p_day, 0) on conflict do nothing;
    select q.used into counted from quota_counters q
        where q.subject = v_subject and q.name = 'day' and q.period = p_day for update;
    if counted >= p_day_cap then
        return query select 'daily_limit', 0::bigint, 0::bigint, counted;
        return;
    end if;

    -- Another day's generations may be settling into the same month: its counter is locked too before it is read.
    insert into quota_counters (subject, name, period, used) values (v_subject, 'month', p_month, 0) on conflict do nothing;
    select q.used into counted from quota_counters q
        where q.subject = v_subject and q.name = 'month' and q.period = p_month for update;
    select max(one) into amount from unnest(p_amounts) one where p_month_cap is null or counted + one <= p_month_cap;
    available := greatest(p_month_cap - counted, 0);
    if amount is null then
        select min(one) into amount from unnest(p_amounts) one;
        return query select 'monthly_ceiling', amount, available, counted;
        return;
    end if;

    insert into reservations (generation_id, visitor, amount, lease_until, day, month)
        values (p_generation, p_visitor, amount, now() + make_interval(secs => p_lease_seconds), p_day, p_month)
        on conflict do nothing;
    if not found then
        return query select 'duplicate', 0::bigint, available, null::bigint;
        return;
    end if;
    perform quota_count(v_subject, p_day, p_month, false, 1, amount);
    return query select 'held', amount, greatest(available - amount, 0), counted;
end $$;

-- The end of a visitor's generation: it stays counted, with the credits that it was worth and nobody paid.
-- outcome: settled | gone (resolved already, or never made)
create or replace function visitor_settle(p_generation uuid, p_worth bigint)
returns table (outcome text, charged bigint, balance_after bigint)
language plpgsql as $$
declare
    reservation record;
    v_worth bigint;
begin
    select r.visitor, r.amount, r.month into reservation from reservations r
        where r.generation_id = p_generation and r.state = 'held' and r.visitor is not null for update;
    if not found then
        return query select 'gone', 0::bigint, 0::bigint;
        return;
    end if;
    update reservations r set state = 'settled', visitor = '', resolved_at = now() where r.generation_id = p_generation;
    v_worth := least(greatest(p_worth, 0), reservation.amount);
    perform quota_count('visitor:' || reservation.visitor, null, reservation.month, false, 0, v_worth - reservation.amount);
    return query select 'settled', 0::bigint, 0::bigint;
end $$;

-- Gives a visitor's place back, to the day and the month it was taken from.
-- outcome: released | gone
create or replace function visitor_release(p_generation uuid)
returns table (outcome text, amount bigint, balance_after bigint)
language plpgsql as $$
declare
    reservation record;
begin
    select r.visitor, r.amount, r.day, r.month into reservation from reservations r
        where r.generation_id = p_generation and r.state = 'held' and r.visitor is not null for update;
    if not found then
        return query select 'gone', 0::bigint, 0::bigint;
        return;
    end if;
    update reservations r set state = 'released', visitor = '', resolved_at = now() where r.generation_id = p_generation;
    perform quota_count('visitor:' || reservation.visitor, reservation.day, reservation.month, false, -1, -reservation.amount);
    return query select 'released', reservation.amount, 0::bigint;
end $$;
