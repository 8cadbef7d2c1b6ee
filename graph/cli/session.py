"""A conversation line by line: it reads messages and `/commands`, and shows answers.

Answers go to `out` (stdout), everything else to `notes` (stderr), so that a pipe carries answers
only. Reading, printing and the graph are arguments; nothing here knows a terminal or a server.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence

from graph import contract
from graph.calling.conversation import Conversation
from graph.calling.replies import Reply
from graph.calling.steps import Degradation
from graph.cli.words import lacking, name_to_tell, named, plain_words
from graph.errors import NotReady, ParleyError, RequestError, SpecError
from graph.turn.degradation import Reason

Print = Callable[[str], None]
Command = Callable[["Session", str], None]


class Session:
    """One conversation. `run` returns when the input ends or the person leaves."""

    def __init__(
        self,
        conversation: Conversation,
        out: Print,
        notes: Print,
        *,
        languages: Sequence[str] = (),
        interactive: bool = False,
        as_json: bool = False,
    ) -> None:
        """languages: those that are served, where that is known.

        interactive: a person is there to go on after Ctrl-C.  as_json: a JSON object for each
        message, on a line of its own: the prediction, or `{"error": ...}`.
        """
        self.conversation = conversation
        self.out = out
        self.notes = notes
        self.languages = languages
        self.interactive = interactive
        self.as_json = as_json
        self.original = False
        self.done = False
        self.failed = False
        # How the history of the last turn was cut.
        self.cut: list[Degradation] = []

    def run(self, read: Callable[[], str]) -> bool:
        """Answer line after line of `read`, which raises EOFError at the end.

        True when every message was answered. A message that fails is reported and the conversation
        goes on. Ctrl-C while a person waits for an answer drops that message.
        """
        while not self.done:
            try:
                line = read().strip()
            except EOFError:
                break
            except UnicodeError:
                self.fail("the line is not UTF-8 text; it was left out")
                continue
            if line:
                self.take(line)
        return not self.failed

    def take(self, line: str) -> None:
        """One line: a command or a message."""
        if line.startswith("/"):
            name, _, argument = line.partition(" ")
            command = COMMANDS.get(name)
            if command is None:
                self.notes(f"{name}: no such command; /help lists them")
            else:
                command(self, argument.strip())
            return
        try:
            self.answer(self.conversation.say(line))
        except KeyboardInterrupt:
            if not self.interactive:
                raise
            self.notes("\nstopped; the message was dropped")
        except ParleyError as err:
            # Nothing is lost when there is nothing yet; later, the history is worth a second try.
            if isinstance(err, NotReady) and not self.conversation.replies:
                raise
            self.fail(plain_words(err), name_to_tell(err))

    def fail(self, problem: str, request_id: str = "") -> None:
        """A message has no answer."""
        self.failed = True
        self.notes(f"error: {named(problem, request_id)}")
        if self.as_json:
            name = {"request_id": request_id} if request_id else {}
            self.out(json.dumps({"error": problem} | name, ensure_ascii=False))

    def answer(self, reply: Reply) -> None:
        """Show a new turn and what it lacks."""
        self.show(reply)
        # A long conversation stays too long: that is said once.
        cut = [entry for entry in reply.degraded if entry.reason == Reason.HISTORY_CUT]
        for line in lacking(reply.prediction):
            if line not in map(str, self.cut):
                self.notes(f"note: {line}")
        self.cut = cut
        self.failed = self.failed or not reply.response

    def show(self, reply: Reply) -> None:
        if self.as_json:
            self.out(json.dumps(reply.prediction, ensure_ascii=False))
            return
        if not reply.response:
            return
        self.out(f"[{reply.language}] {reply.response}")
        if self.original and reply.response_en != reply.response:
            self.out(f"     you: {reply.user_input_en}")
            self.out(f"  answer: {reply.response_en}")

    def choose_language(self, argument: str) -> None:
        """/lang CODE|auto: answer in that language from now on, or detect it again"""
        if not argument:
            self.notes(f"language: {self.conversation.language or 'auto'}")
            return
        problem = "" if argument == "auto" else self._language_problem(argument)
        if problem:
            self.notes(problem)
            return
        self.conversation.language = None if argument == "auto" else argument
        self.notes(f"language: {argument}")

    def _language_problem(self, code: str) -> str:
        """What is wrong with a language, as far as that can be known before a message is sent."""
        if self.languages and code not in self.languages:
            return f"{code!r} is not served; choose {', '.join(self.languages)} or auto"
        try:
            contract.read_instances({contract.USER_INPUT: "-", contract.LANGUAGE: code})
        except RequestError as err:
            return err.message
        return ""

    def toggle_original(self, argument: str) -> None:
        """/original: show the English of message and answer too, or no more"""
        self.original = not self.original
        self.notes(f"original: {'on' if self.original else 'off'}")
        if self.original and self.conversation.replies and not self.as_json:
            self.show(self.conversation.replies[-1])

    def show_history(self, argument: str) -> None:
        """/history: the conversation so far, in English as the chat model has it"""
        show = self.notes if self.as_json else self.out
        for i, text in enumerate(self.conversation.history):
            show(f"{('you', 'answer')[i % 2]}: {text}")

    def reset(self, argument: str) -> None:
        """/reset: forget the conversation and the chosen language, and begin anew"""
        self.conversation.reset()
        self.conversation.language = None
        self.notes("the conversation is empty; language: auto")

    def save(self, argument: str) -> None:
        """/save FILE: write the conversation to a new file"""
        self._write(argument, replace=False)

    def replace(self, argument: str) -> None:
        """/save! FILE: the same, in the place of a file that is there"""
        self._write(argument, replace=True)

    def _write(self, argument: str, replace: bool) -> None:
        if not argument:
            self.notes("/save FILE: name the file")
            return
        try:
            self.conversation.save(os.path.expanduser(argument), replace=replace)
        except FileExistsError:
            self.notes(f"{argument} is there already; /save! {argument} replaces it")
        except OSError as err:
            self.notes(f"{argument}: {err.strerror}; nothing was saved")
        else:
            self.notes(f"saved {len(self.conversation.replies)} turns to {argument}")

    def load(self, argument: str) -> None:
        """/load FILE: go on with a conversation that was saved, in the place of this one"""
        if not argument:
            self.notes("/load FILE: name the file")
            return
        try:
            file = os.path.expanduser(argument)
            self.conversation = Conversation.load(file, self.conversation.client)
        except SpecError as err:
            self.notes(f"{err}; the conversation is as it was")
        else:
            self.notes(f"loaded {len(self.conversation.replies)} turns of {argument}")

    def show_help(self, argument: str) -> None:
        """/help: this list"""
        for command in COMMANDS.values():
            self.notes(f"  {(command.__doc__ or '').splitlines()[0]}")

    def quit(self, argument: str) -> None:
        """/quit: leave"""
        self.done = True


COMMANDS: dict[str, Command] = {
    "/lang": Session.choose_language,
    "/original": Session.toggle_original,
    "/history": Session.show_history,
    "/reset": Session.reset,
    "/save": Session.save,
    "/save!": Session.replace,
    "/load": Session.load,
    "/help": Session.show_help,
    "/quit": Session.quit,
}
