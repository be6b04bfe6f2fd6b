{{- define "flytail.container" -}}
- name: flytail
  image: {{ include "flytail.image" . | quote }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  {{- with .Values.command }}
  command: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if .Values.args }}
  args: {{- toYaml .Values.args | nindent 4 }}
  {{- else }}
  args:
    - --config=/fluent-bit/etc/conf/{{ ternary "fluent-bit.conf" "flytail.conf" (not (empty .Values.existingConfigMap)) }}
    {{- if .Values.hotReload.enabled }}
    - --enable-hot-reload
    {{- end }}
  {{- end }}
  env:
    - name: NODE_NAME
      valueFrom:
        fieldRef:
          fieldPath: spec.nodeName
    - {name: STATE_DIRECTORY, value: /var/lib/flytail}
    # Dead letters of a configuration that names no place for anything: all else is read-only.
    - {name: TMPDIR, value: /var/lib/flytail}
    - {name: HOT_RELOAD, value: {{ ternary "On" "Off" .Values.hotReload.enabled | quote }}}
    - {name: HTTP_PORT, value: {{ .Values.metricsPort | quote }}}
    - {name: LOG_LEVEL, value: {{ .Values.logLevel | quote }}}
    - {name: FLUSH, value: {{ .Values.flush | quote }}}
    {{- with .Values.elasticsearch }}
    - {name: ES_HOST, value: {{ .host | quote }}}
    - {name: ES_PORT, value: {{ .port | quote }}}
    - {name: ES_INDEX, value: {{ .index | quote }}}
    - {name: ES_TLS, value: {{ ternary "On" "Off" .tls | quote }}}
    {{- if .credentialsSecret }}
    - name: ES_USER
      valueFrom:
        secretKeyRef: {name: {{ .credentialsSecret | quote }}, key: username}
    - {name: ES_PASSWORD_FILE, value: /etc/flytail-credentials/password}
    {{- if .caFromSecret }}
    - {name: ES_CA_FILE, value: /etc/flytail-credentials/ca.crt}
    {{- end }}
    {{- end }}
    {{- end }}
    {{- with .Values.env }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- range .Values.envWithTpl }}
    - {name: {{ .name | quote }}, value: {{ tpl .value $ | quote }}}
    {{- end }}
  {{- with .Values.envFrom }}
  envFrom: {{- toYaml . | nindent 4 }}
  {{- end }}
  ports:
    - name: http
      containerPort: {{ .Values.metricsPort }}
      protocol: TCP
    {{- range .Values.extraPorts }}
    - name: {{ .name }}
      containerPort: {{ .containerPort }}
      protocol: {{ .protocol | default "TCP" }}
    {{- end }}
  {{- with .Values.livenessProbe }}
  livenessProbe: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.readinessProbe }}
  readinessProbe: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.lifecycle }}
  lifecycle: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.resources }}
  resources: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.securityContext }}
  securityContext: {{- toYaml . | nindent 4 }}
  {{- end }}
  volumeMounts:
    # Where Fluent Bit's chart has it, so that the Parsers_File of values that moved here is found.
    - {name: config, mountPath: /fluent-bit/etc/conf, readOnly: true}
    - {name: state, mountPath: /var/lib/flytail}
    {{- if .Values.elasticsearch.credentialsSecret }}
    - {name: credentials, mountPath: /etc/flytail-credentials, readOnly: true}
    {{- end }}
    {{- with .Values.daemonSetVolumeMounts }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- with .Values.extraVolumeMounts }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}

{{- define "flytail.takeOver" -}}
- name: take-over
  image: {{ .Values.takeOver.image | quote }}
  env:
    - {name: FROM, value: {{ .Values.takeOver.database | quote }}}
    - {name: TO, value: /var/lib/flytail/tail.db}
  command: [sh, -ec]
  args:
    - |
      # Once only: what is here already is newer. The log of the last changes comes first, and the name of the
      # database is given to a whole copy.
      if [ -e "$TO" ] || [ ! -e "$FROM" ]; then exit 0; fi
      if [ -e "$FROM-wal" ]; then cp "$FROM-wal" "$TO-wal"; fi
      cp "$FROM" "$TO.partial"
      mv "$TO.partial" "$TO"
  resources:
    requests: {cpu: 10m, memory: 16Mi}
    limits: {memory: 64Mi}
  {{- with .Values.securityContext }}
  securityContext: {{- toYaml . | nindent 4 }}
  {{- end }}
  volumeMounts:
    - {name: state, mountPath: /var/lib/flytail}
    {{- with .Values.daemonSetVolumeMounts }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}
