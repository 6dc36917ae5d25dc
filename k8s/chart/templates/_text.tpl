{{- /* A value as a text; a number too, without an exponent, which printing makes of 1000000. */}}
{{- define "text" }}
{{- kindIs "string" . | ternary . (toRawJson .) | quote }}
{{- end }}
