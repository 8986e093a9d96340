"""What the floor refuses."""


class NotFoundError(Exception):
    """Nothing is there: 404."""


class InvalidError(Exception):
    """A value that the contract doesn't know: 422."""
