// Label and field selectors, as text in a query and as objects in a webhook configuration.
// (https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors)
import { fieldAt, type KubeObject } from "./objects.ts";
import type { ResourceType } from "./resources.ts";
import { badRequest } from "./status.ts";

export type Labels = Readonly<Record<string, string>>;

export interface LabelRequirement {
  readonly key: string;
  readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist";
  readonly values?: readonly string[];
}

export interface LabelSelector {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly LabelRequirement[];
}

/** An absent selector matches everything, and so does an empty one. */
export function matchesLabels(selector: LabelSelector | undefined, labels: Labels = {}): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector ?? {};
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every((requirement) => meets(requirement, labels))
  );
}

function meets({ key, operator, values = [] }: LabelRequirement, labels: Labels): boolean {
  const value = labels[key];
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
  }
}

/** The text form: "a=b,c!=d,e in (f,g),h notin (i),j,!k". Throws BadRequest. */
export function parseLabelSelector(text: string): LabelSelector {
  const parts = text.split(/,(?![^(]*\))/).map((part) => part.trim());
  return { matchExpressions: parts.filter((part) => part !== "").map(parseRequirement) };
}

const REQUIREMENT = /^(!?)\s*([\w./-]+)\s*(?:(==|=|!=)\s*([\w.-]*)|(in|notin)\s*\(([^()]*)\))?$/;

function parseRequirement(text: string): LabelRequirement {
  const match = REQUIREMENT.exec(text);
  if (match === null) throw badRequest(`unable to parse requirement: ${text}`);
  const [, not, key = "", sign, value = "", word, set = ""] = match;
  if (sign !== undefined) return { key, operator: sign === "!=" ? "NotIn" : "In", values: [value] };
  if (word !== undefined) {
    const values = set.split(",").map((item) => item.trim());
    return { key, operator: word === "in" ? "In" : "NotIn", values };
  }
  return { key, operator: not === "!" ? "DoesNotExist" : "Exists" };
}

/** "metadata.name=web,status.phase!=Running". Throws BadRequest for fields that the resource does not offer. */
export function parseFieldSelector(text: string, resource: ResourceType): (object: KubeObject) => boolean {
  const terms = text.split(",").filter((part) => part !== "");
  const tests = terms.map((term) => {
    const [, field = "", sign, value = ""] = /^([^=!]+)(==|=|!=)(.*)$/.exec(term) ?? [];
    if (sign === undefined) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
    if (field !== "metadata.name" && field !== "metadata.namespace" && !resource.selectableFields.includes(field)) {
      throw badRequest(`field label not supported: ${field}`);
    }
    return (object: KubeObject) => {
      const found = fieldAt(object, field);
      return ((typeof found === "string" ? found : "") === value) === (sign !== "!=");
    };
  });
  return (object) => tests.every((test) => test(object));
}

/** Both selectors of a list or watch request. */
export function parseSelection(query: URLSearchParams, resource: ResourceType): (object: KubeObject) => boolean {
  const labels = parseLabelSelector(query.get("labelSelector") ?? "");
  const fields = parseFieldSelector(query.get("fieldSelector") ?? "", resource);
  return (object) => matchesLabels(labels, object.metadata.labels) && fields(object);
}
