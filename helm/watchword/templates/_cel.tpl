{{/*
A value as CEL, for admission policies. Takes a list: the value and its type, such as
`Object.spec.volumes`. In Kubernetes' CEL, the values of a map or list must have one type. So a
mapping becomes an object of that type. Where one of its names cannot be a field's name, or would be
read as another (Kubernetes writes `-` as `__dash__`), it becomes a map with `dyn` values.
*/}}
{{- define "watchword.cel.reserved" -}}
{{- print "true false null in as break const continue else for function if import let loop "
  "package namespace return var void while" }}
{{- end }}

{{- define "watchword.cel" -}}
{{- $value := index . 0 }}
{{- $type := index . 1 }}
{{- if kindIs "map" $value }}
{{- $typed := true }}
{{- range $name, $_ := $value }}
{{- $reserved := has $name (include "watchword.cel.reserved" . | splitList " ") }}
{{- if or $reserved (contains "__" $name) (not (regexMatch "^[A-Za-z_][A-Za-z0-9_]*$" $name)) }}
{{- $typed = false }}
{{- end }}
{{- end }}
{{- $fields := list }}
{{- range $name, $field := $value }}
{{- if not (kindIs "invalid" $field) }}
{{- $shown := include "watchword.cel" (list $field (printf "%s.%s" $type $name)) }}
{{- $fields = append $fields (ternary (printf "%s: %s" $name $shown)
  (printf "%s: dyn(%s)" (toJson $name) $shown) $typed) }}
{{- end }}
{{- end }}
{{- ternary $type "" $typed }}{{ "{" }}
{{- if $fields }}{{ join ",\n" $fields | nindent 2 }}{{ "\n" }}{{ end }}{{ "}" }}
{{- else if kindIs "slice" $value }}
{{- $elements := list }}
{{- range $value }}
{{- $elements = append $elements (include "watchword.cel" (list . $type)) }}
{{- end -}}
[{{ join ", " $elements }}]
{{- else }}
{{- toJson $value }}
{{- end }}
{{- end }}
