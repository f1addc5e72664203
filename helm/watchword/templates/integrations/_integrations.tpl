{{/*
Shared by the integrations. A product's settings are `integrations.PRODUCT`, and its objects are in
PRODUCT.yaml. All of them fail closed: `failOpen` is false and the status is 503 wherever a product
has such a field.
*/}}

{{- define "watchword.integrations.statusOnError" -}}503{{- end }}

{{/* The products that are enabled, separated by spaces. */}}
{{- define "watchword.integrations.enabled" -}}
{{- $on := list }}
{{- range $product, $settings := .Values.integrations }}
{{- if and (kindIs "map" $settings) $settings.enabled }}{{ $on = append $on $product }}{{ end }}
{{- end }}
{{- $on | sortAlpha | join " " }}
{{- end }}

{{/* The name by which proxies verify Watchword's certificate. */}}
{{- define "watchword.integrations.tlsName" -}}
{{ include "watchword.fullname" . }}.{{ include "watchword.namespace" . }}.svc
{{- end }}

{{/* `yes` where a gateway asks the Service over TLS, and reads the CA from a BackendTLSPolicy. */}}
{{- define "watchword.integrations.backendTLS" -}}
{{- $integrations := .Values.integrations }}
{{- $envoyGateway := and $integrations.envoyGateway.enabled (eq $integrations.envoyGateway.via
  "service") }}
{{- if and .Values.tls.enabled (or $envoyGateway $integrations.gatewayAPI.enabled
  $integrations.kgateway.enabled) }}yes{{ end }}
{{- end }}

{{/* The metadata of an object. Takes a list: the context, the object's name, its namespace. */}}
{{- define "watchword.integrations.metadata" -}}
{{- $metadata := include "watchword.metadata" (list (index . 0) "" (dict "namespace" (index . 2)))
  | fromYaml }}
{{- toYaml (set $metadata "name" (index . 1)) }}
{{- end }}

{{/*
The items of a product's list, as YAML under `items`, with `name` and `namespace` filled in. Takes a
list: the context, the product, the list's name.
*/}}
{{- define "watchword.integrations.items" -}}
{{- $root := index . 0 }}
{{- $path := printf "integrations.%s.%s" (index . 1) (index . 2) }}
{{- $default := dict "name" (include "watchword.fullname" $root) "namespace"
  (include "watchword.namespace" $root) }}
{{- $items := list }}
{{- $seen := dict }}
{{- range $i, $item := get (get $root.Values.integrations (index $ 1)) (index $ 2) }}
{{- $item = merge (deepCopy $item) $default }}
{{- $key := printf "%s/%s" $item.namespace $item.name }}
{{- if hasKey $seen $key }}
{{- fail (printf "%s[%d].name: found %q twice in namespace %q" $path $i $item.name
  $item.namespace) }}
{{- end }}
{{- $_ := set $seen $key true }}
{{- $items = append $items $item }}
{{- end }}
{{- toYaml (dict "items" $items) }}
{{- end }}

{{/* The namespaces of items, each once, as YAML under `namespaces`. */}}
{{- define "watchword.integrations.namespaces" -}}
{{- $namespaces := list }}
{{- range . }}{{ $namespaces = append $namespaces .namespace }}{{ end }}
{{- toYaml (dict "namespaces" ($namespaces | uniq | sortAlpha)) }}
{{- end }}

{{/* `targetRefs` with their group. Takes a list of them. */}}
{{- define "watchword.integrations.targetRefs" -}}
{{- $refs := list }}
{{- range . }}
{{- $group := "gateway.networking.k8s.io" }}
{{- if eq .kind "Service" }}{{ $group = "" }}{{ end }}
{{- if eq .kind "ServiceEntry" }}{{ $group = "networking.istio.io" }}{{ end }}
{{- $refs = append $refs (merge (deepCopy .) (dict "group" $group)) }}
{{- end }}
{{- toYaml $refs }}
{{- end }}

{{/* The reference of a proxy's object to the Service. */}}
{{- define "watchword.integrations.backendRef" -}}
name: {{ include "watchword.fullname" . }}
namespace: {{ include "watchword.namespace" . }}
port: {{ int .Values.service.port }}
{{- end }}

{{/*
A ReferenceGrant, by which objects in other namespaces may refer to the Service. Empty where all are
in the release's namespace. Takes a list: the context, the suffix of the grant's name, the objects'
group, their kind, their namespaces.
*/}}
{{- define "watchword.integrations.referenceGrant" -}}
{{- $root := index . 0 }}
{{- $others := without (index . 4) (include "watchword.namespace" $root) }}
{{- if $others }}
---
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata:
  {{- include "watchword.metadata" (list $root (index . 1)) | nindent 2 }}
