"""An application: its objects as YAML, for KServe's SDK, for a cluster, and run in this process."""

from __future__ import annotations

import pytest
import yaml

from graph.compose import Application, application, chat, detector, sequence, switch, translator
from graph.errors import SpecError
from graph.local.build import DEFAULT_FILE, TRANSLATOR_FILE, build
from graph.spec.load import load_objects
from tests.graph.composing.test_services import CHECKPOINT, GEMMA, SMOLLM

ANSWERING = chat(SMOLLM)
CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}


def kinds(made: Application) -> list[str]:
    return [body["kind"] for body in made.objects]


def test_its_yaml_is_read_back_as_the_same_objects():
    made = application("talk", sequence(detector("fr"), ANSWERING), namespace="people")
    assert [*yaml.safe_load_all(made.to_yaml())] == [*made.objects]
    assert {body["metadata"]["namespace"] for body in made.objects} == {"people"}
    labels = {body["metadata"]["labels"]["app.kubernetes.io/instance"] for body in made.objects}
    assert labels == {"talk"}
    assert "&id" not in made.to_yaml()


def test_without_a_namespace_its_objects_name_none():
    made = application("talk", sequence(detector("fr"), ANSWERING))
    assert not any("namespace" in body["metadata"] for body in made.objects)


def test_one_service_and_several_are_applications_without_a_graph():
    assert kinds(application("basic", ANSWERING)) == ["InferenceService"]
    both = application("parts", [detector("fr"), ANSWERING])
    assert kinds(both) == ["InferenceService", "InferenceService"]
    assert both.graph is None


def test_models_of_a_hub_bring_their_volume_and_one_job_that_fills_it():
    one = translator("fr", "en", CHECKPOINT)
    gpu = translator("en", "fr", CHECKPOINT).configure(accelerator="nvidia.com/gpu")
    made = application("talk", sequence(one, chat(CHECKPOINT), gpu))
    assert kinds(made)[:2] == ["PersistentVolumeClaim", "Job"]
    job = made.objects[1]
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["args"] == ["--quantizations=float16,int8", CHECKPOINT]
    fewer = application("talk", sequence(one, chat(CHECKPOINT)))
    assert fewer.objects[1]["metadata"]["name"] != job["metadata"]["name"]


def test_a_service_that_is_only_named_runs_elsewhere():
    assert kinds(application("talk", sequence("detector", "chat"))) == ["InferenceGraph"]


def test_lint_warns_of_what_may_be_meant():
    made = application("talk", switch({"a": "chat"}, on="kind"))
    assert [warning.rule for warning in made.warnings] == ["no-catch-all"]


def test_objects_of_the_sdk_are_given_and_accepted():
    made = application("talk", sequence(detector("fr"), ANSWERING), namespace="people")
    given = made.to_kserve()
    assert [type(each).__name__ for each in given] == [
        "V1beta1InferenceService", "V1beta1InferenceService", "V1alpha1InferenceGraph",
    ]  # fmt: skip
    assert given[2].spec.nodes["root"].steps[1].map_predictions_to_instances is True
    assert Application.of(*given) == made


def test_objects_of_files_are_an_application_too():
    made = Application.of(DEFAULT_FILE)
    assert made.name == "multilingual-chat" and made.warnings == []


def test_a_service_of_the_sdk_is_a_step_and_keeps_its_own_fields():
    (given,) = application("basic", ANSWERING).to_kserve()
    given.spec.predictor.max_replicas = 3
    made = application("talk", sequence(detector("fr"), given), namespace="people")
    service = made.objects[0]
    assert service["spec"]["predictor"]["maxReplicas"] == 3
    assert service["metadata"]["namespace"] == "people"
    assert service["metadata"]["labels"]["app.kubernetes.io/instance"] == "basic"


def test_a_field_that_the_sdk_lacks_is_not_lost_in_silence():
    (body,) = application("basic", ANSWERING).objects
    odd = body | {"spec": body["spec"] | {"predictor": body["spec"]["predictor"] | {"newer": 1}}}
    with pytest.raises(SpecError, match="InferenceService/chat: has fields that V1beta1Infer"):
        Application.of(odd).to_kserve()


def test_the_local_runner_builds_it_with_its_variables_and_options():
    ear = detector("fr", "it").configure(env={"PARLEY_DEFAULT_LANGUAGE": "it"})
    made = application("talk", sequence(ear, chat(SMOLLM, max_tokens=7)))
    built = build(load_objects(made.to_yaml(), "talk"), "talk")
    assert built.handlers["detector"].predictor.languages == ("en", "fr", "it")  # type: ignore[attr-defined]
    built.close()


@pytest.mark.models
def test_it_runs_in_this_process_with_its_graph_and_without():
    french = sequence(translator("fr", "en", GEMMA), ANSWERING, translator("en", "fr", GEMMA))
    talk = switch({"fr": french}, on="route", otherwise=ANSWERING)
    with application("talk", sequence(detector("fr"), talk)).local() as client:
        reply = client.turn("Bonjour !")
    assert reply.language == "fr"
    assert [each.name for each in reply.steps] == [
        "detector", "translate-fr-en", "chat", "translate-en-fr",
    ]  # fmt: skip
    with application("basic", ANSWERING).local() as client:
        [answer] = client.predict("chat", [{"user_input": "Hello"}])
    assert answer["response"]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: application("talk", []), "at least one service"),
        (lambda: application("talk", [ANSWERING, ANSWERING]), "two services have one name"),
        (lambda: application("Talk", sequence("chat")), "a InferenceGraph name must consist of"),
        (lambda: Application.of(), "at least one service"),
        (lambda: Application.of({"kind": "Pod"}), "is not a Kubernetes object"),
        (lambda: Application.of(CONFIG), "at least one service"),
        (lambda: Application.of(DEFAULT_FILE, TRANSLATOR_FILE), "has one graph, not 2"),
        (lambda: Application.of(7), "int: name a file or a folder, or give an object"),
        (
            lambda: application(
                "talk",
                sequence(detector("fr", "it"), switch({"fr": "a"}, on="route", otherwise="b")),
            ),
            "which has no branch here",
        ),
    ],
)
def test_what_would_fail_is_refused_when_it_is_made(make, words):
    with pytest.raises(SpecError, match=words):
        make()
