{{/*
Shared by the injector's policies: the pods that they match, the changes, and the annotations that
pods may set.
*/}}

{{/* The newest version of the API that the cluster has. */}}
{{- define "watchword.injector.apiVersion" -}}
{{- $cluster := .Capabilities.KubeVersion.Version }}
{{- $served := false }}
{{- range $version := list "v1" "v1beta1" "v1alpha1" }}
{{- if $.Capabilities.APIVersions.Has
  (printf "admissionregistration.k8s.io/%s/MutatingAdmissionPolicy" $version) }}
{{- $served = true }}
{{- end }}
{{- end }}
{{- if .Values.sidecar.injector.apiVersion }}
{{- .Values.sidecar.injector.apiVersion }}
{{- else if not (semverCompare ">=1.32-0" $cluster) }}
{{- fail (printf (print "sidecar.injector.enabled: Kubernetes %s has no MutatingAdmissionPolicy; "
  "it needs 1.36, or 1.32 with the API enabled") $cluster) }}
{{- else if and (not $served) (include "watchword.asksACluster" .) }}
{{- fail (printf (print "sidecar.injector.enabled: this API server (%s) does not serve "
  "MutatingAdmissionPolicy; enable it (feature gate and --runtime-config), "
  "or use Kubernetes 1.36 or newer") $cluster) }}
{{- else if semverCompare ">=1.36-0" $cluster }}v1
{{- else if semverCompare ">=1.34-0" $cluster }}v1beta1
{{- else }}v1alpha1
{{- end }}
{{- end }}

{{/* `yes` where Helm can read the cluster. `helm template` and a client-side dry run cannot. */}}
{{- define "watchword.asksACluster" -}}
{{- if lookup "v1" "Namespace" "" "kube-system" }}yes{{ end }}
{{- end }}

{{/* The requests that the policies match, as matchConstraints. */}}
{{- define "watchword.injector.pods" -}}
resourceRules:
- {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}
namespaceSelector:
  matchExpressions:
  - key: kubernetes.io/metadata.name
    operator: In
    values: {{ include "watchword.injector.namespaces" . }}
objectSelector:
  matchLabels:
    {{- include "watchword.injector.podLabels" . | nindent 4 }}
{{- end }}

{{- define "watchword.injector.notAMirror" -}}
# The mirror of a static pod, which must not be changed.
- name: not-a-mirror
  expression: '!("kubernetes.io/config.mirror" in object.metadata.?annotations.orValue({}))'
{{- end }}

{{/* CEL: the pod is not for Windows. */}}
{{- define "watchword.injector.notWindows" -}}
object.spec.?os.?name.orValue("linux") != "windows"
{{- end }}

{{/* CEL: the value of this annotation of the pod, as an optional. */}}
{{- define "watchword.injector.annotation" -}}
object.metadata.?annotations[?{{ toJson . }}]
{{- end }}

{{/* CEL: how the pod's sidecar listens. */}}
{{- define "watchword.injector.listen" -}}
{{- $annotation := include "watchword.injector.annotation" "watchword/listen" -}}
{{ $annotation }}.orValue({{ toJson .Values.sidecar.listen }})
{{- end }}

{{/*
The ways in which a sidecar can listen, as a JSON list of `listen` and `file` (the configuration's
name in the ConfigMap). The last is the default. It is the only one where the chart does not render
the configuration, and where `integrations` make proxies ask in that way.
*/}}
{{- define "watchword.injector.variants" -}}
{{- $default := .Values.sidecar.listen }}
{{- $other := ternary "loopback" "unix" (eq $default "unix") }}
{{- $variants := list (dict "listen" $default "file" "watchword.yaml") }}
{{- $asked := false }}
{{- range $product := list "istio" "envoyGateway" }}
{{- $settings := get $.Values.integrations $product }}
{{- if and $settings.enabled (eq $settings.via "sidecar") }}{{ $asked = true }}{{ end }}
{{- end }}
{{- if and (include "watchword.config.isOurs" .) (not $asked) }}
{{- $variants = prepend $variants (dict "listen" $other "file"
  (printf "watchword-%s.yaml" $other)) }}
{{- end }}
{{- toJson $variants }}
{{- end }}

{{/*
A context for one way to listen, as JSON. It has `ConfigFile`, the name of the configuration's file,
and only the fields that templates of the sidecar use. Takes a list: the context, an element of the
variants.
*/}}
{{- define "watchword.injector.context" -}}
{{- $root := index . 0 }}
{{- $variant := index . 1 }}
{{- $values := mergeOverwrite (deepCopy $root.Values) (dict "sidecar"
  (dict "listen" $variant.listen)) }}
{{- $chart := dict "Name" $root.Chart.Name "Version" $root.Chart.Version "AppVersion"
  $root.Chart.AppVersion }}
{{- $release := dict "Name" $root.Release.Name "Namespace" $root.Release.Namespace "Service"
  $root.Release.Service }}
{{- dict "Values" $values "Chart" $chart "Release" $release "ConfigFile" $variant.file | toJson }}
{{- end }}

