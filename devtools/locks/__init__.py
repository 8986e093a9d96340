"""Proves, without a network, that the locked requirements install and say what is asked for.

`python -m devtools.locks requirements` looks at every lock for three things: that it still fits its
`.in` file (`drift`), that it pins each package with the extras that others ask of it (`extras`),
and that an old pip installs it though every package has a newer release by now (`trial`).
"""
