"""The invariants of the books, as statements: each selects the rows that break it, and nothing where all is well.

Columns: account, user, generation (null where there is none), expected, found, and what else helps to find the place.
Set-based throughout, so that ten million rows cost a few passes over the tables. What no statement can tell (hashes) is
proved by a function that looks at one row after another.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.audit.chain import READ, Proof

Row = tuple[Any, ...]
Prove = Callable[[Row], Iterator[Row]]


def _as_they_are() -> Prove:
    return lambda row: iter((row,))


@dataclass(frozen=True, slots=True)
class Invariant:
    """A name, a sentence of what it proves, and the statement that looks for the contrary.

    Where the statement only reads what has to be proved, `prover` makes a function for one run: it gets the rows in
    their order, and yields those that break the invariant.
    """

    name: str
    proves: str
    sql: str
    prover: Callable[[], Prove] = _as_they_are


def _of_the_chain() -> Prove:
    proof = Proof()

    def prove(row: Row) -> Iterator[Row]:
        seq, digest, *fields = row
        for flaw in proof.flaws(seq, digest, fields):
            yield None, None, None, flaw.expected, flaw.found, flaw.row

    return prove


INVARIANTS = (
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
    # What people asked for, and what was booked for it
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
    # People
    Invariant(
        "organisation-has-members",
        "Every organisation has a member.",
        """
        select null::uuid, null::uuid, null::uuid, 'a member', 'none', 'organisation ' || o.id
        from organisations o left join members m on m.organisation_id = o.id where m.user_id is null
        """,
    ),
    Invariant(
        "user-has-account",
        "Every user has a live account; demo users have their demo account instead.",
        """
        select null::uuid, u.id, null::uuid, 'a live account', 'none', null
        from users u
        left join credit_accounts a on a.user_id = u.id and a.traffic in ('live', 'demo') where a.id is null
        """,
    ),
    # The audit: what is cut off its end contradicts the head, what is changed or taken out before it the chain
    Invariant(
        "audit-is-chained",
        "The sealed rows of the audit are numbered without a gap, and none was changed since it was sealed.",
        f"select seq, hash, {READ} from audit where seq is not null order by seq",
        _of_the_chain,
    ),
    Invariant(
        "audit-ends-at-head",
        "The audit ends where the head of its chain says.",
        """
        select null::uuid, null::uuid, null::uuid,
            case when h.seq is null then 'a head' else 'row ' || h.seq || ', hash ' || encode(h.hash, 'hex') end,
            case when h.seq is null then 'none' when n.seq is null then 'no row'
                else 'row ' || n.seq || ', hash ' || encode(n.hash, 'hex') end,
            'the end of the audit'
        from (select) one
        left join audit_head h on true
        left join lateral (select seq, hash from audit where seq is not null order by seq desc limit 1) n on true
        where h.seq is null or h.seq <> coalesce(n.seq, 0) or h.hash <> coalesce(n.hash, h.hash)
        """,
    ),
    Invariant(
        "audit-is-sealed",
        "No row of the audit has waited for its seal for more than five minutes, and none has half of one.",
        """
        select null::uuid, null::uuid, null::uuid, 'sealed', count(*) || ' not sealed',
            'rows of the audit, the oldest of ' || min(at)
        from audit where hash is null and at < now() - interval '5 minutes' having count(*) > 0
        union all
        select null, null, null, 'number and hash', case when seq is null then 'no number' else 'no hash' end,
            'row of the audit, id ' || id
        from audit where (seq is null) <> (hash is null)
        """,
    ),
    # Files: the row is written first, then the bytes
    Invariant(
        "files-have-arrived",
        "No file has waited for its bytes for more than an hour.",
        """
        select null::uuid, user_id, null::uuid, 'stored', 'pending since ' || created_at, 'file ' || id
        from files where state = 'pending' and created_at < now() - interval '1 hour'
        """,
    ),
)


def files_are_there(folder: Path) -> Invariant:
    """That every file which is stored lies in the folder, whole. Only for files that are kept on this machine."""

    def missing(row: Row) -> Iterator[Row]:
        user_id, file_id, place, size = row
        path = (folder / place).resolve()
        if not path.is_relative_to(folder.resolve()):
            yield None, user_id, None, "a place in the folder", place, f"file {file_id}"
        elif not path.is_file():
            yield None, user_id, None, f"{size:,} bytes", "no file", f"file {file_id}"
        elif path.stat().st_size != size:
            yield None, user_id, None, f"{size:,} bytes", f"{path.stat().st_size:,}", f"file {file_id}"

    return Invariant(
        "files-are-there",
        "The bytes of every stored file are where its row says, and as many.",
        "select user_id, id, place, size from files where state = 'stored'",
        lambda: missing,
    )


def audit_holds(seq: int, digest: bytes) -> Invariant:
    """That the audit still has the row that somebody noted as its end, with its hash."""
    return Invariant(
        "audit-holds-anchor",
        f"Row {seq:,} of the audit is still the one that was noted.",
        f"""
        select null::uuid, null::uuid, null::uuid, '{digest.hex()}', coalesce(encode(a.hash, 'hex'), 'no such row'),
            'row {seq:,} of the audit'
        from (select) one left join audit a on a.seq = {seq:d}
        where a.hash is distinct from decode('{digest.hex()}', 'hex')
        """,
    )
