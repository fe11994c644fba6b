"""Under which hosts this server may be reached (``rules/operator.md`` 4.9). Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from urllib.parse import urlsplit

from api.hosts import fits, is_loopback, parse_host
from api.wire.problems import Problem, host_not_served, no_host


class OwnHosts:
    """Refuses a host that is none, and one that the operator did not name."""

    def __init__(self, allowed: Sequence[str] = (), *, public_url: str = "") -> None:
        """Keep the names; with none, every valid host is ours.

        The host of the public address is allowed wherever some names are.
        """
        netloc = urlsplit(public_url).netloc
        self.public = (netloc,) if netloc else ()
        """The host of the public address, if there is one."""
        public = parse_host(netloc)
        names = (*allowed, public.name) if allowed and public is not None else allowed
        self._allowed = tuple(names)
        # Nearly all requests name the same few hosts.
        self._refusal = lru_cache(maxsize=1024)(self._judged)

    def check(self, text: str, *, probed: bool = False) -> None:
        """Let a host of ours pass; raises the 400 ``Problem`` otherwise.

        What is ``probed`` is also asked by the name that a machine has for itself.
        """
        refuse = self._refusal(text, probed)
        if refuse is not None:
            raise refuse(text)

    def _judged(
        self,
        text: str,
        probed: bool,  # noqa: FBT001 - goes with the text as the key of a cache
    ) -> Callable[[str], Problem] | None:
        """Return how a host is refused, nothing when it is not."""
        host = parse_host(text)
        if host is None:
            return no_host
        if not self._allowed or fits(host, self._allowed):
            return None
        if probed and is_loopback(host.name):
            return None
        return host_not_served


ANY_HOST = OwnHosts()
