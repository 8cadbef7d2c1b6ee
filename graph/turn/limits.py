"""How large a request may be, at the first step of a graph and at every later one.

Limits compose: what the first step takes, every later step takes, however it grew on its way.

- A person may send 64 instances of 10,000 characters, whatever the characters and however their
  JSON is written. The most that JSON makes of one character is 12 bytes, the escaped surrogate pair
  of an emoji. That is 7.7 MB, and `PUBLIC_LIMITS.body` is 8 MiB: the rest is for history and keys.
- An answer (`response_en`) has at most as many characters as a message, and a translation at most
  four times as many as its source. So every inner text has at most 40,000 characters.
- KServe's router writes `<`, `>` and `&`, one byte each, as six. So what a person sent may come to
  a later step at six times its size, and a text that was written on the way takes at most six bytes
  a character. `INNER_LIMITS.body` is the sum of what an instance can gather.
- A translator asks its model once for each sentence, so a text costs by its sentences as much as by
  its length: 10,000 characters are about 100 sentences as people write them, or 1,250 lines of one
  word. `sentences` leaves room for twice and more of what people write, and no more than that.
- An idle predictor takes every request within these limits, but a request ends with its turn. On 2
  cores the smallest models translate about 12 short lines a second, so 250 of them, there and back,
  are near the end of a turn of 50 s. 64 instances share the time of one turn: they are for many
  short messages, and 64 long ones do not come through in time on such a machine.

A model's context is a limit of its own: a message that does not fit it is refused by the chat.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Limits:
    """Sizes over which a request is refused: a time with 400, everything else with 413.

    body: bytes.  instances: per request.  message: characters of `user_input`.  answer: characters
    of `response_en`.  sentences: of both, as `graph/turn/checks.py` counts them.  text:
    characters of every other text.  history: texts.  steps, degraded: entries.  step_name,
    step_model, request_id: characters of each.  timeout: seconds.
    """

    body: int
    instances: int = 64
    message: int = 10_000
    answer: int = 10_000
    text: int = 40_000
    sentences: int = 250
    history: int = 1_000
    steps: int = 32
    degraded: int = 32
    step_name: int = 128
    step_model: int = 512
    request_id: int = 64
    timeout: int = 3_600


# The most bytes that JSON makes of one character: the escaped surrogate pair of an emoji.
_ESCAPED = 12
# The most bytes that KServe's router makes of one character of UTF-8, and of one byte: `<`.
_REWRITTEN = 6
# The bytes of an entry of `steps` besides its name and model, of an entry of `degraded` besides the
# step's name, and of an instance besides its texts.
_STEP_KEYS = 100
_DEGRADED_KEYS = 100
_INSTANCE_KEYS = 800

PUBLIC_LIMITS = Limits(body=8 << 20)


def _inner_body(limits: Limits) -> int:
    """The bytes that a request within `limits` can have after the last step of a graph."""
    # The translated message and the answer stand in the history too.
    texts = 2 * limits.text + 2 * limits.answer + limits.text
    step = _REWRITTEN * (limits.step_name + limits.step_model) + _STEP_KEYS
    degraded = limits.degraded * (_REWRITTEN * limits.step_name + _DEGRADED_KEYS)
    instance = _REWRITTEN * texts + limits.steps * step + degraded + _INSTANCE_KEYS
    return _REWRITTEN * limits.body + limits.instances * instance


# The chat adds a message and an answer to the history.
INNER_LIMITS = replace(
    PUBLIC_LIMITS, body=_inner_body(PUBLIC_LIMITS), history=PUBLIC_LIMITS.history + 2
)
