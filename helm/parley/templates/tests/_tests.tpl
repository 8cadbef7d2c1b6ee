{{/* The conversations of `helm test`, as JSON for files/converse.py. */}}
{{- define "parley.conversations" -}}
{{- $sentences := .Files.Get "files/sentences.yaml" | fromYaml -}}
{{- $conversations := list -}}
{{- range $key, $application := include "parley.applications" . | fromJson -}}
{{- $graph := printf "http://%s.%s.svc.cluster.local/" $application.graph $.Release.Namespace -}}
{{- $gateway := dict -}}
{{- if and (eq $key "chat") (include "parley.chatGateway" $) -}}
{{- $url := printf "http://%s.%s.svc.cluster.local/v1/chat/completions" (include "parley.chatGateway" $) $.Release.Namespace -}}
{{- $gateway = dict "gateway" (dict "url" $url "model" $application.graph) -}}
{{- end -}}
{{- range $code := $application.languages -}}
{{- $messages := get $sentences $code | default list -}}
{{- with get $.Values.tests.sentences $code -}}
{{- $messages = list . -}}
{{- end -}}
{{- $conversations = append $conversations (merge (dict "graph" $graph "language" $code "messages" $messages) $gateway) -}}
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
