{{/*
Several predictors in one pod: `colocate`. A GPU belongs to one container, so one process serves
them all (predictors.colocated), and the steps of the graph reach each by its URL.
*/}}

{{/*
Says of every predictor whose pod it is in (`pod`), and what the shared pod decides for those in it:
parley.sharePod (dict "root" $ "all" ALL). Refuses what cannot be of one of several in a pod.
*/}}
{{- define "parley.sharePod" -}}
{{- $names := include "parley.colocatedNames" . | fromJsonArray -}}
{{- $shared := include "parley.sharedPod" .root | fromJson -}}
{{- range $name, $spec := .all -}}
{{- if has $name $names -}}
{{- include "parley.checkColocated" (dict "root" $.root "spec" $spec) -}}
{{- $_ := set $spec "accelerated" $shared.accelerated -}}
{{- $_ := set $spec "pod" $shared.modelName -}}
{{- else -}}
{{- $_ := set $spec "pod" $spec.modelName -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The names of those that share the pod: a JSON list. */}}
{{- define "parley.colocatedNames" -}}
{{- $all := .all -}}
{{- $names := list -}}
{{- range $entry := .root.Values.colocate.predictors -}}
{{- $found := list -}}
{{- range $name, $spec := $all -}}
{{- if or (eq $name $entry) (and (eq $entry "translators") (eq $spec.kind "translator")) -}}
{{- $found = append $found $name -}}
{{- end -}}
{{- end -}}
{{- range $name := $found -}}
{{- if eq (get $all $name).kind "detector" -}}
{{- fail (printf "colocate.predictors: %s recognises languages on the CPU and has an image of its own; only chat and translators share a pod" $name) -}}
{{- end -}}
{{- end -}}
{{- if not $found -}}
{{- fail (printf "colocate.predictors: there is no %s here; there are %s, and translators for all of them" $entry (keys $all | sortAlpha | join ", ")) -}}
{{- end -}}
{{- $names = concat $names $found -}}
{{- end -}}
{{- $names | uniq | sortAlpha | toJson -}}
{{- end -}}

