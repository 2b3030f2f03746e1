// Mutating admission as the API server does it: configurations in order of name, selectors, rules, one HTTPS call each
// with the caBundle as the only trust, failure policy, patches, warnings and audit annotations. A webhook that asks for
// it is called once more when a later one changed the object. (matchConditions are CEL, which this emulator has not.)
import { randomUUID } from "node:crypto";
import { request } from "node:https";
import { text } from "node:stream/consumers";
import jsonpatch from "jsonpatch";
import { type KubeObject, StatusError, type Store } from "./store.ts";

export interface Requester {
  readonly username: string;
  readonly groups: readonly string[];
}

export interface Admitted {
  readonly object: KubeObject;
  readonly warnings: readonly string[];
  readonly annotations: Readonly<Record<string, string>>;
}

interface Webhook {
  readonly name: string;
  readonly clientConfig: { readonly url?: string; readonly caBundle?: string };
  readonly rules?: readonly { readonly operations: readonly string[]; readonly resources: readonly string[] }[];
  readonly namespaceSelector?: LabelSelector;
  readonly failurePolicy?: "Fail" | "Ignore";
  readonly timeoutSeconds?: number;
  readonly reinvocationPolicy?: "Never" | "IfNeeded";
}

interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

interface Response {
  readonly uid: string;
  readonly allowed: boolean;
  readonly patch?: string;
  readonly warnings?: readonly string[];
  readonly auditAnnotations?: Readonly<Record<string, string>>;
  readonly status?: { readonly message?: string; readonly code?: number; readonly reason?: string };
}

const ORDER = ["In", "NotIn", "Exists", "DoesNotExist"] as const;

/** Runs a pod's creation through every registered webhook; throws StatusError when one says no. */
export async function admitPod(
  store: Store,
  pod: KubeObject,
  requester: Requester,
  dryRun: boolean,
): Promise<Admitted> {
  const labels = store.find("namespaces", undefined, pod.metadata.namespace ?? "")?.metadata.labels ?? {};
  const webhooks = store
    .list("mutatingwebhookconfigurations", undefined)
    .toSorted((a, b) => (a.metadata.name ?? "").localeCompare(b.metadata.name ?? ""))
    .flatMap((configuration) => (configuration["webhooks"] as Webhook[] | undefined) ?? [])
    .filter((webhook) => concernsPods(webhook) && matches(webhook.namespaceSelector, labels));
  let admitted: Admitted = { object: pod, warnings: [], annotations: {} };
  const changedBy = new Map<Webhook, number>();
  for (const [index, webhook] of webhooks.entries()) {
    const next = await call(webhook, admitted, requester, dryRun);
    if (JSON.stringify(next.object) !== JSON.stringify(admitted.object)) changedBy.set(webhook, index);
    admitted = next;
  }
  for (const [index, webhook] of webhooks.entries()) {
    const changedLater = [...changedBy.values()].some((at) => at > index);
    if (webhook.reinvocationPolicy === "IfNeeded" && changedLater)
      admitted = await call(webhook, admitted, requester, dryRun);
  }
  return admitted;
}

function concernsPods({ rules = [] }: Webhook): boolean {
  return rules.some(({ operations, resources }) => operations.includes("CREATE") && resources.includes("pods"));
}

function matches(selector: LabelSelector = {}, labels: Readonly<Record<string, string>>): boolean {
  const equal = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  return (
    equal &&
    (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
      const label = labels[key];
      const [isIn, notIn, exists] = ORDER;
      if (operator === isIn) return label !== undefined && values.includes(label);
      if (operator === notIn) return label === undefined || !values.includes(label);
      return operator === exists ? label !== undefined : label === undefined;
    })
  );
}

async function call(webhook: Webhook, admitted: Admitted, requester: Requester, dryRun: boolean): Promise<Admitted> {
  const { object } = admitted;
  const review = {
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: {
      uid: randomUUID(),
      kind: { group: "", version: "v1", kind: "Pod" },
      resource: { group: "", version: "v1", resource: "pods" },
      ...(object.metadata.name && { name: object.metadata.name }),
      namespace: object.metadata.namespace,
      operation: "CREATE",
      userInfo: requester,
      object,
      oldObject: null,
      dryRun,
      options: { kind: "CreateOptions", apiVersion: "meta.k8s.io/v1" },
    },
  };
  const response = await ask(webhook, review).catch((error: Error) => {
    if (webhook.failurePolicy === "Ignore") return undefined;
    throw new StatusError(
      500,
      "InternalError",
      `Internal error occurred: failed calling webhook "${webhook.name}": failed to call webhook: ${error.message}`,
    );
  });
  if (response === undefined) return admitted;
  if (!response.allowed) {
    const { message = "", code = 403, reason = "Forbidden" } = response.status ?? {};
    throw new StatusError(code, reason, `admission webhook "${webhook.name}" denied the request: ${message}`);
  }
  const patch = response.patch === undefined ? [] : JSON.parse(Buffer.from(response.patch, "base64").toString());
  const annotations = Object.entries(response.auditAnnotations ?? {}).map(([key, value]) => [
    `${webhook.name}/${key}`,
    value,
  ]);
  return {
    object: jsonpatch.apply_patch(object, patch) as KubeObject,
    warnings: [...admitted.warnings, ...(response.warnings ?? [])],
    annotations: { ...admitted.annotations, ...Object.fromEntries(annotations) },
  };
}

function ask({ clientConfig, timeoutSeconds = 10 }: Webhook, review: { request: { uid: string } }): Promise<Response> {
  const { url = "", caBundle = "" } = clientConfig;
  const body = JSON.stringify(review);
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      {
        method: "POST",
        ca: Buffer.from(caBundle, "base64").toString(),
        headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body) },
        signal: AbortSignal.timeout(timeoutSeconds * 1000),
        agent: false,
      },
      (answer) => {
        text(answer)
          .then((said) => {
            const { response } = JSON.parse(said) as { response: Response };
            if (answer.statusCode !== 200) throw new RangeError(`the server answered ${answer.statusCode}`);
            if (response.uid !== review.request.uid)
              throw new RangeError(`expected response.uid=${review.request.uid}`);
            resolve(response);
          })
          .catch(reject);
      },
    );
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}
