{{/*
The pod of a predictor: `spec.predictor` of its InferenceService.
parley.pod (dict "root" $ "spec" SPEC), where SPEC is one of parley.predictors.
*/}}
{{- define "parley.pod" -}}
{{- $spec := .spec -}}
{{- $root := .root -}}
minReplicas: {{ $spec.replicas }}
maxReplicas: {{ $spec.scaling.maxReplicas | default $spec.replicas }}
{{- if and (include "parley.scaled" $spec) (not $spec.scaling.behavior) }}
scaleMetric: cpu
scaleTarget: {{ $spec.scaling.targetCPU }}
{{- end }}
deploymentStrategy:
  {{- toYaml $spec.deploymentStrategy | nindent 2 }}
terminationGracePeriodSeconds: {{ $spec.terminationGracePeriodSeconds }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  {{- include "parley.podSecurityContext" . | nindent 2 }}
{{- with $root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- include "parley.placement" . }}
{{- if $spec.accelerated }}
{{- with include "parley.claimTemplate" (dict "root" $root "accelerator" $spec.accelerator) }}
resourceClaims:
  - name: accelerator
    resourceClaimTemplateName: {{ . | quote }}
{{- end }}
{{- end }}
{{- include "parley.initContainers" . }}
containers:
  - name: kserve-container
    {{- include "parley.container" . | nindent 4 }}
volumes:
  {{- include "parley.named" $spec.volumes | nindent 2 }}
  {{- if $spec.fromVolume }}
  - name: models
    persistentVolumeClaim:
      claimName: {{ include "parley.claim" $root | quote }}
      readOnly: true
  {{- end }}
{{- end -}}

{{/* Where the pods of a predictor go. */}}
{{- define "parley.placement" -}}
{{- $spec := .spec -}}
{{- $nodes := deepCopy $spec.nodeSelector -}}
{{- $tolerations := deepCopy $spec.tolerations -}}
{{- if $spec.accelerated -}}
{{- $nodes = merge $nodes $spec.accelerator.nodeSelector -}}
{{- $tolerations = merge $tolerations $spec.accelerator.tolerations -}}
{{- end -}}
{{- with $nodes }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $tolerations }}
tolerations:
  {{- include "parley.list" . | nindent 2 }}
{{- end }}
{{- with $spec.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if gt (int ($spec.scaling.maxReplicas | default $spec.replicas)) 1 }}
{{- with $spec.topologySpread }}
topologySpreadConstraints:
  {{- include "parley.topologySpread" (dict "items" . "modelName" $spec.modelName) | nindent 2 }}
{{- end }}
{{- end }}
{{- with $spec.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with $spec.runtimeClassName }}
runtimeClassName: {{ . | quote }}
{{- end }}
{{- with $spec.serviceAccountName }}
serviceAccountName: {{ . | quote }}
{{- end }}
{{- end -}}

{{/* Constraints without a selector of their own count the predictor's pods. */}}
{{- define "parley.topologySpread" -}}
{{- $pods := dict "matchLabels" (dict "serving.kserve.io/inferenceservice" .modelName) -}}
{{- $items := dict -}}
{{- range $name, $item := .items -}}
{{- if $item -}}
{{- $_ := set $items $name (merge (deepCopy $item) (dict "labelSelector" $pods)) -}}
{{- end -}}
{{- end -}}
{{- include "parley.list" $items -}}
{{- end -}}

{{/* Whether there may be more pods than at the start: a text that is empty for no. */}}
{{- define "parley.scaled" -}}
{{- if gt (int (.scaling.maxReplicas | default 0)) (int .replicas) -}}
yes
{{- end -}}
{{- end -}}

{{- define "parley.podSecurityContext" -}}
{{- $context := deepCopy .spec.podSecurityContext -}}
{{- if .root.Values.openshift -}}
{{- $context = omit $context "runAsUser" "runAsGroup" "fsGroup" -}}
{{- end -}}
{{- toYaml $context -}}
{{- end -}}
