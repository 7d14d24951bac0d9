"""A quota that all clients share, of which one client may use only a part."""

from collections import Counter
from typing import final


@final
class ClientShares:
    """Counts what is in use, in total and by each client.

    A client is an address. What has no client (``None``), such as the server's own work, counts
    toward the total only. Everything here runs on the event loop, so there is no lock.
    """

    def __init__(self, limit: int, client_share: float) -> None:
        """Start with nothing in use.

        Args:
            limit: How many units there are, such as requests or bytes.
            client_share: The part of the limit that one client may use, above 0 and at most 1; it
                comes to at least one unit.
        """
        self._limit, self._client_limit = limit, max(1, int(limit * client_share))
        self._by_client: Counter[str] = Counter()
        self.used = 0

    @property
    def is_exhausted(self) -> bool:
        """Whether everything is in use."""
        return self.used >= self._limit

    def allows(self, client: str | None, count: int = 1) -> bool:
        """Tell whether a client may acquire so many units now."""
        if self.used + count > self._limit:
            return False
        return client is None or self._by_client[client] + count <= self._client_limit

    def acquire(self, client: str | None, count: int = 1) -> None:
        """Count units as used. The limits are not checked here; ask `allows` first."""
        self.used += count
        if client is not None:
            self._by_client[client] += count

    def release(self, client: str | None, count: int = 1) -> None:
        """Return units that were acquired."""
        self.used -= count
        if client is not None:
            self._by_client[client] -= count
            if not self._by_client[client]:
                del self._by_client[client]
