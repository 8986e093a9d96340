"""A stand-in for Stripe: a separate process that speaks Stripe's HTTP API on loopback.

It exists so that the demo and the tests can pay, decline, refund and dispute through the official
SDK without an account or a network. It imports nothing from the product, the product imports
nothing from it, and it refuses live keys. `README.md` beside this file lists what it covers.
"""
