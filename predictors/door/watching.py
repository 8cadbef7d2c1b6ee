"""Who watches the requests of a predictor: the seam between a handler and its telemetry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from graph.contract import Instance
from graph.errors import ParleyError
from predictors.scheduling.request import Request


class Watch(Protocol):
    """Is told of every request to one predictor."""

    def request(self, request: Request) -> AbstractContextManager[list[Instance]]:
        """For a block that does all the work for a request, and adds its predictions to the list.

        The turns of the request have their names and their deadline, and may be given more.
        """
        ...

    def refuse(self, error: ParleyError) -> None:
        """A request ended with an error before that."""
        ...


class NoWatch:
    """Nobody watches."""

    @contextmanager
    def request(self, request: Request) -> Iterator[list[Instance]]:
        yield []

    def refuse(self, error: ParleyError) -> None:
        pass


@contextmanager
def refusing(watches: Iterable[Watch]) -> Iterator[None]:
    """Tell those who watch of an error that ends the block."""
    try:
        yield
    except ParleyError as err:
        for watch in watches:
            watch.refuse(err)
        raise
