-- The ledger's rules, where they hold for every process and survive any crash.
--
-- Every function locks the credit account first: whoever holds that row may read and write the account's lots, its
-- user's quota counters and its reservations, and nobody else does meanwhile. Lock order (shared DATA): idempotency,
-- credit account, quota counters, the rest.

-- Holds credits for one generation and counts it in its quota periods.
-- p_amounts: what each candidate would hold; the largest that the balance (and the rest of the month) carries is held.
-- p_day, p_month: the periods (null: not counted); p_day_cap, p_month_cap, p_trial_cap: null means unlimited.
-- outcome: held | no_account | insufficient_credits | trial_used | daily_limit | monthly_ceiling | duplicate
create or replace function ledger_reserve(
    p_user uuid, p_traffic varchar, p_generation uuid, p_amounts bigint[], p_lease_seconds integer,
    p_day varchar, p_day_cap bigint, p_month varchar, p_month_cap bigint, p_trial_cap bigint
) returns table (outcome text, amount bigint, available bigint, used bigint)
language plpgsql as $$
declare
    account record;
    counted bigint;
begin
    select a.id, a.balance, a.held into account
        from credit_accounts a where a.user_id = p_user and a.traffic = p_traffic for update;
    if not found then
        return query select 'no_account', 0::bigint, 0::bigint, null::bigint;
        return;
    end if;
    available := account.balance - account.held;

    if p_trial_cap is not null then
        select q.used into counted from quota_counters q
            where q.subject = p_user::varchar and q.name = 'trial' and q.period = '';
        if coalesce(counted, 0) >= p_trial_cap then
            return query select 'trial_used', 0::bigint, available, counted;
            return;
        end if;
    end if;
    if p_day_cap is not null then
        select q.used into counted from quota_counters q
            where q.subject = p_user::varchar and q.name = 'day' and q.period = p_day;
        if coalesce(counted, 0) >= p_day_cap then
            return query select 'daily_limit', 0::bigint, available, coalesce(counted, 0);
            return;
        end if;
    end if;

    select max(one) into amount from unnest(p_amounts) one where one <= available;
    if amount is null then
        select min(one) into amount from unnest(p_amounts) one;
        return query select 'insufficient_credits', amount, available, null::bigint;
        return;
    end if;
    if p_month_cap is not null then
        select q.used into counted from quota_counters q
            where q.subject = p_user::varchar and q.name = 'month' and q.period = p_month;
        counted := coalesce(counted, 0);
        -- Candidates that the rest of the month does not carry are dropped, as those that the balance does not carry.
        select max(one) into amount from unnest(p_amounts) one where one <= least(available, p_month_cap - counted);
        if amount is null then
            select min(one) into amount from unnest(p_amounts) one;
            return query select 'monthly_ceiling', amount, available, counted;
            return;
        end if;
    end if;

    insert into reservations (generation_id, account_id, amount, lease_until, day, month, trial)
        values (p_generation, account.id, amount, now() + make_interval(secs => p_lease_seconds),
                p_day, p_month, p_trial_cap is not null)
        on conflict do nothing;
    if not found then
        return query select 'duplicate', 0::bigint, available, null::bigint;
        return;
    end if;
    update credit_accounts a set held = a.held + ledger_reserve.amount where a.id = account.id;
    perform quota_count(p_user::varchar, p_day, p_month, p_trial_cap is not null, 1, amount);
    return query select 'held', amount, available - amount, counted;
end $$;

-- Adds to (or, with negative numbers, gives back to) the periods that a generation is counted in.
create or replace function quota_count(
    p_subject varchar, p_day varchar, p_month varchar, p_trial boolean, p_uses bigint, p_credits bigint
) returns void language plpgsql as $$
begin
    if p_day is not null and p_uses <> 0 then
        insert into quota_counters as q (subject, name, period, used) values (p_subject, 'day', p_day, greatest(p_uses, 0))
            on conflict (subject, name, period) do update set used = greatest(q.used + p_uses, 0), updated_at = now();
    end if;
    if p_trial and p_uses <> 0 then
        insert into quota_counters as q (subject, name, period, used) values (p_subject, 'trial', '', greatest(p_uses, 0))
            on conflict (subject, name, period) do update set used = greatest(q.used + p_uses, 0), updated_at = now();
    end if;
    if p_month is not null and p_credits <> 0 then
        insert into quota_counters as q (subject, name, period, used) values (p_subject, 'month', p_month, greatest(p_credits, 0))
            on conflict (subject, name, period) do update set used = greatest(q.used + p_credits, 0), updated_at = now();
    end if;
end $$;

