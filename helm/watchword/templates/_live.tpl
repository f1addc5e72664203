{{/*
Refusals and warnings that depend on the state of the cluster. Where Helm cannot read it (`helm
template`), `lookup` is empty, and nothing is refused. `refuseOutages: false` disables all of them.
*/}}

{{- define "watchword.live.refuseOutages" -}}
{{- if .Values.refuseOutages }}
{{- include "watchword.live.refuseChangeOfMode" . }}
{{- range $product, $kind := dict "istio" "security.istio.io/v1/AuthorizationPolicy" "envoyGateway"
  "gateway.envoyproxy.io/v1alpha1/SecurityPolicy" }}
{{- if and (get $.Values.integrations $product).enabled ($.Capabilities.APIVersions.Has $kind) }}
{{- include "watchword.live.refusePolicies" (list $ $product $kind) }}
{{- end }}
{{- end }}
{{- include "watchword.live.refuseSecondDestinationRule" . }}
{{- end }}
{{- end }}

{{/*
Pods with a proxy that cannot ask a sidecar, as a JSON list of `NAMESPACE/POD`: they have no
sidecar, it listens elsewhere, or the proxy does not mount its socket. Takes a list: the context,
the namespace, the pods' labels.
*/}}
{{- define "watchword.live.without" -}}
{{- $values := (index . 0).Values }}
{{- $labels := index . 2 }}
{{- $proxies := concat (list "envoy" "istio-proxy") (default list
  $values.sidecar.injector.socketContainers) }}
{{- $without := list }}
{{- range $pod := (lookup "v1" "Pod" (index . 1) "").items }}
{{- $windows := eq (dig "spec" "os" "name" "" $pod) "windows" }}
{{- $counts := not (or $windows $pod.metadata.deletionTimestamp
  (has (dig "status" "phase" "" $pod) (list "Succeeded" "Failed"))) }}
{{- range $name, $value := $labels }}
{{- if ne (dig "metadata" "labels" $name "" $pod) $value }}{{ $counts = false }}{{ end }}
{{- end }}
{{- $found := dict }}
{{- range $container := concat $pod.spec.containers (default list $pod.spec.initContainers) }}
{{- $socket := "" }}
{{- range .volumeMounts }}
{{- if eq .name "watchword-socket" }}{{ $socket = "unix" }}{{ end }}
{{- end }}
{{- if eq .name "watchword" }}{{ $_ := set $found "sidecar" (default "loopback" $socket) }}{{ end }}
{{- if has .name $proxies }}
{{- $_ := set $found "proxy" (default (default "loopback" $found.proxy) $socket) }}
{{- end }}
{{- end }}
{{- $listen := $values.sidecar.listen }}
{{- $asks := and (eq (toString $found.sidecar) $listen) (or (eq $listen "loopback")
  (eq (toString $found.proxy) "unix")) }}
{{- if and $counts $found.proxy (not $asks) }}
{{- $without = append $without (printf "%s/%s" $pod.metadata.namespace $pod.metadata.name) }}
{{- end }}
{{- end }}
{{- toJson $without }}
{{- end }}

{{/* The same, for pods with the injector's labels in its namespaces. */}}
{{- define "watchword.live.notInjected" -}}
{{- $without := list }}
{{- if and .Values.sidecar.injector.enabled .Values.refuseOutages }}
{{- $labels := include "watchword.injector.podLabels" . | fromYaml }}
{{- range $namespace := include "watchword.injector.namespaces" . | fromJsonArray }}
{{- $without = concat $without (include "watchword.live.without" (list $ $namespace $labels)
  | fromJsonArray) }}
{{- end }}
{{- end }}
{{- toJson $without }}
{{- end }}

{{/* A list of pods for a sentence: the first three, and the number of others. */}}
{{- define "watchword.live.named" -}}
{{- join ", " (slice . 0 (min 3 (len .) | int)) }}
{{- if gt (len .) 3 }} and {{ sub (len .) 3 }} more{{ end }}
{{- end }}

{{/*
The release's Deployment or DaemonSet in the cluster, as JSON: `mode`, and `ready`, the number of
its ready pods. It looks for the kind of the values first, and stops if it is there, because a role
may not allow to read the other.
*/}}
{{- define "watchword.live.workload" -}}
{{- $modes := list "deployment" "daemonset" }}
{{- if eq .Values.mode "daemonset" }}{{ $modes = reverse $modes }}{{ end }}
{{- $found := dict }}
{{- range $mode := $modes }}
{{- if not $found }}
{{- $kind := get (dict "deployment" "Deployment" "daemonset" "DaemonSet") $mode }}
{{- with lookup "apps/v1" $kind (include "watchword.namespace" $)
  (include "watchword.fullname" $) }}
{{- $ready := max (dig "status" "readyReplicas" 0 .) (dig "status" "numberReady" 0 .) }}
{{- $found = dict "mode" $mode "ready" $ready }}
{{- end }}
{{- end }}
{{- end }}
{{- toJson $found }}
{{- end }}

