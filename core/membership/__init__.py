"""Being on a plan: what comes with it each month, changing it, and gifts to many people at once."""