{{/* The annotations that set the sidecar's resources, with the field that each sets, as JSON. */}}
{{- define "watchword.injector.resources" -}}
{{- dict "watchword/cpu-request" "requests/cpu" "watchword/cpu-limit" "limits/cpu"
  "watchword/memory-request" "requests/memory" "watchword/memory-limit" "limits/memory" | toJson }}
{{- end }}

{{/*
CEL: a list of all changes. Mounts come first, while containers still have their original indexes.
*/}}
{{- define "watchword.injector.patches" -}}
{{- include "watchword.injector.mounts" (list . "containers") }}
{{- include "watchword.injector.mounts" (list . "initContainers") }}
{{- include "watchword.injector.addContainer" . }}
{{- $volumes := list }}
{{- range include "watchword.sidecar.volumes" . | fromYamlArray }}
{{- if and (eq .name "watchword-config") .configMap }}
{{- $volumes = append $volumes (include "watchword.injector.configVolume" (list $ .)) }}
{{- else }}
{{- $volumes = append $volumes (include "watchword.cel" (list . "Object.spec.volumes")) }}
{{- end }}
{{- end }} +
{{ include "watchword.injector.add" (list "volumes" (join ", " $volumes)) }}
{{- $secrets := list }}
{{- range include "watchword.imagePullSecrets" . | fromYamlArray }}
{{- $secrets = append $secrets (include "watchword.cel" (list . "Object.spec.imagePullSecrets")) }}
{{- end }}
{{- with $secrets }} +
{{ include "watchword.injector.add" (list "imagePullSecrets" (join ", " .)) }}
{{- end }}
{{- end }}

{{/* CEL: the volume of the configuration. Takes a list: the context, the volume as values. */}}
{{- define "watchword.injector.configVolume" -}}
{{- $volume := index . 1 -}}
Object.spec.volumes{
  name: {{ toJson $volume.name }},
  configMap: Object.spec.volumes.configMap{
    name: {{ include "watchword.injector.configMap" (list (index . 0) $volume.configMap.name) }}
    {{- with $volume.configMap.items }},
    items: {{ include "watchword.cel" (list . "Object.spec.volumes.configMap.items") | indent 4
        | trim }}
    {{- end }}
  }
}
{{- end }}

{{/*
CEL: the name of the pod's ConfigMap: that of the release's sidecars, or one of `podConfigMaps` that
the pod chooses. Takes a list: the context, the former.
*/}}
{{- define "watchword.injector.configMap" -}}
{{- $default := toJson (index . 1) }}
{{- with (index . 0).Values.sidecar.injector.podConfigMaps -}}
{{- $annotation := include "watchword.injector.annotation" "watchword/config-map" -}}
{{ $annotation }}.optMap(n, n in {{ toJson . }} ? n : {{ $default }}).orValue({{ $default }})
{{- else }}
{{- $default }}
{{- end }}
{{- end }}

{{/*
CEL: mounts the socket in containers of one of the pod's two lists, followed by a `+`. A container
that already has a mount there keeps it. Takes a list: the context, the list's name.
*/}}
{{- define "watchword.injector.mounts" -}}
{{- $root := index . 0 }}
{{- $list := index . 1 }}
{{- $containers := $root.Values.sidecar.injector.socketContainers }}
{{- $mounts := include "watchword.sidecar.proxyVolumeMounts" $root | fromYamlArray }}
{{- if and $mounts $containers }}
{{- $mount := first $mounts }}
{{- $lacking := printf (print "object.spec.?%s.orValue([]).filter(c, c.name in %s && "
  "!c.?volumeMounts.orValue([]).exists(m, %s))") $list (toJson $containers)
  (include "watchword.injector.takesTheMount" $root) }}
{{- $path := printf (print "\"/spec/%s/\" + string(object.spec.%s.map(other, "
  "other.name).indexOf(c.name)) + \"/volumeMounts") $list $list }}
{{ $lacking }}
  .filter(c, !has(c.volumeMounts)).map(c, JSONPatch{op: "add", path: {{ $path }}", value: []}) +
{{ $lacking }}
  .map(c, JSONPatch{op: "add", path: {{ $path }}/-", value: {{ include "watchword.cel"
      (list $mount (printf "Object.spec.%s.volumeMounts" $list)) }}}) +
{{- end }}
{{- end }}

