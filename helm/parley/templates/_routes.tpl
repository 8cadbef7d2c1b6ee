{{/* What every HTTPRoute and every Ingress of the release has. */}}

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
  {{- if .Values.tls.existingSecret }}
  - group: gateway.networking.k8s.io
    kind: Gateway
    name: {{ include "parley.name" (dict "root" . "name" "edge") }}
    sectionName: https
  {{- else }}
  {{- include "parley.list" .Values.httpRoute.parentRefs | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* ingress-nginx waits a minute by default; a turn may take longer: (dict "root" $ "seconds" 240). */}}
{{- define "parley.ingressAnnotations" -}}
{{- $defaults := dict
    "nginx.ingress.kubernetes.io/proxy-read-timeout" (toString .seconds)
    "nginx.ingress.kubernetes.io/proxy-body-size" "8m" -}}
{{- toYaml (merge (deepCopy .root.Values.ingress.annotations) $defaults) -}}
{{- end -}}

{{- define "parley.ingressDoor" -}}
{{- with .Values.ingress.className }}
ingressClassName: {{ . | quote }}
{{- end }}
{{- with .Values.ingress.tls }}
tls:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
