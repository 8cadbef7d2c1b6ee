"""The chat in languages of one's choice: its graph, and all that stands around it on a cluster.

It is the shipped manifests with other languages: the detector serves them, each has two translators
and a branch of the graph, and a batch of several languages passes every translator. The chart does
the same from its values, and a test compares the two.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass

from graph import contract
from graph.composing.application import application
from graph.composing.flow import Flow, sequence, step, switch
from graph.composing.services import Predictor, chat, detector, translator
from graph.composing.shipped import Object, Variant, find_shipped, read_models, read_shipped
from graph.errors import SpecError
from graph.spec.documents import suggest

_GRAPH, _NAMESPACE = "multilingual-chat", "parley"
_CODE = re.compile(r"[a-z]{2}")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_HUB_MODEL = re.compile(r"hf:[\w.-]+(/[\w.-]+)?@[\w./-]+", re.ASCII)
# What is made anew; the rest of a shipped file is kept.
_MADE = ("InferenceService", "InferenceGraph", "PersistentVolumeClaim", "Job")
_BUDGET = "PodDisruptionBudget"
_NAME_OF_NAMESPACE = "kubernetes.io/metadata.name"
_READ_TIMEOUT = "nginx.ingress.kubernetes.io/proxy-read-timeout"

Pair = tuple[Predictor, Predictor]


@dataclass(frozen=True)
class Plan:
    """languages: codes besides English.  variant: which shipped models.  host: "" for the shipped.

    model: of a hub, for every translator, in the place of those that are known by language.
    accelerator: the extended resource of the variant gpu.
    registry: where the images come from, such as registry.example.com/parley; "" for nowhere.
    pull_secret: the Secret that they are pulled with.
    """

    languages: Sequence[str]
    variant: Variant = Variant.EMBEDDED
    namespace: str = _NAMESPACE
    host: str = ""
    model: str = ""
    accelerator: str = ""
    registry: str = ""
    pull_secret: str = ""


def write_chat(plan: Plan) -> list[Object]:
    """Every object of the chat, its namespace first. Raises SpecError."""
    _check(plan)
    finding, pairs, answering = _predictors(plan)
    whole = application(_GRAPH, chat_flow(finding, pairs, answering), namespace=plan.namespace)
    if plan.registry:
        whole = whole.from_registry(plan.registry, plan.pull_secret)
    made = whole.objects
    predictors = [finding, *(each for pair in pairs for each in pair), answering]
    (seconds,) = (
        body["spec"]["routerTimeouts"]["serverWrite"]
        for body in made
        if body["kind"] == "InferenceGraph"
    )
    kept = [body for body in read_shipped(plan.variant) if body["kind"] not in _MADE]
    budgets = _write_budgets(predictors)
    around = [
        body for body in kept if body["kind"] != _BUDGET or body["metadata"]["name"] == _GRAPH
    ]
    for body in (*around, *budgets):
        _move(body, plan.namespace)
        _open_door(body, plan.host, seconds)
    first = [body for body in around if body["kind"] == "Namespace"]
    return [*first, *made, *(body for body in around if body not in first), *budgets]


def chat_flow(finding: Predictor, pairs: Sequence[Pair], answering: Predictor) -> Flow:
    """Detect the language, then one branch for each, with English as the pivot.

    pairs: the translators of each language to English and from it.
    """
    to_english, from_english = zip(*pairs, strict=True)
    # Each translator leaves alone what is not its own.
    branches = {"mixed": sequence(*to_english, answering, *from_english)}
    for one, other in pairs:
        branches[str(one.options["source"])] = sequence(one, answering, other)
    english = sequence(answering, name=contract.PIVOT)
    by_language = switch(branches, on=contract.ROUTE, otherwise=english, name="by-language")
    return sequence(step(finding, name="detect"), by_language)


def _predictors(plan: Plan) -> tuple[Predictor, list[Pair], Predictor]:
    codes = sorted({*plan.languages} - {contract.PIVOT})
    pairs = [_translators(code, plan) for code in codes]
    answering = chat(_shipped_model(plan.variant, "chat"))
    if plan.accelerator:
        answering = answering.configure(accelerator=plan.accelerator)
        pairs = [
            (
                one.configure(accelerator=plan.accelerator),
                other.configure(accelerator=plan.accelerator),
            )
            for one, other in pairs
        ]
    return detector(*codes), pairs, answering


def _translators(code: str, plan: Plan) -> Pair:
    models = (plan.model, plan.model) if plan.model else _find_models(code, plan.variant)
    pivot = contract.PIVOT
    return translator(code, pivot, models[0]), translator(pivot, code, models[1])


def _find_models(code: str, variant: Variant) -> tuple[str, str]:
    """The models of a language to English and from it. Raises SpecError, which lists the known."""
    table = read_models()
    if variant is Variant.EMBEDDED:
        model = _shipped_model(variant, "translate-fr-en")
        pairs = dict.fromkeys(table.by_example[model], (model, model))
        more = "leave --embedded out for models of more languages"
    else:
        pairs = table.pairs()
        more = "name a model for it by --translator hf:ID@REVISION"
    if code in pairs:
        return pairs[code]
    raise SpecError(
        f"--languages: no model is known for {code!r}{suggest(code, pairs)}; known are "
        f"{', '.join(sorted(pairs))}; or {more}"
    )


def _shipped_model(variant: Variant, name: str) -> str:
    body = find_shipped(variant, "InferenceService", name)
    (container,) = body["spec"]["predictor"]["containers"]
    (model,) = (a for a in container["args"] if a.startswith("--model="))
    return str(model.removeprefix("--model="))


def _write_budgets(predictors: Iterable[Predictor]) -> list[Object]:
    shipped = find_shipped(Variant.EMBEDDED, _BUDGET, "chat")
    budgets = []
    for predictor in predictors:
        budget = deepcopy(shipped)
        budget["metadata"]["name"] = predictor.name
        labels = budget["spec"]["selector"]["matchLabels"]
        labels["serving.kserve.io/inferenceservice"] = predictor.name
        budgets.append(budget)
    return budgets


def _move(body: Object, namespace: str) -> None:
    """Into another namespace, which is a part of the names of what is not in one."""
    kind, metadata, spec = body["kind"], body["metadata"], body.get("spec", {})
    if kind == "Namespace":
        metadata["name"] = namespace
    elif "namespace" in metadata:
        metadata["namespace"] = namespace
    else:
        metadata["name"] = metadata["name"].replace(_NAMESPACE, namespace, 1)
    if kind == "ValidatingAdmissionPolicyBinding":
        spec["policyName"] = metadata["name"]
        spec["matchResources"]["namespaceSelector"]["matchLabels"][_NAME_OF_NAMESPACE] = namespace


def _open_door(body: Object, host: str, seconds: int) -> None:
    """A route that waits as long as the graph's router may take, under another host name."""
    spec = body.get("spec", {})
    if body["kind"] == "HTTPRoute":
        spec["hostnames"] = [host] if host else spec["hostnames"]
        for rule in spec["rules"]:
            rule["timeouts"] = dict.fromkeys(rule["timeouts"], f"{seconds}s")
    if body["kind"] == "Ingress":
        body["metadata"]["annotations"][_READ_TIMEOUT] = str(seconds)
        for rule in spec["rules"]:
            rule["host"] = host or rule["host"]


def _check(plan: Plan) -> None:
    if not {*plan.languages} - {contract.PIVOT}:
        raise SpecError("--languages: name at least one besides English, such as fr")
    if plan.model and not _HUB_MODEL.fullmatch(plan.model):
        raise SpecError(f"--translator {plan.model}: write hf:ID@REVISION")
    for code in plan.languages if plan.model else ():
        if not _CODE.fullmatch(code):
            raise SpecError(f"--languages: {code!r} is no code of ISO 639-1; write fr or fr,es")
    if not _LABEL.fullmatch(plan.namespace):
        raise SpecError(
            f"--namespace {plan.namespace}: no name of a namespace; it has small letters, digits "
            "and hyphens"
        )
    if plan.host and not all(_LABEL.fullmatch(part) for part in plan.host.split(".")):
        raise SpecError(f"--host {plan.host}: no host name, such as chat.example.com")
