{{/* What Envoy Gateway does before a request reaches an application. */}}

{{/* The metadata of a policy or of the Gateway of the release. */}}
{{- define "parley.edgeMetadata" -}}
name: {{ include "parley.name" (dict "root" . "name" "edge") }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "parley.labels" . | nindent 2 }}
{{- end -}}

{{/*
The HTTPRoutes of the release, as the targets of a policy: parley.edgeTargets (dict "root" $ "gateway" true), where
`gateway` says whether the one of the chat's gateway is among them.
*/}}
{{- define "parley.edgeTargets" -}}
targetRefs:
  {{- range include "parley.applications" .root | fromJson }}
  - {group: gateway.networking.k8s.io, kind: HTTPRoute, name: {{ .graph }}}
  {{- end }}
  {{- with and .gateway (include "parley.chatGateway" .root) }}
  - {group: gateway.networking.k8s.io, kind: HTTPRoute, name: {{ . }}}
  {{- end }}
  {{- if .root.Values.basicChat.enabled }}
  - group: gateway.networking.k8s.io
    kind: HTTPRoute
    name: {{ include "parley.name" (dict "root" .root "name" "basic-chat") }}
  {{- end }}
{{- end -}}

{{/* The values that need a policy of Envoy Gateway, each by its name. */}}
{{- define "parley.edgeValues" -}}
{{- $set := list -}}
{{- if .Values.maxBodyBytes }}{{ $set = append $set "maxBodyBytes" }}{{ end -}}
{{- if .Values.auth.apiKeys.existingSecret }}{{ $set = append $set "auth.apiKeys.existingSecret" }}{{ end -}}
{{- if .Values.auth.jwt.jwksUri }}{{ $set = append $set "auth.jwt.jwksUri" }}{{ end -}}
{{- if .Values.auth.jwt.jwksConfigMap }}{{ $set = append $set "auth.jwt.jwksConfigMap" }}{{ end -}}
{{- if .Values.rateLimit.requests }}{{ $set = append $set "rateLimit.requests" }}{{ end -}}
{{- if .Values.tls.existingSecret }}{{ $set = append $set "tls.existingSecret" }}{{ end -}}
{{- toJson $set -}}
{{- end -}}

{{/* Whose proxies may call the router: those of the release's own Gateway, or networkPolicies.gateways. */}}
{{- define "parley.gatewayPeers" -}}
{{- if .Values.tls.existingSecret -}}
- namespaceSelector:
    matchLabels:
      kubernetes.io/metadata.name: {{ .Values.tls.proxyNamespace | quote }}
  podSelector:
    matchLabels:
      gateway.envoyproxy.io/owning-gateway-name: {{ include "parley.name" (dict "root" . "name" "edge") }}
      gateway.envoyproxy.io/owning-gateway-namespace: {{ .Release.Namespace }}
{{- else if .Values.networkPolicies.gateways -}}
{{- include "parley.list" .Values.networkPolicies.gateways -}}
{{- end -}}
{{- end -}}
