"""What the folders of manifests/ render to, taken apart for the tests."""

from __future__ import annotations

from typing import Any

Objects = list[dict[str, Any]]
MODELS = ("chat", "translate-en-fr", "translate-fr-en")
ITALIAN = ("translate-en-it", "translate-it-en")
# Every folder that is applied whole, with its services that have a model.
SERVICES = {
    "base": MODELS,
    "overlays/cpu": MODELS,
    "overlays/gpu-claims": MODELS,
    "overlays/gpu-shared": MODELS,
    "overlays/gpu-shared/mig": MODELS,
    "overlays/embedded": MODELS,
    "overlays/italian": (*MODELS, *ITALIAN),
    "overlays/translator-flan-t5": ITALIAN,
    "translator": ITALIAN,
}
OVERLAYS = tuple(SERVICES)
WITH_VOLUME = tuple(name for name in OVERLAYS if name not in ("overlays/embedded", "translator"))
ON_CPU = (
    "overlays/cpu",
    "overlays/embedded",
    "overlays/italian",
    "overlays/translator-flan-t5",
    "translator",
)


def predictors(objects: Objects) -> dict[str, dict[str, Any]]:
    """The pod part of each InferenceService, by name."""
    return {
        item["metadata"]["name"]: item["spec"]["predictor"]
        for item in objects
        if item["kind"] == "InferenceService"
    }


def only(objects: Objects, kind: str) -> dict[str, Any]:
    (found,) = (item for item in objects if item["kind"] == kind)
    return found


def branches(spec: dict[str, Any]) -> dict[str, Any]:
    """The nodes of a graph that follow the detector and the choice of a language."""
    return {
        name: node for name, node in spec["nodes"].items() if name not in ("root", "by-language")
    }


def options(predictor: dict[str, Any]) -> dict[str, str]:
    args = predictor["containers"][0]["args"]
    return dict(arg.removeprefix("--").split("=", 1) for arg in args)