-- Charges a held reservation, at most what was held; the rest returns. Whoever comes second changes nothing.
-- outcome: settled | gone (resolved already, or never made)
create or replace function ledger_settle(p_generation uuid, p_charge bigint, p_reason varchar)
returns table (outcome text, charged bigint, balance_after bigint)
language plpgsql as $$
declare
    account record;
    reservation record;
    v_charge bigint;
begin
    select a.id, a.user_id, a.traffic, a.balance, a.seq into account
        from reservations r join credit_accounts a on a.id = r.account_id
        where r.generation_id = p_generation for update of a;
    if not found then  -- a visitor's, or never made
        return query select * from visitor_settle(p_generation, p_charge);
        return;
    end if;
    update reservations r
        set state = 'settled', charged = least(greatest(p_charge, 0), r.amount), resolved_at = now()
        where r.generation_id = p_generation and r.state = 'held'
        returning r.amount, r.charged, r.day, r.month into reservation;
    if not found then
        -- Told again after an answer was lost: the charge stands as it was made.
        return query select 'gone', coalesce((select r.charged from reservations r where r.generation_id = p_generation), 0), account.balance;
        return;
    end if;
    v_charge := reservation.charged;
    update credit_accounts a
        set held = a.held - reservation.amount, balance = a.balance - v_charge, seq = a.seq + (v_charge > 0)::int
        where a.id = account.id
        returning a.balance, a.seq into account.balance, account.seq;
    if v_charge > 0 then
        insert into credit_entries
            (id, account_id, seq, type, amount, balance_after, reason, actor_kind, generation_id, traffic, lots)
        values (uuid_v7(), account.id, account.seq, 'usage', -v_charge, account.balance, p_reason, 'system',
                p_generation, account.traffic, lots_burn(account.id, v_charge));
    end if;
    if reservation.month is not null and v_charge < reservation.amount then
        perform quota_count(account.user_id::varchar, null, reservation.month, false, 0, v_charge - reservation.amount);
    end if;
    return query select 'settled', v_charge, account.balance;
end $$;

-- Gives a held reservation back, with its place in the quotas of the day it was taken from.
-- outcome: released | gone
create or replace function ledger_release(p_generation uuid)
returns table (outcome text, amount bigint, balance_after bigint)
language plpgsql as $$
declare
    account record;
    reservation record;
begin
    select a.id, a.user_id, a.balance into account
        from reservations r join credit_accounts a on a.id = r.account_id
        where r.generation_id = p_generation for update of a;
    if not found then  -- a visitor's, or never made
        return query select * from visitor_release(p_generation);
        return;
    end if;
    update reservations r set state = 'released', resolved_at = now()
        where r.generation_id = p_generation and r.state = 'held'
        returning r.amount, r.day, r.month, r.trial into reservation;
    if not found then
        return query select 'gone', 0::bigint, account.balance;
        return;
    end if;
    update credit_accounts a set held = a.held - reservation.amount where a.id = account.id;
    perform quota_count(account.user_id::varchar, reservation.day, reservation.month, reservation.trial, -1, -reservation.amount);
    return query select 'released', reservation.amount, account.balance;
end $$;

-- Posts one entry other than usage. A positive amount makes a lot that may expire; a negative one burns lots, and is
-- refused where it would reach into what is held.
-- outcome: posted | no_account | insufficient_credits
drop function if exists ledger_post(
    uuid, uuid, varchar, bigint, timestamptz, varchar, varchar, varchar, varchar, uuid, uuid, uuid, varchar);
create or replace function ledger_post(
    p_account uuid, p_entry uuid, p_type varchar, p_amount bigint, p_expires_at timestamptz,
    p_reason varchar, p_reason_code varchar, p_note varchar, p_actor_kind varchar, p_actor uuid,
    p_generation uuid, p_refund_of uuid, p_reference varchar, p_approved_by uuid default null
) returns table (outcome text, seq bigint, balance_after bigint)
language plpgsql as $$
declare
    account record;
    burned uuid[] := '{}';
begin
    select a.id, a.balance, a.held, a.traffic into account from credit_accounts a where a.id = p_account for update;
    if not found then
        return query select 'no_account', 0::bigint, 0::bigint;
        return;
    end if;
    if p_amount < 0 and account.balance - account.held + p_amount < 0 then
        return query select 'insufficient_credits', 0::bigint, account.balance - account.held;
        return;
    end if;
    update credit_accounts a set balance = a.balance + p_amount, seq = a.seq + 1
        where a.id = p_account returning a.seq, a.balance into seq, balance_after;
    if p_amount < 0 then
        burned := lots_burn(p_account, -p_amount);
    end if;
    insert into credit_entries
        (id, account_id, seq, type, amount, balance_after, reason, reason_code, note, actor_kind, actor_id,
         generation_id, refund_of, reference, traffic, lots, approved_by)
    values (p_entry, p_account, seq, p_type, p_amount, balance_after, p_reason, p_reason_code, p_note, p_actor_kind,
            p_actor, p_generation, p_refund_of, p_reference, account.traffic, burned, p_approved_by);
    if p_amount > 0 then
        insert into credit_lots (id, account_id, entry_id, granted, remaining, expires_at)
            values (uuid_v7(), p_account, p_entry, p_amount, p_amount, p_expires_at);
    end if;
    return query select 'posted', seq, balance_after;
