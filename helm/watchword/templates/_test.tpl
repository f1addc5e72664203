{{/*
The pod of `helm test`. Its target is a mapping of `namespace`, `labels`, `container` (its name),
`args`, `volumes`, `volumeMounts` and `initContainers`.
*/}}

{{/*
The target Service, at the port that proxies use. Where callers need a client certificate, the test
has none, and uses the health port, which has no TLS.
*/}}
{{- define "watchword.test.service" -}}
{{- $values := .Values }}
{{- $namespace := include "watchword.namespace" . }}
{{- $host := ternary (include "watchword.integrations.tlsName" .)
  (include "watchword.headlessName" .) $values.service.enabled }}
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
    # Without this key, the test fails with a message, instead of waiting for the mount.
    optional: true
    items: [{key: {{ $values.test.caKey | quote }}, path: ca.crt}]
{{- else }}
args: {{ toJson $args }}
{{- end }}
{{- end }}

{{/* `yes` where a container can ask a sidecar. */}}
{{- define "watchword.test.hasSidecar" -}}
{{- $injected := .Values.sidecar.injector.enabled }}
{{- if and (or $injected .Values.sidecar.enabled) (or (not $injected)
  (eq .Values.sidecar.listen "loopback") .Values.sidecar.injector.socketContainers) }}yes{{ end }}
{{- end }}

{{/*
The target sidecar in the pod itself. The injector adds it, which tests the injector; without the
injector, the manifest has it.
*/}}
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
The spec of a pod that checks health with Watchword's own image. Takes a list: the context, the
target.
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
