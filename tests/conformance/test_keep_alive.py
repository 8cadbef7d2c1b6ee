"""Why our servers must never be the first to close an idle connection of KServe's router."""

from tests.conformance.bench import Bench
from tests.conformance.exchange import Job, Reply, Request

STEP = {"serviceUrl": "http://$service/a"}
TWO_STEPS = {"root": {"routerType": "Sequence", "steps": [STEP, STEP]}}
ANSWERED = Reply(body=b"{}")
# The second request on the connection is read and the connection closed: what a request meets that
# was sent while the server closed for having been idle too long.
CLOSED = Reply(raw=b"")


def test_a_request_that_meets_a_closing_connection_is_a_500_of_kserves_router(bench: Bench) -> None:
    job = Job(TWO_STEPS, {"a": (ANSWERED, CLOSED, ANSWERED)}, (Request(b"{}"),))
    (seen,) = bench.run_kserve(job)
    assert seen.status == 500
    assert seen.body.endswith(b': EOF"}')
    # It was sent once: the router does not try a POST again, and no more may anybody else.
    assert len(seen.calls) == 2
