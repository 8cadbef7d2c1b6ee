"""Valid values of the chart with one mistake, each with the key that is at fault."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

from tests.deploy.chart_strategies import VALID, Values

# A mistake: the path of the key at fault, and the value that is wrong there.
MISTAKES: tuple[tuple[tuple[str, ...], Any], ...] = (
    (("langauges",), {}),
    (("languages", "xx"), {}),
    (("languages", "it", "dirct"), True),
    (("languages", "it"), {"direct": True, "toEnglish": {"model": "/m"}}),
    (("languages", "it", "direct"), "yes"),
    (("languages", "it", "toEnglish", "replica"), 2),
    (("names", "prefix"), "Upper"),
    (("multilingualChat", "host"), "not a host"),
    (("multilingualChat", "path"), "chat"),
    (("chatGateway", "host"), "not a host"),
    (("chatGateway", "options", "cache"), "redis://a"),
    (("chatGateway", "cache", "url"), "redis://:password@a:6379"),
    (("chatGateway", "cache", "peers"), {}),
    (("chatGateway", "apiKeys", "existingSecret"), ["a"]),
    (("chatGateway", "apiServer", "ports"), []),
    (("chatGateway", "terminationGracePeriodSeconds"), 60),
    (("image", "pullPolicy"), "Sometimes"),
    (("image", "pullSecrets"), "mine"),
    (("predictors", "replicas"), 1.5),
    (("predictors", "replicas"), 0),
    (("predictors", "image", "digest"), "sha256:12"),
    (("predictors", "image", "variant"), "gpu"),
    (("predictors", "scaling", "targetCPU"), "80%"),
    (("predictors", "accelerator", "count"), 0.5),
    (("predictors", "accelerator"), {"resourceName": "nvidia.com/gpu", "claimTemplate": "one"}),
    (("predictors", "accelerator"), {"resourceName": "a.com/b", "deviceClassName": "gpu.a.com"}),
    (("predictors", "accelerator"), {"deviceClassName": "gpu.a.com", "claimTemplate": "one"}),
    (("predictors", "accelerator", "selectors"), "true"),
    (("predictors", "accelerator", "resourceNmae"), "amd.com/gpu"),
    (("predictors", "resources", "limit"), {}),
    (("predictors", "resources", "limits", "memory"), "4 GB"),
    (("predictors", "tolerations"), []),
    (("predictors", "env", "A-B"), "x"),
    (("predictors", "env", "A"), 1),
    (("predictors", "probes", "startup", "periodSecond"), 1),
    (("predictors", "deploymentStrategy", "type"), "Fast"),
    (("detector", "options", "languages"), "en,fr"),
    (("translator", "options", "Parallel"), 1),
    (("translator", "model"), "opus-mt"),
    (("translator", "model"), "hf:owner/name"),
    (("sharedTranslator", "services"), 3),
    (("sharedTranslator", "service"), 1),
    (("sharedTranslator", "languages"), ["xx"]),
    (("sharedTranslator", "model"), "facebook/m2m100_418M"),
    (("sharedTranslator", "options", "directions"), "both"),
    (("chat", "canary", "weight"), 100),
    (("chat", "canary", "weigth"), 10),
    (("chat", "model"), "embedded:gpt"),
    (("chat", "openai", "url"), "llm:8000"),
    (("chat", "openai", "podPort"), 0),
    (("colocate", "predictors"), ["Chat"]),
    (("colocate", "predictor"), ["chat"]),
    (("colocate", "storageUri"), "hf://a/b"),
    (("colocate", "options", "threads"), 2),
    (("router", "replicas"), "two"),
    (("timeouts", "service"), 0),
    (("weights", "volume", "accessMode"), "ReadWrite"),
    (("weights", "volume", "size"), "ten"),
    (("weights", "quantizations"), ["int4"]),
    (("weights", "job", "port"), 70000),
    (("weights", "job", "extraModels"), ["owner/name"]),
    (("weights", "hub", "endpoint"), "hub"),
    (("httpRoute", "enabled"), "true"),
    (("httpRoute", "parentRefs", "mine"), {"sectionName": "https"}),
    (("ingress", "tls"), [{"host": "x"}]),
    (("networkPolicies", "scope"), "cluster"),
    (("networkPolicies", "gateways", "mine"), {"podSelctor": {}}),
    (("networkPolicies", "dns", "mine"), {"port": 53}),
    (("podSecurity", "policies"), True),
    (("openshift",), "yes"),
    (("metrics", "podMonitor", "interval"), "often"),
    (("metrics", "rules", "enabled"), "yes"),
    (("podMonitor", "enabled"), True),
    (("tests", "sentences", "xx"), "Hi"),
    (("extraObjects", "mine"), {"kind": "Secret"}),
)
MISTAKEN = st.tuples(VALID, st.sampled_from(MISTAKES))


def with_mistake(values: Values, path: tuple[str, ...], wrong: Any) -> Values:
    """The values with what is wrong in its place."""
    made = copy.deepcopy(values)
    place = made
    for key in path[:-1]:
        if not isinstance(place.get(key), dict):
            place[key] = {}
        place = place[key]
    place[path[-1]] = wrong
    return made
