// Label and field selectors of a list or watch request.
import { matchesLabels, parseLabelSelector } from "../../src/kubernetes/selectors.ts";
import { fieldAt, type KubeObject } from "./objects.ts";
import type { ResourceType } from "./resources.ts";
import { badRequest } from "./status.ts";

/**
 * Parses "metadata.name=web,status.phase!=Running". Throws BadRequest for fields that the resource does not support.
 */
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

/** Parses both selectors of a list or watch request. Throws BadRequest. */
export function parseSelection(query: URLSearchParams, resource: ResourceType): (object: KubeObject) => boolean {
  const text = query.get("labelSelector") ?? "";
  const labels = parseLabelSelector(text);
  if (labels === undefined) throw badRequest(`unable to parse requirement: ${text}`);
  const fields = parseFieldSelector(query.get("fieldSelector") ?? "", resource);
  return (object) => matchesLabels(labels, object.metadata.labels) && fields(object);
}
