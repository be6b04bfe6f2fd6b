{{- define "flytail.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "flytail.selectorLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "flytail.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 }}
{{ include "flytail.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "flytail.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "flytail.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "flytail.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{- define "flytail.priorityClassName" -}}
{{- if .Values.priorityClass.create -}}
{{- default (include "flytail.fullname" .) .Values.priorityClassName -}}
{{- else -}}
{{- .Values.priorityClassName -}}
{{- end -}}
{{- end -}}

{{- /* The first server with its port, as the output finds it: one beside the name stands above elasticsearch.port. */ -}}
{{- define "flytail.firstServer" -}}
{{- $host := index (splitList "," .host) 0 | trim -}}
{{- if regexMatch "^([^:]+|\\[.+\\]):[0-9]+$" $host -}}
{{- $host -}}
{{- else if and (contains ":" $host) (not (hasPrefix "[" $host)) -}}
{{- printf "[%s]:%v" $host .port -}}
{{- else -}}
{{- printf "%s:%v" $host .port -}}
{{- end -}}
{{- end -}}

{{- define "flytail.configMapName" -}}
{{- default (printf "%s-config" (include "flytail.fullname" .)) .Values.existingConfigMap -}}
{{- end -}}

{{- /* A file of the configuration: the text in the values, or as it comes. */ -}}
{{- define "flytail.configFile" -}}
{{- $text := index .root.Values.config .value -}}
{{- if $text -}}
{{- tpl $text .root -}}
{{- else -}}
{{- .root.Files.Get (printf "config/%s" .file) -}}
{{- end -}}
{{- end -}}
