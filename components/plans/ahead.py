"""What another thread does while this one works: files are read and written, unpacked and packed, on the other processor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def ahead(made: Iterable[T]) -> Iterator[T]:
    """Yields what an iterable does, each made by another thread while the one before is worked on.

    Args:
        made: one of it at a time is made ahead, and held beside the one that is worked on.
    """
    ended: Any = object()
    with ThreadPoolExecutor(1) as thread:
        source = iter(made)
        coming = thread.submit(next, source, ended)
        while (one := coming.result()) is not ended:
            coming = thread.submit(next, source, ended)
            yield one


class Behind:
    """Work that another thread does while this one goes on, a piece after the other, of which one may wait."""

    def __init__(self) -> None:
        """Starts no thread yet."""
        self._thread: ThreadPoolExecutor | None = None
        self._doing: Future[None] | None = None

    def do(self, work: Callable[..., None], *given: Any) -> None:
        """Does a piece of work when the one before is done; what went wrong with that is raised here."""
        self.wait()
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1)
        self._doing = self._thread.submit(work, *given)

    def wait(self) -> None:
        """Returns when all work is done; what went wrong is raised."""
        doing, self._doing = self._doing, None
        if doing is not None:
            doing.result()
