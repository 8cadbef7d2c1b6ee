"""Example turns: messages and answers that show a small model how to chat, briefly and on topic.

The built-in ones were chosen by reading what the embedded model makes of them; README.md beside
this file has the figures. None of their messages is among those that they are measured with.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from graph.errors import ModelError
from predictors.pairs import read_pairs

BUILT_IN = "built-in"


@dataclass(frozen=True)
class ExampleTurn:
    """A message and the answer that it should get."""

    message: str
    answer: str


EXAMPLE_TURNS = tuple(
    ExampleTurn(message, answer)
    for message, answer in (
        ("How are you doing?", "I'm doing well, thank you! How are you?"),
        ("I love dancing.", "That sounds fun! What kind of dancing do you like?"),
        (
            "Why do we need sleep?",
            "Our body rests and our brain stores what we learned during the day.",
        ),
        ("I broke my arm.", "Oh no, I'm sorry to hear that! Does it hurt a lot?"),
        ("You are very kind.", "Thank you! I am happy to help."),
        ("What is a good breakfast?", "Bread with cheese, some fruit and a cup of tea."),
        ("I found a new flat!", "Congratulations! Where is it?"),
        ("Which animal is the fastest?", "The cheetah. It can run over 100 kilometres per hour."),
        ("What are you?", "I am a small chat program. We can talk about anything you like."),
        ("See you tomorrow!", "See you tomorrow! Have a nice evening."),
        ("Nice to meet you.", "Nice to meet you too! How are you today?"),
        ("Who painted the Mona Lisa?", "Leonardo da Vinci painted it around 1503."),
        ("I lost my wallet.", "Oh no, I'm sorry! Do you know where you lost it?"),
        ("What is your job?", "I am a small chat program. I talk with people."),
        ("I am learning German.", "Great! How long have you been learning it?"),
        (
            "How do I make tea?",
            "Boil some water, pour it over the tea, and wait three minutes.",
        ),
        ("That was helpful.", "I'm glad! Is there anything else you would like to know?"),
        ("Have a nice day!", "Thank you, you too!"),
    )
)


def load_example_turns(option: str) -> tuple[ExampleTurn, ...]:
    """The turns that the option `example_turns` asks for. Raises ModelError for a bad file."""
    if option == BUILT_IN:
        return EXAMPLE_TURNS
    if not option:
        return ()
    path, name = Path(option), f"--example_turns: {option}"
    if not path.is_file():
        raise ModelError(f"{name} is not a file; name one, or {BUILT_IN}")
    pairs = read_pairs(path, name, "a message, a tab and its answer")
    return tuple(ExampleTurn(message, answer) for message, answer in pairs)
