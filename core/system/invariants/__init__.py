"""The invariants of the books, in the order in which `verify` proves them."""

from core.system.invariants.audit import AUDIT, audit_holds
from core.system.invariants.bookings import BOOKINGS
from core.system.invariants.files import FILES, files_are_there
from core.system.invariants.generations import GENERATIONS
from core.system.invariants.invariant import Invariant
from core.system.invariants.ledger import LEDGER
from core.system.invariants.people import PEOPLE

__all__ = ["INVARIANTS", "Invariant", "audit_holds", "files_are_there"]

INVARIANTS = (*LEDGER, *BOOKINGS, *GENERATIONS, *PEOPLE, *AUDIT, *FILES)
