// Shell commands that the reports print. None is ever run. Each is one line, whatever the text of the cluster in it.
import { PURPOSE_MARK } from "../step-parts.ts";
import type { Destination } from "./departure/destination.ts";
import type { RoleMove } from "./departure/moves.ts";
import type { TrustPolicy } from "./departure/trust.ts";

/** Line ends, other control characters, and characters that change the direction of text. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;

/**
 * Reports whether a command may have the text. Quotes keep a line end from a shell, but not from a reader: what follows
 * it looks like another command, and an escape sequence can hide the lines beside it.
 */
export function isQuotable(text: string): boolean {
  return text.search(UNPRINTABLE) < 0;
}

/** Says why there is no command that sets a value. */
export const UNQUOTABLE_VALUE = "its value has a line end or another control character, which no command repeats";

/**
 * Quotes an argument for a POSIX shell, and for zsh, which replaces a word that begins with "=" by the path of a
 * command. (https://zsh.sourceforge.io/Doc/Release/Expansion.html#g_t_0060_003d_0027-expansion) Control characters are
 * written as "\u{a}": no object has a name with one. A value may have one: see isQuotable().
 */
export function shellQuote(arg: string): string {
  if (/^[\w@%+:,./-][\w@%+=:,./-]*$/.test(arg)) return arg;
  const visible = arg.replaceAll(UNPRINTABLE, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
  return `'${visible.replaceAll("'", String.raw`'\''`)}'`;
}

/**
 * Returns the argument by which kubectl finds an object. Its kind stands in front, because an owner of a pod and the
 * object of an Event may have any kind and name: alone, "-Al!x" would select all objects of the cluster.
 */
export function objectArgument(kind: string, name: string): string {
  return shellQuote(`${kind.toLowerCase().replaceAll(/^[^a-z]|[^a-z0-9.]/g, "_")}/${name}`);
}

/**
 * Returns text of the cluster for a comment of a command: each character that a shell may read as more than a part of
 * a word becomes "_". An interactive zsh reads comments as words unless INTERACTIVE_COMMENTS is set, and a line end
 * ends a comment in every shell. (https://zsh.sourceforge.io/Doc/Release/Options.html#index-INTERACTIVECOMMENTS)
 */
export function shellCommentText(text: string): string {
  return text.replaceAll(/^[^A-Za-z0-9]|[^\w./:@+,=-]/gu, "_");
}

/**
 * Returns the kubectl command that sets these annotations, and overwrites them if they exist; the one that edits the
 * namespace if a value cannot be quoted.
 */
export function annotateNamespaceCommand(namespace: string, annotations: Readonly<Record<string, string>>): string {
  if (!Object.values(annotations).every(isQuotable)) {
    const names = Object.keys(annotations).map(shellCommentText).join(" and ");
    return `kubectl edit namespace ${shellQuote(namespace)}${PURPOSE_MARK}change ${names}: ${UNQUOTABLE_VALUE}`;
  }
  const pairs = Object.entries(annotations).map(([name, value]) => shellQuote(`${name}=${value}`));
  return `kubectl annotate --overwrite namespace ${shellQuote(namespace)} ${pairs.join(" ")}`;
}

/** Gives a ServiceAccount its role. */
export function roleCommand({ namespace, serviceAccount, role }: RoleMove, destination: Destination): string {
  if (destination.to === "irsa") {
    const annotation = shellQuote(`eks.amazonaws.com/role-arn=${role.arn}`);
    return `kubectl annotate serviceaccount -n ${shellQuote(namespace)} ${shellQuote(serviceAccount)} ${annotation}`;
  }
  const { clusterName, region } = destination;
  const args = [
    ...["--cluster-name", clusterName, "--namespace", namespace, "--service-account", serviceAccount],
    ...["--role-arn", role.arn],
    ...(region === undefined ? [] : ["--region", region]),
  ];
  return `aws eks create-pod-identity-association ${args.map(shellQuote).join(" ")}`;
}

/** Replaces the trust policy of a role. */
export function trustCommand({ roleName, document }: TrustPolicy): string {
  const policy = shellQuote(JSON.stringify(document));
  return `aws iam update-assume-role-policy --role-name ${shellQuote(roleName)} --policy-document ${policy}`;
}
