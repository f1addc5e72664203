{{/* The container of both flavours, and its volumes. */}}

{{- define "watchword.container" -}}
{{- $root := index . 0 }}
{{- $flavour := index . 1 }}
{{- $values := $root.Values }}
{{- $isSidecar := eq $flavour "sidecar" -}}
name: watchword
image: {{ include "watchword.image" $root | quote }}
imagePullPolicy: {{ $values.image.pullPolicy }}
args: {{ concat (list "serve" "-c" (include "watchword.config.file" $root))
    (default list $values.extraArgs) | toJson }}
{{- if $isSidecar }}
restartPolicy: Always
{{- end }}
{{- with include "watchword.env" $root | fromYamlArray }}
env:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with include "watchword.containerPorts" . | fromYamlArray }}
ports:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- range $kind := list "startup" "readiness" "liveness" }}
{{- with include "watchword.probe" (list $root $flavour $kind) }}
{{ $kind }}Probe:
  {{- . | nindent 2 }}
{{- end }}
{{- end }}
{{- if $values.preStopSleepSeconds }}
lifecycle:
  preStop: {sleep: {seconds: {{ int $values.preStopSleepSeconds }}}}
{{- end }}
resources:
  {{- toYaml (ternary $values.sidecar.resources $values.resources $isSidecar) | nindent 2 }}
{{- with $values.resizePolicy }}
resizePolicy:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- include "watchword.securityContext" . | nindent 2 }}
volumeMounts:
  {{- include "watchword.volumeMounts" . | nindent 2 }}
{{- end }}

{{/* A sidecar's pod may not set users and seccomp, so its container does. */}}
{{- define "watchword.securityContext" -}}
{{- $values := (index . 0).Values }}
{{- $context := deepCopy (default dict $values.securityContext) }}
{{- if eq (index . 1) "sidecar" }}
{{- $context = merge $context (pick (default dict $values.podSecurityContext) "runAsNonRoot"
  "runAsUser" "runAsGroup" "seccompProfile") }}
{{- end }}
{{- toYaml $context }}
{{- end }}

{{- define "watchword.env" -}}
{{- $env := list }}
{{- if or .Values.caBundle.configMap .Values.caBundle.secret }}
{{- $env = append $env (dict "name" "SSL_CERT_FILE" "value" "/etc/ssl/certs/ca-certificates.crt") }}
{{- $env = append $env (dict "name" "SSL_CERT_DIR" "value" "/etc/watchword/ca") }}
{{- end }}
{{- toYaml (concat $env (default list .Values.extraEnv)) }}
{{- end }}

{{- define "watchword.containerPorts" -}}
{{- $values := (index . 0).Values }}
{{- $ports := list }}
{{- if eq (index . 1) "workload" }}
{{- range $name := ternary (list "grpc" "health" "admin") (list "grpc" "health")
  (include "watchword.admin.isOpen" (index . 0) | eq "yes") }}
{{- $ports = append $ports (dict "name" $name "containerPort" (int (get $values.ports $name))
  "protocol" "TCP") }}
{{- end }}
{{- with include "watchword.publicKeys.port" (index . 0) }}
{{- $ports = append $ports (dict "name" "public-keys" "containerPort" (int .) "protocol" "TCP") }}
{{- end }}
{{- else if $values.sidecar.admin.enabled }}
{{- $ports = append $ports (dict "name" "watchword-admin" "containerPort" (int $values.ports.admin)
  "protocol" "TCP") }}
{{- end }}
{{- toYaml $ports }}
{{- end }}

{{/*
Takes a list: the context, the flavour, the kind of probe. Startup and liveness do not depend on
keys: a pod that waits for a key server must not be killed. The kubelet reaches neither sockets nor
127.0.0.1, so probes of sidecars run a command.
*/}}
{{- define "watchword.probe" -}}
{{- $root := index . 0 }}
{{- $kind := index . 2 }}
{{- $probe := deepCopy (default dict (get $root.Values.probes $kind)) }}
{{- if not (and (hasKey $probe "enabled") (not $probe.enabled)) }}
{{- $probe = omit $probe "enabled" }}
{{- if not (or $probe.grpc $probe.exec $probe.httpGet $probe.tcpSocket) }}
{{- $service := ternary "" "live" (eq $kind "readiness") }}
{{- if eq (index . 1) "workload" }}
{{- $_ := set $probe "grpc" (dict "port" (int $root.Values.ports.health) "service" $service) }}
{{- else }}
{{- $_ := set $probe "exec" (dict "command" (include "watchword.sidecar.healthCommand"
  (list $root $service) | fromJsonArray)) }}
{{- end }}
{{- end }}
{{- toYaml $probe }}
{{- end }}
{{- end }}

{{- define "watchword.sidecar.healthCommand" -}}
{{- $values := (index . 0).Values }}
{{- $address := ternary (include "watchword.socket.address" (index . 0))
  (printf "127.0.0.1:%d" (int $values.ports.grpc)) (eq $values.sidecar.listen "unix") }}
{{- $command := list "/watchword" "health" $address }}
{{- with index . 1 }}{{ $command = concat $command (list "--service" .) }}{{ end }}
{{- toJson $command }}
{{- end }}

{{- define "watchword.volumeMounts" -}}
{{- $root := index . 0 }}
{{- $mounts := list }}
{{- range include "watchword.mounts" . | fromYamlArray }}
{{- $mounts = append $mounts (omit (merge (dict "name" .volume.name) .) "volume") }}
{{- end }}
{{- toYaml (concat $mounts (default list $root.Values.extraVolumeMounts)) }}
{{- end }}

