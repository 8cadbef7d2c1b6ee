{{/*
Names and labels. Helpers take the root context `$`, or a dict whose `root` is it.
*/}}

{{/* The name of an object: parley.name (dict "root" $ "name" "chat"). */}}
{{- define "parley.name" -}}
{{- $prefix := .root.Values.names.prefix -}}
{{- if kindIs "invalid" $prefix -}}
{{- $prefix = printf "%s-" .root.Release.Name -}}
{{- end -}}
{{- $name := printf "%s%s" $prefix .name -}}
{{- if gt (len $name) 53 -}}
{{- fail (printf "the name %s is longer than 53 characters, after which no Service of KServe can be made for it: choose a shorter release name, or set names.prefix" $name) -}}
{{- end -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $name) -}}
{{- fail (printf "the name %s is refused by KServe, which wants a small letter first and no dots: choose another release name, or set names.prefix" $name) -}}
{{- end -}}
{{- $name -}}
{{- end -}}

{{/* Labels of every object. The chart's version is not among them: KServe copies the labels to the pods, and all would be replaced for every version. */}}
{{- define "parley.labels" -}}
{{ include "parley.selectorLabels" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{/* Labels by which policies and monitors find the pods of this release. */}}
{{- define "parley.selectorLabels" -}}
app.kubernetes.io/part-of: parley
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* The name that an image is pulled by: parley.image (dict "root" $ "image" IMAGE "variant" "cuda"). */}}
{{- define "parley.image" -}}
{{- $registry := .image.registry | default .root.Values.image.registry -}}
{{- $name := .image.repository -}}
{{- if $registry -}}
{{- $name = printf "%s/%s" (trimSuffix "/" $registry) $name -}}
{{- end -}}
{{- $tag := .image.tag | default .root.Chart.AppVersion -}}
{{- if and .variant (not .image.tag) -}}
{{- $tag = printf "%s-%s" $tag .variant -}}
{{- end -}}
{{- if .image.digest -}}
{{ $name }}@{{ .image.digest }}
{{- else -}}
{{ $name }}:{{ $tag }}
{{- end -}}
{{- end -}}

{{/* A map of named values as a list of them, in the order of the names; `null` takes one out. */}}
{{- define "parley.list" -}}
{{- $items := list -}}
{{- range $item := . -}}
{{- if $item -}}
{{- $items = append $items $item -}}
{{- end -}}
{{- end -}}
{{- toYaml $items -}}
{{- end -}}

{{/* A map NAME: ITEM as a list of items, each with its name: parley.named ITEMS. */}}
{{- define "parley.named" -}}
{{- $items := list -}}
{{- range $name, $item := . -}}
{{- if $item -}}
{{- $items = append $items (merge (dict "name" $name) $item) -}}
{{- end -}}
{{- end -}}
{{- toYaml $items -}}
{{- end -}}

{{/* A text as it is, a number or a boolean as JSON writes it: 1000000 and not 1e+06. */}}
{{- define "parley.text" -}}
{{- kindIs "string" . | ternary . (toJson .) -}}
{{- end -}}

{{/* A map NAME: TEXT, or NAME: {valueFrom: ...}, as the `env` of a container. */}}
{{- define "parley.env" -}}
{{- $items := list -}}
{{- range $name, $value := . -}}
{{- if kindIs "map" $value -}}
{{- $items = append $items (merge (dict "name" $name) $value) -}}
{{- else if not (kindIs "invalid" $value) -}}
{{- $items = append $items (dict "name" $name "value" (include "parley.text" $value)) -}}
{{- end -}}
{{- end -}}
{{- toYaml $items -}}
{{- end -}}

{{/*
Writes the keys of one map over those of another, in place, map by map: parley.overlay (dict "base" BASE "over" OVER).
Sprig's mergeOverwrite does not take an empty text, a zero or `false` for a value; this does, and `null` removes a key.
*/}}
{{- define "parley.overlay" -}}
{{- $base := .base -}}
{{- range $key, $value := .over -}}
{{- if and (kindIs "map" $value) (kindIs "map" (get $base $key)) -}}
{{- include "parley.overlay" (dict "base" (get $base $key) "over" $value) -}}
{{- else if kindIs "invalid" $value -}}
{{- $_ := unset $base $key -}}
{{- else -}}
{{- $_ := set $base $key $value -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Of the cluster, not of a namespace, so its name holds the namespace. */}}
{{- define "parley.podPolicy" -}}
{{- printf "%s-restricted" .Release.Namespace -}}
{{- end -}}
