"""Places: a limit that all clients share, of which one alone may take only a part."""

from collections import Counter
from typing import final


@final
class Places:
    """Counts what is taken, in all and by each client.

    A client is an address. Requests without one (``None``), such as the server's own, are counted
    in the total only. Everything here runs on the event loop, so there is no lock.
    """

    def __init__(self, most: int, share: float) -> None:
        """Take the limits.

        Args:
            most: How many places there are.
            share: The part of them that one client may take, above 0 and at most 1; one place at
                least.
        """
        self._most, self._most_of_one = most, max(1, int(most * share))
        self._of: Counter[str] = Counter()
        self.taken = 0

    @property
    def are_full(self) -> bool:
        """Whether all places are taken."""
        return self.taken >= self._most

    def have(self, client: str | None, count: int = 1) -> bool:
        """Tell whether a client may take so many."""
        if self.taken + count > self._most:
            return False
        return client is None or self._of[client] + count <= self._most_of_one

    def take(self, client: str | None, count: int = 1) -> None:
        """Take so many; whether they are there is for `have` to say."""
        self.taken += count
        if client is not None:
            self._of[client] += count

    def leave(self, client: str | None, count: int = 1) -> None:
        """Give so many back."""
        self.taken -= count
        if client is not None:
            self._of[client] -= count
            if not self._of[client]:
                del self._of[client]
