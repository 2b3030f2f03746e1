// What IAM policies and verifiers of certificates read: the keys of session tags, and the format of a pod's SPIFFE ID.
import { formatSpiffeId } from "../../src/pki/identity.ts";
import { sessionTags } from "../../src/policy/session.ts";
import { PLAN_SETTINGS } from "../injection/plan-settings.ts";
import { type Contract, entriesOf } from "./entries.ts";

export function identityContract(): Contract {
  const pod = {
    namespace: "namespace",
    name: "pod",
    uid: "uid",
    serviceAccount: "account",
    annotations: {},
    labels: {},
    containers: ["app"],
  };
  const settings = { ...PLAN_SETTINGS.policy, sessionTags: true, clusterName: "cluster", clusterArn: "arn" };
  const tags = sessionTags(pod, settings);
  const { namespace, serviceAccount, uid } = pod;
  return {
    "session tags": entriesOf(
      Array.isArray(tags) ? (tags as readonly { readonly key: string; readonly value: string }[]) : [],
      ({ key }) => key,
      ({ value }) => value,
    ),
    "pod certificates": {
      uri: formatSpiffeId({ trustDomain: "domain", namespace, serviceAccount, name: pod.name, uid }),
    },
  };
}