spec:
  from:
  {{- range $others }}
  - {group: {{ index $ 2 }}, kind: {{ index $ 3 }}, namespace: {{ . }}}
  {{- end }}
  to:
  - {group: "", kind: Service, name: {{ include "watchword.fullname" $root }}}
{{- end }}
{{- end }}

{{/* The milliseconds of a duration such as `250ms`. Empty where it is not a duration. */}}
{{- define "watchword.integrations.milliseconds" -}}
{{- $text := toString . }}
{{- if regexMatch "^[0-9]{1,5}(ms|s|m|h)$" $text }}
{{- mul (regexFind "^[0-9]+" $text | atoi) (get (dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000)
  (regexFind "[a-z]+$" $text)) }}
{{- end }}
{{- end }}

{{/*
The connect timeout of a proxy, such as `62ms`: a quarter of the timeout, as in
`watchword.envoy.connectTimeout`.
*/}}
{{- define "watchword.integrations.connectTimeout" -}}
{{- printf "%dms" (div (include "watchword.integrations.milliseconds" .Values.integrations.timeout
  | atoi) 4) }}
{{- end }}

{{/* The timeout in seconds, as Istio and Envoy write it. */}}
{{- define "watchword.integrations.timeoutSeconds" -}}
{{- $milliseconds := include "watchword.integrations.milliseconds" .Values.integrations.timeout
  | atoi }}
{{- $fraction := printf "%03d" (mod $milliseconds 1000) | trimSuffix "0" | trimSuffix "0"
  | trimSuffix "0" }}
{{- div $milliseconds 1000 }}{{ with $fraction }}.{{ . }}{{ end }}s
{{- end }}

{{/* Istio's provider: `service` and `port`. */}}
{{- define "watchword.integrations.istio.service" -}}
{{- $istio := .Values.integrations.istio }}
{{- $own := include "watchword.namespace" . }}
{{- if eq $istio.via "sidecar" }}
{{- printf "%s/%s" (index (include "watchword.integrations.istio.sidecarNamespaces" .
  | fromYaml).namespaces 0) $istio.sidecarHost }}
{{- else }}
{{- printf "%s/%s" $own (include "watchword.integrations.istio.host" .) }}
{{- end }}
{{- end }}

{{- define "watchword.integrations.istio.host" -}}
{{ include "watchword.integrations.tlsName" . }}.{{ .Values.clusterDomain }}
{{- end }}

{{/* The sidecar's address, as in a ServiceEntry. */}}
{{- define "watchword.integrations.istio.endpoint" -}}
{{- if eq .Values.sidecar.listen "unix" }}unix://{{ include "watchword.socket.address" .
  | trimPrefix "unix:" }}{{ else }}127.0.0.1{{ end }}
{{- end }}

{{- define "watchword.integrations.istio.port" -}}
{{- if eq .Values.integrations.istio.via "sidecar" }}{{ int .Values.ports.grpc }}{{ else }}{{ int
  .Values.service.port }}{{ end }}
{{- end }}

{{- define "watchword.integrations.istio.provider" -}}
{{- default (include "watchword.fullname" .) .Values.integrations.istio.provider }}
{{- end }}

{{/* The namespaces of proxies with a sidecar: those of the policies and of the injector. */}}
{{- define "watchword.integrations.istio.sidecarNamespaces" -}}
{{- $places := (include "watchword.integrations.items" (list . "istio" "policies")
  | fromYaml).items }}
{{- if .Values.sidecar.injector.enabled }}
{{- range include "watchword.injector.namespaces" . | fromJsonArray }}
{{- $places = append $places (dict "namespace" .) }}
{{- end }}
{{- end }}
{{- include "watchword.integrations.namespaces" $places }}
{{- end }}

{{/* The entry for Istio's mesh configuration. */}}
{{- define "watchword.integrations.istio.meshConfig" -}}
extensionProviders:
- name: {{ include "watchword.integrations.istio.provider" . }}
  envoyExtAuthzGrpc:
    service: {{ include "watchword.integrations.istio.service" . }}
    port: {{ include "watchword.integrations.istio.port" . | quote }}
    timeout: {{ include "watchword.integrations.timeoutSeconds" . }}
    failOpen: false
    statusOnError: {{ include "watchword.integrations.statusOnError" . | quote }}
{{- end }}
