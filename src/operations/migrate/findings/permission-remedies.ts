// Commands that annotate a namespace so that it still permits the roles of its pods. Each is tried with podrole's own
// decision before it is offered: it must permit the missing roles and keep every role that pods use today.

import { ANNOTATIONS, valueOf } from "../../../policy/annotations.ts";
import type { PolicySettings } from "../../../policy/decide.ts";
import { parseJson } from "../../../runtime/json-object.ts";
import { quotePattern } from "../../../runtime/quote-pattern.ts";
import type { NamespaceFacts } from "../input/inventory.ts";
import { annotateNamespaceCommand } from "../shell-commands.ts";

/** A command, and the reason to run it. */
export interface Remedy {
  readonly why: string;
  readonly command: string;
}

/** The namespace, and the roles that a remedy must permit. */
export interface RemedyInput {
  readonly namespace: NamespaceFacts;
  /** ARNs that pods of the namespace use today and podrole would refuse. */
  readonly missed: readonly string[];
  /** ARNs that its pods use and podrole permits. */
  readonly kept: readonly string[];
  /** ARNs that its pods request, refused today, although the role's name alone would match. */
  readonly byName: readonly string[];
  /** Whether the predecessor is kiam, which interprets `permitted` differently. */
  readonly isFromKiam: boolean;
}

type Annotations = Readonly<Record<string, string>>;
type Permits = (namespace: NamespaceFacts, arn: string, policy: PolicySettings) => boolean;

/** Returns the commands that work; `permits` is podrole's decision about one role. */
export function remediesFor(
  { namespace, missed, kept, byName, isFromKiam }: RemedyInput,
  policy: PolicySettings,
  permits: Permits,
): readonly Remedy[] {
  const { annotations } = namespace;
  const permitted = valueOf(annotations, ANNOTATIONS.permitted);
  const offered: { readonly why: string; readonly added: Annotations; readonly required: readonly string[] }[] = [];
  if (missed.length > 0) {
    offered.push({
      why: "permit the roles that pods use",
      added: allowedRolesRemedy(annotations, missed, policy),
      required: missed,
    });
    if (isFromKiam && permitted) {
      const added = { [ANNOTATIONS.permitted]: `.*(?:^${permitted}$).*` };
      offered.push({ why: "or keep kiam's interpretation", added, required: missed });
    }
  }
  if (byName.length > 0 && permitted) {
    const added = { [ANNOTATIONS.permitted]: `.*/(?:${permitted})` };
    const why = isFromKiam ? "match role names, as kiam 3 did" : "match role names instead of ARNs";
    offered.push({ why, added, required: byName });
  }
  return offered
    .filter(({ added, required }) => {
      const after = { ...namespace, annotations: { ...annotations, ...added } };
      return [...required, ...kept].every((arn) => permits(after, arn, policy));
    })
    .map(({ why, added }) => ({ why, command: annotateNamespaceCommand(namespace.name, added) }));
}

/** Adds the roles to each annotation that is present; if there is none, to kube2iam's, which is a plain list. */
function allowedRolesRemedy(annotations: Annotations, missed: readonly string[], policy: PolicySettings): Annotations {
  const permitted = valueOf(annotations, ANNOTATIONS.permitted);
  const allowed = valueOf(annotations, ANNOTATIONS.allowedRoles);
  const patterns = missed.map((arn) => shortenArn(arn, policy));
  const arns = missed.map(quotePattern);
  return {
    ...(permitted !== undefined && {
      [ANNOTATIONS.permitted]: [...(permitted === "" ? [] : [permitted]), ...arns].join("|"),
    }),
    ...((allowed !== undefined || permitted === undefined) && {
      [ANNOTATIONS.allowedRoles]: JSON.stringify([...parseTexts(allowed), ...patterns]),
    }),
  };
}

function parseTexts(json: string | undefined): readonly string[] {
  const value = parseJson(json ?? "[]");
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}

function shortenArn(arn: string, { baseArn, allowedRolesFormat }: PolicySettings): string {
  const short = baseArn !== undefined && arn.startsWith(baseArn) ? arn.slice(baseArn.length) : arn;
  return allowedRolesFormat === "regexp" ? quotePattern(short) : short;
}
