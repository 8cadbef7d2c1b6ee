{{/* Which pods are closed but for the path of a turn: the release's, or all of the namespace. */}}
{{- define "parley.policedPods" -}}
{{- if eq .Values.networkPolicies.scope "namespace" -}}
{}
{{- else -}}
matchLabels:
  {{- include "parley.selectorLabels" . | nindent 2 }}
{{- end -}}
{{- end -}}

{{/* The predictors of the release, as KServe labels their pods. */}}
{{- define "parley.predictorPods" -}}
matchLabels:
  app.kubernetes.io/instance: {{ .Release.Name }}
  component: predictor
{{- end -}}
