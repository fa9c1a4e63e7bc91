-- The monthly partitions of generations, attempts and generation_content.
-- Their keys are UUIDv7, whose first 48 bits are milliseconds: a month is a range of ids.

create or replace function first_uuid_at(moment timestamptz) returns uuid
language sql immutable as $$
    select (lpad(to_hex(floor(extract(epoch from moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

create or replace function ensure_partitions(first_day date, months integer) returns integer
language plpgsql as $$
declare
    parent text;
    month_start timestamptz;
    partition_name text;
    made integer := 0;
begin
    -- Two at once (a schedule and a starting process) would both find a partition missing.
    perform pg_advisory_xact_lock(1347769936);
    for number in 0 .. months - 1 loop
        month_start := (date_trunc('month', first_day::timestamp) + make_interval(months => number)) at time zone 'UTC';
        foreach parent in array array['generations', 'attempts', 'generation_content'] loop
            partition_name := parent || to_char(month_start at time zone 'UTC', '_YYYY_MM');
            if to_regclass(partition_name) is null then
                execute format(
                    'create table %I partition of %I for values from (%L) to (%L)',
                    partition_name, parent,
                    first_uuid_at(month_start),
                    first_uuid_at((month_start at time zone 'UTC' + interval '1 month') at time zone 'UTC')
                );
                made := made + 1;
            end if;
        end loop;
    end loop;
    return made;
end $$;

-- When a UUIDv7 was made; PostgreSQL 18 has this built in, 16 does not.
create or replace function uuid_time(id uuid) returns timestamptz
language sql immutable parallel safe as $$
    select to_timestamp(('x' || translate(left(id::text, 13), '-', ''))::bit(48)::bigint / 1000.0)
$$;
