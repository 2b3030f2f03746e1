// The AWS Query protocol as STS reads it: form fields in the body of a POST or in the query string of a GET, lists as
// `Tags.member.1.Key`. Of two fields with one name the first counts; unknown ones are ignored.
// (https://docs.aws.amazon.com/STS/latest/APIReference/CommonParameters.html)
import type { StsTag } from "./caller.ts";

/** A request's fields. `list` returns the members of a list in order, each as a function of its field names. */
export interface QueryForm {
  get(name: string): string | undefined;
  list(name: string): readonly ListMember[];
}

/** `member("Key")` is `<list>.member.<n>.Key`; `member("")` is `<list>.member.<n>` itself. */
type ListMember = (field: string) => string | undefined;

const FORM_CONTENT_TYPE = /^application\/x-www-form-urlencoded\s*(;|$)/i;

/** A POST without the form's content type has no fields, whatever its body contains. */
export function readForm(method: string, query: string, contentType: string | undefined, body: Uint8Array): QueryForm {
  const isForm = method === "POST" && FORM_CONTENT_TYPE.test(contentType ?? "");
  return createQueryForm(isForm ? new TextDecoder().decode(body) : method === "POST" ? "" : query);
}

/** Parses form fields. */
export function createQueryForm(text: string): QueryForm {
  const fields = new URLSearchParams(text);
  const get = (name: string) => fields.get(name) ?? undefined;
  return {
    get,
    list(name) {
      const prefix = `${name}.member.`;
      const indices = [...fields.keys()]
        .filter((key) => key.startsWith(prefix))
        .map((key) => Number.parseInt(key.slice(prefix.length), 10))
        .filter((index) => index > 0);
      return [...new Set(indices)]
        .sort((left, right) => left - right)
        .map((index) => (field: string) => get(`${prefix}${index}${field === "" ? "" : `.${field}`}`));
    },
  };
}

/** Returns the session tags of a form, in the order of their numbers. */
export function readTags(form: QueryForm): StsTag[] {
  return form.list("Tags").map((member) => ({ key: member("Key") ?? "", value: member("Value") ?? "" }));
}
