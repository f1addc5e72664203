{{/* Contradictions in `integrations`. Each message begins with the value's name. */}}
{{- define "watchword.integrations.validate" -}}
{{- $integrations := .Values.integrations }}
{{- include "watchword.integrations.validate.timeout" . }}
{{- $on := list }}
{{- range $product := list "istio" "envoyGateway" "gatewayAPI" "contour" "kgateway" }}
{{- if (get $integrations $product).enabled }}{{ $on = append $on $product }}{{ end }}
{{- end }}
{{- if $on }}
{{- include "watchword.integrations.validate.wait" . }}
{{- end }}
{{- range $product := $on }}
{{- include "watchword.integrations.validate.via" (list $ $product) }}
{{- include (printf "watchword.integrations.validate.%s" $product) $ }}
{{- end }}
{{- if include "watchword.integrations.backendTLS" . }}
{{- $policy := $integrations.backendTLSPolicy }}
{{- if and $policy.caCertificateRefs $policy.wellKnownCACertificates }}
{{- fail (print "integrations.backendTLSPolicy.wellKnownCACertificates: set either this "
  "or caCertificateRefs") }}
{{- end }}
{{- if not (or $policy.caCertificateRefs $policy.wellKnownCACertificates) }}
{{- fail (print "integrations.backendTLSPolicy.caCertificateRefs: missing; with "
  "tls.enabled, a gateway needs the CA") }}
{{- end }}
{{- end }}
{{- end }}

{{- define "watchword.integrations.validate.timeout" -}}
{{- $timeout := .Values.integrations.timeout }}
{{- if not (regexMatch "^[1-9][0-9]{0,4}(ms|s)$" (toString $timeout)) }}
{{- fail (printf "integrations.timeout: found %q; expected a duration such as 250ms or 1s"
  (toString $timeout)) }}
{{- end }}
{{- if lt (include "watchword.integrations.milliseconds" $timeout | atoi) 40 }}
{{- fail (printf (print "integrations.timeout: found %s; expected at least 40ms, of which "
  "proxies use a quarter to connect") $timeout) }}
{{- end }}
{{- end }}

{{- define "watchword.integrations.validate.wait" -}}
{{- $timeout := .Values.integrations.timeout }}
{{- $milliseconds := include "watchword.integrations.milliseconds" $timeout | atoi }}
{{- range $name, $issuer := (default dict .Values.config).issuers }}
{{- if and (kindIs "map" $issuer) (kindIs "map" $issuer.jwks)
  (or $issuer.jwks.uri $issuer.jwks.discovery $issuer.jwks.file) }}
{{- $wait := default "150ms" $issuer.jwks.wait }}
{{- with include "watchword.integrations.milliseconds" $wait }}
{{- if le $milliseconds (atoi .) }}
{{- fail (printf (print "integrations.timeout: found %s; it must be longer than "
  "config.issuers.%s.jwks.wait (%s)") $timeout $name $wait) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/*
Fails where the server that proxies would ask does not exist. Takes a list: the context, the
product.
*/}}
{{- define "watchword.integrations.validate.via" -}}
{{- $root := index . 0 }}
{{- $values := $root.Values }}
{{- $product := index . 1 }}
{{- $via := default "service" (get $values.integrations $product).via }}
{{- if eq $via "sidecar" }}
{{- if not (or $values.sidecar.enabled $values.sidecar.injector.enabled) }}
{{- fail (printf (print "integrations.%s.via: `sidecar` needs sidecar.enabled or "
  "sidecar.injector.enabled") $product) }}
{{- end }}
{{- $proxy := get (dict "istio" "istio-proxy" "envoyGateway" "envoy") $product }}
{{- if and $values.sidecar.injector.enabled (eq $values.sidecar.listen "unix")
  (not (has $proxy (default list $values.sidecar.injector.socketContainers))) }}
{{- fail (printf (print "sidecar.injector.socketContainers: %s is missing, which asks over the "
  "socket with integrations.%s; your list replaces the default") $proxy $product) }}
{{- end }}
{{- else if ne $via "service" }}
{{- fail (printf "integrations.%s.via: found %q; expected service or sidecar" $product $via) }}
{{- else if eq $values.mode "none" }}
{{- $way := ternary ", or via sidecar" "" (has $product (list "istio" "envoyGateway")) }}
{{- fail (printf (print "integrations.%s.enabled: there is no Service with mode none; use mode "
  "deployment or daemonset%s") $product $way) }}
{{- else if not $values.service.enabled }}
{{- fail (printf "integrations.%s.enabled: needs service.enabled" $product) }}
{{- else if and $values.networkPolicy.enabled (not $values.networkPolicy.grpcFrom) }}
{{- $own := include "watchword.namespace" $root }}
{{- range $list := list "policies" "routes" "proxies" }}
{{- range get (get $values.integrations $product) $list }}
{{- if ne (default $own .namespace) $own }}
{{- fail (printf (print "networkPolicy.grpcFrom: missing; proxies for namespace %s could not "
  "reach Watchword") .namespace) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/*
Fails where items are missing, or lack a field. Takes a list: the context, the product, the name of
the list in its values, the fields that each item needs.
*/}}
{{- define "watchword.integrations.validate.items" -}}
{{- $path := printf "integrations.%s.%s" (index . 1) (index . 2) }}
{{- $fields := index . 3 }}
{{- $items := get (get (index . 0).Values.integrations (index . 1)) (index . 2) }}
{{- if not $items }}
{{- fail (printf "%s: missing; name at least one" $path) }}
{{- end }}
{{- range $i, $item := $items }}
{{- range $field := $fields }}
{{- if not (get $item $field) }}
{{- fail (printf "%s[%d].%s: missing" $path $i $field) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "watchword.integrations.validate.envoyGateway" -}}
{{- include "watchword.integrations.validate.items" (list . "envoyGateway" "policies"
  (list "targetRefs")) }}
{{- if and (eq .Values.integrations.envoyGateway.via "sidecar")
  (ne .Values.sidecar.listen "unix") }}
{{- fail (print "integrations.envoyGateway.via: `sidecar` needs sidecar.listen unix; a "
  "Backend may not be a loopback address") }}
{{- end }}
{{- $headers := concat (include "watchword.managedHeaders" . | fromJsonArray)
  (include "watchword.overrideHeaders" . | fromJsonArray) }}
{{- $policies := .Values.integrations.envoyGateway.clientTrafficPolicies }}
{{- include "watchword.integrations.validate.managed" (list .
  "integrations.envoyGateway.clientTrafficPolicies" $policies $headers 64) }}
{{- end }}

