// Label selectors: metav1.LabelSelector and the text form that kubectl accepts. Pure: any room may import it.
// (https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors)

/** The labels of an object. */
export type Labels = Readonly<Record<string, string>>;

/**
 * One condition. Objects of the API are not validated again, so `operator` may be any text; an unknown one never holds.
 */
export interface LabelRequirement {
  readonly key: string;
  /** In, NotIn, Exists, DoesNotExist; Gt and Lt (integers) only from the text form. */
  readonly operator: string;
  readonly values?: readonly string[];
}

/** A selector as objects of the API carry it (metav1.LabelSelector): all conditions must hold. */
export interface LabelSelector {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly LabelRequirement[];
}

/**
 * Reports whether every condition of the selector holds for the labels. An empty selector matches everything, and so
 * does an absent one: that is how the API server defaults the selectors of a webhook configuration.
 */
export function matchesLabels(selector: LabelSelector | undefined, labels: Labels = {}): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector ?? {};
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every((requirement) => meetsRequirement(requirement, labels))
  );
}

/** NotIn holds for objects without the label, Gt and Lt do not (labels.Requirement.Matches of apimachinery). */
function meetsRequirement({ key, operator, values = [] }: LabelRequirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "Gt":
      return isInteger(value) && isInteger(values[0]) && BigInt(value) > BigInt(values[0]);
    case "Lt":
      return isInteger(value) && isInteger(values[0]) && BigInt(value) < BigInt(values[0]);
    default:
      return false;
  }
}

const LABEL_KEY = /^(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^(?:[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?)?$/;
const REQUIREMENT_PATTERN =
  /^(?:(?<not>!)\s*)?(?<key>[^\s=!<>(),]+)(?:\s*(?<sign>==|=|!=|>|<)\s*(?<value>[^\s=!<>(),]*)|\s+(?<word>in|notin)\s*\((?<set>[^()]*)\))?$/;

/**
 * Parses the text form: "a=b,c!=d,e in (f,g),h notin (i),j,!k,l>5". Returns undefined for text that the API server
 * refuses: bad syntax, or a key or value that no label can have. The empty text selects everything.
 */
export function parseLabelSelector(text: string): LabelSelector | undefined {
  if (text.trim() === "") return {};
  const matchExpressions: LabelRequirement[] = [];
  for (const part of text.split(/,(?![^(]*\))/)) {
    const requirement = parseRequirement(part.trim());
    if (requirement === undefined) return undefined;
    matchExpressions.push(requirement);
  }
  return { matchExpressions };
}

function parseRequirement(text: string): LabelRequirement | undefined {
  const { not, key, sign, value = "", word, set = "" } = REQUIREMENT_PATTERN.exec(text)?.groups ?? {};
  if (key === undefined || !LABEL_KEY.test(key) || (not && (sign ?? word))) return undefined;
  if (sign === ">" || sign === "<") {
    return isInteger(value) ? { key, operator: sign === ">" ? "Gt" : "Lt", values: [value] } : undefined;
  }
  if (sign !== undefined) return withValues(key, sign === "!=" ? "NotIn" : "In", [value]);
  if (word !== undefined) {
    const values = set.split(",").map((item) => item.trim());
    return withValues(key, word === "in" ? "In" : "NotIn", values);
  }
  return { key, operator: not ? "DoesNotExist" : "Exists" };
}

function withValues(key: string, operator: string, values: readonly string[]): LabelRequirement | undefined {
  return values.every((value) => LABEL_VALUE.test(value)) ? { key, operator, values } : undefined;
}

/** At most 18 digits, which fit into the int64 that the API server parses. */
function isInteger(text: string | undefined): text is string {
  return text !== undefined && /^-?\d{1,18}$/.test(text);
}
