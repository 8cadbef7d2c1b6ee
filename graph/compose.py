"""Graphs composed in Python: the same InferenceGraph and InferenceServices as in YAML.

    from graph.compose import application, chat, detector, sequence, switch, translator

    SMALL = "embedded:gemma3-270m"
    answering = chat("embedded:smollm2-135m-instruct")
    french = sequence(translator("fr", "en", SMALL), answering, translator("en", "fr", SMALL))
    talk = application(
        "talk", sequence(detector("fr"), switch({"fr": french}, on="route", otherwise=answering))
    )

    print(talk.to_yaml())               # what `kubectl apply -f` and `parley serve` take
    with talk.local() as client:        # in this process
        print(client.turn("Bonjour !").response)

A flow may also name an InferenceService that runs already, or hold one of KServe's SDK.
"""

from __future__ import annotations

from graph.composing.application import Application, application
from graph.composing.flow import Flow, ensemble, sequence, splitter, step, switch
from graph.composing.handles import Handle
from graph.composing.running import Running, run
from graph.composing.services import Predictor, chat, detector, translator

__all__ = [
    "Application",
    "Flow",
    "Handle",
    "Predictor",
    "Running",
    "application",
    "chat",
    "detector",
    "ensemble",
    "run",
    "sequence",
    "splitter",
    "step",
    "switch",
    "translator",
]
