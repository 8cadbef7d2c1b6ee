"""What a predictor's log tells of a request, and the name of the turn that every error bears."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from graph import contract
from graph.contract import Instance
from graph.errors import ParleyError, RequestError
from predictors.scheduling.request import Request, current_request, new_request_id, working_for

log = logging.getLogger(__name__)


def report(err: ParleyError, event: str = "") -> None:
    """Name an error after the turn that failed, and log it; once, whoever meets it first.

    event: what followed from it, where that was no error.  The words of a wrong request may quote
    what a person wrote, so they are not logged.
    """
    if err.request_id:
        return
    request = current_request()
    err.request_id = request.request_id or new_request_id()
    details: dict[str, Any] = {"status": err.status, "request_id": err.request_id}
    if not isinstance(err, RequestError):
        details["problem"] = err.message
    broken = err.status == 500 and err.__cause__ is not None
    details["error"] = type(err).__name__
    grave = event or (err.status >= 500 and err.status != 503)
    log.log(
        logging.WARNING if grave else logging.INFO,
        "%s: %s",
        request.predictor or "server",
        event or "failed",
        extra=details,
        exc_info=err.__cause__ if broken else None,
    )


def texts_of(predictions: Sequence[Instance]) -> list[dict[str, Any]]:
    """What was said in each turn, for a log that is asked to hold it."""
    said = (
        contract.USER_INPUT,
        contract.USER_INPUT_EN,
        contract.RESPONSE_EN,
        contract.RESPONSE,
    )
    return [{key: turn[key] for key in said if key in turn} for turn in predictions]


@contextmanager
def reporting(request: Request) -> Iterator[None]:
    """Make `request` the one at work, and report the error that ends it."""
    with working_for(request):
        try:
            yield
        except ParleyError as err:
            report(err)
            raise
