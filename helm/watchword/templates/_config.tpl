{{/*
The configuration. A "flavour" is `workload` (pods of this chart) or `sidecar` (a container in other
pods). Templates that take one take a list: the context, the flavour.
*/}}

{{- define "watchword.config.directory" -}}/etc/watchword/config{{- end }}
{{- /* `watchword.injector.context` sets `ConfigFile`. */}}
{{- define "watchword.config.fileName" -}}{{ default "watchword.yaml" .ConfigFile }}{{- end }}
{{- define "watchword.config.file" -}}
{{ include "watchword.config.directory" . }}/{{ include "watchword.config.fileName" . }}
{{- end }}
{{- define "watchword.socket.directory" -}}/run/watchword{{- end }}
{{- define "watchword.socket.address" -}}
unix:{{ include "watchword.socket.directory" . }}/grpc.sock
{{- end }}

{{/* `yes` where the configuration is made from `config`. */}}
{{- define "watchword.config.isOurs" -}}
{{- if not (or .Values.existingConfig.configMap .Values.existingConfig.secret) }}yes{{ end }}
{{- end }}

{{/* The configuration of a flavour, as YAML: `config`, and the settings that the chart owns. */}}
{{- define "watchword.config" -}}
{{- $root := index . 0 }}
{{- $config := deepCopy (default dict $root.Values.config) }}
{{- include "watchword.config.dropNulls" $config }}
{{- include "watchword.config.refuse" (list $root.Values "server" "grpc" "address") }}
{{- include "watchword.config.refuse" (list $root.Values "server" "grpc" "socket") }}
{{- include "watchword.config.refuse" (list $root.Values "server" "grpc" "tls") }}
{{- include "watchword.config.refuse" (list $root.Values "server" "health") }}
{{- include "watchword.config.refuse" (list $root.Values "server" "admin") }}
{{- include "watchword.config.refuse" (list $root.Values "state_dir") }}
{{- if not $config.issuers }}
{{- fail (print "config.issuers: missing; without an issuer, no token passes. Add one as "
  "in docs/configuration.md, or set existingConfig.configMap or "
  "existingConfig.secret") }}
{{- end }}
{{- include "watchword.config.check" (list $root $config) }}
{{- $ours := include (printf "watchword.config.%s" (index . 1)) $root | fromYaml }}
{{- /* All products of `integrations` ignore the port, so rules must, too. */}}
{{- if and (include "watchword.integrations.enabled" $root)
  (not (hasKey (default dict $config.server) "proxy_ignores_host_port")) }}
{{- $_ := set $ours.server "proxy_ignores_host_port" true }}
{{- end }}
{{- /*
Pods that the rollout is about to replace must not reload the file. A pod that restarts before that
still reads it.
*/}}
{{- if and (eq $root.Values.reload "rollout") (not (hasKey $config "reload")) }}
{{- $_ := set $ours "reload" (dict "watch" false) }}
{{- end }}
{{- toYaml (mergeOverwrite $config $ours) }}
{{- end }}

{{/*
Removes null values in place. A parent chart sets a value to null to unset it, and Helm keeps the
null.
*/}}
{{- define "watchword.config.dropNulls" -}}
{{- $mapping := . }}
{{- range $name, $value := . }}
{{- if kindIs "invalid" $value }}
{{- $_ := unset $mapping $name }}
{{- else if kindIs "map" $value }}
{{- include "watchword.config.dropNulls" $value }}
{{- end }}
{{- end }}
{{- end }}

{{/* Fails where `config` has this setting: takes a list of the values and the setting's names. */}}
{{- define "watchword.config.refuse" -}}
{{- $place := (index . 0).config }}
{{- range $name := rest . }}
{{- $place = ternary (get (default dict $place) $name) dict (kindIs "map" $place) }}
{{- end }}
{{- if $place }}
{{- $setting := join "." (rest .) }}
{{- fail (printf (print "config.%s: the chart sets this; use ports, listenAddress, admin, tls, "
  "sidecar or state") $setting) }}
{{- end }}
{{- end }}

{{- define "watchword.config.workload" -}}
{{- $ports := .Values.ports }}
{{- $tls := .Values.tls }}
server:
  {{- if include "watchword.usesDNS" . }}
  {{- $drain := printf "%ss" (include "watchword.drainSeconds" .) }}
  drain: {{ default $drain (default dict (default dict .Values.config).server).drain }}
  {{- end }}
  grpc:
    address: {{ printf "%s:%d" .Values.listenAddress (int $ports.grpc) | quote }}
    {{- if $tls.enabled }}
    tls:
      certificate: /etc/watchword/tls/tls.crt
      private_key: /etc/watchword/tls/tls.key
      {{- if ne $tls.client.certificate "none" }}
      client_ca: /etc/watchword/client-ca/ca.crt
      client_certificate: {{ $tls.client.certificate }}
      {{- end }}
    {{- end }}
  health: {address: {{ printf "%s:%d" .Values.listenAddress (int $ports.health) | quote }}}
  {{- if .Values.admin.enabled }}
  {{- $host := ternary "127.0.0.1" .Values.listenAddress (eq .Values.admin.listen "loopback") }}
  admin: {address: {{ printf "%s:%d" $host (int $ports.admin) | quote }}}
  {{- end }}
{{- include "watchword.config.state" . }}
{{- end }}

{{/* `yes` where other pods reach the admin port. */}}
{{/* The port of `config.server.public_keys`; nothing without. */}}
{{- define "watchword.publicKeys.port" -}}
{{- $server := default dict (default dict .Values.config).server }}
{{- with (default dict $server.public_keys).address }}
{{- regexFind "[0-9]+$" (toString .) }}
{{- end }}
{{- end }}

