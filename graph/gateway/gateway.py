"""One chat completion as one turn of the graph: heard, walked to its chat, spoken sentence by
sentence.

A turn whose branch is more than a chat and translators from English is walked whole by the router's
own walk, and its answer comes in one piece.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from graph import contract
from graph.asgi import Answer
from graph.completions.answers import Ending, Usage
from graph.completions.messages import ASSISTANT, ChatMessage
from graph.completions.request import PARLEY, AnswerOptions, ChatRequest
from graph.completions.stream import Out
from graph.contract import Instance
from graph.errors import RequestError
from graph.gateway.branches import Chat, find_chats
from graph.gateway.chat import AskChat
from graph.gateway.conversation import Before, Translating, remembered
from graph.gateway.histories import Histories, Remembered
from graph.gateway.merging import Notes
from graph.gateway.speech import Speech
from graph.gateway.walk import predictions_of, walk, walk_to_chat
from graph.router.walk import Call
from graph.spec.model import Graph
from graph.spec.services import InferenceService
from graph.telemetry.trace_context import trace_fields
from graph.text.splitting import Splitter
from graph.turn.answers import Finish

# The fields of a turn that a client may set under `parley`.
ASKED = (contract.LANGUAGE, contract.PREVIOUS_LANGUAGE, contract.TIMEOUT)
# What is known of a turn under `parley` before its first words.
_HEARD = (
    contract.REQUEST_ID,
    contract.LANGUAGE,
    contract.LANGUAGE_CONFIDENCE,
    contract.ROUTE,
    contract.USER_INPUT_EN,
)
# What the ending tells, besides the steps and what is lacking.
_TOLD = (*_HEARD, contract.RESPONSE_EN)
# What the chat is not told: it has the texts as messages, and adds its own to the others.
_KEPT = (contract.HISTORY, contract.USER_INPUT_EN, contract.STEPS, contract.DEGRADED)


@dataclass(frozen=True)
class Gateway:
    """A graph with what reaches its services.

    call: whole turns.  ask_chat: a chat, for its words.
    """

    graph: Graph
    services: Sequence[InferenceService]
    call: Call
    ask_chat: AskChat
    histories: Histories
    chats: Mapping[int, Chat]
    splitter: Splitter

    @staticmethod
    def of(
        graph: Graph,
        services: Sequence[InferenceService],
        call: Call,
        ask_chat: AskChat,
        histories: Histories,
    ) -> Gateway:
        chats = find_chats(graph, services)
        return Gateway(graph, services, call, ask_chat, histories, chats, Splitter(contract.PIVOT))

    async def answer(
        self, request: ChatRequest, request_id: str, language: str, out: Out
    ) -> Ending:
        """Give the answer in the person's language, part by part.

        language: the person's own choice, or empty. Raises ParleyError, before the first part or
        after any.
        """
        *earlier, last = request.messages
        asked = _asked(request.parley, language)
        chosen = str(asked.get(contract.LANGUAGE, ""))
        translating = Translating(self.graph, self.chats, self.call, self.histories)
        before = await translating.before(earlier, request.options.system, request_id, chosen)
        if before.language:
            asked.setdefault(contract.PREVIOUS_LANGUAGE, before.language)
        turn = {
            contract.USER_INPUT: last.content,
            contract.HISTORY: before.history,
            contract.REQUEST_ID: request_id,
            **trace_fields(),
            **asked,
        }
        ending, response = await self._take(turn, before, request, out)
        await self._remember(request.messages, ending.parley, response)
        return ending

    async def _take(
        self, turn: Instance, before: Before, request: ChatRequest, out: Out
    ) -> tuple[Ending, str]:
        """The ending of a turn, and its answer."""
        speaking = {key: chat for key, chat in self.chats.items() if chat.tail is not None}
        reached = await walk_to_chat(self.graph, [turn], self.call, speaking)
        if isinstance(reached, Answer):
            [prediction] = predictions_of(reached)
            _refuse_options(request.options)
            return await self._whole(prediction, before, out)
        chat, [at_chat] = reached.chat, reached.turns
        if contract.gave_nothing(at_chat, contract.USER_INPUT_EN):
            # The chat says nothing to what has no English, and the rest of the branch knows that.
            [prediction] = await walk(chat.rest(self.graph), reached.body, self.call)
            return await self._whole(prediction, before, out, Usage())
        return await self._speak(chat, at_chat, before, request, out)

    async def _whole(
        self, prediction: Instance, before: Before, out: Out, usage: Usage | None = None
    ) -> tuple[Ending, str]:
        """A turn of which every step has done its part; none of them says what it counted."""
        notes = Notes()
        notes.merge(before.notes)
        notes.add(prediction)
        response = str(prediction.get(contract.RESPONSE, ""))
        if response:
            out.tell(_heard(prediction))
            await out.put(response)
        return Ending(Finish.STOP, usage, _told(prediction, notes)), response

    async def _speak(
        self, chat: Chat, turn: Instance, before: Before, request: ChatRequest, out: Out
    ) -> tuple[Ending, str]:
        heard = _heard({**turn, contract.USER_INPUT_EN: remembered(turn).english})
        out.tell(heard)
        asked = _chat_request(chat, turn, replace(request.options, system=before.system))
        speech = Speech(turn, chat.behind(self.graph), self.call, self.splitter)
        spoken = await speech.give(lambda take: self.ask_chat(chat.step, asked, take), out.put)
        notes = Notes()
        notes.merge(before.notes)
        notes.add(turn)
        notes.add(spoken.ending.parley)
        notes.merge(spoken.notes)
        told = _told({**heard, contract.RESPONSE_EN: spoken.english}, notes)
        return Ending(spoken.ending.finish, spoken.ending.usage, told), spoken.response

    async def _remember(
        self, messages: Sequence[ChatMessage], told: Mapping[str, Any], response: str
    ) -> None:
        """What the next request will hold of this turn."""
        language = str(told.get(contract.LANGUAGE, ""))
        said, answered = told.get(contract.USER_INPUT_EN), told.get(contract.RESPONSE_EN)
        if said is not None and answered and response:
            last = len(messages) - 1
            known = {
                last: Remembered(str(said), language),
                last + 1: Remembered(str(answered), language),
            }
            await self.histories.remember([*messages, ChatMessage(ASSISTANT, response)], known)


def _asked(parley: Mapping[str, Any], language: str) -> Instance:
    """The fields of a turn that a request sets. Raises RequestError."""
    for key in parley:
        if key not in ASKED:
            raise RequestError(f"{PARLEY}.{key[:40]}", f"unknown; known are {', '.join(ASKED)}")
    asked = {key: parley[key] for key in ASKED if key in parley}
    if language:
        if asked.get(contract.LANGUAGE, language) != language:
            raise RequestError(f"{PARLEY}.{contract.LANGUAGE}", "the model names another one")
        asked[contract.LANGUAGE] = language
    return asked


def _refuse_options(options: AnswerOptions) -> None:
    """Raises RequestError where something was asked for that no whole turn has a field for."""
    names = {
        "messages": bool(options.system),
        "max_tokens": options.max_tokens is not None,
        "temperature": options.temperature is not None,
        "top_p": options.top_p is not None,
        "seed": options.seed is not None,
        "stop": bool(options.stop),
    }
    for name, is_asked in names.items():
        if is_asked:
            what = "a system message is" if name == "messages" else "it is"
            raise RequestError(name, f"{what} not supported on this way through the graph")


def _chat_request(chat: Chat, turn: Instance, options: AnswerOptions) -> ChatRequest:
    """What the chat is asked: the turn's history and message in English."""
    texts = [*turn.get(contract.HISTORY, ()), remembered(turn).english]
    roles = ("user", ASSISTANT)
    messages = [ChatMessage(roles[i % 2], text) for i, text in enumerate(reversed(texts))]
    told = {key: value for key, value in turn.items() if key not in _KEPT}
    return ChatRequest(chat.model, tuple(reversed(messages)), options, True, True, told)


def _heard(turn: Instance) -> dict[str, Any]:
    return {key: turn[key] for key in _HEARD if key in turn}


def _told(turn: Instance, notes: Notes) -> dict[str, Any]:
    return {key: turn[key] for key in _TOLD if key in turn} | notes.as_turn()
