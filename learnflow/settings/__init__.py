"""Settings: `base` for all, and one module per place the product runs in."""
