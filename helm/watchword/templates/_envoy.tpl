{{/*
What Envoy needs to ask Watchword, for charts that render Envoy's configuration, with the settings of examples/envoy/envoy.yaml, which says why each is
there. Each takes a list: this chart's context, and a mapping of which all has defaults.
*/}}

{{/* What the HTTP connection manager needs beside the filter, as fields of its own. Takes no option. */}}
{{- define "watchword.envoy.connectionManager" -}}
normalize_path: true
merge_slashes: true
path_with_escaped_slashes_action: REJECT_REQUEST
strip_any_host_port: true
strip_trailing_host_dot: true
common_http_protocol_options: {headers_with_underscores_action: REJECT_REQUEST}
{{- with concat (include "watchword.managedHeaders" (index . 0) | fromJsonArray) (include "watchword.overrideHeaders" (index . 0) | fromJsonArray) }}
# A route is chosen before Watchword is asked: by then, these headers of the client's are gone.
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
  # If Watchword cannot be asked, nobody passes.
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
The time for a connection: a quarter of `timeout`, which is for all tries. Two connections that fail
take half of it. The back-offs after them (up to 25 and 50 ms) and an answer have the rest, from
200 ms on; with less, one retry fits.
*/}}
{{- define "watchword.envoy.connectTimeout" -}}
{{- $timeout := default "1s" .timeout }}
{{- $seconds := include "watchword.seconds" $timeout }}
{{- if not (and $seconds (hasSuffix "s" $timeout) (not (hasSuffix "ms" $timeout))) }}
{{- fail (printf "watchword.envoy.cluster: `timeout` is %q; expected seconds, such as 0.25s" $timeout) }}
{{- end }}
{{- printf "%gs" (divf (float64 $seconds) 4) }}
{{- end }}

{{/* When proxies leave a pod out that takes no connections, for how long, and how many of all pods. */}}
{{- define "watchword.ejection" -}}
{failures: 5, interval: 5s, time: 10s, percent: 50}
{{- end }}

{{/*
The cluster, as a mapping. Takes `to` (`sidecar`, the default: the socket or 127.0.0.1, as in `sidecar.listen`; or `service`: all pods, through the headless
Service), `cluster`, `timeout` (that of the filter), `connectTimeout` (a quarter of it), and for a Service with TLS the files `ca`, and `certificate` with
`privateKey` where callers must show one.
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
# A quarter of the filter's timeout: time is left for two retries.
connect_timeout: {{ include "watchword.envoy.connectTimeout" $options }}
{{- end }}
{{- if eq $to "service" }}
type: STRICT_DNS
# A pod that takes no connections gets no calls for 10s; at most every other one. Answers do not count.
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
# Envoy's default is 3 retries at a time, so that a restart under load would lose requests.
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
Names of claim headers, sorted, as JSON: those of `config`, and of `integrations.managedHeaders`, for a configuration that the chart cannot read.
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

{{/* Names of headers from which frameworks take another method or path, as JSON; none, where `config` lets them pass. */}}
{{- define "watchword.overrideHeaders" -}}
{{- if dig "server" "forward_override_headers" false (default dict .Values.config) }}[]{{ else -}}
["x-http-method", "x-http-method-override", "x-method-override", "x-original-url", "x-rewrite-url"]
{{- end }}
{{- end }}

{{- define "watchword.envoy.address" -}}
{{- $root := index . 0 }}
{{- $port := int $root.Values.ports.grpc }}
{{- if eq (index . 1) "service" }}
{{- dict "socket_address" (dict "address" (include "watchword.headlessName" $root) "port_value" $port) | toJson }}
{{- else if eq $root.Values.sidecar.listen "unix" }}
{{- dict "pipe" (dict "path" (include "watchword.socket.address" $root | trimPrefix "unix:")) | toJson }}
{{- else }}
{{- dict "socket_address" (dict "address" "127.0.0.1" "port_value" $port) | toJson }}
{{- end }}
{{- end }}

{{/* The name of the headless Service, as in the certificate that cert-manager makes. */}}
{{- define "watchword.headlessName" -}}
{{- printf "%s-headless.%s.svc" (include "watchword.fullname" .) (include "watchword.namespace" .) }}
{{- end }}

{{- define "watchword.envoy.tls" -}}
{{- $name := include "watchword.headlessName" (index . 0) }}
{{- $options := index . 1 }}
{{- if not $options.ca }}
{{- fail "tls.enabled: watchword.envoy.cluster needs `ca`, the file with the authority of Watchword's certificate" }}
{{- end -}}
name: envoy.transport_sockets.tls
typed_config:
  "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
  sni: {{ $name }}
  common_tls_context:
    {{- if $options.certificate }}
    tls_certificates:
    - {certificate_chain: {filename: {{ $options.certificate }}}, private_key: {filename: {{ required "watchword.envoy.cluster: `privateKey` is missing" $options.privateKey }}}}
    {{- end }}
    validation_context:
      trusted_ca: {filename: {{ $options.ca }}}
      match_typed_subject_alt_names: [{san_type: DNS, matcher: {exact: {{ $name }}}}]
{{- end }}