{{/* CEL: the mount `m` is the socket's, or is at the socket's path. */}}
{{- define "watchword.injector.takesTheMount" -}}
m.name == "watchword-socket" || m.mountPath.matches({{ printf "^/+(var/+)?%s/*$"
    (include "watchword.socket.directory" . | trimPrefix "/" | replace "/" "/+") | toJson }})
{{- end }}

{{/*
CEL: a string with the regular expression of mount paths that are, or may be, in the socket's
directory.
*/}}
{{- define "watchword.injector.hidesTheSocket" -}}
{{- printf "^/?(var/)?%s(/|$)|(^|/)[.][.]?(/|$)|//" (include "watchword.socket.directory" .
  | trimPrefix "/") | toJson }}
{{- end }}

{{/*
CEL: adds the sidecar first, so that it serves before a proxy after it starts, with the resources
that the pod requests.
*/}}
{{- define "watchword.injector.addContainer" }}
(object.spec.?initContainers.orValue([]).exists(c, c.name == "watchword") ? [] :
  (has(object.spec.initContainers) ? [] :
    [JSONPatch{op: "add", path: "/spec/initContainers", value: []}]) +
  [JSONPatch{op: "add", path: "/spec/initContainers/0", value:
    {{ include "watchword.injector.container" . | indent 4 | trim }}}]
  {{- range $annotation, $path := include "watchword.injector.resources" . | fromJson }} +
  {{ include "watchword.injector.annotation" $annotation }}.optMap(quantity, isQuantity(quantity) ?
    [JSONPatch{op: "add", path: "/spec/initContainers/0/resources/{{ $path }}", value: quantity}] :
    []).orValue([])
  {{- end }})
{{- end }}

{{- define "watchword.injector.container" -}}
{{- $container := include "watchword.sidecar.container" . | fromYaml }}
{{- /* Annotations add to these, so they must exist. */}}
{{- $resources := merge (default dict $container.resources) (dict "requests" dict "limits" dict) }}
{{- include "watchword.cel" (list (set $container "resources" $resources)
  "Object.spec.initContainers") }}
{{- end }}

{{/*
CEL: adds to a list of the pod's spec those elements whose name is not in it. Takes a list: the
list's name, the elements as CEL.
*/}}
{{- define "watchword.injector.add" -}}
{{- $name := index . 0 -}}
(has(object.spec.{{ $name }}) ? [] : [JSONPatch{op: "add", path: "/spec/{{ $name }}", value: []}]) +
[{{ index . 1 }}]
  .filter(new, !object.spec.?{{ $name }}.orValue([]).exists(old, old.name == new.name))
  .map(new, JSONPatch{op: "add", path: "/spec/{{ $name }}/-", value: new})
{{- end }}

{{/*
CEL: the container `c` looks like the sidecar. The API server may reinvoke the policy after
something has changed the image and other fields, so this does not compare them.
*/}}
{{- define "watchword.injector.looksOurs" -}}
{{- $container := include "watchword.sidecar.container" . | fromYaml }}
{{- $arguments := list }}
{{- range include "watchword.injector.variants" . | fromJsonArray }}
{{- $arguments = append $arguments (include "watchword.injector.arguments" (list $ .file)
  | fromJsonArray) }}
{{- end -}}
!has(c.command) && c.?restartPolicy.orValue("") == "Always" &&
c.?args.orValue([]) in {{ toJson $arguments }}
{{- range $container.volumeMounts }}
{{- if ne .name "watchword-socket" }} &&
c.?volumeMounts.orValue([]).exists(m,
  m.name == {{ toJson .name }} && m.mountPath == {{ toJson .mountPath }})
{{- end }}
{{- end }}
{{- end }}

{{- define "watchword.injector.arguments" -}}
{{- $file := printf "%s/%s" (include "watchword.config.directory" (index . 0)) (index . 1) }}
{{- concat (list "serve" "-c" $file) (default list (index . 0).Values.extraArgs) | toJson }}
{{- end }}

