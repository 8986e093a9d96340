"""How often a password may be guessed: per account and network, per network, and per account."""

from collections.abc import Callable

from core import attempts
from core.attempts import Delay, Limit
from core.errors import TooMany
from core.network import network_of
from users.familiarity import is_familiar

# One network may fail this many times as often over all accounts as for a single one: enough for a
# classroom behind one address, too little for trying one password on everybody.
_NETWORK_FACTOR = 20


class Guesses:
    """The counts that stand between one network and one account (`THROTTLE_LOGIN`).

    - `account`: failures for this account from this network; a success forgets them.
    - `network`: failures from this network for all accounts.
    - `everywhere`: failures for this account from all networks. Beyond twice the rate each is
      followed by a pause that grows to the rate's period, for networks that aren't familiar: many
      addresses gain little, and the owner is never locked out where they are known.
    """

    def __init__(self, *, email: str, ip: str) -> None:
        self._email, self._ip = email, ip
        network = network_of(ip)
        self._account = attempts.limit(scope="login", subject=f"{email}|{network}")
        limits = (
            attempts.limit(scope="login", subject=network, factor=_NETWORK_FACTOR),
            self._account,
        )
        self._limits: list[Limit] = [limit for limit in limits if limit]
        self._everywhere: Delay | None = attempts.growing_delay(scope="login", subject=email)

    def check(self) -> None:
        """Raise TooMany when nothing more may be tried now."""
        for limit in self._limits:
            limit.check()
        self._unless_familiar(Delay.check)

    def count(self) -> None:
        """Count a failure; raises TooMany when that is beyond what may be told."""
        for limit in self._limits:
            limit.count()
        self._unless_familiar(Delay.count)

    def forget(self) -> None:
        """Forget this network's failures for this account."""
        if self._account:
            self._account.reset()

    def _unless_familiar(self, ask: Callable[[Delay], None]) -> None:
        if self._everywhere is None:
            return
        try:
            ask(self._everywhere)
        except TooMany:
            if not is_familiar(email=self._email, ip=self._ip):
                raise
