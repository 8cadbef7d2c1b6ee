"""What an application of FastAPI answers to the errors of its routes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graph.asgi import answer_error
from graph.errors import ParleyError
from predictors.door.reports import report


def answer_errors(app: Any, statuses: Mapping[type[Exception], int]) -> None:
    """Let the application answer Parley's errors, FastAPI's own, and others with these statuses."""
    from starlette.exceptions import HTTPException

    app.add_exception_handler(ParleyError, _answer_error)
    app.add_exception_handler(HTTPException, _answer_http)
    for kind, status in statuses.items():
        app.add_exception_handler(kind, _answer_with(status))


async def _answer_error(_: Any, err: Exception) -> Any:
    from fastapi.responses import Response

    if not isinstance(err, ParleyError):
        raise err
    report(err)
    answer = answer_error(err)
    headers = {"retry-after": answer.retry_after} if answer.retry_after else None
    return Response(answer.body, answer.status, headers, answer.content_type)


async def _answer_http(_: Any, err: Any) -> Any:
    from fastapi.responses import JSONResponse

    return JSONResponse({"error": str(err.detail)}, err.status_code)


def _answer_with(status: int) -> Any:
    async def answer(_: Any, err: Exception) -> Any:
        from fastapi.responses import JSONResponse

        return JSONResponse({"error": str(err)}, status)

    return answer
