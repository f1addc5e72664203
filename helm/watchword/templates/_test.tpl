{{/*
The pod of `helm test`, and whom it asks: a mapping of `namespace`, `labels`, `container` (its name),
`args`, `volumes`, `volumeMounts` and `initContainers`.
*/}}

{{/*
The Service, by the port that proxies ask. Where they must show a certificate, the test has none to
show, and asks the port for health, which has no TLS.
*/}}
{{- define "watchword.test.service" -}}
{{- $values := .Values }}
{{- $namespace := include "watchword.namespace" . }}
{{- $host := ternary (include "watchword.integrations.tlsName" .) (include "watchword.headlessName" .) $values.service.enabled }}
{{- $port := ternary $values.service.port $values.ports.grpc $values.service.enabled }}
{{- $tls := and $values.tls.enabled (ne $values.tls.client.certificate "required") }}
{{- if and $values.tls.enabled (not $tls) }}
{{- $host = include "watchword.headlessName" . }}
{{- $port = $values.ports.health }}
{{- end -}}
namespace: {{ $namespace }}
container: health
{{- $args := list "health" (printf "%s:%d" $host (int $port)) }}
{{- if $tls }}
args: {{ concat $args (list "--tls-ca" "/etc/watchword/server-ca/ca.crt") | toJson }}
volumeMounts:
- {name: server-ca, mountPath: /etc/watchword/server-ca, readOnly: true}
volumes:
- name: server-ca
  secret:
    secretName: {{ default (include "watchword.tlsSecret" .) $values.test.caSecret }}
    # Where there is no such key, the test says so, and the pod does not wait for it.
    optional: true
    items: [{key: {{ $values.test.caKey | quote }}, path: ca.crt}]
{{- else }}
args: {{ toJson $args }}
{{- end }}
{{- end }}

{{/* `yes` where a container can ask a sidecar. */}}
{{- define "watchword.test.hasSidecar" -}}
{{- $injected := .Values.sidecar.injector.enabled }}
{{- if and (or $injected .Values.sidecar.enabled) (or (not $injected) (eq .Values.sidecar.listen "loopback") .Values.sidecar.injector.socketContainers) }}yes{{ end }}
{{- end }}

{{/* The sidecar in the pod itself: added by the injector, which this shows to be in force, or else there from the beginning. */}}
{{- define "watchword.test.sidecar" -}}
{{- $injected := .Values.sidecar.injector.enabled }}
{{- $command := include "watchword.sidecar.healthCommand" (list . "live") | fromJsonArray -}}
namespace: {{ include "watchword.sidecar.namespaces" . | fromJsonArray | last }}
container: {{ include "watchword.sidecar.clientName" . }}
args: {{ rest $command | toJson }}
{{- if $injected }}
labels:
  {{- include "watchword.injector.podLabels" . | nindent 2 }}
{{- else }}
{{- include "watchword.sidecar.parts" . | nindent 0 }}
{{- end }}
{{- end }}

{{/*
The fields of the spec of a pod that asks for health, with Watchword's own image. Takes a list: the
context, whom it asks.
*/}}
{{- define "watchword.healthClientPod" -}}
{{- $values := (index . 0).Values }}
{{- $target := index . 1 -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with include "watchword.imagePullSecrets" (index . 0) }}
imagePullSecrets:
  {{- . | nindent 2 }}
{{- end }}
{{- with $values.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $target.initContainers }}
initContainers:
  {{- toYaml . | nindent 2 }}
{{- end }}
containers:
- name: {{ $target.container }}
  image: {{ include "watchword.image" (index . 0) | quote }}
  imagePullPolicy: {{ $values.image.pullPolicy }}
  args: {{ toJson $target.args }}
  {{- with $values.test.resources }}
  resources:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.securityContext }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $target.volumeMounts }}
  volumeMounts:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- with $target.volumes }}
volumes:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
