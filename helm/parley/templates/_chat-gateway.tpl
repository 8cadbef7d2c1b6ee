{{/* The gateway before the chat's graph: OpenAI's API and the chat page. */}}

{{/* The name of its objects; empty where there is none. */}}
{{- define "parley.chatGateway" -}}
{{- if and .Values.chatGateway.enabled .Values.multilingualChat.enabled -}}
{{- include "parley.name" (dict "root" . "name" "chat-gateway") -}}
{{- end -}}
{{- end -}}

{{/* The metadata of one of its objects. */}}
{{- define "parley.chatGatewayMetadata" -}}
name: {{ include "parley.chatGateway" . }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "parley.labels" . | nindent 2 }}
{{- end -}}

{{/* By which its pods are found. */}}
{{- define "parley.chatGatewayPods" -}}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: gateway
{{- end -}}

{{/* Whether there may be more of them than at the start: a text that is empty for no. */}}
{{- define "parley.chatGatewayScaled" -}}
{{- include "parley.scaled" .Values.chatGateway -}}
{{- end -}}

{{- define "parley.chatGatewayArgs" -}}
{{- $chat := get (include "parley.applications" . | fromJson) "chat" -}}
- --inference-graph={{ $chat.graph }}
# As long as the graph's router may take: spec.routerTimeouts.serverWrite.
- --answer_seconds={{ $chat.seconds }}
{{- range $option, $value := .Values.chatGateway.options }}
{{- if not (kindIs "invalid" $value) }}
- {{ printf "--%s=%s" $option (include "parley.text" $value) | quote }}
{{- end }}
{{- end }}
{{- if .Values.chatGateway.apiKeys.existingSecret }}
- --api_keys=/etc/parley/api-keys/keys
{{- end }}
{{- end -}}

{{/* The cache's password comes before the URL that it stands in. */}}
{{- define "parley.chatGatewayEnv" -}}
{{- $cache := .Values.chatGateway.cache -}}
{{- $url := $cache.url -}}
{{- with $cache.passwordSecret.name }}
{{- $url = $url | replace "://" "://:$(CACHE_PASSWORD)@" }}
- name: CACHE_PASSWORD
  valueFrom: {secretKeyRef: {name: {{ . | quote }}, key: {{ $cache.passwordSecret.key | quote }}}}
{{- end }}
{{- with $url }}
- name: PARLEY_CACHE
  value: {{ . | quote }}
{{- end }}
{{- with .Values.chatGateway.env }}
{{ include "parley.env" . }}
{{- end }}
{{- end -}}

{{/* Where its pods go. */}}
{{- define "parley.chatGatewayPlacement" -}}
{{- $spec := .Values.chatGateway -}}
{{- with $spec.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $spec.tolerations }}
tolerations:
  {{- include "parley.list" . | nindent 2 }}
{{- end }}
{{- with $spec.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $spec.topologySpread }}
{{- $pods := dict "matchLabels" (include "parley.chatGatewayPods" $ | fromYaml) }}
{{- $items := dict }}
{{- range $name, $item := . }}
{{- if $item }}
{{- $_ := set $items $name (merge (deepCopy $item) (dict "labelSelector" $pods)) }}
{{- end }}
{{- end }}
topologySpreadConstraints:
  {{- include "parley.list" $items | nindent 2 }}
{{- end }}
{{- with $spec.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- end -}}
