"""What people asked for or bought is booked as they asked, and the sums by the hour are those of what is booked."""

from core.system.invariants.invariant import Invariant

BOOKINGS = (
    Invariant(
        "request-is-entry",
        "Every approved adjustment is one entry of its amount on the user's account, approved by another person.",
        """
        select e.account_id, r.user_id, null::uuid, r.amount || ' on the account of the user',
            coalesce(e.amount || ' on account ' || e.account_id, 'no entry'), 'request ' || r.id
        from credit_requests r
        left join credit_entries e on e.id = r.entry_id
        left join credit_accounts a on a.id = e.account_id and a.user_id = r.user_id and a.traffic = r.traffic
        where r.kind = 'adjustment' and r.state = 'approved'
            and (a.id is null or e.amount <> r.amount or e.type <> r.type or e.actor_id is distinct from r.asked_by
                or e.approved_by is distinct from r.decided_by)
        union all
        select null, r.user_id, null, 'no entry', 'entry ' || r.entry_id, 'request ' || r.id || ', ' || r.state
        from credit_requests r where r.entry_id is not null and r.state <> 'approved'
        union all
        select e.account_id, null, null, 'another person', 'who asked', 'entry ' || e.id
        from credit_entries e where e.actor_id is not null and e.approved_by = e.actor_id
        """,
    ),
    Invariant(
        "bulk-line-is-entry",
        "Every booked line of a bulk grant is one entry of its amount on the person's account, and the other way round.",
        """
        select e.account_id, l.user_id, null::uuid, l.amount || ' on the account of the user',
            coalesce(e.amount || ' on account ' || e.account_id, 'no entry'), 'line ' || l.number || ' of bulk grant ' || l.bulk_id
        from bulk_grant_lines l
        left join credit_entries e on e.id = l.entry_id
        left join credit_accounts a on a.id = e.account_id and a.user_id = l.user_id and a.traffic = 'live'
        where l.entry_id is not null
            and (a.id is null or e.amount <> l.amount or e.reference is distinct from 'bulk:' || l.bulk_id)
        union all
        select e.account_id, null, null, 'one line', 'none', 'entry ' || e.id || ' of ' || e.reference
        from credit_entries e
        left join bulk_grant_lines l on l.entry_id = e.id
        where e.type <> 'usage' and e.reference like 'bulk:%' and l.bulk_id is null
        """,
    ),
    Invariant(
        "purchase-is-entry",
        "Every purchase is an entry of the account of who bought, under the same reference.",
        """
        select e.account_id, p.user_id, null::uuid, 'a purchase on the account of the user',
            coalesce(e.type || ' on account ' || e.account_id, 'no entry'), 'purchase ' || p.reference
        from purchases p
        left join credit_entries e on e.id = p.entry_id
        left join credit_accounts a on a.id = e.account_id and a.user_id = p.user_id and a.traffic = 'live'
        where a.id is null or e.type <> 'purchase' or e.reference is distinct from p.reference
        """,
    ),
    Invariant(
        "code-uses-are-entries",
        "A promotional code has been used as often as it says, each time by one entry, and no more than it may be.",
        """
        select null::uuid, null::uuid, null::uuid, c.uses || ' uses', coalesce(u.count, 0) || ' uses', 'code ' || c.code
        from promo_codes c left join (select code, count(*) count from promo_uses group by code) u on u.code = c.code
        where c.uses <> coalesce(u.count, 0) or c.uses > c.most_uses
        union all
        select e.account_id, u.user_id, null, 'an entry of code ' || u.code, coalesce('entry of ' || e.reference, 'none'),
            'use of code ' || u.code
        from promo_uses u
        left join credit_entries e on e.id = u.entry_id
        left join credit_accounts a on a.id = e.account_id and a.user_id = u.user_id
        where a.id is null or e.reference is distinct from 'code:' || u.code
        """,
    ),
    Invariant(
        "hours-are-entries",
        "The ledger's hours, as far as they are folded for certain, are what the entries of each hour sum to.",
        """
        select null::uuid, null::uuid, null::uuid, coalesce(e.entries, 0) || ' entries, ' || coalesce(e.credits, 0) || ' cr',
            coalesce(h.entries, 0) || ' entries, ' || coalesce(h.credits, 0) || ' cr',
            coalesce(h.traffic, e.traffic) || ' ' || coalesce(h.type, e.type) || ' of the hour of ' || coalesce(h.at, e.at)
        from (select date_trunc('hour', at, 'UTC') - interval '1 hour' as until from marks where name = 'credit_hours') m
        cross join lateral (
            select date_trunc('hour', uuid_time(id), 'UTC') as at, traffic, type, count(*) entries, sum(amount) credits
            from credit_entries where id < first_uuid_at(m.until) and traffic <> 'demo' group by 1, 2, 3) e
        full join (select h.* from credit_hours h, marks m where m.name = 'credit_hours' and h.traffic <> 'demo'
                and h.at < date_trunc('hour', m.at, 'UTC') - interval '1 hour') h
            on h.at = e.at and h.traffic = e.traffic and h.type = e.type
        where coalesce(e.entries, 0) <> coalesce(h.entries, 0) or coalesce(e.credits, 0) <> coalesce(h.credits, 0)
        """,
    ),
)
