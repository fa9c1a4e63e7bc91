"""What the palette finds: people, generations, models, pages, actions. It reads, and never writes."""
