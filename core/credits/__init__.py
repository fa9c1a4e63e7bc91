"""Credits: accounts, entries, lots, reservations."""
