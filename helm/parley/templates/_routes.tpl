{{/* What every HTTPRoute of the release has. */}}

{{- define "parley.routeMetadata" -}}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "parley.labels" . | nindent 2 }}
  {{- with .Values.httpRoute.labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .Values.httpRoute.annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "parley.parentRefs" -}}
parentRefs:
  {{- include "parley.list" .Values.httpRoute.parentRefs | nindent 2 }}
{{- end -}}
