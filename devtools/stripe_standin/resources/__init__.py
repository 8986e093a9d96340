"""Stripe's objects: one module each, with the shape of the object and what its operations do."""
