"""The audit's chain: its head, and the indexes by which it is sealed, searched and paged."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    for part in (HEAD, INDEXES):
        op.execute(part)


HEAD = """
create table audit_head (
    only_row boolean primary key default true check (only_row),
    seq bigint not null check (seq >= 0),
    hash bytea not null,
    sealed_at timestamptz not null default now()
);
insert into audit_head (seq, hash) values (0, decode(repeat('00', 32), 'hex'));

create function refuse_audit_head_change() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and new.seq > old.seq then
        return new;
    end if;
    raise exception 'the head of the audit only goes forward' using errcode = 'PR001';
end $$;
create trigger audit_head_goes_forward before update or delete on audit_head
    for each row execute function refuse_audit_head_change();
create trigger audit_head_no_truncate before truncate on audit_head
    for each statement execute function refuse_truncate();

alter table audit add constraint audit_sealed_whole check ((seq is null) = (hash is null));
"""

# Every page of the list is read along one of these, the newest first. An id is looked for without its kind.
INDEXES = """
drop index audit_subject;
create index audit_subject on audit (subject_id, id desc);
create index audit_subject_kind on audit (subject_kind, id desc);
create index audit_actor_kind on audit (actor_kind, id desc);
create index audit_actor_label on audit (lower(actor_label) text_pattern_ops, id desc);
create index audit_action on audit (action, id desc);
create index audit_unsealed on audit (id) where hash is null;
"""
