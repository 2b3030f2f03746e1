// Generates templates of the chart from manifests/base, so that both installations grant the same rights, allow the
// same connections and evaluate the same expressions. The chart adds its conditions, its labels and what its values
// set. test/cluster/chart/objects.test.ts compares what both render; the templates of the Deployments, which are
// written by hand, too.
import { SYSTEM_NAMESPACES } from "../src/injection/skip-reasons.ts";
import { POLICY_SETTINGS } from "../src/policy/settings-table.ts";

const SUPPORTS_POLICIES = '(semverCompare ">=1.30.0-0" .Capabilities.KubeVersion.Version)';
/** A try installation has no policy, because they concern pods of every namespace. */
const NOT_TRY = "(not .Values.try.enabled)";
const CHART_LABELS = '  labels:\n    {{- include "podrole.labels" . | nindent 4 }}\n';
const NAMESPACE = "{{ .Release.Namespace }}";
/** Beginning of the names of objects without a namespace; those of a try installation are its own. */
const CLUSTER_OBJECT_PREFIX = '{{ include "podrole.clusterName" . }}';
/** Metadata of base in one line: a name, and perhaps podrole's namespace and labels. */
const METADATA = /^metadata: \{ name: ([\w-]+)(, namespace: podrole)?(?:, labels: \{ [^}]* \})? \}\n/gm;

const POLICY_LABELS = { "  labels: { app.kubernetes.io/part-of: podrole }\n": CHART_LABELS };
const SELECTED_NAMESPACES = `      matchLabels: { podrole.io/inject: enabled }
      matchExpressions:
        - { key: kubernetes.io/metadata.name, operator: NotIn, values: [podrole, ${SYSTEM_NAMESPACES.join(", ")}] }
`;

/** What differs between a file of manifests/base and the template of the chart. */
interface ChartTemplate {
  /** The file below manifests/; default: the file of the same name in base. */
  readonly source?: string;
  /** Conditions of the whole template. */
  readonly conditions?: readonly string[];
  /** Definitions of variables at the beginning of the template. */
  readonly variables?: string;
  /** Text of base → text of the template. */
  readonly replaced: Readonly<Record<string, string>>;
}

/** By file name in the chart's templates. */
export const CHART_TEMPLATES: Readonly<Record<string, ChartTemplate>> = {
  "admission-policy.yaml": {
    conditions: [".Values.admissionPolicy.enabled", NOT_TRY, SUPPORTS_POLICIES],
    replaced: {
      ...POLICY_LABELS,
      [SELECTED_NAMESPACES]: '      {{- include "podrole.namespaceSelector" . | nindent 6 }}\n',
    },
  },
  "pod-status-policy.yaml": {
    conditions: [".Values.admissionPolicy.enabled", NOT_TRY, SUPPORTS_POLICIES],
    replaced: POLICY_LABELS,
  },
  "priority-class-policy.yaml": {
    conditions: [".Values.admissionPolicy.enabled", NOT_TRY, ".Values.priorityClass.create", SUPPORTS_POLICIES],
    replaced: {
      ...POLICY_LABELS,
      "values: [podrole] }": `values: [${NAMESPACE}] }`,
      "priorityClassName == 'podrole'": "priorityClassName == '{{ .Values.priorityClass.name }}'",
      "PriorityClass podrole is": "PriorityClass {{ .Values.priorityClass.name }} is",
    },
  },
  "pod-certificates.yaml": {
    source: "components/pod-certificates/objects.yaml",
    conditions: [".Values.podCertificates.enabled"],
    replaced: {
      ", namespace: podrole }]": `, namespace: ${NAMESPACE} }]`,
      "kind: ClusterRole, name: podrole-": `kind: ClusterRole, name: ${CLUSTER_OBJECT_PREFIX}-`,
      "policyName: podrole-": `policyName: ${CLUSTER_OBJECT_PREFIX}-`,
    },
  },
  "pod-certificates-auto.yaml": {
    source: "components/pod-certificates-auto/objects.yaml",
    conditions: [".Values.podCertificates.enabled", ".Values.podCertificates.auto"],
    replaced: {
      ", namespace: podrole }]": `, namespace: ${NAMESPACE} }]`,
      "kind: ClusterRole, name: podrole-": `kind: ClusterRole, name: ${CLUSTER_OBJECT_PREFIX}-`,
    },
  },
  "rbac.yaml": {
    replaced: {
      ...serviceAccount("server"),
      ...serviceAccount("webhook"),
      ", namespace: podrole }]": `, namespace: ${NAMESPACE} }]`,
      "kind: ClusterRole, name: podrole-": `kind: ClusterRole, name: ${CLUSTER_OBJECT_PREFIX}-`,
      "resourceNames: [podrole]": `resourceNames: [${CLUSTER_OBJECT_PREFIX}]`,
      [`  - { apiGroups: [""], resources: [secrets, configmaps], verbs: [create] }
  - { apiGroups: [""], resources: [secrets], resourceNames: [podrole-ca], verbs: [get, patch] }
`]: `  {{- if eq .Values.ca.source "managed" }}
  - { apiGroups: [""], resources: [secrets, configmaps], verbs: [create] }
  - { apiGroups: [""], resources: [secrets], resourceNames: [podrole-ca], verbs: [get, patch] }
  {{- else }}
  - { apiGroups: [""], resources: [configmaps], verbs: [create] }
  {{- end }}
`,
    },
  },
  "developer.yaml": { conditions: [NOT_TRY], replaced: {} },
  "readers.yaml": {
    replaced: {
      ", namespace: podrole }]": `, namespace: ${NAMESPACE} }]`,
      "kind: ClusterRole, name: podrole-": `kind: ClusterRole, name: ${CLUSTER_OBJECT_PREFIX}-`,
    },
  },
  "network-policies.yaml": {
    conditions: [".Values.networkPolicy.enabled"],
    variables: `{{- $policy := .Values.networkPolicy }}
{{- $apiServer := list }}
{{- range $policy.apiServerCidrs }}{{ $apiServer = append $apiServer (dict "ipBlock" (dict "cidr" .)) }}{{ end }}
{{- $monitoring := prepend $apiServer (dict "namespaceSelector" (dict "matchLabels" $policy.monitoringNamespaceLabels)) }}
{{- $dns := list (dict "port" 53) (dict "port" 53 "protocol" "UDP") }}
{{- if .Values.openshift.enabled }}{{ $dns = concat $dns (list (dict "port" 5353) (dict "port" 5353 "protocol" "UDP")) }}{{ end }}
`,
    replaced: {
      "from: [{ namespaceSelector: { matchLabels: { podrole.io/monitoring: enabled } } }]":
        "from: {{ toJson $monitoring }}",
      "ports: [{ port: 53 }, { port: 53, protocol: UDP }]": "ports: {{ toJson $dns }}",
      [`    # The state port (8445): nobody, unless the API server's addresses are known, because operators reach it through its proxy alone.
`]: `    {{- with $apiServer }}
    # The state port: operators reach it through the API server's proxy.
    - from: {{ toJson . }}
      ports: [{ port: 8445 }]
    {{- end }}
`,
      "    - ports: [{ port: 9443 }]\n": `    - ports: [{ port: 9443 }]
      {{- with $apiServer }}
      from: {{ toJson . }}
      {{- end }}
`,
      // The webhook's rule: the server also reaches STS, at unknown addresses.
      [`    - ports: [{ port: 443 }, { port: 6443 }]
    - to: [{ podSelector:`]: `    - ports: [{ port: 443 }, { port: 6443 }]
      {{- with $apiServer }}
      to: {{ toJson . }}
      {{- end }}
    - to: [{ podSelector:`,
      [`    # The instance metadata service and the EKS Pod Identity agent. Remove this rule with IRSA, access keys or Roles Anywhere.
    - to:
`]: `    {{- if .Values.try.enabled }}
    # The emulated STS in place of the instance metadata service.
    - to: [{ podSelector: { matchLabels: { app.kubernetes.io/name: podrole-try-sts } } }]
      ports: [{ port: 4566 }]
    {{- else if $policy.instanceMetadata }}
    # The instance metadata service and the EKS Pod Identity agent.
    - to:
`,
      "      ports: [{ port: 80 }]\n": "      ports: [{ port: 80 }]\n    {{- end }}\n",
    },
  },
};

