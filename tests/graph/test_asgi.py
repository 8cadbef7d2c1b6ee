"""What every HTTP application shares."""

import threading

from graph.asgi import aside


async def test_what_is_long_runs_on_a_thread_and_what_is_short_does_not():
    mine = threading.current_thread()
    where = [await aside(size, threading.current_thread, 10) for size in (0, 10, 11)]
    assert [thread is mine for thread in where] == [True, True, False]