{{- define "watchword.admin.isOpen" -}}
{{- if and .Values.admin.enabled (eq .Values.admin.listen "pod") }}yes{{ end }}
{{- end }}

{{- define "watchword.config.sidecar" -}}
{{- $sidecar := .Values.sidecar }}
{{- $server := default dict (default dict .Values.config).server }}
server:
  {{- /*
  Native sidecars stop after the pod's regular containers. So when the signal comes, the proxy has
  stopped, or, where the proxy is a sidecar too as in Istio, the service behind it.
  */}}
  drain: {{ default "0s" $server.drain }}
  grpc:
    {{- if eq $sidecar.listen "unix" }}
    address: {{ include "watchword.socket.address" . }}
    socket:
      mode: {{ $sidecar.socket.mode | quote }}
      {{- with $sidecar.socket.group }}
      group: {{ . | quote }}
      {{- end }}
    {{- else }}
    address: {{ printf "127.0.0.1:%d" (int .Values.ports.grpc) | quote }}
    {{- end }}
  {{- if $sidecar.admin.enabled }}
  admin: {address: {{ printf "%s:%d" .Values.listenAddress (int .Values.ports.admin) | quote }}}
  {{- end }}
{{- include "watchword.config.state" . }}
{{- end }}

{{- define "watchword.config.state" -}}
{{- if .Values.state.enabled }}
state_dir: /var/lib/watchword
{{- end }}
{{- end }}

{{/*
A checksum of the settings that running pods cannot reload: all of them for `reload: rollout`, else
all but issuers, rules and mode.
*/}}
{{- define "watchword.config.checksum" -}}
{{- $config := include "watchword.config" . | fromYaml }}
{{- if eq (index . 0).Values.reload "hot" }}
{{- $config = omit $config "issuers" "rules" "mode" }}
{{- end }}
{{- $config | toYaml | sha256sum }}
{{- end }}

{{/*
`yes` where proxies find the pods by DNS. The products of `integrations` follow EndpointSlices.
*/}}
{{- define "watchword.usesDNS" -}}
{{- if and (ne .Values.mode "none") .Values.headlessService.enabled
  (not (include "watchword.integrations.enabled" .)) }}yes{{ end }}
{{- end }}

{{/*
Seconds between two lookups of Envoy: its default. Its field `dns_refresh_rate` is deprecated.
*/}}
{{- define "watchword.dnsRefreshSeconds" -}}5{{- end }}

{{/* Seconds until the cluster's DNS drops a pod that is stopping, on a busy control plane. */}}
{{- define "watchword.dnsChangeSeconds" -}}5{{- end }}

{{/*
Seconds for which callers may still call a pod that is stopping. With DNS: the record changes, a
cache keeps the old one, then Envoy resolves again. Otherwise: EndpointSlices or health checks.
*/}}
{{- define "watchword.noticeSeconds" -}}
{{- if include "watchword.usesDNS" . }}
{{- add (int .Values.headlessService.dnsSeconds) (include "watchword.dnsRefreshSeconds" . | int)
  (include "watchword.dnsChangeSeconds" . | int) }}
{{- else -}}
5
{{- end }}
{{- end }}

{{/* The default of `server.drain`, in seconds: the notice, less the sleep before the signal. */}}
{{- define "watchword.drainSeconds" -}}
{{- max 5 (sub (include "watchword.noticeSeconds" . | int) (int .Values.preStopSleepSeconds)) }}
{{- end }}

{{/* The seconds of a duration such as `1500ms`. Empty where a template cannot read it. */}}
{{- define "watchword.seconds" -}}
{{- $text := toString . }}
{{- if regexMatch "^[0-9]+([.][0-9]+)?(ms|s|m|h)$" $text }}
{{- $unit := get (dict "ms" 0.001 "s" 1.0 "m" 60.0 "h" 3600.0) (regexFind "[a-z]+$" $text) }}
{{- mulf (regexFind "^[0-9.]+" $text | float64) $unit }}
{{- end }}
{{- end }}

{{/*
The seconds that a stop takes at most: `preStopSleepSeconds`, `drain` and `shutdown_timeout`. Empty
where a template cannot read them.
*/}}
{{- define "watchword.stopSeconds" -}}
{{- $server := default dict (default dict .Values.config).server }}
{{- $drain := printf "%ss" (include "watchword.drainSeconds" .) }}
{{- $seconds := float64 .Values.preStopSleepSeconds }}
{{- $isKnown := true }}
{{- range $setting, $default := dict "drain" $drain "shutdown_timeout" "10s" }}
{{- with include "watchword.seconds" (default $default (get $server $setting)) }}
{{- $seconds = addf $seconds (float64 .) }}
{{- else }}
{{- $isKnown = false }}
{{- end }}
{{- end }}
{{- if $isKnown }}{{ ceil $seconds | int }}{{ end }}
{{- end }}

{{- define "watchword.terminationGracePeriodSeconds" -}}
{{- if kindIs "invalid" .Values.terminationGracePeriodSeconds }}
{{- $seconds := include "watchword.stopSeconds" . }}
{{- if not $seconds }}
{{- fail (print "terminationGracePeriodSeconds: missing; the chart cannot read "
  "config.server.drain and shutdown_timeout to compute it") }}
{{- end }}
{{- add $seconds 5 }}
{{- else }}
{{- int .Values.terminationGracePeriodSeconds }}
{{- end }}
{{- end }}
