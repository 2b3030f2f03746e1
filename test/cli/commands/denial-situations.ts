// Situations in which STS denies a role, and operators ask what is wrong: with the policy that STS names, and without.
import { podWith } from "../../operations/status/pods.ts";
import { createAgedPod, denialOfSts, endedWith, holds, recordRefusal } from "./situation-parts.ts";
import { explainsCauseOf, RESTARTED_SIDECAR, type Situation } from "./situation-patterns.ts";

const PRINCIPAL = "arn:aws:iam::123456789012:role/podrole-server";
const ADD_STATEMENT = new RegExp(
  `^jq '\\.Statement \\|= \\(\\[\\.\\] \\| flatten\\) \\+ \\[\\{"Effect":"Allow","Principal":\\{"AWS":"${PRINCIPAL}"\\},"Action":"sts:AssumeRole"\\}\\]' trust\\.json > new-trust\\.json$`,
);
const SAVE_TRUST =
  /^aws iam get-role --role-name shop-orders --query Role\.AssumeRolePolicyDocument --output json > trust\.json$/;
const REPLACE_TRUST =
  /^aws iam update-assume-role-policy --role-name shop-orders --policy-document file:\/\/new-trust\.json$/;

/** As SITUATIONS, of roles in AWS. */
export const DENIAL_SITUATIONS: readonly Situation[] = [
  {
    name: "a role that does not trust the server",
    object: "pod/orders",
    prepare(cluster) {
      createAgedPod(cluster, podWith({ sidecar: endedWith(denialOfSts()) }));
      holds(cluster, "STS_DENIED");
      recordRefusal(cluster, denialOfSts());
    },
    answer: {
      cause: /STS_DENIED: Cannot assume role \S+shop-orders: AccessDenied: podrole's server is not authorized /,
      remedy:
        /Allow sts:AssumeRole to arn:aws:iam::123456789012:role\/podrole-server in the trust policy of shop-orders\.$/,
      recovery: RESTARTED_SIDECAR,
      next: [
        { command: SAVE_TRUST, purpose: /^in account 123456789012, saves the trust policy$/ },
        ADD_STATEMENT,
        {
          command: REPLACE_TRUST,
          purpose:
            /^in account 123456789012, replaces the trust policy .*: look at it first, and keep trust\.json, which has the present one$/,
        },
      ],
      requires:
        /^credentials of that account that permit iam:GetRole and iam:UpdateAssumeRolePolicy .*; if Terraform or another tool manages the role, .*; the program jq$/,
      verify: explainsCauseOf("orders"),
    },
    says: {
      explain: [
        /^ {2}podrole-sidecar is not running: CrashLoopBackOff, restarted 3 times; it last ended at \S+ with STS_DENIED$/m,
        /^ {2}container app asks for \S+shop-orders \(podrole\.io\/resolved\); holds nothing; last refused with STS_DENIED$/m,
        /^ {2}AWS account: the role is in 123456789012, and so is podrole's server$/m,
      ],
      wide: [/^AWS account: the role is in 123456789012, and so is podrole's server$/m],
      status: [
        /^orders +app +shop-orders +sidecar CrashLoopBackOff +- +STS_DENIED$/m,
        /^STS_DENIED \(pod shop\/orders\)$/m,
      ],
      refusals: [
        /^STS_DENIED \(pod shop\/orders\)$/m,
        new RegExp(`"AWS":"${PRINCIPAL}"`),
        /^12 refusals in 1 row in namespace shop since /m,
      ],
    },
  },
  {
    name: "a role that STS denies without naming a policy",
    object: "pod/orders",
    prepare(cluster) {
      const denial = denialOfSts("");
      createAgedPod(cluster, podWith({ sidecar: endedWith(denial) }));
      holds(cluster, "STS_DENIED");
      recordRefusal(cluster, denial);
    },
    answer: {
      cause:
        /STS_DENIED: .*STS does not say why: role shop-orders does not exist; or its trust policy has no statement/,
      remedy: /^Find out in this order what is wrong, and correct that alone: the role's name, if shop-orders does not/,
      recovery: RESTARTED_SIDECAR,
      next: [
        {
          command: /^aws iam get-role --role-name shop-orders --query Role --output json > role\.json$/,
          purpose:
            /^in account 123456789012, finds out whether the role exists, and saves it: first see that aws sts get-caller-identity /,
        },
        {
          command: /^kubectl -n shop annotate pod\/orders iam\.amazonaws\.com\/role=ROLE --overwrite$/,
          purpose: /^only if that ends with NoSuchEntity, corrects the name, ROLE, to one that /,
        },
        { command: /^jq '\.Arn, .*' role\.json$/, purpose: /^only if the role exists, prints its ARN, and each / },
        { command: /role=ARN --overwrite$/, purpose: /^only if the ARN is another one than the cause names, / },
        { command: /^jq '.*' role\.json > new-trust\.json$/, purpose: /^only if nothing but the ARN is printed, / },
        { command: REPLACE_TRUST, purpose: /^only if nothing but the ARN is printed, / },
        { command: /external-id=ID --overwrite$/, purpose: /^only if a printed Allow has a condition on / },
        { command: /^jq \.AssumeRolePolicyDocument role\.json > /, purpose: /^only if a Deny, or an Allow with / },
        { command: REPLACE_TRUST, purpose: /^only if a Deny, or an Allow with / },
        { command: /^podrole aws policy /, purpose: /^only if an Allow for the account or for all, / },
        { command: /^aws iam put-role-policy /, purpose: /^only if an Allow for the account or for all, / },
        { command: /^aws iam simulate-principal-policy /, purpose: /^only if an Allow for the server itself, / },
      ],
      requires: /^the right to patch pods in namespace shop .*; credentials of that account that permit iam:GetRole, /,
      verify: explainsCauseOf("orders"),
    },
    says: { refusals: [/^ {2}cause: STS_DENIED: .*role shop-orders does not exist/m] },
  },
];
