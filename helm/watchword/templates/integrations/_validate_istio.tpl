{{/*
Refuses contradictions in `integrations.istio`, and settings that Istio would read in another way
than their author means.
*/}}
{{- define "watchword.integrations.validate.istio" -}}
{{- include "watchword.integrations.validate.items" (list . "istio" "policies" list) }}
{{- $istio := .Values.integrations.istio }}
{{- $provider := include "watchword.integrations.istio.provider" . }}
{{- if not (regexMatch "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$" $provider) }}
{{- fail (printf (print "integrations.istio.provider: found %q; expected at most 63 lower-case "
  "letters, digits and hyphens") $provider) }}
{{- end }}
{{- range $i, $policy := (include "watchword.integrations.items" (list . "istio" "policies")
  | fromYaml).items }}
{{- $path := printf "integrations.istio.policies[%d]" $i }}
{{- if and $policy.targetRefs (hasKey $policy "selector") }}
{{- fail (printf "%s.selector: set either this or targetRefs" $path) }}
{{- end }}
{{- if not (or $policy.targetRefs (hasKey $policy "selector")) }}
{{- fail (printf (print "%s.selector: missing; set this or targetRefs (`selector: {}` is every "
  "pod of the namespace)") $path) }}
{{- end }}
{{- if not $policy.targetRefs }}
{{- include "watchword.integrations.validate.istio.selector" (list $path $policy.selector) }}
{{- end }}
{{- if ne $.Values.mode "none" }}
{{- include "watchword.integrations.validate.istio.itself" (list $ $path $policy) }}
{{- end }}
{{- range $k, $rule := $policy.rules }}
{{- range $m, $to := $rule.to }}
{{- include "watchword.integrations.validate.istio.hosts" (list
  (printf "%s.rules[%d].to[%d].operation.hosts" $path $k $m) (dig "operation" "hosts" list $to)) }}
{{- end }}
{{- end }}
{{- end }}
{{- if and $istio.destinationRule.tls (or (not .Values.tls.enabled) (eq $istio.via "sidecar")) }}
{{- fail "integrations.istio.destinationRule.tls: needs tls.enabled, and via service" }}
{{- end }}
{{- if and .Values.tls.enabled (eq $istio.via "service") $istio.destinationRule.enabled
  (not $istio.destinationRule.tls) }}
{{- fail (print "integrations.istio.destinationRule.tls: missing; set caCertificates (a "
  "file in the proxies, or `system`) or credentialName, or, if you have a "
  "DestinationRule for this host, destinationRule.enabled: false") }}
{{- end }}
{{- end }}

{{/*
Refuses unknown fields in a selector. The API server drops them, and the empty rest selects every
pod. Takes a list: the path, the selector.
*/}}
{{- define "watchword.integrations.validate.istio.selector" -}}
{{- $selector := index . 1 }}
{{- $fits := kindIs "map" $selector }}
{{- if and $fits $selector }}
{{- $fits = and (eq (keys $selector | join ",") "matchLabels") (kindIs "map" $selector.matchLabels)
  $selector.matchLabels }}
{{- end }}
{{- if not $fits }}
{{- fail (printf (print "%s.selector: found %s; expected `{matchLabels: {…}}`, or `{}` for every "
  "pod of the namespace") (index . 0) (toJson $selector)) }}
{{- end }}
{{- end }}

{{/*
Refuses a policy for Watchword's own pods, which would be asked about calls to themselves. Takes a
list: the context, the path, the policy.
*/}}
{{- define "watchword.integrations.validate.istio.itself" -}}
{{- $root := index . 0 }}
{{- $path := index . 1 }}
{{- $policy := index . 2 }}
{{- $own := include "watchword.namespace" $root }}
{{- $everywhere := eq $policy.namespace $root.Values.integrations.istio.rootNamespace }}
{{- range $i, $ref := $policy.targetRefs }}
{{- $services := list (include "watchword.fullname" $root) (printf "%s-headless"
  (include "watchword.fullname" $root)) }}
{{- if and (eq $ref.kind "Service") (eq $policy.namespace $own) (has $ref.name $services) }}
{{- fail (printf (print "%s.targetRefs[%d].name: %s is Watchword's own Service, which would be "
  "asked about calls to itself") $path $i $ref.name) }}
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
{{- fail (printf (print "%s.selector: these pods of %s include Watchword's own, which would be "
  "asked about calls to themselves") $path $place) }}
{{- end }}
{{- end }}
{{- end }}

{{/*
Refuses hosts that a client can evade with a port. Istio compares a host with the whole Host header.
The gateway routes `a.example:443` like `a.example`, but a rule for the latter does not match it.
Takes a list: the path, the hosts.
*/}}
{{- define "watchword.integrations.validate.istio.hosts" -}}
{{- $path := index . 0 }}
{{- $hosts := index . 1 }}
{{- range $host := $hosts }}
{{- if and (hasPrefix "*" $host) (ne $host "*") }}
{{- fail (printf (print "%s: %q does not match a Host header with a port; name each host, as in "
  "[a.example.com, \"a.example.com:*\"]") $path $host) }}
{{- end }}
{{- if not (hasSuffix "*" $host) }}
{{- $bare := regexReplaceAll ":[0-9]+$" $host "" }}
{{- if not (and (has $bare $hosts) (has (printf "%s:*" $bare) $hosts)) }}
{{- fail (printf (print "%s: %q does not match a Host header with another port; write [%s, "
  "\"%s:*\"]") $path $host $bare $bare) }}
{{- end }}
{{- else if hasSuffix ":*" $host }}
{{- if not (has (trimSuffix ":*" $host) $hosts) }}
{{- fail (printf "%s: %q does not match a Host header without a port; add %q" $path $host
  (trimSuffix ":*" $host)) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
