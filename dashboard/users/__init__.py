"""The parts of the Users page: its address, filters, list, and the dialog that adds somebody."""
