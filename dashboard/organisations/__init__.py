"""Organisations as a tab of Users, and the projects of one user: members, roles, places."""