/** Replaces the metadata of a program's ServiceAccount, whose annotations are a value of the chart. */
function serviceAccount(program: "server" | "webhook"): Readonly<Record<string, string>> {
  const end = "automountServiceAccountToken: false\n";
  return {
    [`metadata: { name: podrole-${program}, namespace: podrole }\n${end}`]: `metadata:
  name: podrole-${program}
  namespace: ${NAMESPACE}
${CHART_LABELS}  {{- with .Values.${program}.serviceAccount.annotations }}
  annotations: {{ toJson . }}
  {{- end }}
${end}`,
  };
}

/** Returns the path of a template's source below manifests/. */
export function sourceOfTemplate(file: string): string {
  return CHART_TEMPLATES[file]?.source ?? `base/${file}`;
}

/** Returns a template. Throws if `base`, the text of its source, lacks a text that the template replaces. */
export function chartTemplate(file: string, base: string): string {
  const { conditions = [], variables = "", replaced = {} } = CHART_TEMPLATES[file] ?? {};
  const [comment = ""] = /^(?:#.*\n)+/.exec(base) ?? [];
  const body = Object.entries(replaced)
    .reduce((text, [from, to]) => {
      if (!text.includes(from)) {
        throw new Error(
          `Cannot generate ${file}: manifests/${sourceOfTemplate(file)} has no ${JSON.stringify(from)}; expected it once or more`,
        );
      }
      return text.replaceAll(from, () => to);
    }, base.slice(comment.length))
    .replaceAll(METADATA, (_, name: string, namespaced: string | undefined) => {
      if (namespaced !== undefined) return `metadata:\n  name: ${name}\n  namespace: ${NAMESPACE}\n${CHART_LABELS}`;
      return `metadata:\n  name: ${name.replace(/^podrole/, CLUSTER_OBJECT_PREFIX)}\n${CHART_LABELS}`;
    });
  const source = sourceOfTemplate(file);
  const header = `# Generated by npm run generate from manifests/${source}, which explains it: change that file.\n`;
  if (conditions.length === 0) return `${variables}${header}${body}`;
  const condition = conditions.length === 1 ? conditions[0] : `and ${conditions.join(" ")}`;
  return `{{- if ${condition} }}\n${variables}${header}${body}{{- end }}\n`;
}

/** Returns the content of _names.tpl: names that other templates need, as the programs have them. */
export function chartNames(): string {
  const define = (name: string, source: string, what: string, text: string) =>
    `{{/* ${what}. Generated by npm run generate from ${source}. */}}\n{{- define "${name}" -}}\n${text}\n{{- end }}\n`;
  return [
    define(
      "podrole.policyNames",
      "src/policy/settings-table.ts",
      "Names of the policy settings, which the chart puts into podrole-common",
      JSON.stringify(Object.keys(POLICY_SETTINGS), undefined, 2),
    ),
    define(
      "podrole.systemNamespaces",
      "src/injection/skip-reasons.ts",
      "Namespaces of Kubernetes, in which podrole injects no pod",
      SYSTEM_NAMESPACES.join(", "),
    ),
  ].join("\n");
}
