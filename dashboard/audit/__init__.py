"""The parts of the page Audit: its address, filters, list, the pane of one row with its field diff, and the file."""
