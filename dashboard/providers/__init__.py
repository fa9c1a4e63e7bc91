"""The parts of the page Providers."""
