{{/* Contradictions in `integrations.istio`, and what Istio would take otherwise than it is meant. */}}
{{- define "watchword.integrations.validate.istio" -}}
{{- include "watchword.integrations.validate.items" (list . "istio" "policies" list) }}
{{- $istio := .Values.integrations.istio }}
{{- $provider := include "watchword.integrations.istio.provider" . }}
{{- if not (regexMatch "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$" $provider) }}
{{- fail (printf "integrations.istio.provider: found %q; Istio takes lower-case letters, digits and hyphens, at most 63" $provider) }}
{{- end }}
{{- range $i, $policy := (include "watchword.integrations.items" (list . "istio" "policies") | fromYaml).items }}
{{- $path := printf "integrations.istio.policies[%d]" $i }}
{{- if and $policy.targetRefs (hasKey $policy "selector") }}
{{- fail (printf "%s.selector: give either this or targetRefs" $path) }}
{{- end }}
{{- if not (or $policy.targetRefs (hasKey $policy "selector")) }}
{{- fail (printf "%s.selector: missing; give this or targetRefs (`selector: {}` is every pod of the namespace)" $path) }}
{{- end }}
{{- if not $policy.targetRefs }}
{{- include "watchword.integrations.validate.istio.selector" (list $path $policy.selector) }}
{{- end }}
{{- if ne $.Values.mode "none" }}
{{- include "watchword.integrations.validate.istio.itself" (list $ $path $policy) }}
{{- end }}
{{- range $k, $rule := $policy.rules }}
{{- range $m, $to := $rule.to }}
{{- include "watchword.integrations.validate.istio.hosts" (list (printf "%s.rules[%d].to[%d].operation.hosts" $path $k $m) (dig "operation" "hosts" list $to)) }}
{{- end }}
{{- end }}
{{- end }}
{{- if and $istio.destinationRule.tls (or (not .Values.tls.enabled) (eq $istio.via "sidecar")) }}
{{- fail "integrations.istio.destinationRule.tls: needs tls.enabled, and via service" }}
{{- end }}
{{- if and .Values.tls.enabled (eq $istio.via "service") $istio.destinationRule.enabled (not $istio.destinationRule.tls) }}
{{- fail "integrations.istio.destinationRule.tls: missing; give caCertificates (a file in the proxies, or `system`) or credentialName, or destinationRule.enabled: false where you have one for this host" }}
{{- end }}
{{- end }}

{{/* The API server drops fields that it does not know, and what is left of such a selector is every pod. Takes a list: the path, the selector. */}}
{{- define "watchword.integrations.validate.istio.selector" -}}
{{- $selector := index . 1 }}
{{- $fits := kindIs "map" $selector }}
{{- if and $fits $selector }}
{{- $fits = and (eq (keys $selector | join ",") "matchLabels") (kindIs "map" $selector.matchLabels) $selector.matchLabels }}
{{- end }}
{{- if not $fits }}
{{- fail (printf "%s.selector: found %s; expected `{matchLabels: {…}}`, or `{}` for every pod of the namespace" (index . 0) (toJson $selector)) }}
{{- end }}
{{- end }}

{{/* A policy for Watchword's own pods would ask it about each question to it. Takes a list: the context, the path, the policy. */}}
{{- define "watchword.integrations.validate.istio.itself" -}}
{{- $root := index . 0 }}
{{- $path := index . 1 }}
{{- $policy := index . 2 }}
{{- $own := include "watchword.namespace" $root }}
{{- $everywhere := eq $policy.namespace $root.Values.integrations.istio.rootNamespace }}
{{- range $i, $ref := $policy.targetRefs }}
{{- $services := list (include "watchword.fullname" $root) (printf "%s-headless" (include "watchword.fullname" $root)) }}
{{- if and (eq $ref.kind "Service") (eq $policy.namespace $own) (has $ref.name $services) }}
{{- fail (printf "%s.targetRefs[%d].name: %s is Watchword's own Service; it would be asked about each question to it" $path $i $ref.name) }}
{{- end }}
{{- end }}
{{- if and (not $policy.targetRefs) (or $everywhere (eq $policy.namespace $own)) }}
{{- $labels := (include "watchword.podTemplate" $root | fromYaml).metadata.labels }}
{{- $ours := true }}
{{- range $name, $value := $policy.selector.matchLabels }}
{{- if ne (toString (get $labels $name)) (toString $value) }}{{ $ours = false }}{{ end }}
{{- end }}
{{- if $ours }}
{{- $place := ternary "the mesh" (printf "namespace %s" $policy.namespace) $everywhere }}
{{- fail (printf "%s.selector: these pods of %s include Watchword's own, which would be asked about each question to it" $path $place) }}
{{- end }}
{{- end }}
{{- end }}

{{/*
Istio compares a host with the whole Host header, and a client may add a port to it: the gateway routes `a.example:443` as it does `a.example`, but a rule
for the latter does not ask about it. Takes a list: the path, the hosts.
*/}}
{{- define "watchword.integrations.validate.istio.hosts" -}}
{{- $path := index . 0 }}
{{- $hosts := index . 1 }}
{{- range $host := $hosts }}
{{- if and (hasPrefix "*" $host) (ne $host "*") }}
{{- fail (printf "%s: %q is not met by a Host header with a port; name each host, as in [a.example.com, \"a.example.com:*\"]" $path $host) }}
{{- end }}
{{- if not (hasSuffix "*" $host) }}
{{- $bare := regexReplaceAll ":[0-9]+$" $host "" }}
{{- if not (and (has $bare $hosts) (has (printf "%s:*" $bare) $hosts)) }}
{{- fail (printf "%s: %q is not met by a Host header with another port; write [%s, \"%s:*\"]" $path $host $bare $bare) }}
{{- end }}
{{- else if hasSuffix ":*" $host }}
{{- if not (has (trimSuffix ":*" $host) $hosts) }}
{{- fail (printf "%s: %q is not met by a Host header without a port; add %q" $path $host (trimSuffix ":*" $host)) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
