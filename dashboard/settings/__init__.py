"""The tabs of the Settings page."""
