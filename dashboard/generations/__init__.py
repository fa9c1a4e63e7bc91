"""The parts of the Generations page: its address, chart, filters, list, and the pane of one generation."""
