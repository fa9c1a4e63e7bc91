"""Accounts, their entries and their lots agree."""

from core.system.invariants.invariant import Invariant

LEDGER = (
    # Accounts against their entries
    Invariant(
        "balance-is-entries",
        "The balance of every account is the sum of its entries.",
        """
        select a.id, a.user_id, null::uuid, coalesce(e.total, 0)::varchar, a.balance::varchar, null
        from credit_accounts a
        left join (select account_id, sum(amount) total from credit_entries group by account_id) e on e.account_id = a.id
        where a.balance <> coalesce(e.total, 0)
        """,
    ),
    Invariant(
        "balance-after-chains",
        "Every entry's balance is that of the entry before it, plus its own amount.",
        """
        select e.account_id, a.user_id, e.generation_id, (e.before + e.amount)::varchar, e.balance_after::varchar,
            'entry ' || e.seq
        from (select account_id, seq, generation_id, amount, balance_after,
                lag(balance_after, 1, 0::bigint) over (partition by account_id order by seq) before
            from credit_entries) e
        join credit_accounts a on a.id = e.account_id
        where e.balance_after <> e.before + e.amount
        """,
    ),
    Invariant(
        "entries-are-complete",
        "The entries of every account are numbered from 1 to its seq without a gap: none was lost.",
        """
        select a.id, a.user_id, null::uuid, 'entries 1 to ' || a.seq,
            case when e.count is null then 'none' else e.count || ' entries, ' || e.first || ' to ' || e.last end, null
        from credit_accounts a
        left join (select account_id, count(*) count, min(seq) first, max(seq) last from credit_entries
            group by account_id) e on e.account_id = a.id
        where a.seq <> coalesce(e.count, 0) or a.seq <> coalesce(e.last, 0) or coalesce(e.first, 1) <> 1
        """,
    ),
    # Lots: what is left of each grant
    Invariant(
        "balance-is-lots",
        "The balance of every account is what is left in its lots.",
        """
        select a.id, a.user_id, null::uuid, a.balance::varchar, coalesce(l.total, 0)::varchar, 'left in lots'
        from credit_accounts a
        left join (select account_id, sum(remaining) total from credit_lots group by account_id) l on l.account_id = a.id
        where a.balance <> coalesce(l.total, 0)
        """,
    ),
    Invariant(
        "lot-within-grant",
        "No lot holds more than was granted, nor less than nothing.",
        """
        select l.account_id, a.user_id, null::uuid, '0 to ' || l.granted, l.remaining::varchar, 'lot ' || l.id
        from credit_lots l join credit_accounts a on a.id = l.account_id
        where l.remaining not between 0 and l.granted
        """,
    ),
    Invariant(
        "lot-is-entry",
        "Every credit that came in has its lot, of the same amount and on the same account.",
        """
        select coalesce(e.account_id, l.account_id), a.user_id, e.generation_id, coalesce(e.amount, 0)::varchar,
            coalesce(l.granted, 0)::varchar, 'entry ' || coalesce(e.id, l.entry_id)
        from (select * from credit_entries where amount > 0) e
        full join (select entry_id, account_id, sum(granted) granted from credit_lots group by entry_id, account_id) l
            on l.entry_id = e.id and l.account_id = e.account_id
        left join credit_accounts a on a.id = coalesce(e.account_id, l.account_id)
        where coalesce(e.amount, 0) <> coalesce(l.granted, 0)
        """,
    ),
    Invariant(
        "lots-are-closed",
        "A closed lot is empty; one whose time is up is closed within ten minutes, but for what its account holds.",
        """
        select l.account_id, a.user_id, null::uuid, '0', l.remaining::varchar, 'closed lot ' || l.id
        from credit_lots l join credit_accounts a on a.id = l.account_id
        where l.closed_at is not null and l.remaining <> 0
        union all
        select l.account_id, a.user_id, null, 'at most ' || a.held, sum(l.remaining)::varchar, 'left in lots whose time is up'
        from credit_lots l join credit_accounts a on a.id = l.account_id
        where l.closed_at is null and l.expires_at < now() - interval '10 minutes' and a.traffic <> 'demo'
        group by l.account_id, a.user_id, a.held having sum(l.remaining) > a.held
        """,
    ),
)
