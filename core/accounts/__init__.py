"""People: who they are, how they prove it, and what is done to their accounts."""

from core.accounts.identities import Identities
from core.accounts.keys import NewKey, Scope, create_key, revoke_key
from core.accounts.models import ApiKey, KeyKind, Member, Organisation, Project, Session, User, UserStatus
from core.accounts.person import ActiveOverride, KeyIdentity, Person
from core.accounts.queries import find_user, get_user, list_keys, list_users
from core.accounts.rules import require_active
from core.accounts.service import reactivate, set_password, set_preferences, set_profile, set_role, suspend
from core.accounts.sessions import (
    authenticate_session,
    list_sessions,
    revoke_session,
    revoke_sessions_of,
    sign_in,
)

__all__ = [
    "ActiveOverride",
    "ApiKey",
    "Identities",
    "KeyIdentity",
    "KeyKind",
    "Member",
    "NewKey",
    "Organisation",
    "Person",
    "Project",
    "Scope",
    "Session",
    "User",
    "UserStatus",
    "authenticate_session",
    "create_key",
    "find_user",
    "get_user",
    "list_keys",
    "list_sessions",
    "list_users",
    "reactivate",
    "require_active",
    "revoke_key",
    "revoke_session",
    "revoke_sessions_of",
    "set_password",
    "set_preferences",
    "set_profile",
    "set_role",
    "sign_in",
    "suspend",
]
