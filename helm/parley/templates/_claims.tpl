{{/* Devices by dynamic resource allocation: the ResourceClaimTemplates that the pods name. */}}

{{/* Whether an accelerator is asked for, in any of the three ways: a text that is empty for no. */}}
{{- define "parley.asksAccelerator" -}}
{{- .resourceName | default .deviceClassName | default .claimTemplate -}}
{{- end -}}

{{/*
The name of the template that a pod's claim is made of, empty for none: parley.claimTemplate (dict "root" $ "accelerator"
ACCELERATOR). What a template asks for cannot be changed, so the name of one of the chart's ends with a hash of that.
*/}}
{{- define "parley.claimTemplate" -}}
{{- if .accelerator.deviceClassName -}}
{{- $hash := include "parley.claimSpec" .accelerator | sha256sum | trunc 10 -}}
{{- printf "%s-%s" (include "parley.name" (dict "root" .root "name" "accelerator")) $hash -}}
{{- else -}}
{{- .accelerator.claimTemplate -}}
{{- end -}}
{{- end -}}

{{/* What is asked for. */}}
{{- define "parley.claimSpec" -}}
devices:
  requests:
    - name: accelerator
      exactly:
        deviceClassName: {{ .deviceClassName | quote }}
        count: {{ .count }}
        {{- with .selectors }}
        selectors:
          {{- range . }}
          - cel:
              expression: {{ . | quote }}
          {{- end }}
        {{- end }}
{{- end -}}

{{/* The templates of the release as JSON: what each asks for, by its name. Pods that ask for the same share one. */}}
{{- define "parley.claimTemplates" -}}
{{- $templates := dict -}}
{{- range $name, $spec := include "parley.pods" . | fromJson -}}
{{- if and $spec.accelerated $spec.accelerator.deviceClassName -}}
{{- $template := include "parley.claimTemplate" (dict "root" $ "accelerator" $spec.accelerator) -}}
{{- $_ := set $templates $template (include "parley.claimSpec" $spec.accelerator) -}}
{{- end -}}
{{- end -}}
{{- toJson $templates -}}
{{- end -}}
