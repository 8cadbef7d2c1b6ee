{{/*
The applications that the release installs, as JSON: by key (chat, translation), each with the name
of its graph, its host and path, the seconds that a turn may take, and its languages.
*/}}
{{- define "parley.applications" -}}
{{- $all := dict -}}
{{- if .Values.multilingualChat.enabled -}}
{{- $translators := include "parley.translators" . | fromJsonArray -}}
{{- $_ := set $all "chat" (dict
    "graph" (include "parley.name" (dict "root" . "name" "multilingual-chat"))
    "host" .Values.multilingualChat.host
    "path" .Values.multilingualChat.path
    "seconds" (include "parley.turnSeconds" (dict "root" . "predictors" (add 2 (mul 2 (len $translators)))) | int)
    "languages" (prepend (keys .Values.languages | sortAlpha) "en")
) -}}
{{- end -}}
{{- if .Values.translation.enabled -}}
{{- $_ := set $all "translation" (dict
    "graph" (include "parley.name" (dict "root" . "name" "translator"))
    "host" .Values.translation.host
    "path" .Values.translation.path
    "seconds" (include "parley.turnSeconds" (dict "root" . "predictors" 3) | int)
    "languages" (list "en" .Values.translation.language)
) -}}
{{- end -}}
{{- toJson $all -}}
{{- end -}}

{{/* How long the router and the route wait for a turn that passes so many predictors at the most. */}}
{{- define "parley.turnSeconds" -}}
{{- $timeouts := .root.Values.timeouts -}}
{{- $needed := mul .predictors $timeouts.service -}}
{{- $seconds := int ($timeouts.turn | default (max 240 $needed)) -}}
{{- if lt $seconds (int $needed) -}}
{{- fail (printf "timeouts.turn is %d, but the %d predictors of a turn may take %d seconds each, so %d" $seconds (int .predictors) (int $timeouts.service) $needed) -}}
{{- end -}}
{{- $seconds -}}
{{- end -}}

{{/* What a graph has besides its nodes: parley.graphSpec (dict "root" $ "seconds" 240). */}}
{{- define "parley.graphSpec" -}}
{{- $router := .root.Values.router -}}
minReplicas: {{ $router.replicas }}
maxReplicas: {{ $router.maxReplicas | default $router.replicas }}
{{- if gt (int ($router.maxReplicas | default 0)) (int $router.replicas) }}
scaleMetric: cpu
scaleTarget: {{ $router.targetCPU }}
{{- end }}
resources:
  {{- toYaml $router.resources | nindent 2 }}
{{- with $router.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $router.tolerations }}
tolerations:
  {{- include "parley.list" . | nindent 2 }}
{{- end }}
{{- with $router.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $router.serviceAccountName }}
serviceAccountName: {{ . | quote }}
{{- end }}
routerTimeouts:
  serverRead: {{ .root.Values.timeouts.read }}
  serverWrite: {{ .seconds }}
  serverIdle: {{ .root.Values.timeouts.idle }}
  serviceClient: {{ .root.Values.timeouts.service }}
{{- end -}}

{{/*
A step that calls a predictor: parley.step (dict "root" $ "name" NAME "first" true).
Every step but the first of a node takes the answer before it. Hard, because KServe's default feeds
an error's body to the next step.
*/}}
{{- define "parley.step" -}}
- name: {{ .as | default .name }}
  {{- if .node }}
  nodeName: {{ .node }}
  {{- else }}
  {{ include "parley.target" . }}
  {{- end }}
  {{- if not .first }}
  data: $response
  {{- end }}
  mapPredictionsToInstances: true
  dependency: Hard
{{- end -}}

{{/*
The step that translates: parley.translateStep (dict "root" $ "key" KEY "direction" "toEnglish" "first" true),
where KEY is one of parley.translators. Both steps of the shared translator may call one service.
*/}}
{{- define "parley.translateStep" -}}
{{- $as := eq .direction "toEnglish" | ternary (printf "translate-%s-en" .key) (printf "translate-en-%s" .key) -}}
{{- $one := and (eq .key "many") (eq (int .root.Values.sharedTranslator.services) 1) -}}
{{- include "parley.step" (dict "root" .root "name" (ternary "translate" $as $one) "as" $as "first" .first) -}}
{{- end -}}

{{/* The step that asks the chat; with a canary, the node that divides the turns. */}}
{{- define "parley.chatStep" -}}
{{- $node := gt (int .root.Values.chat.canary.weight) 0 | ternary "chat" "" -}}
{{- include "parley.step" (dict "root" .root "name" "chat" "node" $node "first" .first) -}}
{{- end -}}

{{/* The way in: the detector, then one branch by the route that it names. */}}
{{- define "parley.entry" -}}
root:
  routerType: Sequence
  steps:
    - name: detect
      serviceName: {{ include "parley.name" (dict "root" .root "name" .detector) }}
      dependency: Hard
    - name: by-language
      nodeName: by-language
      data: $response
      dependency: Hard
by-language:
  routerType: Switch
  steps:
    {{- range $route := .routes }}
    - name: {{ $route | quote }}
      nodeName: {{ $route | quote }}
      condition: predictions.#(route=={{ $route | quote }})
      dependency: Hard
    {{- end }}
    {{- range $route := .direct }}
    # The chat model speaks it.
    - name: {{ $route | quote }}
      nodeName: en
      condition: predictions.#(route=={{ $route | quote }})
      dependency: Hard
    {{- end }}
    # English is what is left: `@this` holds for every answer of the detector.
    - name: en
      nodeName: en
      condition: "@this"
      dependency: Hard
{{- end -}}
