{{/* Names, labels and the image. All of these take the chart's own context. */}}

{{- define "watchword.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* At most 52 characters, so that the longest suffix still fits. */}}
{{- define "watchword.fullname" -}}
{{- $name := include "watchword.name" . }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "watchword.namespace" -}}
{{- /* `helm lint` has no namespace. */}}
{{- default (default "default" .Release.Namespace) .Values.namespaceOverride }}
{{- end }}

{{- define "watchword.instanceLabels" -}}
app.kubernetes.io/name: {{ include "watchword.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- /*
Two releases may have the same name, and `namespaceOverride` may put them into one namespace.
*/}}
watchword/name: {{ include "watchword.fullname" . | quote }}
{{- end }}

{{/* Labels of the pods that serve, and of no others. */}}
{{- define "watchword.selectorLabels" -}}
{{ include "watchword.instanceLabels" . }}
app.kubernetes.io/component: server
{{- end }}

{{- define "watchword.labels" -}}
{{ include "watchword.instanceLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: watchword
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | quote }}
{{- end }}

{{/*
The metadata of an object. Takes a list: the context, the suffix of the object's name ("" for none),
and optionally a mapping with `namespace` ("" for none), `labels`, `annotations`.
*/}}
{{- define "watchword.metadata" -}}
{{- $root := index . 0 }}
{{- $more := dict }}
{{- if gt (len .) 2 }}{{ $more = index . 2 }}{{ end }}
{{- $namespace := include "watchword.namespace" $root }}
{{- if hasKey $more "namespace" }}{{ $namespace = $more.namespace }}{{ end -}}
name: {{ print (include "watchword.fullname" $root) (index . 1) | quote }}
{{- with $namespace }}
namespace: {{ . | quote }}
{{- end }}
labels:
  {{- /* Labels of selectors come first, so that values cannot override them. */}}
  {{- $labels := include "watchword.instanceLabels" $root | fromYaml }}
  {{- $labels = merge $labels (default dict $more.labels) (default dict $root.Values.commonLabels)
    (include "watchword.labels" $root | fromYaml) }}
  {{- toYaml $labels | nindent 2 }}
{{- with merge (deepCopy (default dict $more.annotations))
  (default dict $root.Values.commonAnnotations) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "watchword.image" -}}
{{- $image := .Values.image }}
{{- $registry := default (default dict .Values.global).imageRegistry $image.registry }}
{{- $name := $image.repository }}
{{- with $registry }}{{ $name = printf "%s/%s" (trimSuffix "/" .) $name }}{{ end }}
{{- if $image.digest }}
{{- printf "%s@%s" $name $image.digest }}
{{- else }}
{{- printf "%s:%s" $name (default .Chart.AppVersion $image.tag) }}
{{- end }}
{{- end }}

{{- define "watchword.imagePullSecrets" -}}
{{- $names := list }}
{{- range concat (default list (default dict .Values.global).imagePullSecrets)
  (default list .Values.imagePullSecrets) }}
{{- $names = append $names (ternary (dict "name" .) . (kindIs "string" .)) }}
{{- end }}
{{- with $names | uniq }}
{{- toYaml . }}
{{- end }}
{{- end }}

{{- define "watchword.serviceAccountName" -}}
{{- $default := "default" }}
{{- if .Values.serviceAccount.create }}{{ $default = include "watchword.fullname" . }}{{ end }}
{{- default $default .Values.serviceAccount.name }}
{{- end }}

{{/* Labels of the pod of `helm test`. */}}
{{- define "watchword.testLabels" -}}
{{ include "watchword.instanceLabels" . }}
app.kubernetes.io/component: test
{{- end }}
