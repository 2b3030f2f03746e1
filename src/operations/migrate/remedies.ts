// Annotations by which a namespace goes on permitting what its pods use, as commands. Each is tried with podrole's own
// decision before it is offered: it must permit what was missed, and take nothing away that pods use.
import { ANNOTATIONS, valueOf } from "../../policy/annotations.ts";
import type { PolicySettings } from "../../policy/decide.ts";
import type { NamespaceFacts } from "./inventory.ts";

export interface Remedy {
  readonly why: string;
  readonly command: string;
}

export interface RemedyInput {
  readonly namespace: NamespaceFacts;
  /** ARNs that pods of the namespace use and podrole would refuse. */
  readonly missed: readonly string[];
  /** ARNs that they use and podrole permits as it is. */
  readonly kept: readonly string[];
  /** What they use, refused today, though the role's name alone would match. */
  readonly byName: readonly string[];
  /** Whether kiam's reading of `permitted` is to be offered too. */
  readonly fromKiam: boolean;
}

type Annotations = Readonly<Record<string, string>>;
type Permits = (namespace: NamespaceFacts, arn: string, policy: PolicySettings) => boolean;

export function remediesFor(
  { namespace, missed, kept, byName, fromKiam }: RemedyInput,
  policy: PolicySettings,
  permits: Permits,
): readonly Remedy[] {
  const { annotations } = namespace;
  const permitted = valueOf(annotations, ANNOTATIONS.permitted);
  const offered: { readonly why: string; readonly added: Annotations; readonly wanted: readonly string[] }[] = [];
  if (missed.length > 0) {
    offered.push({
      why: "permit the roles that pods use",
      added: listing(annotations, missed, policy),
      wanted: missed,
    });
    if (fromKiam && permitted) {
      const added = { [ANNOTATIONS.permitted]: `.*(?:^${permitted}$).*` };
      offered.push({ why: "or keep kiam's reading", added, wanted: missed });
    }
  }
  if (byName.length > 0 && permitted) {
    const added = { [ANNOTATIONS.permitted]: `.*/(?:${permitted})` };
    offered.push({ why: "as kiam 3 read it", added, wanted: byName });
  }
  return offered
    .filter(({ added, wanted }) => {
      const after = { ...namespace, annotations: { ...annotations, ...added } };
      return [...wanted, ...kept].every((arn) => permits(after, arn, policy));
    })
    .map(({ why, added }) => ({ why, command: annotateCommand(namespace.name, added) }));
}

/** The roles besides what each present annotation permits; where there is none, in kube2iam's, which is a plain list. */
function listing(annotations: Annotations, missed: readonly string[], policy: PolicySettings): Annotations {
  const permitted = valueOf(annotations, ANNOTATIONS.permitted);
  const allowed = valueOf(annotations, ANNOTATIONS.allowedRoles);
  const patterns = missed.map((arn) => shorten(arn, policy));
  const arns = missed.map(quoteRe2);
  return {
    ...(permitted !== undefined && {
      [ANNOTATIONS.permitted]: [...(permitted === "" ? [] : [permitted]), ...arns].join("|"),
    }),
    ...((allowed !== undefined || permitted === undefined) && {
      [ANNOTATIONS.allowedRoles]: JSON.stringify([...textsOf(allowed), ...patterns]),
    }),
  };
}

function textsOf(json: string | undefined): readonly string[] {
  try {
    const value: unknown = JSON.parse(json ?? "[]");
    return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
  } catch {
    return [];
  }
}

function shorten(arn: string, { baseArn, allowedRolesFormat }: PolicySettings): string {
  const short = baseArn !== undefined && arn.startsWith(baseArn) ? arn.slice(baseArn.length) : arn;
  return allowedRolesFormat === "regexp" ? quoteRe2(short) : short;
}

function annotateCommand(namespace: string, annotations: Annotations): string {
  const words = Object.entries(annotations).map(([name, value]) => shellQuote(`${name}=${value}`));
  return `kubectl annotate --overwrite namespace ${shellQuote(namespace)} ${words.join(" ")}`;
}

/** For a POSIX shell. */
export function shellQuote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

function quoteRe2(text: string): string {
  return text.replaceAll(/[\\^$.|?*+()[\]{}]/g, String.raw`\$&`);
}
