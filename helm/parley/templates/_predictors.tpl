{{/*
Which predictors the release has, and what each of them is.

`parley.predictors` gives all of them as JSON, by their name without the prefix. Each is the block
`predictors` of the values, with the keys of its kind (detector, translator, chat) and its own
written over it, and besides: name, kind, modelName (with the prefix), model (empty for a detector),
args, own (what only it writes over its kind) and pod (the InferenceService that it is in).
*/}}
{{- define "parley.predictors" -}}
{{- $all := dict -}}
{{- if .Values.multilingualChat.enabled -}}
{{- include "parley.addDetector" (dict "root" $ "all" $all "name" "detector" "languages" (keys .Values.languages)) -}}
{{- range $key := include "parley.translators" . | fromJsonArray -}}
{{- if eq $key "many" -}}
{{- include "parley.addSharedTranslator" (dict "root" $ "all" $all) -}}
{{- else -}}
{{- include "parley.addTranslators" (dict "root" $ "all" $all "code" $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if or .Values.multilingualChat.enabled .Values.basicChat.enabled -}}
{{- include "parley.addChats" (dict "root" $ "all" $all) -}}
{{- end -}}
{{- if .Values.translation.enabled -}}
{{- include "parley.addTranslation" (dict "root" $ "all" $all) -}}
{{- end -}}
{{- include "parley.sharePod" (dict "root" $ "all" $all) -}}
{{- toJson $all -}}
{{- end -}}

{{/* The languages that have translators: a JSON list of codes, sorted. */}}
{{- define "parley.translated" -}}
{{- $codes := list -}}
{{- range $code, $language := .Values.languages -}}
{{- if not (dig "direct" false ($language | default dict)) -}}
{{- $codes = append $codes $code -}}
{{- end -}}
{{- end -}}
{{- toJson $codes -}}
{{- end -}}

{{/* The languages that the chat model speaks itself: a JSON list of codes, sorted. */}}
{{- define "parley.direct" -}}
{{- $codes := list -}}
{{- range $code, $language := .Values.languages -}}
{{- if dig "direct" false ($language | default dict) -}}
{{- $codes = append $codes $code -}}
{{- end -}}
{{- end -}}
{{- toJson $codes -}}
{{- end -}}

{{/* The languages that the shared translator serves: a JSON list of codes, sorted. */}}
{{- define "parley.shared" -}}
{{- $codes := list -}}
{{- $chosen := .Values.sharedTranslator.languages -}}
{{- if .Values.sharedTranslator.model -}}
{{- range $code := include "parley.translated" . | fromJsonArray -}}
{{- $own := include "parley.ownModel" (get $.Values.languages $code) -}}
{{- if and (not $own) (or (not $chosen) (has $code $chosen)) -}}
{{- $codes = append $codes $code -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $codes -}}
{{- end -}}

{{/* A model that a language names for one of its directions; empty for none. */}}
{{- define "parley.ownModel" -}}
{{- $language := . | default dict -}}
{{- $toEnglish := $language.toEnglish | default dict -}}
{{- $fromEnglish := $language.fromEnglish | default dict -}}
{{- $toEnglish.model | default ($fromEnglish.model | default "") -}}
{{- end -}}

{{/*
What translates, as a JSON list: the code of each language with translators of its own, and `many`
for the shared translator. A batch of several languages passes them in this order.
*/}}
{{- define "parley.translators" -}}
{{- $shared := include "parley.shared" . | fromJsonArray -}}
{{- $keys := list -}}
{{- range $code := include "parley.translated" . | fromJsonArray -}}
{{- if not (has $code $shared) -}}
{{- $keys = append $keys $code -}}
{{- end -}}
{{- end -}}
{{- empty $shared | ternary $keys (append $keys "many") | toJson -}}
{{- end -}}

{{- define "parley.addDetector" -}}
{{- $languages := prepend (sortAlpha .languages) "en" | join "," -}}
{{- $args := list (printf "--languages=%s" $languages) "--default_language=en" -}}
{{- include "parley.add" (dict "root" .root "all" .all "name" .name "kind" "detector" "args" $args) -}}
{{- end -}}

{{/* The two translators of a language of the chat. */}}
{{- define "parley.addTranslators" -}}
{{- $language := get .root.Values.languages .code | default dict -}}
{{- include "parley.add" (dict
    "root" .root "all" .all "kind" "translator" "languages" (list .code) "direction" "toEnglish"
    "name" (printf "translate-%s-en" .code)
    "over" ($language.toEnglish | default dict)
    "args" (list (printf "--source=%s" .code) "--target=en" "--reads=user_input" "--writes=user_input_en")
) -}}
{{- include "parley.add" (dict
    "root" .root "all" .all "kind" "translator" "languages" (list .code) "direction" "fromEnglish"
    "name" (printf "translate-en-%s" .code)
    "over" ($language.fromEnglish | default dict)
    "args" (list "--source=en" (printf "--target=%s" .code) "--reads=response_en" "--writes=response")
) -}}
{{- end -}}

{{/* One model for several languages: a predictor for each direction, or one for both. */}}
{{- define "parley.addSharedTranslator" -}}
{{- $values := .root.Values.sharedTranslator -}}
{{- $over := omit $values "services" "languages" -}}
{{- $own := omit $over "resources" -}}
{{- $languages := include "parley.shared" .root | fromJsonArray -}}
{{- $codes := join "," $languages -}}
{{- if eq (int $values.services) 1 -}}
{{- include "parley.add" (dict
    "root" .root "all" .all "kind" "translator" "languages" $languages "over" $over "own" $own "name" "translate"
    "args" (list (printf "--source=%s" $codes) "--target=en" "--directions=both")
) -}}
{{- else -}}
{{- include "parley.add" (dict
    "root" .root "all" .all "kind" "translator" "languages" $languages "over" $over "own" $own "name" "translate-many-en"
    "args" (list (printf "--source=%s" $codes) "--target=en" "--reads=user_input" "--writes=user_input_en")
) -}}
{{- include "parley.add" (dict
    "root" .root "all" .all "kind" "translator" "languages" $languages "over" $over "own" $own "name" "translate-en-many"
    "args" (list "--source=en" (printf "--target=%s" $codes) "--reads=response_en" "--writes=response")
) -}}
{{- end -}}
{{- end -}}

{{/* The chat and, where it has a weight, its canary. */}}
{{- define "parley.addChats" -}}
{{- $chat := .root.Values.chat -}}
{{- $args := list -}}
{{- $direct := include "parley.direct" .root | fromJsonArray -}}
{{- if and $direct .root.Values.multilingualChat.enabled -}}
{{- $args = list (printf "--languages=%s" (prepend $direct "en" | join ",")) -}}
{{- end -}}
{{- include "parley.add" (dict "root" .root "all" .all "name" "chat" "kind" "chat" "args" $args) -}}
{{- if and (gt (int $chat.canary.weight) 0) .root.Values.multilingualChat.enabled -}}
{{- $over := deepCopy $chat.canary.overrides -}}
{{- if $chat.canary.model -}}
{{- $_ := set $over "model" $chat.canary.model -}}
{{- end -}}
{{- include "parley.add" (dict "root" .root "all" .all "name" "chat-canary" "kind" "chat" "over" $over "args" $args) -}}
{{- end -}}
{{- end -}}

{{/* The detector and the two translators of the second application. */}}
{{- define "parley.addTranslation" -}}
{{- $values := .root.Values.translation -}}
{{- $code := $values.language -}}
{{- $over := dict "model" $values.model -}}
{{- include "parley.addDetector" (dict "root" .root "all" .all "name" (printf "%sdetector" $values.prefix) "languages" (list $code)) -}}
{{- include "parley.add" (dict
    "root" .root "all" .all "kind" "translator" "languages" (list $code) "over" $over
    "name" (printf "%stranslate-%s-en" $values.prefix $code)
    "args" (list (printf "--source=%s" $code) "--target=en" "--reads=user_input" "--writes=response")
) -}}
{{- include "parley.add" (dict
    "root" .root "all" .all "kind" "translator" "languages" (list $code) "over" $over
    "name" (printf "%stranslate-en-%s" $values.prefix $code)
    "args" (list "--source=en" (printf "--target=%s" $code) "--reads=user_input" "--writes=response")
) -}}
{{- end -}}

{{/*
Adds one predictor to a dict: parley.add (dict "root" $ "all" ALL "name" NAME "kind" KIND "args" LIST).
Optional: "over", what it writes over the values of its kind. A translator has "languages", those besides
English, and a "direction" where it may have a model by its language alone.
*/}}
{{- define "parley.add" -}}
{{- $spec := deepCopy .root.Values.predictors -}}
{{- include "parley.overlay" (dict "base" $spec "over" (deepCopy (get .root.Values .kind))) -}}
{{- include "parley.overlay" (dict "base" $spec "over" (deepCopy (.over | default dict))) -}}
{{- $model := include "parley.model" (dict "root" .root "kind" .kind "spec" $spec "languages" .languages "direction" .direction) -}}
{{- $modelName := include "parley.name" . -}}
{{- $args := prepend .args (printf "--model_name=%s" $modelName) -}}
{{- if $model -}}
{{- $args = append $args (printf "--model=%s" $model) -}}
{{- end -}}
{{- range $option, $value := $spec.options -}}
{{- if not (kindIs "invalid" $value) -}}
{{- $args = append $args (printf "--%s=%s" $option (include "parley.text" $value)) -}}
{{- end -}}
{{- end -}}
{{- include "parley.overlay" (dict "base" $spec "over" (dict
    "own" (.own | default (.over | default dict))
    "name" .name "kind" .kind "modelName" $modelName "model" $model "args" $args
    "accelerated" (and (not (hasPrefix "openai:" $model)) (include "parley.asksAccelerator" $spec.accelerator) | not | not)
    "fromVolume" (and (hasPrefix "hf:" $model) (not $spec.storageUri))
)) -}}
{{- $_ := set .all .name $spec -}}
{{- end -}}

{{/* The model of a predictor as its option --model says it; empty for a detector. */}}
{{- define "parley.model" -}}
{{- if eq .kind "translator" -}}
{{- if .spec.model -}}
{{- include "parley.checkExamples" . -}}
{{- .spec.model -}}
{{- else -}}
{{- include "parley.defaultModel" . -}}
{{- end -}}
{{- else if eq .kind "chat" -}}
{{- if .spec.openai.url -}}
{{- printf "openai:%s@%s" .spec.openai.model .spec.openai.url -}}
{{- else -}}
{{- .spec.model -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The model that files/models.yaml has for a pair of languages. */}}
{{- define "parley.defaultModel" -}}
{{- $models := .root.Files.Get "files/models.yaml" | fromYaml -}}
{{- $code := first .languages -}}
{{- $model := dig .direction $code "" $models -}}
{{- range $many, $codes := $models.many -}}
{{- if and (not $model) (has $code $codes) -}}
{{- $model = $many -}}
{{- end -}}
{{- end -}}
{{- if not $model -}}
{{- $pair := eq .direction "toEnglish" | ternary (printf "%s to en" $code) (printf "en to %s" $code) -}}
{{- fail (printf "languages.%s: the chart has no model from %s; write languages.%s.%s.model: \"hf:ID@REVISION\", or translator.model or sharedTranslator.model for all languages, or languages.%s.direct: true where the chat model speaks it" $code $pair $code .direction $code) -}}
{{- end -}}
{{- $model -}}
{{- end -}}

{{/* A base model translates by examples, which the image has for some languages only. */}}
{{- define "parley.checkExamples" -}}
{{- $models := .root.Files.Get "files/models.yaml" | fromYaml -}}
{{- $known := get $models.byExample (.spec.model | default "") -}}
{{- range $code := .languages -}}
{{- if and $known (not (has $code $known)) (not (get $.spec.options "examples")) -}}
{{- fail (printf "languages.%s: %s translates by examples and the image has none for it, only for %s; name another model, or give examples of your own by options.examples and a volume" $code $.spec.model (join ", " $known)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