end $$;

-- Closes the lots of an account whose time was up at p_now, and books what was left of each as one entry. What is held
-- would burn the soonest-expiring lots first: so much of them stays, and expires once it has been given back.
-- Returns the credits that expired.
create or replace function ledger_expire(p_account uuid, p_now timestamptz) returns bigint
language plpgsql as $$
declare
    account record;
    lot record;
    kept bigint;
    stays bigint;
    expired bigint := 0;
begin
    select a.id, a.balance, a.held, a.seq, a.traffic into account from credit_accounts a where a.id = p_account for update;
    kept := account.held;
    for lot in
        select l.id, l.entry_id, l.remaining, l.created_at from credit_lots l
        where l.account_id = p_account and l.closed_at is null and l.expires_at <= p_now
        order by l.expires_at, l.id
    loop
        stays := least(lot.remaining, kept);
        kept := kept - stays;
        if stays < lot.remaining then
            account.balance := account.balance - (lot.remaining - stays);
            account.seq := account.seq + 1;
            expired := expired + lot.remaining - stays;
            insert into credit_entries
                (id, account_id, seq, type, amount, balance_after, reason, actor_kind, traffic, lots)
            select uuid_v7(), p_account, account.seq, 'expiry', stays - lot.remaining, account.balance,
                e.reason || ' of ' || to_char(lot.created_at at time zone 'UTC', 'YYYY-MM-DD'), 'system', account.traffic,
                array[lot.id]
            from credit_entries e where e.id = lot.entry_id;
        end if;
        if stays = 0 or stays < lot.remaining then
            update credit_lots l set remaining = stays, closed_at = case when stays = 0 then p_now end where l.id = lot.id;
        end if;
    end loop;
    if expired > 0 then
        update credit_accounts a set balance = account.balance, seq = account.seq where a.id = p_account;
    end if;
    return expired;
end $$;

-- Grants the free credits of a day that ends at p_until, once; what was left of the day before has expired by then.
-- Returns what was granted: 0 where they were taken before, or there is no account.
create or replace function ledger_daily(p_user uuid, p_amount bigint, p_now timestamptz, p_until timestamptz) returns bigint
language plpgsql as $$
declare
    account record;
begin
    -- Looked at without the lock first: all but the first of a day end here.
    select a.id, a.daily_until into account from credit_accounts a where a.user_id = p_user and a.traffic = 'live';
    if not found or account.daily_until >= p_until then
        return 0;
    end if;
    select a.id, a.daily_until into account from credit_accounts a where a.id = account.id for update;
    if account.daily_until >= p_until then
        return 0;
    end if;
    perform ledger_expire(account.id, p_now);
    perform ledger_post(account.id, uuid_v7(), 'grant', p_amount, p_until, 'Free credits of the day', 'daily', null, 'system',
        null, null, null, null);
    update credit_accounts a set daily_until = p_until where a.id = account.id;
    return p_amount;
end $$;

-- Takes p_amount out of an account's lots, soonest-expiring first, then oldest. Returns the lots touched.
-- The caller holds the account's lock and has seen that the lots suffice.
create or replace function lots_burn(p_account uuid, p_amount bigint) returns uuid[]
language plpgsql as $$
declare
    lot record;
    missing bigint := p_amount;
    taken bigint;
    touched uuid[] := '{}';
begin
    for lot in
        select l.id, l.remaining from credit_lots l
        where l.account_id = p_account and l.remaining > 0
        order by l.expires_at nulls last, l.id
    loop
        taken := least(lot.remaining, missing);
        update credit_lots l set remaining = l.remaining - taken where l.id = lot.id;
        touched := touched || lot.id;
        missing := missing - taken;
        exit when missing = 0;
    end loop;
    if missing > 0 then
        raise exception 'lots of account % do not cover %', p_account, p_amount using errcode = 'PR002';
    end if;
    return touched;
end $$;

-- A UUIDv7 (RFC 9562) on PostgreSQL 16 as well as 18: milliseconds, then randomness.
create or replace function uuid_v7() returns uuid language sql volatile as $$
    select encode(
        set_bit(set_bit(
            overlay(uuid_send(gen_random_uuid())
                    placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
                    from 1 for 6),
            52, 1), 53, 1), 'hex')::uuid
$$;
