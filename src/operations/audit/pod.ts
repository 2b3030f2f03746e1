// "What did pod P use?": everything about one pod in order of time, from its admission to the AWS calls made with its
// credentials. A pod that was recreated under its name is there with each of its instances.
import { behind, callJson, callsText, joinKeys } from "./created-by.ts";
import { isoTime, type Joins, type Question, shortTime } from "./question.ts";
import type { AuditRecord, CertificateRecord } from "./records.ts";
import { createUses, type Use, type Uses } from "./uses.ts";

interface Step {
  readonly at: number;
  readonly what: string;
  readonly detail: string;
  readonly json: object;
}

export function createPod({ namespace, pod }: { readonly namespace: string; readonly pod: string }): Question {
  const isOurs = (record: AuditRecord) => record.namespace === namespace && record.pod === pod;
  const uses = createUses({ wants: isOurs, namespace });
  const refusals: AuditRecord[] = [];
  const proofs: CertificateRecord[] = [];
  return {
    hear(record) {
      uses.hear(record);
      if (!isOurs(record)) return;
      if (record.decision === "refuse" || record.decision === "refused") refusals.push(record);
      else if (record.kind === "certificate") proofs.push(record);
    },
    keys: () => {
      const keys = joinKeys(uses);
      for (const { credentialId } of proofs) if (credentialId !== undefined) keys.credentialIds.add(credentialId);
      return keys;
    },
    answer(joins) {
      const steps = [
        ...uses.list().flatMap((use) => admitted(uses, use, joins)),
        ...uses.list().flatMap((use) => given(use, joins)),
        ...proofs.map((proof) => proven(proof, joins)),
        ...refusals.map(refused),
      ];
      const inOrder = withoutDoubles(steps).toSorted(byTime);
      return {
        head: ["TIME", "WHAT", "DETAIL"],
        rows: inOrder.map(({ at, what, detail }) => [shortTime(at), what, detail]),
        json: inOrder.map(({ at, what, json }) => Object.assign({ at: isoTime(at), what }, json)),
        nothing: `no record names pod ${namespace}/${pod}`,
      };
    },
  };
}

function admitted(uses: Uses, use: Use, joins: Joins): Step[] {
  const origin = uses.origin(use);
  if (origin === undefined) return [];
  const { admission } = origin;
  const { user, json } = behind(uses, use, joins);
  const roles = admission.roles.map(({ container, resolved }) => `${container}=${resolved ?? ""}`).join(", ");
  const creation = joins.api?.creation(admission.request);
  const from = creation ? ` from ${creation.sourceIps.join(", ")} (${creation.userAgent ?? "no user agent"})` : "";
  const owner = admission.owner === undefined ? "" : ` for ${admission.owner}`;
  return [{ at: admission.at, what: "admitted", detail: `by ${user}${owner}${from}; ${roles}`, json }];
}

function proven(proof: CertificateRecord, { api }: Joins): Step {
  const { at, serial, credentialId, podUid, expiration, peer } = proof;
  const asker = api?.token(credentialId)?.user;
  const token = `${credentialId ?? "a token"}${asker === undefined ? "" : ` that ${asker} asked for`}`;
  const json = { podUid, serial, credentialId, expiration, peer, tokenAskedForBy: asker };
  return { at, what: "certificate", detail: `serial ${serial ?? ""} to instance ${podUid ?? ""}, by ${token}`, json };
}

function given(use: Use, joins: Joins): Step[] {
  return [...use.sessions.values()].flatMap(({ accessKeyId, sessionName, expiration, first }) => {
    const { container, role, podUid } = use;
    const steps: Step[] = [];
    const detail = `${container}: ${role} as ${sessionName ?? ""}, key ${accessKeyId} until ${expiration ?? ""}`;
    const session = { podUid, container, role, sessionName, accessKeyId, expiration };
    const made = joins.calls?.calls(accessKeyId) ?? [];
    const calls = made.map((call) => ({
      at: call.first,
      what: "aws",
      detail: `${container}: ${callsText([call])} from ${[...call.sourceIps].join(", ")}`,
      json: Object.assign({ podUid, container, accessKeyId }, callJson(call)),
    }));
    return steps.concat({ at: first, what: "credentials", detail, json: session }, calls);
  });
}

function refused(record: AuditRecord): Step {
  const { at, kind, reason, message } = record;
  const container = kind === "credentials" ? record.container : undefined;
  const place = container === undefined ? kind : `${kind} of ${container}`;
  const json = { kind, reason, message, container };
  return { at, what: "refused", detail: `${place}: ${reason ?? ""}: ${message ?? ""}`, json };
}

const WAY = ["admitted", "certificate", "credentials", "aws", "refused"];

/** CloudTrail knows whole seconds only: within one, things come in the order that they must have. */
function byTime(a: Step, b: Step): number {
  const seconds = Math.floor(a.at / 1000) - Math.floor(b.at / 1000);
  return seconds || WAY.indexOf(a.what) - WAY.indexOf(b.what) || a.at - b.at;
}

/** Containers of one pod share its admission. */
function withoutDoubles(steps: readonly Step[]): readonly Step[] {
  return [...new Map(steps.map((step) => [`${step.at} ${step.what} ${step.detail}`, step])).values()];
}