{{/* On a change of mode, Helm removes the old workload before the new one is ready. */}}
{{- define "watchword.live.refuseChangeOfMode" -}}
{{- if and .Release.IsUpgrade (ne .Values.mode "none") }}
{{- $found := include "watchword.live.workload" . | fromJson }}
{{- if and $found.ready (ne $found.mode .Values.mode) }}
{{- fail (printf (print "mode: found %s in the cluster; with %s, its pods would end before "
  "others are ready. Install a second release under another name, let "
  "proxies ask that one, then remove this one. refuseOutages=false skips "
  "this check") $found.mode .Values.mode) }}
{{- end }}
{{- end }}
{{- end }}

{{/*
Fails where policies would make proxies ask a server that cannot answer: a sidecar that running pods
lack, or pods of Watchword that are not ready or about to end. Takes a list: the context, the
product, the kind of its policies with group and version.
*/}}
{{- define "watchword.live.refusePolicies" -}}
{{- $root := index . 0 }}
{{- $product := index . 1 }}
{{- $kind := index . 2 }}
{{- $via := (get $root.Values.integrations $product).via }}
{{- $without := list }}
{{- range $policy := (include "watchword.integrations.items" (list $root $product "policies")
  | fromYaml).items }}
{{- $live := lookup (dir $kind) (base $kind) $policy.namespace $policy.name }}
{{- $asks := include (printf "watchword.live.asks.%s" $product)
  (list $root $policy.namespace $live) }}
{{- if eq $via "sidecar" }}
{{- $same := and $live (eq (include "watchword.live.targets" $live.spec)
  (include "watchword.live.targets" $policy)) }}
{{- if not (and $same (eq $asks "sidecar")) }}
{{- $without = concat $without (include (printf "watchword.live.pods.%s" $product)
  (list $root $policy) | fromJsonArray) }}
{{- end }}
{{- if and (eq $asks "service") (eq $root.Values.mode "none") }}
{{- with (include "watchword.live.workload" $root | fromJson).mode }}
{{- fail (printf (print "mode: none would end the pods that %s/%s asks, before proxies ask the "
  "sidecar. Keep mode: %s in this upgrade, and change it in the next. "
  "refuseOutages=false skips this check") $policy.namespace $policy.name .) }}
{{- end }}
{{- end }}
{{- else if and (ne $asks "service") $root.Release.IsUpgrade }}
{{- if not (include "watchword.live.workload" $root | fromJson).ready }}
{{- fail (printf (print "integrations.%s: %s/%s would ask the Service, which has no ready pod "
  "yet. Upgrade without this change, and wait for the pods. "
  "refuseOutages=false skips this check") $product $policy.namespace $policy.name) }}
{{- end }}
{{- end }}
{{- end }}
{{- with $without | uniq }}
{{- fail (printf (print "integrations.%s.via: these pods cannot ask a sidecar, and with this "
  "policy they would refuse every request: %s. First add the sidecar to "
  "this release, without a change of its policies; recreate the pods "
  "(kubectl rollout restart); then repeat this upgrade. "
  "refuseOutages=false skips this check") $product (include "watchword.live.named" .)) }}
{{- end }}
{{- end }}

{{/* The targets of a policy, of the values or of the cluster, in a form that can be compared. */}}
{{- define "watchword.live.targets" -}}
{{- if .targetRefs }}
{{- include "watchword.integrations.targetRefs" .targetRefs | fromYamlArray | toJson }}
{{- else }}
{{- default dict .selector | toJson }}
{{- end }}
{{- end }}

{{/*
The server that a policy in the cluster asks: `sidecar` or `service` as this release would set them,
`other`, or empty where there is no such policy. Takes a list: the context, the policy's namespace,
the policy.
*/}}
{{- define "watchword.live.asks.envoyGateway" -}}
{{- $root := index . 0 }}
{{- with index . 2 }}
{{- $backend := dig "spec" "extAuth" "grpc" "backendRefs" (list dict) . | first }}
{{- $own := and (eq (toString $backend.name) (include "watchword.fullname" $root))
  (eq (default .metadata.namespace $backend.namespace) (include "watchword.namespace" $root)) }}
{{- if eq (toString $backend.kind) "Backend" -}}
sidecar
{{- else if $own -}}
service
{{- else -}}
other
{{- end }}
{{- end }}
{{- end }}

