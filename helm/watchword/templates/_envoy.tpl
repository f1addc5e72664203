{{/*
Envoy's settings for asking Watchword, for charts that render Envoy's configuration. They are those
of examples/envoy/envoy.yaml, which explains each. Each template takes a list: this chart's context,
and a mapping of options, all of which have defaults.
*/}}

{{/* Fields of the HTTP connection manager, in addition to the filter. Takes no option. */}}
{{- define "watchword.envoy.connectionManager" -}}
normalize_path: true
merge_slashes: true
path_with_escaped_slashes_action: REJECT_REQUEST
strip_any_host_port: true
strip_trailing_host_dot: true
common_http_protocol_options: {headers_with_underscores_action: REJECT_REQUEST}
{{- with concat (include "watchword.managedHeaders" (index . 0) | fromJsonArray)
  (include "watchword.overrideHeaders" (index . 0) | fromJsonArray) }}
# Removes these headers of the client's before Envoy chooses a route, and thus before the check.
early_header_mutation_extensions:
- name: envoy.http.early_header_mutation.header_mutation
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation
    mutations:
    {{- range . }}
    - remove: {{ . | quote }}
    {{- end }}
{{- end }}
{{- end }}

{{/* The first of the HTTP filters, as a mapping. Takes `cluster`, `authority` and `timeout`. */}}
{{- define "watchword.envoy.httpFilter" -}}
{{- $options := index . 1 -}}
name: envoy.filters.http.ext_authz
typed_config:
  "@type": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz
  transport_api_version: V3
  # If Watchword cannot be asked, the request is refused.
  failure_mode_allow: false
  status_on_error: {code: ServiceUnavailable}
  encode_raw_headers: true
  validate_mutations: true
  grpc_service:
    timeout: {{ default "1s" $options.timeout }}
    envoy_grpc:
      cluster_name: {{ default "watchword" $options.cluster }}
      # A name that is a valid authority: without it Envoy sends the cluster's name.
      authority: {{ default "watchword" $options.authority }}
    retry_policy:
      retry_on: connect-failure,refused-stream,reset,unavailable
      num_retries: 2
      retry_back_off: {base_interval: 0.025s, max_interval: {{ default "1s" $options.timeout }}}
      # A retry goes to another pod, if there is one.
      retry_host_predicate:
      - name: envoy.retry_host_predicates.previous_hosts
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate
      host_selection_retry_max_attempts: 5
{{- end }}

{{/*
The connect timeout: a quarter of `timeout`, which covers all attempts. Two failed connections take
half of it. The rest is for the back-offs after them (up to 25 and 50 ms) and an answer. From a
timeout of 200 ms on, two retries fit; with less, one.
*/}}
{{- define "watchword.envoy.connectTimeout" -}}
{{- $timeout := default "1s" .timeout }}
{{- $seconds := include "watchword.seconds" $timeout }}
{{- if not (and $seconds (hasSuffix "s" $timeout) (not (hasSuffix "ms" $timeout))) }}
{{- fail (printf "watchword.envoy.cluster: `timeout` is %q; expected seconds, such as 0.25s"
  $timeout) }}
{{- end }}
{{- printf "%gs" (divf (float64 $seconds) 4) }}
{{- end }}

{{/*
Ejection of a pod that accepts no connections: after how many failures, for how long, and how many
of all pods at most.
*/}}
{{- define "watchword.ejection" -}}
{failures: 5, interval: 5s, time: 10s, percent: 50}
{{- end }}

