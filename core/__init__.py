"""What Purser does, without a page or a route: plain async functions over PostgreSQL and the vendors.

Read `docs/architecture.md` for the one picture; `core.bootstrap` wires everything together.
"""
