{{/* The claim that the Job fills and the predictors read. */}}
{{- define "parley.claim" -}}
{{- .Values.weights.volume.existingClaim | default (include "parley.ownClaim" .) -}}
{{- end -}}

{{- define "parley.ownClaim" -}}
{{- .Values.weights.volume.name | default (include "parley.name" (dict "root" . "name" "models")) -}}
{{- end -}}

{{/* The models that the Job fetches and converts, each once: a JSON list. Empty means that there is no Job. */}}
{{- define "parley.fetched" -}}
{{- $models := list -}}
{{- range $name, $spec := include "parley.predictors" . | fromJson -}}
{{- if $spec.fromVolume -}}
{{- $models = append $models $spec.model -}}
{{- end -}}
{{- end -}}
{{- range .Values.weights.job.extraModels -}}
{{- $models = append $models . -}}
{{- end -}}
{{- $models | uniq | toJson -}}
{{- end -}}

{{/* What it converts to: float16 for an accelerator, int8 for the CPU, unless the values say it. */}}
{{- define "parley.quantizations" -}}
{{- $kinds := .Values.weights.quantizations -}}
{{- if not $kinds -}}
{{- range $name, $spec := include "parley.predictors" . | fromJson -}}
{{- if $spec.fromVolume -}}
{{- $kinds = append $kinds (ternary "float16" "int8" $spec.accelerated) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $kinds | default (list "int8" "float16") | uniq | join "," -}}
{{- end -}}

{{/* Variables of the Job: where the models go, and how the hub is reached. */}}
{{- define "parley.jobEnv" -}}
{{- $hub := .Values.weights.hub -}}
- name: PARLEY_MODELS
  value: /models
- name: HF_HOME
  value: /tmp/huggingface
{{- with $hub.endpoint }}
- name: HF_ENDPOINT
  value: {{ . | quote }}
{{- end }}
{{- with $hub.tokenSecret.name }}
- name: HF_TOKEN
  valueFrom:
    secretKeyRef:
      name: {{ . | quote }}
      key: {{ $hub.tokenSecret.key | quote }}
{{- end }}
{{- with .Values.weights.job.env }}
{{ include "parley.env" . }}
{{- end }}
{{- end -}}

{{/* The pod of the Job, without its labels. The Job's name ends with a hash of it. */}}
{{- define "parley.jobPod" -}}
{{- $job := .Values.weights.job -}}
restartPolicy: OnFailure
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  {{- include "parley.podSecurityContext" (dict "root" . "spec" .Values.predictors) | nindent 2 }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- with $job.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $job.tolerations }}
tolerations:
  {{- include "parley.list" . | nindent 2 }}
{{- end }}
{{- with $job.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
containers:
  - name: models
    image: {{ include "parley.image" (dict "root" . "image" $job.image) }}
    {{- with .Values.image.pullPolicy }}
    imagePullPolicy: {{ . | quote }}
    {{- end }}
    command: [python, -m, predictors.conversion, pull]
    args:
      - --quantizations={{ include "parley.quantizations" . }}
      {{- range include "parley.fetched" . | fromJsonArray }}
      - {{ . | quote }}
      {{- end }}
    env:
      {{- include "parley.jobEnv" . | nindent 6 }}
    resources:
      {{- toYaml $job.resources | nindent 6 }}
    securityContext:
      {{- toYaml .Values.predictors.containerSecurityContext | nindent 6 }}
    volumeMounts:
      - name: tmp
        mountPath: /tmp
      - name: models
        mountPath: /models
volumes:
  - name: tmp
    emptyDir:
      sizeLimit: {{ $job.tmpSize }}
  - name: models
    persistentVolumeClaim:
      claimName: {{ include "parley.claim" . | quote }}
{{- end -}}
