{{/*
Refuses some of what `watchword check-config` would refuse in `config`, and the schema of the values
cannot see. Each message begins with the setting's name. A value with `${` may become anything, and
counts as set. Takes a list: the context, the configuration.
*/}}
{{- define "watchword.config.check" -}}
{{- $root := index . 0 }}
{{- $config := index . 1 }}
{{- $issuers := default dict $config.issuers }}
{{- range $name, $issuer := $issuers }}
{{- if kindIs "map" $issuer }}
{{- include "watchword.config.check.issuer" (list (printf "config.issuers.%s" $name) $issuer) }}
{{- end }}
{{- end }}
{{- if kindIs "slice" $config.rules }}
{{- range $i, $rule := $config.rules }}
{{- if and (kindIs "map" $rule) (kindIs "map" $rule.require)
  (kindIs "slice" $rule.require.issuers) }}
{{- range $j, $issuer := $rule.require.issuers }}
{{- if not (or (hasKey $issuers (toString $issuer)) (contains "${" (toString $issuer))) }}
{{- fail (printf "config.rules[%d].require.issuers[%d]: found issuer %q; expected one of %s" $i $j
  (toString $issuer) (keys $issuers | sortAlpha | join ", ")) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- include "watchword.config.check.files" (list $root "config" $config) }}
{{- end }}

{{/* Takes the issuer's name in messages, and the issuer. */}}
{{- define "watchword.config.check.issuer" -}}
{{- $at := index . 0 }}
{{- $issuer := index . 1 }}
{{- $audiences := or $issuer.audiences (kindIs "string" $issuer.audiences) }}
{{- if and $audiences $issuer.any_audience }}
{{- fail (printf "%s: set either audiences or any_audience, not both" $at) }}
{{- else if not (or $audiences $issuer.any_audience) }}
{{- fail (printf (print "%s.audiences: missing; name at least one, or set any_audience: true to "
  "accept all") $at) }}
{{- end }}
{{- if eq (hasKey $issuer "jwks") (hasKey $issuer "secret_file") }}
{{- fail (printf (print "%s: set exactly one of jwks and secret_file, such as jwks: {discovery: "
  "true}") $at) }}
{{- end }}
{{- if kindIs "map" $issuer.jwks }}
{{- $sources := list }}
{{- range $source := list "uri" "discovery" "file" "inline" }}
{{- if get $issuer.jwks $source }}{{ $sources = append $sources $source }}{{ end }}
{{- end }}
{{- if ne (len $sources) 1 }}
{{- fail (printf "%s.jwks: set exactly one of uri, discovery, file and inline; found %s" $at
  (default "none" (join ", " $sources))) }}
{{- end }}
{{- end }}
{{- end }}

{{/*
Fails where the configuration names a file below /etc/watchword/secrets that is not mounted. Takes a
list: the context, the setting's name in messages, its value.
*/}}
{{- define "watchword.config.check.files" -}}
{{- $root := index . 0 }}
{{- $at := index . 1 }}
{{- $value := index . 2 }}
{{- if kindIs "map" $value }}
{{- range $key, $below := $value }}
{{- include "watchword.config.check.files" (list $root (printf "%s.%s" $at $key) $below) }}
{{- end }}
{{- else if kindIs "slice" $value }}
{{- range $i, $below := $value }}
{{- include "watchword.config.check.files" (list $root (printf "%s[%d]" $at $i) $below) }}
{{- end }}
{{- else if and (kindIs "string" $value) (hasPrefix "/etc/watchword/secrets/" $value)
  (not (contains "${" $value)) }}
{{- $mounted := false }}
{{- range $mount := concat (include "watchword.mounts" (list $root "workload") | fromYamlArray)
  (default list $root.Values.extraVolumeMounts) }}
{{- if hasPrefix (printf "%s/" $mount.mountPath) (printf "%s/" $value) }}
{{- $mounted = true }}
{{- end }}
{{- end }}
{{- if not $mounted }}
{{- fail (printf "%s: found %s, which no entry of secretFiles mounts" $at $value) }}
{{- end }}
{{- end }}
{{- end }}