{{- define "watchword.volumes" -}}
{{- $root := index . 0 }}
{{- $volumes := list }}
{{- range include "watchword.mounts" . | fromYamlArray }}
{{- $volumes = append $volumes .volume }}
{{- end }}
{{- toYaml (concat $volumes (default list $root.Values.extraVolumes)) }}
{{- end }}

{{/*
A list of mounts, each with its volume. They are directories, because the kubelet does not update
single files. The pod's group can read the files of Secrets, if the chart sets that group.
*/}}
{{- define "watchword.mounts" -}}
{{- $root := index . 0 }}
{{- $isSidecar := eq (index . 1) "sidecar" }}
{{- $values := $root.Values }}
{{- $mode := 0444 }}
{{- if and (not $isSidecar) (default dict $values.podSecurityContext).fsGroup }}
{{- $mode = 0440 }}
{{- end }}
{{- $existing := $values.existingConfig }}
{{- $items := list (dict "key" $existing.key "path" "watchword.yaml") }}
- mountPath: {{ include "watchword.config.directory" $root }}
  readOnly: true
  volume:
    name: watchword-config
    {{- if $existing.secret }}
    secret:
      secretName: {{ $existing.secret | quote }}
      defaultMode: {{ $mode }}
      items: {{ toJson $items }}
    {{- else if $existing.configMap }}
    configMap: {name: {{ $existing.configMap | quote }}, items: {{ toJson $items }}}
    {{- else }}
    {{- $suffix := ternary "-sidecar" "" $isSidecar }}
    configMap: {name: {{ print (include "watchword.fullname" $root) $suffix | quote }}}
    {{- end }}
{{- if and $values.tls.enabled (not $isSidecar) }}
- mountPath: /etc/watchword/tls
  readOnly: true
  volume:
    name: watchword-tls
    secret:
      secretName: {{ include "watchword.tlsSecret" $root | quote }}
      defaultMode: {{ $mode }}
{{- if ne $values.tls.client.certificate "none" }}
- mountPath: /etc/watchword/client-ca
  readOnly: true
  volume:
    name: watchword-client-ca
    secret:
      secretName: {{ default (include "watchword.tlsSecret" $root) $values.tls.client.caSecret
          | quote }}
      defaultMode: {{ $mode }}
      items: [{key: {{ $values.tls.client.caKey | quote }}, path: ca.crt}]
{{- end }}
{{- end }}
{{- range $values.secretFiles }}
{{- $name := default .secret .name }}
- mountPath: /etc/watchword/secrets/{{ $name }}
  readOnly: true
  volume:
    name: {{ include "watchword.secretVolume" . }}
    secret:
      secretName: {{ .secret | quote }}
      defaultMode: {{ $mode }}
      {{- with .items }}
      items: {{ toJson . }}
      {{- end }}
      {{- if .optional }}
      optional: true
      {{- end }}
{{- end }}
{{- with $values.caBundle }}
{{- if or .configMap .secret }}
- mountPath: /etc/watchword/ca
  readOnly: true
  volume:
    name: watchword-ca
    {{- $items := list (dict "key" .key "path" "ca.crt") }}
    {{- if .secret }}
    secret: {secretName: {{ .secret | quote }}, items: {{ toJson $items }}}
    {{- else }}
    configMap: {name: {{ .configMap | quote }}, items: {{ toJson $items }}}
    {{- end }}
{{- end }}
{{- end }}
{{- if and $isSidecar (eq $values.sidecar.listen "unix") }}
- mountPath: {{ include "watchword.socket.directory" $root }}
  volume: {name: watchword-socket, emptyDir: {medium: Memory, sizeLimit: 1Mi}}
{{- end }}
{{- if $values.state.enabled }}
- mountPath: /var/lib/watchword
  {{- $volume := default (dict "emptyDir" (dict "sizeLimit" "64Mi")) $values.state.volume }}
  volume: {{ merge (dict "name" "watchword-state") $volume | toJson }}
{{- end }}
{{- if $values.serviceAccount.token.enabled }}
- mountPath: /var/run/secrets/kubernetes.io/serviceaccount
  readOnly: true
  volume:
    name: watchword-service-account
    projected:
      defaultMode: {{ $mode }}
      sources:
      - serviceAccountToken:
          path: token
          expirationSeconds: {{ int $values.serviceAccount.token.expirationSeconds }}
          {{- with $values.serviceAccount.token.audience }}
          audience: {{ . | quote }}
          {{- end }}
      - configMap: {name: kube-root-ca.crt, items: [{key: ca.crt, path: ca.crt}]}
{{- else if $isSidecar }}
{{- /* The API server mounts the pod's token into every container without a mount at this path. */}}
- mountPath: /var/run/secrets/kubernetes.io/serviceaccount
  readOnly: true
  volume: {name: watchword-no-token, emptyDir: {sizeLimit: 1Mi}}
{{- end }}
{{- end }}

{{/*
The name of the volume for an entry of `secretFiles`. Unlike a Secret's name, it has no dots.
*/}}
{{- define "watchword.secretVolume" -}}
watchword-secret-{{ default .secret .name | replace "." "-" }}
{{- end }}

{{- define "watchword.tlsSecret" -}}
{{- default (printf "%s-tls" (include "watchword.fullname" .)) .Values.tls.existingSecret }}
{{- end }}
