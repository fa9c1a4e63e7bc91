"""Generations, what was reserved for them, and what they were charged agree."""

from core.system.invariants.invariant import Invariant

GENERATIONS = (
    # Reservations: credits set aside while a call runs
    Invariant(
        "held-is-reservations",
        "What an account holds is the sum of its open reservations.",
        """
        select a.id, a.user_id, null::uuid, coalesce(r.total, 0)::varchar, a.held::varchar, 'held'
        from credit_accounts a
        left join (select account_id, sum(amount) total from reservations where state = 'held' group by account_id) r
            on r.account_id = a.id
        where a.held <> coalesce(r.total, 0)
        """,
    ),
    Invariant(
        "held-within-balance",
        "No account holds more than it has, nor less than nothing.",
        """
        select id, user_id, null::uuid, '0 to ' || balance, held::varchar, 'held'
        from credit_accounts where held < 0 or held > balance
        """,
    ),
    Invariant(
        "charge-is-entry",
        "Every settled reservation was charged by exactly one usage entry of its account, and by none where it cost nothing.",
        """
        select r.account_id, a.user_id, r.generation_id, r.charged || ' by ' || (r.charged > 0)::int || ' entries',
            coalesce(u.total, 0) || ' by ' || coalesce(u.count, 0) || ' entries', null
        from reservations r
        left join (select generation_id, account_id, -sum(amount) total, count(*) count from credit_entries
            where type = 'usage' group by generation_id, account_id) u
            on u.generation_id = r.generation_id and u.account_id = r.account_id
        join credit_accounts a on a.id = r.account_id
        where r.state = 'settled' and (r.charged <> coalesce(u.total, 0) or (r.charged > 0)::int <> coalesce(u.count, 0))
        """,
    ),
    Invariant(
        "entry-is-charge",
        "Every usage entry belongs to a settled reservation of its account.",
        """
        select e.account_id, a.user_id, e.generation_id, 'a settled reservation', coalesce('one that is ' || r.state, 'none'),
            'entry ' || e.seq
        from credit_entries e
        left join reservations r on r.generation_id = e.generation_id and r.account_id = e.account_id
        join credit_accounts a on a.id = e.account_id
        where e.type = 'usage' and r.state is distinct from 'settled'
        """,
    ),
    Invariant(
        "only-settled-is-charged",
        "A reservation that is held or was released has charged nothing.",
        """
        select r.account_id, a.user_id, r.generation_id, '0', r.charged::varchar, 'reservation ' || r.state
        from reservations r left join credit_accounts a on a.id = r.account_id
        where r.state <> 'settled' and r.charged <> 0
        """,
    ),
    Invariant(
        "reservation-has-generation",
        "Every reservation belongs to a generation.",
        """
        select r.account_id, a.user_id, r.generation_id, 'a generation', 'none', 'reservation ' || r.state
        from reservations r
        left join generations g on g.id = r.generation_id
        left join credit_accounts a on a.id = r.account_id
        where g.id is null
        """,
    ),
    Invariant(
        "leases-are-swept",
        "No reservation is more than ten minutes past its lease: the sweeper runs.",
        """
        select r.account_id, a.user_id, r.generation_id, 'resolved', 'held', 'its lease ended ' || r.lease_until
        from reservations r left join credit_accounts a on a.id = r.account_id
        where r.state = 'held' and r.lease_until < now() - interval '10 minutes'
        """,
    ),
    # Generations against the ledger
    Invariant(
        "credits-are-charge",
        "The credits of every generation are what its reservation was charged; a completed one has a reservation.",
        """
        select r.account_id, g.user_id, g.id, coalesce(r.charged::varchar, 'a reservation'), g.credits::varchar, g.status
        from generations g left join reservations r on r.generation_id = g.id
        where g.credits <> coalesce(r.charged, 0) or (g.status = 'completed' and r.generation_id is null)
        """,
    ),
    Invariant(
        "running-is-held",
        "Every generation that is still running holds a reservation.",
        """
        select r.account_id, g.user_id, g.id, 'a held reservation', coalesce('one that is ' || r.state, 'none'), g.status
        from generations g left join reservations r on r.generation_id = g.id
        where g.status in ('pending', 'processing') and r.state is distinct from 'held'
        """,
    ),
    Invariant(
        "held-is-running",
        "Every held reservation belongs to a generation that is still running.",
        """
        select r.account_id, g.user_id, g.id, 'resolved', 'held', g.status
        from reservations r join generations g on g.id = r.generation_id
        where r.state = 'held' and g.status not in ('pending', 'processing')
        """,
    ),
    Invariant(
        "failed-costs-nothing",
        "A failed generation was charged only where a stream had delivered something before it was cut.",
        """
        select null::uuid, g.user_id, g.id, '0', g.credits::varchar, coalesce(g.error_code, 'failed')
        from generations g where g.status = 'failed' and g.cut is null and g.credits <> 0
        """,
    ),
    Invariant(
        "refunds-within-charge",
        "The refunds of a charge sum to at most the charge, and return to the account that paid.",
        """
        select r.account_id, a.user_id, c.generation_id, 'at most ' || coalesce(-c.amount, 0), r.total::varchar,
            'refunds of entry ' || coalesce(r.refund_of::varchar, '(none)')
        from (select account_id, refund_of, sum(amount) total from credit_entries where type = 'refund'
            group by account_id, refund_of) r
        left join credit_entries c on c.id = r.refund_of and c.account_id = r.account_id and c.type = 'usage'
        join credit_accounts a on a.id = r.account_id
        where r.total > coalesce(-c.amount, 0)
        """,
    ),
    Invariant(
        "cost-is-attempts",
        "The cost of every finished generation is the sum of what its attempts cost (USD).",
        """
        select null::uuid, g.user_id, g.id, coalesce(t.total, 0)::varchar, coalesce(g.cost, 0)::varchar, g.status
        from generations g
        left join (select generation_id, sum(cost) total from attempts group by generation_id) t on t.generation_id = g.id
        where g.status not in ('pending', 'processing') and coalesce(g.cost, 0) <> coalesce(t.total, 0)
        """,
    ),
)
