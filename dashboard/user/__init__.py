"""The parts of a user's page."""
