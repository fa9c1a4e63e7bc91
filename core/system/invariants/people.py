"""Nobody is without an account, no organisation without people."""

from core.system.invariants.invariant import Invariant

PEOPLE = (
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
)
