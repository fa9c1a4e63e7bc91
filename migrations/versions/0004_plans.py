"""Changing plans: what their history needs, proposals, and free credits by the day."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    for part in (PLANS, PROPOSALS, OVERRIDES, UNDEFINED):
        op.execute(part)


PLANS = """
alter table plans add column daily_credits bigint not null default 0 check (daily_credits >= 0);
alter table plan_versions add column actor_label varchar not null default '';
alter table plan_versions add column reverts bigint references plan_versions (number);
"""

PROPOSALS = """
create table plan_proposals (
    id uuid primary key,
    base bigint not null,
    changes jsonb not null,
    reason varchar not null,
    asked_by uuid not null references users on delete cascade,
    created_at timestamptz not null default now(),
    state varchar not null default 'waiting' check (state in ('waiting', 'accepted', 'rejected', 'withdrawn')),
    decided_by uuid,
    decided_at timestamptz,
    decision_note varchar
);
create index plan_proposals_waiting on plan_proposals (id desc) where state = 'waiting';
"""

# The list of exceptions in force is read along the first, the newest first; along the next two the impact of a change
# finds those whom it leaves as they are, and the list those of one feature.
OVERRIDES = """
create index overrides_open on overrides (id desc) where ended_at is null;
create index overrides_feature on overrides (feature_id, id) where feature_id is not null;
create index overrides_limit on overrides (limit_name, id) where limit_name is not null;
create index overrides_expiring on overrides (expires_at) where ended_at is null and expires_at is not null;
"""

UNDEFINED = """
alter table undefined_features add column dismissed_at timestamptz;
"""