{{/* What one of several in a pod cannot have for itself. */}}
{{- define "parley.checkColocated" -}}
{{- $spec := .spec -}}
{{- $ofPod := keys (omit .root.Values.predictors "image" "resources" "options") -}}
{{- range $key := keys (get .root.Values $spec.kind) | sortAlpha -}}
{{- if has $key $ofPod -}}
{{- fail (printf "%s.%s: %s shares the pod of `colocate`; set colocate.%s" $spec.kind $key $spec.name $key) -}}
{{- end -}}
{{- end -}}
{{- range $key := keys $spec.own | sortAlpha -}}
{{- if or (has $key $ofPod) (has $key (list "image" "resources")) -}}
{{- fail (printf "%s: %s: it shares the pod of `colocate`; set colocate.%s" $spec.name $key $key) -}}
{{- end -}}
{{- end -}}
{{- range $options := list (get .root.Values $spec.kind).options $spec.own.options -}}
{{- range $key := include "parley.serverOptions" $ | fromJsonArray -}}
{{- if hasKey ($options | default dict) $key -}}
{{- fail (printf "%s: options.%s: it shares the server of `colocate`; set colocate.options.%s" $spec.name $key $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $spec.storageUri -}}
{{- fail (printf "%s: storageUri: KServe fetches one model for a pod, and in that of `colocate` are several; use hf: or embedded:" $spec.name) -}}
{{- end -}}
{{- if hasPrefix "openai:" $spec.model -}}
{{- fail (printf "%s: its model is on another server and needs no part of a GPU; take it out of colocate.predictors" $spec.name) -}}
{{- end -}}
{{- end -}}

{{/* The options of a server, which are not one predictor's. */}}
{{- define "parley.serverOptions" -}}
{{- list "drain_delay" "drain_seconds" "log_level" "log_format" "log_texts" "openapi" | toJson -}}
{{- end -}}

{{/* The shared pod without those that are in it: the block `predictors` with `colocate` written over it. */}}
{{- define "parley.sharedPod" -}}
{{- $spec := deepCopy .Values.predictors -}}
{{- include "parley.overlay" (dict "base" $spec "over" (omit (deepCopy .Values.colocate) "predictors")) -}}
{{- $_ := set $spec "accelerated" (include "parley.asksAccelerator" $spec.accelerator | not | not) -}}
{{- $_ := set $spec "kind" "colocated" -}}
{{- $_ := set $spec "name" "colocated" -}}
{{- $_ := set $spec "modelName" (include "parley.name" (dict "root" . "name" "colocated")) -}}
{{- toJson $spec -}}
{{- end -}}

{{/* The pods of the release as JSON, by name: a predictor's own, and the one that several share. */}}
{{- define "parley.pods" -}}
{{- $pods := dict -}}
{{- $shared := include "parley.sharedPod" . | fromJson -}}
{{- $args := list -}}
{{- $models := list -}}
{{- range $option, $value := $shared.options -}}
{{- if and (has $option (include "parley.serverOptions" $ | fromJsonArray)) (not (kindIs "invalid" $value)) -}}
{{- $args = append $args (printf "--%s=%s" $option (include "parley.text" $value)) -}}
{{- end -}}
{{- end -}}
{{- range $name, $spec := include "parley.predictors" . | fromJson -}}
{{- if eq $spec.pod $spec.modelName -}}
{{- $_ := set $pods $name $spec -}}
{{- else -}}
{{- $models = append $models $spec.model -}}
{{- $args = append $args (printf "predictors.%s" $spec.kind) -}}
{{- range $arg := $spec.args -}}
{{- if not (regexMatch (printf "^--(%s)=" (include "parley.serverOptions" $ | fromJsonArray | join "|")) $arg) -}}
{{- $args = append $args $arg -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $models -}}
{{- include "parley.fillPod" (dict "spec" $shared "args" $args "models" $models) -}}
{{- $_ := set $pods "colocated" $shared -}}
{{- end -}}
{{- toJson $pods -}}
{{- end -}}

{{/* Which models the shared pod waits for, and by which its image is chosen. */}}
{{- define "parley.fillPod" -}}
{{- $embedded := list -}}
{{- $fetched := list -}}
{{- range $model := .models -}}
{{- if hasPrefix "embedded:" $model -}}
{{- $embedded = append $embedded $model -}}
{{- else if hasPrefix "hf:" $model -}}
{{- $fetched = append $fetched $model -}}
{{- end -}}
{{- end -}}
{{- $apart := and $embedded (lt (len $embedded) (len .models)) -}}
{{- if and $apart .spec.accelerated (kindIs "invalid" .spec.image.variant) -}}
{{- fail (printf "colocate.image.variant: %s is in an image for CPUs, and other models of the pod are for an accelerator; name the variant of an image that holds both, or models of one kind" (first $embedded)) -}}
{{- end -}}
{{- $_ := set .spec "args" .args -}}
{{- $_ := set .spec "model" (first (concat $embedded .models)) -}}
{{- $_ := set .spec "awaited" (uniq $fetched) -}}
{{- $_ := set .spec "fromVolume" (gt (len $fetched) 0) -}}
{{- end -}}

{{/* The name of the InferenceService that a predictor is in: parley.podOf (dict "root" $ "name" NAME). */}}
{{- define "parley.podOf" -}}
{{- if .root.Values.colocate.predictors -}}
{{- (get (include "parley.predictors" .root | fromJson) .name).pod -}}
{{- else -}}
{{- include "parley.name" . -}}
{{- end -}}
{{- end -}}

{{/*
Where a step of a graph finds a predictor. KServe resolves a serviceName to a model of the same name,
so one of several in a pod needs its URL: parley.target (dict "root" $ "name" NAME).
*/}}
{{- define "parley.target" -}}
{{- $name := include "parley.name" . -}}
{{- $pod := include "parley.podOf" . -}}
{{- if eq $pod $name -}}
serviceName: {{ $name }}
{{- else -}}
serviceUrl: http://{{ $pod }}-predictor.{{ .root.Release.Namespace }}.svc.cluster.local/v1/models/{{ $name }}:predict
{{- end -}}
{{- end -}}
