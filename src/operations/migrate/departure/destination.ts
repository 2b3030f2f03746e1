// Where pods go when they leave for AWS's own way: what the command line says about it, checked.
import { parseBaseArn } from "../../../policy/role.ts";

export type Destination =
  | {
      readonly to: "irsa";
      /** The cluster's issuer without "https://": "oidc.eks.eu-central-1.amazonaws.com/id/0123". */
      readonly issuer: string;
      readonly account: string | undefined;
    }
  | {
      readonly to: "pod-identity";
      readonly clusterName: string;
      /** The cluster's account: associations take roles of it alone. */
      readonly account: string;
      readonly region: string | undefined;
    };

type Flags = Readonly<Record<string, string>>;

interface Check {
  readonly flag: string;
  readonly name: string;
  readonly pattern: RegExp;
  readonly wanted: string;
}

const CLUSTER: Check = {
  flag: "clusterName",
  name: "--cluster-name",
  pattern: /^[0-9A-Za-z][\w-]{0,99}$/,
  wanted: "the EKS cluster's name: 1 to 100 of A-Z a-z 0-9 - _",
};
const ISSUER: Check = {
  flag: "oidcProvider",
  name: "--oidc-provider",
  pattern: /^(?:https:\/\/)?(?:[a-z0-9-]+\.)+[a-z]{2,}(?::\d{1,5})?(?:\/[\w.~-]+)*\/?$/,
  wanted: 'the issuer\'s host and path such as "oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF"',
};
const ACCOUNT: Check = { flag: "account", name: "--account", pattern: /^\d{12}$/, wanted: "12 digits" };
const REGION: Check = {
  flag: "region",
  name: "--region",
  pattern: /^[a-z]{2,}(?:-[a-z]+)+-\d$/,
  wanted: 'a region such as "eu-central-1"',
};

/** One text for each problem. */
export function readDestination(to: Destination["to"], flags: Flags): Destination | { readonly problems: string[] } {
  const isIrsa = to === "irsa";
  const needed = isIrsa ? [ISSUER] : [CLUSTER, ACCOUNT];
  const possible = isIrsa ? [ACCOUNT] : [REGION];
  const base = flags["roleBaseArn"];
  const problems = [
    ...needed.flatMap((check) => (flags[check.flag] === undefined ? [`${check.name} is needed: ${check.wanted}`] : [])),
    ...[...needed, ...possible].flatMap(({ flag, name, pattern, wanted }) => {
      const value = flags[flag];
      return value === undefined || pattern.test(value) ? [] : [`${name}: "${value}" is not ${wanted}`];
    }),
    ...(base === undefined || parseBaseArn(base) !== undefined
      ? []
      : [`--role-base-arn: "${base}" is not a base ARN such as "arn:aws:iam::123456789012:role/"`]),
  ];
  if (problems.length > 0) return { problems };
  if (isIrsa) return { to, issuer: issuerOf(flags["oidcProvider"] ?? ""), account: flags["account"] };
  const { clusterName = "", account = "", region } = flags;
  return { to, clusterName, account, region };
}

function issuerOf(text: string): string {
  return text.replace(/^https:\/\//, "").replace(/\/$/, "");
}
