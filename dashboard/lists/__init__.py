"""What all pages share that are a long list with filters: the address is the state, rows come by the page, one is open."""
