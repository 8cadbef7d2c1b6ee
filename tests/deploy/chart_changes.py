"""A change of every value of the chart, and the values with which the change can be seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Values = dict[str, Any]

# By a value's path: what it is changed to. A number is raised, a switch turned, without an entry.
CHANGES: dict[str, Any] = {
    "names.prefix": "my-",
    "languages.fr": {"direct": True},
    "multilingualChat.host": "a.example.com",
    "multilingualChat.path": "/chat",
    "chatGateway.host": "d.example.com",
    "chatGateway.image.registry": "registry.example.com",
    "chatGateway.image.tag": "9",
    "chatGateway.image.digest": "sha256:" + "0" * 64,
    "chatGateway.scaling.maxReplicas": 3,
    "chatGateway.scaling.behavior": {"scaleDown": {"stabilizationWindowSeconds": 9}},
    "chatGateway.options": {"max_inflight": 9},
    "chatGateway.apiKeys.existingSecret": "keys",
    "chatGateway.cache.url": "redis://a:1",
    "chatGateway.cache.passwordSecret.name": "a",
    "chatGateway.cache.peer": {"podSelector": {}},
    "chatGateway.clients": {"a": {"podSelector": {}}},
    "chatGateway.apiServer.peers": {"a": {"podSelector": {}}},
    "chatGateway.apiServer.ports": [1],
    "chatGateway.topologySpread.nodes.matchLabelKeys": ["a"],
    "basicChat.host": "b.example.com",
    "translation.language": "de",
    "translation.model": "/models/mine",
    "translation.prefix": "second-",
    "translation.host": "c.example.com",
    "translation.path": "/translate",
    "image.registry": "registry.example.com",
    "image.pullPolicy": "Always",
    "image.pullSecrets": ["mine"],
    "predictors.image.registry": "registry.example.com",
    "predictors.image.repository": "mine",
    "predictors.image.tag": "9",
    "predictors.image.variant": "",
    "predictors.image.digest": "sha256:" + "0" * 64,
    "predictors.scaling.maxReplicas": 3,
    "predictors.scaling.behavior": {"scaleDown": {"stabilizationWindowSeconds": 9}},
    "predictors.resources": {"limits": {"example.com/a": 1}},
    "predictors.accelerator.resourceName": "amd.com/gpu",
    "predictors.accelerator.deviceClassName": "gpu.nvidia.com",
    "predictors.accelerator.selectors": ["true"],
    "predictors.accelerator.claimTemplate": "one-gpu",
    "predictors.options": {"threads": 2},
    "predictors.envFrom": {"a": {"secretRef": {"name": "a"}}},
    "predictors.initContainers": {"a": {"image": "a"}},
    "predictors.storageUri": "hf://owner/name",
    "predictors.deploymentStrategy.type": "Recreate",
    "detector.accelerator.resourceName": "nvidia.com/gpu",
    "detector.accelerator.deviceClassName": "gpu.nvidia.com",
    "detector.accelerator.claimTemplate": "one-gpu",
    "translator.model": "/models/mine",
    "sharedTranslator.model": "/models/mine",
    "sharedTranslator.services": 1,
    "sharedTranslator.languages": ["es"],
    "chat.model": "/models/mine",
    "chat.openai.url": "http://other/v1",
    "chat.openai.peer": {"podSelector": {}},
    "chat.openai.podPort": 8001,
    "chat.canary.model": "/models/mine",
    "chat.canary.overrides": {"replicas": 2},
    "colocate.predictors": ["chat"],
    "router.maxReplicas": 3,
    "timeouts.turn": 999,
    "weights.volume.existingClaim": "mine",
    "weights.volume.name": "mine",
    "weights.volume.accessMode": "ReadWriteOnce",
    "weights.volume.storageClassName": "fast",
    "weights.quantizations": ["float32"],
    "weights.job.image.registry": "registry.example.com",
    "weights.job.image.tag": "9",
    "weights.job.image.digest": "sha256:" + "0" * 64,
    "weights.job.extraModels": ["hf:a/b@c"],
    "weights.job.ttlSecondsAfterFinished": 60,
    "weights.job.peers": {"a": {"podSelector": {}}},
    "weights.hub.endpoint": "https://hub.example.com",
    "weights.nodeCache.nodeGroups": ["a"],
    "httpRoute.filters": {"a": {"type": "RequestMirror"}},
    "ingress.tls": [{"secretName": "a"}],
    "maxBodyBytes": 9,
    "auth.apiKeys.existingSecret": "keys",
    "auth.jwt.jwksUri": "https://issuer.example.com/keys",
    "auth.jwt.jwksConfigMap": "keys",
    "auth.jwt.issuer": "https://issuer.example.com",
    "auth.jwt.audiences": ["a"],
    "rateLimit.requests": 9,
    "rateLimit.unit": "Hour",
    "rateLimit.by": "client",
    "tls.existingSecret": "certificate",
    "networkPolicies.scope": "namespace",
    "networkPolicies.monitoring": {"a": {"podSelector": {}}},
    "networkPolicies.egress": {"a": {"ports": [{"port": 1}]}},
    "metrics.podMonitor.interval": "9s",
    "tests.sentences": {"fr": "Salut !"},
    "extraObjects": {"a": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}},
}
# By the last key: what any value of that name is changed to.
BY_NAME: dict[str, Any] = {
    "affinity": {"nodeAffinity": {}},
    "annotations": {"a": "b"},
    "cpu": "3",
    "drop": ["NET_RAW"],
    "env": {"A": "b"},
    "labels": {"a": "b"},
    "memory": "9Gi",
    "modelSize": "9Gi",
    "nodeSelector": {"a": "b"},
    "size": "9Gi",
    "sizeLimit": "9Gi",
    "tmpSize": "9Gi",
    "tolerations": {"a": {"operator": "Exists"}},
}
OPENAI: Values = {"chat": {"model": "", "openai": {"url": "http://llm/v1", "model": "a"}}}
STORED = {"model": "/mnt/models", "storageUri": "hf://owner/name"}
# By the beginning of a path: the values with which such a change shows.
CONTEXTS: dict[str, Values] = {
    "multilingualChat.enabled": {"basicChat": {"enabled": True}},
    "basicChat.enabled": {},
    "basicChat": {"basicChat": {"enabled": True}},
    "translation.enabled": {},
    "translation": {"translation": {"enabled": True}},
    "chatGateway.scaling.targetCPU": {"chatGateway": {"scaling": {"maxReplicas": 2}}},
    "chatGateway.scaling.behavior": {"chatGateway": {"scaling": {"maxReplicas": 2}}},
    "chatGateway.apiKeys.key": {"chatGateway": {"apiKeys": {"existingSecret": "a"}}},
    "chatGateway.cache": {"chatGateway": {"cache": {"url": "redis://a"}}},
    "chatGateway.cache.url": {},
    "chatGateway.cache.passwordSecret.key": {
        "chatGateway": {"cache": {"url": "redis://a", "passwordSecret": {"name": "a"}}}
    },
    "predictors.scaling.targetCPU": {"predictors": {"scaling": {"maxReplicas": 2}}},
    "predictors.scaling.behavior": {"predictors": {"scaling": {"maxReplicas": 2}}},
    "predictors.accelerator.deviceClassName": {"predictors": {"accelerator": {"resourceName": ""}}},
    "predictors.accelerator.selectors": {
        "predictors": {"accelerator": {"resourceName": "", "deviceClassName": "a"}}
    },
    "predictors.accelerator.claimTemplate": {"predictors": {"accelerator": {"resourceName": ""}}},
    "predictors.storageUri": {
        "translator": {"model": "/mnt/models"},
        "chat": {"model": "/mnt/models"},
    },
    "predictors.topologySpread": {"predictors": {"replicas": 2}},
    "sharedTranslator.model": {},
    "sharedTranslator": {"sharedTranslator": {"model": "/models/a"}, "languages": {"es": {}}},
    "colocate": {"colocate": {"predictors": ["chat"]}},
    "colocate.predictors": {},
    "chat.openai": OPENAI,
    "chat.openai.apiKeySecret.key": {
        "chat": {
            "model": "",
            "openai": {**OPENAI["chat"]["openai"], "apiKeySecret": {"name": "a"}},
        }
    },
    "chat.canary.model": {"chat": {"canary": {"weight": 10}}},
    "chat.canary.overrides": {"chat": {"canary": {"weight": 10}}},
    "router.targetCPU": {"router": {"maxReplicas": 2}},
    "weights.hub.tokenSecret.key": {"weights": {"hub": {"tokenSecret": {"name": "a"}}}},
    "weights.nodeCache": {"chat": STORED, "weights": {"nodeCache": {"nodeGroups": ["b"]}}},
    "ingress.enabled": {},
    "ingress": {"ingress": {"enabled": True}},
    "auth.apiKeys.header": {"auth": {"apiKeys": {"existingSecret": "keys"}}},
    "auth.jwt.issuer": {"auth": {"jwt": {"jwksConfigMap": "keys"}}},
    "auth.jwt.audiences": {"auth": {"jwt": {"jwksConfigMap": "keys"}}},
    "rateLimit.unit": {"rateLimit": {"requests": 1}},
    "rateLimit.by": {
        "auth": {"apiKeys": {"existingSecret": "keys"}},
        "rateLimit": {"requests": 1},
    },
    "tls.existingSecret": {},
    "tls": {"tls": {"existingSecret": "certificate"}},
    "metrics.podMonitor.enabled": {},
    "metrics.podMonitor": {"metrics": {"podMonitor": {"enabled": True}}},
    "metrics.rules.enabled": {},
    "metrics.rules": {"metrics": {"rules": {"enabled": True}}},
    "metrics.dashboard.enabled": {},
    "metrics.dashboard": {"metrics": {"dashboard": {"enabled": True}}},
}
# What shows on a cluster only.
ON_A_CLUSTER = {"kserve.checkGraphCRD"}


def leaves(values: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, inner in values.items():
        if isinstance(inner, Mapping) and inner:
            yield from leaves(inner, (*path, key))
        else:
            yield (*path, key)


def context(path: tuple[str, ...]) -> Values:
    """The values of the longest beginning of the path that has any."""
    for length in range(len(path), 0, -1):
        found = CONTEXTS.get(".".join(path[:length]))
        if found is not None:
            return found
    return {}


def changed(path: tuple[str, ...], before: Any) -> Any:
    """Another value for a path."""
    name = ".".join(path)
    if name in CHANGES:
        return CHANGES[name]
    if isinstance(before, bool):
        return not before
    if isinstance(before, int):
        return before + 1
    if path[-1] in BY_NAME:
        return BY_NAME[path[-1]]
    assert isinstance(before, str), f"chart_changes has no change of {name}"
    return f"{before}1"
