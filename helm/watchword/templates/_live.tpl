{{/*
What the cluster says of pods, for refusals and warnings. Where Helm asks none (`helm template`), there
are no pods.
*/}}

{{/*
Pods with a proxy and without the sidecar, as a JSON list of `NAMESPACE/POD`. Takes a list: the context,
the namespace, the pods' labels.
*/}}
{{- define "watchword.live.without" -}}
{{- $root := index . 0 }}
{{- $labels := index . 2 }}
{{- $proxies := concat (list "envoy" "istio-proxy") (default list $root.Values.sidecar.injector.socketContainers) }}
{{- $without := list }}
{{- range $pod := (lookup "v1" "Pod" (index . 1) "").items }}
{{- $counts := not (or $pod.metadata.deletionTimestamp (has (dig "status" "phase" "" $pod) (list "Succeeded" "Failed"))) }}
{{- range $name, $value := $labels }}
{{- if ne (dig "metadata" "labels" $name "" $pod) $value }}{{ $counts = false }}{{ end }}
{{- end }}
{{- $proxy := false }}
{{- range concat $pod.spec.containers (default list $pod.spec.initContainers) }}
{{- if eq .name "watchword" }}{{ $counts = false }}{{ end }}
{{- if has .name $proxies }}{{ $proxy = true }}{{ end }}
{{- end }}
{{- if and $counts $proxy }}{{ $without = append $without (printf "%s/%s" $pod.metadata.namespace $pod.metadata.name) }}{{ end }}
{{- end }}
{{- toJson $without }}
{{- end }}

{{/* Pods with the injector's labels and without the sidecar; none where `refuseOutage` is false. */}}
{{- define "watchword.live.notInjected" -}}
{{- $without := list }}
{{- if and .Values.sidecar.injector.enabled .Values.integrations.refuseOutage }}
{{- $labels := include "watchword.injector.podLabels" . | fromYaml }}
{{- range $namespace := include "watchword.injector.namespaces" . | fromJsonArray }}
{{- $without = concat $without (include "watchword.live.without" (list $ $namespace $labels) | fromJsonArray) }}
{{- end }}
{{- end }}
{{- toJson $without }}
{{- end }}

{{/* A list of pods in a sentence: the first three. */}}
{{- define "watchword.live.named" -}}
{{- join ", " (slice . 0 (min 3 (len .) | int)) }}
{{- if gt (len .) 3 }} and {{ sub (len .) 3 }} more{{ end }}
{{- end }}

{{/*
Fails where a policy that is not there yet would have running proxies ask a sidecar that they do not
have: each of their requests would be refused. Takes a list: the context, the product, its policies'
kind with group and version.
*/}}
{{- define "watchword.live.refuseOutage" -}}
{{- $root := index . 0 }}
{{- $product := index . 1 }}
{{- $kind := index . 2 }}
{{- $api := dir $kind }}
{{- $settings := get $root.Values.integrations $product }}
{{- if and (eq $settings.via "sidecar") $root.Values.integrations.refuseOutage ($root.Capabilities.APIVersions.Has $kind) }}
{{- $notInjected := include "watchword.live.notInjected" $root | fromJsonArray }}
{{- $without := list }}
{{- range $policy := (include "watchword.integrations.items" (list $root $product "policies") | fromYaml).items }}
{{- if not (lookup $api (base $kind) $policy.namespace $policy.name) }}
{{- $without = concat $without $notInjected }}
{{- if hasKey $policy "selector" }}
{{- $without = concat $without (include "watchword.live.without" (list $root $policy.namespace $policy.selector.matchLabels) | fromJsonArray) }}
{{- end }}
{{- end }}
{{- end }}
{{- with $without | uniq }}
{{- fail (printf "integrations.%s.via: these pods have no sidecar, and with this policy they would refuse every request: %s. Upgrade with integrations.%s.enabled=false, recreate them (kubectl rollout restart), then enable it. integrations.refuseOutage=false skips this check" $product (include "watchword.live.named" .) $product) }}
{{- end }}
{{- end }}
{{- end }}
