"""The conversation in a terminal: reads lines, shows answers, obeys `/commands`.

Answers go to `out` (stdout), everything else to `notes` (stderr), so that a pipe carries answers
only. Reading, printing and the graph are arguments; nothing here knows a terminal or a server.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from graph.client import Conversation, Reply
from graph.errors import NotReady, ParleyError

Print = Callable[[str], None]
Command = Callable[["Session", str], None]


class Session:
    """One conversation. `run` returns when the input ends or the person leaves."""

    def __init__(self, conversation: Conversation, out: Print, notes: Print) -> None:
        self.conversation = conversation
        self.out = out
        self.notes = notes
        self.original = False
        self.done = False
        self.failed = False

    def run(self, read: Callable[[], str]) -> bool:
        """Answer line after line of `read`, which raises EOFError at the end.

        True when every message was answered. A message that fails is reported and the conversation
        goes on; Ctrl-C while an answer is awaited drops that message, at the prompt it leaves.
        """
        while not self.done:
            try:
                line = read().strip()
            except (EOFError, KeyboardInterrupt):
                break
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
            self.show(self.conversation.say(line))
        except KeyboardInterrupt:
            self.notes("stopped; the message was dropped")
        except ParleyError as err:
            # Nothing is lost when there is nothing yet; later, the history is worth a second try.
            if isinstance(err, NotReady) and not self.conversation.replies:
                raise
            self.failed = True
            self.notes(f"error: {err}")

    def show(self, reply: Reply) -> None:
        self.out(f"[{reply.language}] {reply.response}")
        if self.original and reply.response_en != reply.response:
            self.out(f"     you: {reply.user_input_en}")
            self.out(f"  answer: {reply.response_en}")

    def choose_language(self, argument: str) -> None:
        """/lang CODE|auto: answer in that language from now on, or detect it again"""
        if not argument:
            self.notes(f"language: {self.conversation.language or 'auto'}")
            return
        self.conversation.language = None if argument == "auto" else argument
        self.notes(f"language: {argument}")

    def toggle_original(self, argument: str) -> None:
        """/original: show the English of message and answer too, or no more"""
        self.original = not self.original
        self.notes(f"original: {'on' if self.original else 'off'}")
        if self.original and self.conversation.replies:
            self.show(self.conversation.replies[-1])

    def show_history(self, argument: str) -> None:
        """/history: the conversation so far, in English as the chat model has it"""
        for i, text in enumerate(self.conversation.history):
            self.out(f"{('you', 'answer')[i % 2]}: {text}")

    def reset(self, argument: str) -> None:
        """/reset: forget the conversation and begin anew"""
        self.conversation.reset()
        self.notes("the conversation is empty")

    def save(self, argument: str) -> None:
        """/save FILE: write every turn to FILE, as the graph returned it"""
        if not argument:
            self.notes("/save FILE: name the file")
            return
        turns = [reply.prediction for reply in self.conversation.replies]
        try:
            Path(argument).expanduser().write_text(
                json.dumps(turns, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
            )
        except OSError as err:
            self.notes(f"{argument}: {err.strerror}; nothing was saved")
            return
        self.notes(f"saved {len(turns)} turns to {argument}")

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
    "/help": Session.show_help,
    "/quit": Session.quit,
}