{{- define "watchword.live.asks.istio" -}}
{{- $root := index . 0 }}
{{- if index . 2 }}
{{- $entry := lookup "networking.istio.io/v1" "ServiceEntry" (index . 1)
  (printf "%s-sidecar" (include "watchword.fullname" $root)) }}
{{- $endpoint := dig "spec" "endpoints" (list dict) $entry | first }}
{{- if not $entry -}}
service
{{- else if eq (toString $endpoint.address)
  (include "watchword.integrations.istio.endpoint" $root) -}}
sidecar
{{- else -}}
other
{{- end }}
{{- end }}
{{- end }}

{{/*
Pods of a policy that cannot ask a sidecar, as JSON. If the policy does not show its pods, those of
the injector. Takes a list: the context, the policy.
*/}}
{{- define "watchword.live.pods.envoyGateway" -}}
{{- $root := index . 0 }}
{{- $policy := index . 1 }}
{{- $gateways := list }}
{{- range $policy.targetRefs }}
{{- if eq .kind "Gateway" }}
{{- $gateways = append $gateways (dict "name" .name "namespace" $policy.namespace) }}
{{- else if has .kind (list "HTTPRoute" "GRPCRoute") }}
{{- range dig "spec" "parentRefs" list (lookup "gateway.networking.k8s.io/v1" .kind
  $policy.namespace .name) }}
{{- $gateways = append $gateways (dict "name" .name "namespace"
  (default $policy.namespace .namespace)) }}
{{- end }}
{{- end }}
{{- end }}
{{- $without := list }}
{{- if not $gateways }}
{{- $without = include "watchword.live.notInjected" $root | fromJsonArray }}
{{- end }}
{{- range $gateway := $gateways | uniq }}
{{- $labels := dict "gateway.envoyproxy.io/owning-gateway-name" .name
  "gateway.envoyproxy.io/owning-gateway-namespace" .namespace }}
{{- $places := append (include "watchword.sidecar.namespaces" $root | fromJsonArray) .namespace }}
{{- if not $root.Values.sidecar.injector.enabled }}
{{- $places = append $places "envoy-gateway-system" }}
{{- end }}
{{- range $place := $places | uniq }}
{{- $without = concat $without (include "watchword.live.without" (list $root $place $labels)
  | fromJsonArray) }}
{{- end }}
{{- end }}
{{- toJson $without }}
{{- end }}

{{- define "watchword.live.pods.istio" -}}
{{- $root := index . 0 }}
{{- $policy := index . 1 }}
{{- $known := list }}
{{- if hasKey $policy "selector" }}
{{- $known = append $known (default dict $policy.selector.matchLabels) }}
{{- end }}
{{- range $policy.targetRefs }}
{{- if eq .kind "Gateway" }}
{{- $known = append $known (dict "gateway.networking.k8s.io/gateway-name" .name) }}
{{- end }}
{{- end }}
{{- $without := list }}
{{- if not $known }}
{{- $without = include "watchword.live.notInjected" $root | fromJsonArray }}
{{- end }}
{{- range $labels := $known }}
{{- $without = concat $without (include "watchword.live.without"
  (list $root $policy.namespace $labels) | fromJsonArray) }}
{{- end }}
{{- toJson $without }}
{{- end }}

{{/* Istio uses only one DestinationRule per host. */}}
{{- define "watchword.live.refuseSecondDestinationRule" -}}
{{- $istio := .Values.integrations.istio }}
{{- if and $istio.enabled (eq $istio.via "service") $istio.destinationRule.enabled
  (.Capabilities.APIVersions.Has "networking.istio.io/v1/DestinationRule") }}
{{- $own := include "watchword.fullname" . }}
{{- $hosts := list (include "watchword.integrations.istio.host" .) $own
  (printf "%s.%s" $own (include "watchword.namespace" .)) (include "watchword.integrations.tlsName"
  .) }}
{{- range (lookup "networking.istio.io/v1" "DestinationRule" (include "watchword.namespace" .)
  "").items }}
{{- if and (ne .metadata.name $own) (has .spec.host $hosts) }}
{{- fail (printf (print "integrations.istio.destinationRule.enabled: found the DestinationRule "
  "%s for the same host; add connectTimeout and outlierDetection to that "
  "one, and set this to false. refuseOutages=false skips this check") .metadata.name) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