{{/*
The cluster, as a mapping. Takes `to` (`sidecar`, the default: the socket or 127.0.0.1, as in
`sidecar.listen`; or `service`: all pods, through the headless Service), `cluster`, `timeout` (that
of the filter) and `connectTimeout` (default: a quarter of it). For a Service with TLS, it also
takes the file `ca`, and, where callers need a client certificate, the files `certificate` and
`privateKey`.
*/}}
{{- define "watchword.envoy.cluster" -}}
{{- $root := index . 0 }}
{{- $options := index . 1 }}
{{- $name := default "watchword" $options.cluster }}
{{- $to := default "sidecar" $options.to }}
{{- if not (has $to (list "sidecar" "service")) }}
{{- fail (printf "watchword.envoy.cluster: `to` is %q; expected sidecar or service" $to) }}
{{- end -}}
name: {{ $name }}
{{- if $options.connectTimeout }}
connect_timeout: {{ $options.connectTimeout }}
{{- else }}
# A quarter of the filter's timeout, which leaves time for two retries.
connect_timeout: {{ include "watchword.envoy.connectTimeout" $options }}
{{- end }}
{{- if eq $to "service" }}
type: STRICT_DNS
# Ejects a pod that accepts no connections for 10s, at most half of the pods. Answers do not count.
{{- $ejection := include "watchword.ejection" . | fromYaml }}
outlier_detection:
  split_external_local_origin_errors: true
  consecutive_local_origin_failure: {{ $ejection.failures }}
  enforcing_consecutive_5xx: 0
  enforcing_success_rate: 0
  enforcing_local_origin_success_rate: 0
  interval: {{ $ejection.interval }}
  base_ejection_time: {{ $ejection.time }}
  max_ejection_percent: {{ $ejection.percent }}
{{- else }}
type: STATIC
{{- end }}
# With Envoy's default of 3 concurrent retries, a restart under load would lose requests.
circuit_breakers: {thresholds: [{max_retries: 1024}]}
typed_extension_protocol_options:
  envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
    "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
    explicit_http_config:
      http2_protocol_options:
        connection_keepalive: {interval: 30s, timeout: 5s}
load_assignment:
  cluster_name: {{ $name }}
  endpoints:
  - lb_endpoints:
    - endpoint: {address: {{ include "watchword.envoy.address" (list $root $to) }}}
{{- if and (eq $to "service") $root.Values.tls.enabled }}
transport_socket:
  {{- include "watchword.envoy.tls" (list $root $options) | nindent 2 }}
{{- end }}
{{- end }}

{{/*
The names of claim headers, sorted, as JSON: those of `config`, and `integrations.managedHeaders`
for a configuration that the chart cannot read.
*/}}
{{- define "watchword.managedHeaders" -}}
{{- $names := default list .Values.integrations.managedHeaders }}
{{- if include "watchword.config.isOurs" . }}
{{- range $_, $issuer := (default dict .Values.config).issuers }}
{{- if kindIs "map" $issuer }}
{{- range $name, $claim := $issuer.headers }}
{{- if not (kindIs "invalid" $claim) }}{{ $names = append $names $name }}{{ end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- $names | uniq | sortAlpha | toJson }}
{{- end }}

{{/*
The names of headers from which frameworks read another method or path, as JSON. None where `config`
forwards them.
*/}}
{{- define "watchword.overrideHeaders" -}}
{{- if dig "server" "forward_override_headers" false (default dict .Values.config) }}[]{{ else -}}
["x-http-method", "x-http-method-override", "x-method-override", "x-original-url", "x-rewrite-url"]
{{- end }}
{{- end }}

{{- define "watchword.envoy.address" -}}
{{- $root := index . 0 }}
{{- $port := int $root.Values.ports.grpc }}
{{- if eq (index . 1) "service" }}
{{- dict "socket_address" (dict "address" (include "watchword.headlessName" $root) "port_value"
  $port) | toJson }}
{{- else if eq $root.Values.sidecar.listen "unix" }}
{{- dict "pipe" (dict "path" (include "watchword.socket.address" $root | trimPrefix "unix:"))
  | toJson }}
{{- else }}
{{- dict "socket_address" (dict "address" "127.0.0.1" "port_value" $port) | toJson }}
{{- end }}
{{- end }}

{{/* The name of the headless Service, as in the certificate that cert-manager makes. */}}
{{- define "watchword.headlessName" -}}
{{- printf "%s-headless.%s.svc" (include "watchword.fullname" .)
  (include "watchword.namespace" .) }}
{{- end }}

{{- define "watchword.envoy.tls" -}}
{{- $name := include "watchword.headlessName" (index . 0) }}
{{- $options := index . 1 }}
{{- if not $options.ca }}
{{- fail (print "tls.enabled: watchword.envoy.cluster needs `ca`, the file with the CA "
  "of Watchword's certificate") }}
{{- end -}}
name: envoy.transport_sockets.tls
typed_config:
  "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
  sni: {{ $name }}
  common_tls_context:
    {{- if $options.certificate }}
    tls_certificates:
    {{- $key := required "watchword.envoy.cluster: `privateKey` is missing" $options.privateKey }}
    - certificate_chain: {filename: {{ $options.certificate }}}
      private_key: {filename: {{ $key }}}
    {{- end }}
    validation_context:
      trusted_ca: {filename: {{ $options.ca }}}
      match_typed_subject_alt_names: [{san_type: DNS, matcher: {exact: {{ $name }}}}]
{{- end }}
