"""What a predictor may be given: pods, images, accelerators, scale."""

from __future__ import annotations

from typing import Any

import pytest

from tests.deploy.chart import Chart, Refused, container, environ, find, kinds, policy, predictor
from tests.deploy.rendered import only

CLASS = "gpu.nvidia.com"


def test_no_disruption_budget_for_one_replica(chart: Chart) -> None:
    assert "PodDisruptionBudget" not in kinds(chart.render())


def test_a_disruption_budget_and_a_spread_over_nodes_for_two(chart: Chart) -> None:
    objects = chart.render(values={"chat": {"replicas": 2}})
    budget = only(objects, "PodDisruptionBudget")
    assert budget["metadata"]["name"] == "parley-chat"
    (spread,) = predictor(objects, "parley-chat")["topologySpreadConstraints"]
    assert spread["labelSelector"] == {
        "matchLabels": {"serving.kserve.io/inferenceservice": "parley-chat"}
    }
    assert "topologySpreadConstraints" not in predictor(objects, "parley-detector")


def test_a_digest_wins_over_the_tag(chart: Chart) -> None:
    digest = "sha256:" + "0" * 64
    image = {"tag": "9", "digest": digest, "registry": "localhost:5000"}
    objects = chart.render(values={"chat": {"image": image}})
    assert container(objects, "parley-chat")["image"] == f"localhost:5000/parley-chat@{digest}"


def test_the_build_follows_from_the_model_and_the_accelerator(chart: Chart) -> None:
    values = {
        "languages": {"fr": {"fromEnglish": {"accelerator": {"resourceName": ""}}}},
        "chat": {"model": "embedded:smollm2-135m-instruct"},
    }
    objects = chart.render(values=values)
    images = {
        name: container(objects, f"parley-{name}")["image"].partition(":")[2]
        for name in ("detector", "translate-fr-en", "translate-en-fr", "chat")
    }
    assert images == {
        "detector": "0.1.0",
        "translate-fr-en": "0.1.0-cuda",
        "translate-en-fr": "0.1.0",
        "chat": "0.1.0-embedded",
    }


def test_an_accelerator_is_a_limit_and_goes_with_its_nodes(chart: Chart) -> None:
    values = {"chat": {"accelerator": {"resourceName": "amd.com/gpu", "count": 2}}}
    objects = chart.render(values=values)
    assert container(objects, "parley-chat")["resources"]["limits"]["amd.com/gpu"] == "2"
    assert "nodeSelector" in predictor(objects, "parley-chat")
    assert "nodeSelector" not in predictor(objects, "parley-detector")


def test_a_claim_template_takes_the_place_of_an_extended_resource(chart: Chart) -> None:
    accelerator = {"resourceName": "", "claimTemplate": "one-gpu"}
    objects = chart.render(values={"predictors": {"accelerator": accelerator}})
    pod = predictor(objects, "parley-chat")
    assert pod["resourceClaims"] == [
        {"name": "accelerator", "resourceClaimTemplateName": "one-gpu"}
    ]
    resources = pod["containers"][0]["resources"]
    assert resources["claims"] == [{"name": "accelerator"}]
    assert "nvidia.com/gpu" not in resources["limits"]
    assert "resourceClaims" not in predictor(objects, "parley-detector")


def test_pods_that_claim_the_same_devices_share_a_template_and_others_have_their_own(
    chart: Chart,
) -> None:
    large = 'device.capacity["gpu.nvidia.com"].memory.compareTo(quantity("40Gi")) >= 0'
    accelerator = {"count": 2, "selectors": [large]}
    objects = chart.render("gpu-claims", values={"chat": {"accelerator": accelerator}})
    requests = {
        item["metadata"]["name"]: item["spec"]["spec"]["devices"]["requests"][0]["exactly"]
        for item in objects
        if item["kind"] == "ResourceClaimTemplate"
    }
    claimed = {
        name: predictor(objects, f"parley-{name}")["resourceClaims"][0]["resourceClaimTemplateName"]
        for name in ("chat", "translate-fr-en", "translate-en-fr")
    }
    assert set(claimed.values()) == set(requests)
    assert claimed["translate-fr-en"] == claimed["translate-en-fr"]
    assert requests[claimed["translate-fr-en"]] == {"deviceClassName": CLASS, "count": 1}
    selectors = [{"cel": {"expression": large}}]
    expected = {"deviceClassName": CLASS, "count": 2, "selectors": selectors}
    assert requests[claimed["chat"]] == expected