{{/*
CEL: the container `c` is the sidecar: it has the chart's image and arguments, and the chart's
environment and mounts. A container of the pod's author must not run other code, or use other files.
Webhooks add variables and mounts to every container; those that do no harm here are accepted.
*/}}
{{- define "watchword.injector.isOurs" -}}
{{- $container := include "watchword.sidecar.container" . | fromYaml }}
{{- $names := list }}
{{- range $container.env }}{{ $names = append $names .name }}{{ end -}}
!has(c.command) && !has(c.workingDir) && c.?restartPolicy.orValue("") == "Always" &&
c.image == {{ toJson $container.image }} &&
(!has(c.lifecycle) || !has(c.lifecycle.postStart)) &&
c.?env.orValue([]).all(e, e.name in {{ toJson $names }} || !e.name.matches("^(SSL_CERT_|LD_)")) &&
{{- range $container.env }}
{{- if hasKey . "value" }}
c.?env.orValue([]).all(e,
  e.name != {{ toJson .name }} || e.?value.orValue("") == {{ toJson .value }}) &&
{{- end }}
{{- end }}
size(c.?envFrom.orValue([])) == {{ len (default list $container.envFrom) }} && (
{{- range $i, $variant := include "watchword.injector.variants" . | fromJsonArray }}
{{- $context := include "watchword.injector.context" (list $ $variant) | fromJson }}
{{- $mounts := (include "watchword.sidecar.container" $context | fromYaml).volumeMounts }}
{{- if $i }} ||{{ end }}
(c.?args.orValue([]) == {{ include "watchword.injector.arguments" (list $ $variant.file) }} &&
 c.?volumeMounts.orValue([]).all(m,
   m.mountPath in {{ include "watchword.injector.paths" $mounts }} ||
   !m.mountPath.matches("^/*(|watchword|etc|run|var|var/run|var/lib)/*$|^/*(etc/watchword|etc/ssl|(var/)?run/watchword|var/lib/watchword)(/|$)|(^|/)[.][.]?(/|$)|//"))
 {{- range $mounts }} &&
 c.volumeMounts.exists(m, m.name == {{ toJson .name }} && m.mountPath == {{ toJson .mountPath }}
   {{- if not .subPath }} && !has(m.subPath){{ end }}
   {{- if not .subPathExpr }} && !has(m.subPathExpr){{ end }})
 {{- end }})
{{- end }})
{{- end }}

{{/* The paths of mounts, as JSON. */}}
{{- define "watchword.injector.paths" -}}
{{- $paths := list }}
{{- range . }}{{ $paths = append $paths .mountPath }}{{ end }}
{{- toJson $paths }}
{{- end }}

{{/* CEL: the volume `v` has the same source as this one. Takes a list: the context, a volume. */}}
{{- define "watchword.injector.isVolume" -}}
{{- $values := (index . 0).Values }}
{{- $volume := index . 1 }}
{{- $source := omit $volume "name" | keys | first }}
{{- $items := list }}
{{- range (get $volume $source).items }}
{{- $items = append $items (printf "%s:%s" .key .path) }}
{{- end }}
{{- $sameItems := printf "v.%s.?items.orValue([]).map(i, i.key + \":\" + i.path) == %s" $source
  (toJson $items) }}
{{- if eq $source "configMap" }}
{{- $names := list $volume.configMap.name }}
{{- if eq $volume.name "watchword-config" }}
{{- $names = concat $names (default list $values.sidecar.injector.podConfigMaps) }}
{{- end -}}
(v.?configMap.?name.orValue("") in {{ toJson $names }} && {{ $sameItems }})
{{- else if eq $source "secret" -}}
(v.?secret.?secretName.orValue("") == {{ toJson $volume.secret.secretName }} && {{ $sameItems }})
{{- else if and (eq $source "projected") (eq $volume.name "watchword-service-account") -}}
{{- print "v.?projected.?sources.orValue([dyn({})]).all(s, has(s.serviceAccountToken) || "
  "s.?configMap.?name.orValue(\"\") == \"kube-root-ca.crt\")" }}
{{- else -}}
has(v.{{ $source }})
{{- end }}
{{- end }}

{{/* The labels of pods that get a sidecar, as a selector for kubectl. */}}
{{- define "watchword.injector.selector" -}}
{{- $pairs := list }}
{{- range $name, $value := include "watchword.injector.podLabels" . | fromYaml }}
{{- $pairs = append $pairs (printf "%s=%s" $name $value) }}
{{- end }}
{{- join "," $pairs }}
{{- end }}

{{/* `yes` where a labelled pod without the sidecar is refused. */}}
{{- define "watchword.injector.requiresSidecar" -}}
{{- $injector := .Values.sidecar.injector }}
{{- $asked := $injector.requireSidecar }}
{{- if kindIs "invalid" $asked }}{{ $asked = eq $injector.failurePolicy "Fail" }}{{ end }}
{{- if $asked }}yes{{ end }}
{{- end }}

{{/* The ways to listen, as a JSON list. */}}
{{- define "watchword.injector.listens" -}}
{{- $listens := list }}
{{- range include "watchword.injector.variants" . | fromJsonArray }}
{{- $listens = append $listens .listen }}
{{- end }}
{{- $listens | sortAlpha | toJson }}
{{- end }}
