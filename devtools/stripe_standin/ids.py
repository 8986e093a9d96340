"""Identifiers that look like Stripe's."""

import secrets
import string

# Each of 256 bytes stands for one of 62 characters.
_CHARACTERS = (5 * (string.ascii_letters + string.digits))[:256].encode()
# Newer kinds begin with a shard digit, and have 24 characters; customers and requests have 14.
_SHARD = {"pi": "3", "ch": "3", "re": "3", "txn": "3", "py": "3", "pyr": "3", "evt": "1"}
_SHORT = {"cus", "req"}


def random_text(length: int) -> str:
    """`length` letters and digits nobody can guess."""
    return secrets.token_bytes(length).translate(_CHARACTERS).decode()


def new_id(prefix: str) -> str:
    """A fresh id such as `pi_3…`, `cus_…`."""
    if prefix in _SHORT:
        return f"{prefix}_{random_text(14)}"
    return f"{prefix}_{_SHARD.get(prefix, '1')}{random_text(23)}"


def client_secret(intent_id: str) -> str:
    """The secret a browser needs to pay this intent: `pi_…_secret_…`."""
    return f"{intent_id}_secret_{random_text(25)}"
