{{/* The containers of a predictor's pod. Every helper takes (dict "root" $ "spec" SPEC). */}}

{{- define "parley.container" -}}
{{- $spec := .spec -}}
{{- $ready := eq $spec.kind "colocated" | ternary "/readyz" (printf "/v1/models/%s" $spec.modelName) -}}
image: {{ include "parley.predictorImage" . }}
{{- with .root.Values.image.pullPolicy }}
imagePullPolicy: {{ . | quote }}
{{- end }}
command: [python, -m, predictors.{{ $spec.kind }}]
args:
  {{- toYaml $spec.args | nindent 2 }}
env:
  {{- include "parley.env" $spec.env | nindent 2 }}
  {{- with include "parley.modelEnv" . | trim }}
  {{- . | nindent 2 }}
  {{- end }}
{{- with $spec.envFrom }}
envFrom:
  {{- include "parley.list" . | nindent 2 }}
{{- end }}
ports:
  - name: http1
    containerPort: 8080
    protocol: TCP
resources:
  {{- include "parley.resources" . | nindent 2 }}
startupProbe:
  {{- include "parley.probe" (dict "probe" $spec.probes.startup "path" $ready) | nindent 2 }}
readinessProbe:
  {{- include "parley.probe" (dict "probe" $spec.probes.readiness "path" $ready) | nindent 2 }}
livenessProbe:
  {{- include "parley.probe" (dict "probe" $spec.probes.liveness "path" "/") | nindent 2 }}
lifecycle:
  {{- toYaml $spec.lifecycle | nindent 2 }}
securityContext:
  {{- toYaml $spec.containerSecurityContext | nindent 2 }}
volumeMounts:
  {{- include "parley.named" $spec.volumeMounts | nindent 2 }}
  {{- if $spec.fromVolume }}
  - name: models
    mountPath: /models
    readOnly: true
  {{- end }}
{{- end -}}

{{/* The build follows from what the model is and where it runs, unless image.variant names one. */}}
{{- define "parley.predictorImage" -}}
{{- $variant := "" -}}
{{- if not (kindIs "invalid" .spec.image.variant) -}}
{{- $variant = .spec.image.variant -}}
{{- else if hasPrefix "embedded:" .spec.model -}}
{{- $variant = "embedded" -}}
{{- else if .spec.accelerated -}}
{{- $variant = "cuda" -}}
{{- end -}}
{{- include "parley.image" (dict "root" .root "image" .spec.image "variant" $variant) -}}
{{- end -}}

{{/* What the container must know of its model. */}}
{{- define "parley.modelEnv" -}}
{{- if .spec.fromVolume -}}
- name: PARLEY_MODELS
  value: /models
{{ end -}}
{{- with .spec.storageUri -}}
- name: STORAGE_URI
  value: {{ . | quote }}
{{ end -}}
{{- $secret := dig "openai" "apiKeySecret" dict .spec -}}
{{- if and (hasPrefix "openai:" .spec.model) $secret.name -}}
- name: OPENAI_API_KEY
  valueFrom:
    secretKeyRef:
      name: {{ $secret.name | quote }}
      key: {{ $secret.key | quote }}
{{ end -}}
{{- end -}}

{{/* CPU and memory as they are given, and the accelerator. */}}
{{- define "parley.resources" -}}
{{- $resources := deepCopy .spec.resources -}}
{{- if .spec.accelerated -}}
{{- $accelerator := .spec.accelerator -}}
{{- if include "parley.claimTemplate" (dict "root" .root "accelerator" $accelerator) -}}
{{- $_ := set $resources "claims" (list (dict "name" "accelerator")) -}}
{{- else -}}
{{- $limits := $resources.limits | default dict -}}
{{- $_ := set $limits $accelerator.resourceName (toString $accelerator.count) -}}
{{- $_ := set $resources "limits" $limits -}}
{{- end -}}
{{- end -}}
{{- toYaml $resources -}}
{{- end -}}

{{/* A probe asks the path over HTTP unless it says itself what to do. */}}
{{- define "parley.probe" -}}
{{- $get := dict "path" .path "port" 8080 -}}
{{- if or .probe.httpGet .probe.exec .probe.tcpSocket -}}
{{- toYaml .probe -}}
{{- else -}}
{{- toYaml (merge (dict "httpGet" $get) .probe) -}}
{{- end -}}
{{- end -}}

{{/* A pod waits for its conversion, which the Job makes; then come those of the values. */}}
{{- define "parley.initContainers" -}}
{{- $spec := .spec -}}
{{- if or $spec.fromVolume $spec.initContainers }}
initContainers:
  {{- if $spec.fromVolume }}
  - name: wait-for-model
    image: {{ include "parley.predictorImage" . }}
    {{- with .root.Values.image.pullPolicy }}
    imagePullPolicy: {{ . | quote }}
    {{- end }}
    command: [python, -m, predictors.models.wait]
    args:
      {{- range $spec.awaited | default (list $spec.model) }}
      - {{ . | quote }}
      {{- end }}
    env:
      - name: PARLEY_MODELS
        value: /models
    resources:
      requests: {cpu: 10m, memory: 64Mi}
      limits: {cpu: 200m, memory: 256Mi}
    securityContext:
      {{- toYaml $spec.containerSecurityContext | nindent 6 }}
    volumeMounts:
      - name: models
        mountPath: /models
        readOnly: true
  {{- end }}
  {{- range $name, $container := $spec.initContainers }}
  {{- if $container }}
  - name: {{ $name | quote }}
    {{- toYaml (merge $container (dict "securityContext" $spec.containerSecurityContext)) | nindent 4 }}
  {{- end }}
  {{- end }}
{{- end }}
{{- end -}}
