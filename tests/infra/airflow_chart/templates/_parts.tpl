{{- define "image" -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag }}{{ end }}
{{- end }}

{{- define "environment" -}}
{{- range .Values.env }}
- {name: {{ .name }}, value: {{ .value | quote }}}
{{- end }}
{{- range .Values.secret }}
- name: {{ .envName }}
  valueFrom: {secretKeyRef: {name: {{ .secretName }}, key: {{ .secretKey }}}}
{{- end }}
- name: AIRFLOW__DATABASE__SQL_ALCHEMY_CONN
  valueFrom: {secretKeyRef: {name: {{ .Values.data.metadataSecretName }}, key: connection}}
- name: AIRFLOW__CORE__FERNET_KEY
  valueFrom: {secretKeyRef: {name: {{ .Values.fernetKeySecretName }}, key: fernet-key}}
- name: AIRFLOW__API__SECRET_KEY
  valueFrom: {secretKeyRef: {name: {{ .Values.apiSecretKeySecretName }}, key: api-secret-key}}
- name: AIRFLOW__API_AUTH__JWT_SECRET
  valueFrom: {secretKeyRef: {name: {{ .Values.jwtSecretName }}, key: jwt-secret}}
{{- end }}

{{- define "pod" -}}
{{- $values := .root.Values -}}
securityContext: {{ toYaml $values.securityContexts.pod | nindent 2 }}
containers:
  - name: {{ .container }}
    image: {{ include "image" $values.images.airflow }}
    imagePullPolicy: {{ $values.images.airflow.pullPolicy }}
    {{- with .command }}
    args: {{ toYaml . | nindent 6 }}
    {{- end }}
    env: {{ include "environment" .root | nindent 6 }}
    resources: {{ toYaml .resources | nindent 6 }}
    securityContext: {{ toYaml $values.securityContexts.containers | nindent 6 }}
    volumeMounts:
      - {name: config, mountPath: /opt/airflow/airflow.cfg, subPath: airflow.cfg}
      - {name: dags, mountPath: /opt/airflow/dags, readOnly: true}
      {{- toYaml $values.volumeMounts | nindent 6 }}
  {{- if and $values.dags.gitSync.enabled (ne .container "base") }}
  {{- with $values.dags.gitSync }}
  - name: git-sync
    image: registry.k8s.io/git-sync/git-sync:v4.4.2
    env:
      - {name: GITSYNC_REPO, value: {{ .repo | quote }}}
      - {name: GITSYNC_REF, value: {{ .ref | quote }}}
      - {name: GITSYNC_DEPTH, value: {{ .depth | quote }}}
      - name: GITSYNC_USERNAME
        valueFrom: {secretKeyRef: {name: {{ .credentialsSecret }}, key: GITSYNC_USERNAME}}
      - name: GITSYNC_PASSWORD
        valueFrom: {secretKeyRef: {name: {{ .credentialsSecret }}, key: GITSYNC_PASSWORD}}
    resources: {{ toYaml .resources | nindent 6 }}
    volumeMounts: [{name: dags, mountPath: /git}]
  {{- end }}
  {{- end }}
volumes:
  - {name: config, configMap: {name: {{ .root.Release.Name }}-config}}
  - {name: dags, emptyDir: {}}
  {{- toYaml $values.volumes | nindent 2 }}
{{- end }}
