"""The parts of the Credits page, and the dialogs that move credits from wherever they are opened."""