@pytest.mark.parametrize(
    ("accelerator", "words"),
    [
        ({"deviceClassName": CLASS}, "resourceName and accelerator.deviceClassName exclude"),
        ({"selectors": ["true"]}, "set accelerator.deviceClassName"),
    ],
)
def test_ways_to_ask_for_an_accelerator_that_contradict_each_other_are_refused(
    accelerator: dict[str, Any], words: str, chart: Chart
) -> None:
    with pytest.raises(Refused, match=words):
        chart.render(values={"chat": {"accelerator": accelerator}})


def test_one_entry_of_a_map_is_changed_alone_and_null_takes_it_out(chart: Chart) -> None:
    values = {
        "predictors": {"env": {"PARLEY_DRAIN_SECONDS": "40", "MINE": "yes"}},
        "chat": {"env": {"MINE": None}},
    }
    objects = chart.render(values=values)
    detector = environ(container(objects, "parley-detector"))
    assert detector == {"PARLEY_DRAIN_SECONDS": "40", "MINE": "yes", "HF_HUB_OFFLINE": "1"}
    assert "MINE" not in environ(container(objects, "parley-chat"))


def test_large_numbers_are_written_out_as_options(chart: Chart) -> None:
    objects = chart.render(values={"chat": {"options": {"context": 1000000}}})
    assert "--context=1000000" in container(objects, "parley-chat")["args"]


def test_kserve_scales_by_cpu(chart: Chart) -> None:
    objects = chart.render(values={"chat": {"scaling": {"maxReplicas": 3, "targetCPU": 60}}})
    pod = predictor(objects, "parley-chat")
    assert (pod["minReplicas"], pod["maxReplicas"]) == (1, 3)
    assert (pod["scaleMetric"], pod["scaleTarget"]) == ("cpu", 60)
    assert "HorizontalPodAutoscaler" not in kinds(objects)


def test_with_a_behaviour_the_chart_makes_the_autoscaler(chart: Chart) -> None:
    behavior = {"scaleDown": {"stabilizationWindowSeconds": 600}}
    scaling = {"maxReplicas": 3, "behavior": behavior}
    objects = chart.render(values={"chat": {"scaling": scaling}})
    scaler = only(objects, "HorizontalPodAutoscaler")["spec"]
    assert scaler["scaleTargetRef"]["name"] == "parley-chat-predictor"
    assert scaler["behavior"] == behavior
    annotations = find(objects, "InferenceService", "parley-chat")["metadata"]["annotations"]
    assert annotations["serving.kserve.io/autoscalerClass"] == "external"


def test_fewer_pods_at_the_most_than_at_the_least_are_refused(chart: Chart) -> None:
    with pytest.raises(Refused, match="chat: scaling.maxReplicas 2 is below replicas 3"):
        chart.render(values={"chat": {"replicas": 3, "scaling": {"maxReplicas": 2}}})


def test_on_openshift_no_user_or_group_is_fixed(chart: Chart) -> None:
    objects = chart.render(values={"openshift": True})
    job_pod = only(objects, "Job")["spec"]["template"]["spec"]
    for pod in (predictor(objects, "parley-chat"), job_pod):
        assert pod["securityContext"] == {
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        }
    ports = {port["port"] for rule in policy(objects, "dns")["egress"] for port in rule["ports"]}
    assert ports == {53, 5353}
