{{/* The conversations of `helm test`, as JSON for files/converse.py. */}}
{{- define "parley.conversations" -}}
{{- $sentences := .Files.Get "files/sentences.yaml" | fromYaml -}}
{{- $conversations := list -}}
{{- range $application := include "parley.applications" . | fromJson -}}
{{- $graph := printf "http://%s.%s.svc.cluster.local/" $application.graph $.Release.Namespace -}}
{{- range $code := $application.languages -}}
{{- $messages := get $sentences $code | default list -}}
{{- with get $.Values.tests.sentences $code -}}
{{- $messages = list . -}}
{{- end -}}
{{- $conversations = append $conversations (dict "graph" $graph "language" $code "messages" $messages) -}}
{{- end -}}
{{- end -}}
{{- toJson $conversations -}}
{{- end -}}

{{/* A test's objects go when it has ended; its output is printed before. */}}
{{- define "parley.testAnnotations" -}}
helm.sh/hook: test
helm.sh/hook-weight: {{ . | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded,hook-failed
helm.sh/hook-output-log-policy: hook-succeeded,hook-failed
{{- end -}}

{{- define "parley.testLabels" -}}
{{ include "parley.labels" . }}
app.kubernetes.io/component: test
{{- end -}}
