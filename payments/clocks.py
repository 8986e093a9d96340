"""How far apart the clocks of our machines may be."""

import datetime as dt
from typing import Final

# What is dated by more than that after now, nobody's clock dated.
CLOCKS: Final = dt.timedelta(minutes=2)
