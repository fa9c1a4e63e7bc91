"""Settings that people change in the pages; those of the environment are in `core.config`."""
