"""Predictors that wait, fail or degrade when a test says so, behind a loaded Handler."""

import asyncio
import json

from graph import contract
from graph.turn.degradation import reason_of
from predictors.door.handler import Handler
from predictors.scheduling.cost import Cost


class Waits:
    """A predictor that answers when it is let go."""

    name = "waits"
    schema = contract.INNER

    def __init__(self):
        self.go = asyncio.Event()
        self.cancelled = 0
        self.called = 0

    def load(self):
        pass

    def close(self):
        pass

    async def predict(self, instances):
        self.called += 1
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return instances


class Fails(Waits):
    def __init__(self, error):
        super().__init__()
        self.error = error

    async def predict(self, instances):
        raise self.error


class Degrades(Waits):
    """A predictor that passes turns on without its work, unless the error says `fatal`."""

    degrades = True

    def degrade(self, instances, error):
        if "fatal" in str(error):
            return None
        passed_on = [dict(instance) for instance in instances]
        for instance in passed_on:
            contract.add_degradation(instance, self.name, reason_of(error))
        return passed_on


class Costs(Waits):
    """A predictor of which each letter costs a text."""

    def cost(self, instances):
        return Cost(sum(len(instance["user_input"]) for instance in instances))


class DegradesAfter(Degrades, Fails):
    """The same, after an error of its own."""


BODY = b'{"user_input": "hi"}'
NAMED = b'{"user_input": "hi", "request_id": "turn-1"}'
NOW = 1_764_000_000.0


def loaded(predictor, **options):
    handler = Handler(predictor, **options)
    handler.load()
    return handler


def at(now, predictor=None, **options):
    """A loaded Handler for which it is always `now`."""
    predictor = predictor or Waits()
    predictor.go.set()
    return loaded(predictor, clock=lambda: now, **options)


async def ask(handler, *instances):
    """Status and payload of the answer to some turns of one word each."""
    turns = [{"user_input": "hi", **instance} for instance in instances]
    answer = await handler.answer(json.dumps({"instances": turns}).encode())
    return answer.status, json.loads(answer.body)
