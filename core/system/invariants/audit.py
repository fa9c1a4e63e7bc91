"""The audit is whole: what is cut off its end contradicts the head, what is changed or taken out before it the chain."""

from collections.abc import Iterator

from core.audit.chain import READ, Proof
from core.system.invariants.invariant import Invariant, Prove, Row


def _of_the_chain() -> Prove:
    proof = Proof()

    def prove(row: Row) -> Iterator[Row]:
        seq, digest, *fields = row
        for flaw in proof.flaws(seq, digest, fields):
            yield None, None, None, flaw.expected, flaw.found, flaw.row

    return prove


AUDIT = (
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
