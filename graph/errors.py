"""Every error that Parley raises on purpose.

    ParleyError                 500  the base; `status` is what an HTTP server answers
    ├── RequestError            400  the request is not of the contract; `field` says where
    │   └── TooLarge            413  a text, a list or the body is over its limit
    ├── NotServed               404  no such model, or no branch of the graph takes the request
    ├── KeyRefused              401  no API key came with the request, or none that is known
    ├── Overloaded              503  the queue is full; `retry_after` seconds
    ├── NotReady                503  the model is still loading, or the server is draining
    │   └── NotReached          503  no connection to the server, so nothing was sent
    ├── NotTrusted              502  TLS: one side does not take the certificate of the other
    ├── DeadlineExceeded        504  the answer did not come in time
    ├── EngineError             500  a model failed; the cause goes to the log, not to the client
    ├── StepError               500  a step of a graph answered an error; `status` is the step's
    ├── SpecError                -   a file or an option is not what it should be; says the fix
    ├── ModelError               -   weights are missing, damaged or of an unknown name
    ├── ServeError               -   the server cannot start: a port in use, a package not installed
    ├── NotInstalled             -   an extra of Parley's is not installed
    └── ClusterError             -   a Kubernetes cluster did not do what was asked of it
        ├── NoCluster            -   no cluster is named: no kubeconfig, or no such context
        ├── Unreachable          -   the API server does not answer, or has no time
        ├── Unauthorized         -   it does not know who asks
        ├── Forbidden            -   who asks lacks a right: `verb`, `resource`, `namespace`
        ├── NotFound             -   no such object, or no such kind
        │   └── NamespaceMissing -   no such namespace
        ├── Conflict             -   `fields` that another field manager owns
        ├── Refused              -   the object is not valid, or an admission policy refuses it
        └── TimedOut             -   it was not so within the time that was given

A client sees the message, which never holds a traceback, a path of the server or a secret. From
SpecError on they end a command with one line on stderr; an HTTP client never sees them.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class ParleyError(Exception):
    """The base class: `str(error)` is one clear line, and `status` is the HTTP status for it."""

    status = 500

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        # The name of the turn that failed, empty until it is known; commas stand between several.
        self.request_id = ""


class RequestError(ParleyError):
    """The request breaks the contract at `field`, for example `instances[0].user_input`."""

    status = 400

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field


class TooLarge(RequestError):
    """Something in the request is over its limit."""

    status = 413


class NotServed(ParleyError):
    """Nothing here has that name."""

    status = 404


class KeyRefused(ParleyError):
    """No API key came with the request, or none that is known."""

    status = 401


class Overloaded(ParleyError):
    """The queue is full; ask again after `retry_after` seconds."""

    status = 503

    def __init__(self, message: str, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NotReady(ParleyError):
    """The model is loading, or the server is draining."""

    status = 503


class NotReached(NotReady):
    """No connection to the server: nothing was sent, so it is safe to try again."""


class NotTrusted(ParleyError):
    """No connection by TLS: one side does not take the certificate of the other."""

    status = 502


class DeadlineExceeded(ParleyError):
    """The answer did not come in time."""

    status = 504


class EngineError(ParleyError):
    """A model failed while it worked."""


class StepError(ParleyError):
    """A server or a step of the graph answered `status` with `message`."""

    def __init__(self, message: str, status: int = 500) -> None:
        super().__init__(message)
        self.status = status


class SpecError(ParleyError):
    """A file or an option is not what it should be."""


class ModelError(ParleyError):
    """Weights are missing, damaged or of an unknown name."""


class ServeError(ParleyError):
    """The server cannot start."""


class NotInstalled(ParleyError):
    """A package is missing that an extra of Parley's brings."""


class ClusterError(ParleyError):
    """A Kubernetes cluster did not do what was asked of it.

    Of several objects to apply, `applied` were applied before it, and `left` were not; both empty
    where there was one.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.applied: tuple[str, ...] = ()
        self.left: tuple[str, ...] = ()

    def add(self, words: str) -> None:
        """End the message with what became of the rest."""
        self.message = f"{self.message}; {words}"
        self.args = (self.message,)


class NoCluster(ClusterError):
    """No cluster is named: there is no kubeconfig, or no such context in it."""


class Unreachable(ClusterError):
    """The API server does not answer, or has no time."""


class Unauthorized(ClusterError):
    """The API server does not know who asks."""


class Forbidden(ClusterError):
    """Who asks lacks a right. `resource` is as a Role has it, with its group: `pods`, `jobs.batch`.

    `namespace` is "" for a right in the whole cluster.
    """

    def __init__(self, message: str, *, verb: str, resource: str, namespace: str) -> None:
        super().__init__(message)
        self.verb = verb
        self.resource = resource
        self.namespace = namespace


class NotFound(ClusterError):
    """The cluster has no such object, or serves no such kind."""


class NamespaceMissing(NotFound):
    """The cluster has no such namespace."""


class Conflict(ClusterError):
    """Another field manager owns `fields`: pairs of a field's path and its manager's name."""

    def __init__(self, message: str, fields: tuple[tuple[str, str], ...]) -> None:
        super().__init__(message)
        self.fields = fields


class Refused(ClusterError):
    """The object is not valid, or an admission policy or a quota refuses it.

    `immutable`: the fields that cannot be changed, where that is why.
    """

    def __init__(self, message: str, immutable: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.immutable = immutable


class TimedOut(ClusterError):
    """It was not so within the time that was given."""


_OWN_PACKAGES = ("graph", "predictors")


@contextmanager
def needing(extra: str) -> Iterator[None]:
    """Imports that need `extra`. Raises NotInstalled, which says how to install it."""
    try:
        yield
    except ModuleNotFoundError as err:
        package = (err.name or "").partition(".")[0]
        if package in _OWN_PACKAGES:
            raise
        raise NotInstalled(
            f"{package} is not installed; `pip install 'parley[{extra}]'` brings it"
            + ("; --url talks to a graph that runs elsewhere" if extra == "local" else "")
        ) from err


def find_nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known name that a mistyped one probably meant, for a message; None where none is near.

    Letter case does not count. cutoff: how alike they must be, from 0 to 1 (difflib's ratio).
    """
    folded = {candidate.lower(): candidate for candidate in known}
    near = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=cutoff)
    return folded[near[0]] if near else None
