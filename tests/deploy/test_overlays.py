"""Every overlay is an application that is whole: graph, budgets, policies, volume."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from kubernetes.utils.quantity import parse_quantity

from tests.cluster import quotas
from tests.deploy.render import MANIFESTS
from tests.deploy.rendered import (
    ITALIAN,
    OVERLAYS,
    SERVICES,
    WITH_VOLUME,
    Objects,
    branches,
    only,
    options,
    predictors,
)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_each_language_has_its_branch_and_a_mixed_batch_passes_every_translator(
    overlay: str, objects: Callable[[str], Objects]
) -> None:
    rendered = objects(overlay)
    spec = only(rendered, "InferenceGraph")["spec"]
    languages = options(predictors(rendered)["detector"])["languages"].split(",")
    assert set(branches(spec)) == {*languages, "mixed"}
    switch = [step["nodeName"] for step in spec["nodes"]["by-language"]["steps"]]
    assert set(switch) == set(branches(spec))
    assert (switch[0], switch[-1]) == ("mixed", "en")
    passed = [step["serviceName"] for step in branches(spec)["mixed"]["steps"]]
    assert sorted(passed) == sorted(SERVICES[overlay])


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_disruption_budget_and_the_policies_cover_every_pod(
    overlay: str, objects: Callable[[str], Objects]
) -> None:
    rendered = objects(overlay)
    graph = only(rendered, "InferenceGraph")["metadata"]
    budgets = [
        item["spec"]["selector"]["matchLabels"]
        for item in rendered
        if item["kind"] == "PodDisruptionBudget"
    ]
    wanted = [{"serving.kserve.io/inferenceservice": name} for name in predictors(rendered)]
    wanted.append({"serving.kserve.io/inferencegraph": graph["name"]})
    assert sorted(map(str, budgets)) == sorted(map(str, wanted))
    (policy,) = (
        item
        for item in rendered
        if item["kind"] == "NetworkPolicy" and item["metadata"]["name"] == "predictors"
    )
    instance = policy["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/instance"]
    for item in rendered:
        # A pod has the labels of its InferenceService.
        if item["kind"] == "InferenceService":
            assert item["metadata"]["labels"]["app.kubernetes.io/instance"] == instance
        assert item["metadata"].get("namespace") in (None, graph["namespace"])


@pytest.mark.parametrize("overlay", WITH_VOLUME)
def test_the_models_lie_on_the_claim_that_the_job_fills(
    overlay: str, objects: Callable[[str], Objects]
) -> None:
    rendered = objects(overlay)
    claim = only(rendered, "PersistentVolumeClaim")["metadata"]["name"]
    job = only(rendered, "Job")["spec"]["template"]["spec"]
    found = predictors(rendered)
    for pod in (job, *(found[name] for name in SERVICES[overlay])):
        (container,) = pod["containers"]
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
        environ = {item["name"]: item.get("value") for item in container["env"]}
        mount = mounts[environ["PARLEY_MODELS"]]
        assert volumes[mount["name"]]["persistentVolumeClaim"]["claimName"] == claim
        assert mount.get("readOnly", False) == (pod is not job)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_overlay_but_the_one_with_a_language_more_keeps_its_graph(
    overlay: str, objects: Callable[[str], Objects]
) -> None:
    application = "translator" if SERVICES[overlay] == ITALIAN else "base"
    same = only(objects(overlay), "InferenceGraph") == only(objects(application), "InferenceGraph")
    assert same == (overlay != "overlays/italian")


@pytest.mark.parametrize(
    "folders",
    [
        ("overlays/embedded", "translator"),
        ("overlays/italian", "overlays/translator-flan-t5"),
    ],
)
def test_the_two_applications_share_no_object(
    folders: tuple[str, str], objects: Callable[[str], Objects]
) -> None:
    """So that deleting one leaves the other whole."""
    chat, translator = (
        {
            (item["kind"], item["metadata"].get("namespace"), item["metadata"]["name"])
            for item in objects(folder)
        }
        for folder in folders
    )
    assert chat and translator and not chat & translator


@pytest.mark.parametrize("folder", ["overlays/embedded", "overlays/cpu", "base"])
def test_the_readme_says_what_a_quota_has_to_allow(
    folder: str, objects: Callable[[str], Objects]
) -> None:
    rows = [
        [cell.strip(" `") for cell in line.strip("|\n").split("|")]
        for line in (MANIFESTS / "README.md").read_text().splitlines()
        if line.startswith("|")
    ]
    [header] = [row for row in rows if "requests.memory" in row]
    [row] = [row for row in rows if row[0] == folder and len(row) == len(header)]
    stated = quotas.add_up(objects(folder))
    told = dict(zip(header[1:], row[1:], strict=True))
    assert {key: parse_quantity(text) for key, text in told.items()} == {
        key: stated[key] for key in told
    }
    assert stated.keys() <= told.keys()