{{/*
Fails where a proxy cannot remove all managed headers before it chooses a route. Takes a list: the
context, the name of the value with the policies, the policies, the headers, the number that the
product accepts.
*/}}
{{- define "watchword.integrations.validate.managed" -}}
{{- $count := len (index . 3) }}
{{- if and (index . 2) (gt $count (index . 4)) }}
{{- fail (printf "%s: found %d headers to remove; the product accepts %d in one policy" (index . 1)
  $count (index . 4)) }}
{{- end }}
{{- if and (index . 2) (not (include "watchword.config.isOurs" (index . 0)))
  (not (index . 0).Values.integrations.managedHeaders) }}
{{- fail (printf (print "%s: needs integrations.managedHeaders, because the chart cannot read "
  "existingConfig") (index . 1)) }}
{{- end }}
{{- end }}

{{- define "watchword.integrations.validate.gatewayAPI" -}}
{{- include "watchword.integrations.validate.items" (list . "gatewayAPI" "routes"
  (list "parentRefs" "rules")) }}
{{- range $i, $route := .Values.integrations.gatewayAPI.routes }}
{{- range $k, $rule := $route.rules }}
{{- range $filter := $rule.filters }}
{{- if eq (toString $filter.type) "ExternalAuth" }}
{{- fail (printf (print "integrations.gatewayAPI.routes[%d].rules[%d].filters: the chart adds "
  "ExternalAuth; remove it") $i $k) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "watchword.integrations.validate.contour" -}}
{{- $contour := .Values.integrations.contour }}
{{- if not (has $contour.protocol (list "h2" "h2c")) }}
{{- fail (printf "integrations.contour.protocol: found %q; expected h2 or h2c" $contour.protocol) }}
{{- end }}
{{- if and (eq $contour.protocol "h2") (not .Values.tls.enabled) }}
{{- fail (print "integrations.contour.protocol: h2 needs tls.enabled; without TLS use "
  "h2c, which needs Contour 1.22 or newer") }}
{{- end }}
{{- if and (eq $contour.protocol "h2c") .Values.tls.enabled }}
{{- fail "integrations.contour.protocol: h2c has no TLS, but tls.enabled is true" }}
{{- end }}
{{- range $i, $proxy := $contour.proxies }}
{{- $path := printf "integrations.contour.proxies[%d]" $i }}
{{- range $field := list "fqdn" "tls" }}
{{- if not (get (default dict $proxy.virtualhost) $field) }}
{{- fail (printf "%s.virtualhost.%s: missing; Contour checks only virtual hosts with TLS" $path
  $field) }}
{{- end }}
{{- end }}
{{- if hasKey $proxy.virtualhost "authorization" }}
{{- fail (printf "%s.virtualhost.authorization: the chart sets this" $path) }}
{{- end }}
{{- range $k, $route := $proxy.routes }}
{{- if $route.permitInsecure }}
{{- fail (printf "%s.routes[%d].permitInsecure: Contour does not check requests without TLS" $path
  $k) }}
{{- end }}
{{- if dig "authPolicy" "disabled" false $route }}
{{- fail (printf (print "%s.routes[%d].authPolicy.disabled: clients could then send forged claim "
  "headers; give Watchword a rule with `require: none` instead") $path $k) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "watchword.integrations.validate.kgateway" -}}
{{- include "watchword.integrations.validate.items" (list . "kgateway" "policies"
  (list "targetRefs")) }}
{{- $headers := include "watchword.managedHeaders" . | fromJsonArray }}
{{- $policies := .Values.integrations.kgateway.listenerPolicies }}
{{- include "watchword.integrations.validate.managed" (list .
  "integrations.kgateway.listenerPolicies" $policies $headers 16) }}
{{- if and $policies (not $headers) }}
{{- fail (print "integrations.kgateway.listenerPolicies: there is nothing to remove; no "
  "issuer has `headers`") }}
{{- end }}
{{- end }}
