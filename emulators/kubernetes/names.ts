// Rules for names and labels. (https://kubernetes.io/docs/concepts/overview/working-with-objects/names/)
import { randomInt } from "node:crypto";
import { invalidValue, missingValue } from "./invalid-fields.ts";
import { fieldAt, type KubeObject } from "./objects.ts";
import type { ResourceType } from "./resources.ts";
import type { StatusCause } from "./status.ts";

const LABEL_PATTERN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN_PATTERN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LABEL_VALUE_PATTERN = /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/;
const QUALIFIED_NAME_PATTERN = /^([a-z0-9.-]{1,253}\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

const LABEL_RULE =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN_RULE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

const KEY_RULE =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL_VALUE_RULE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/** Checks a name of a container, volume or namespace. */
export function checkLabelName(field: string, name: unknown): readonly StatusCause[] {
  if (name === undefined || name === "") return [missingValue(field)];
  if (typeof name === "string" && name.includes(".")) return [invalidValue(field, name, "must not contain dots")];
  if (typeof name !== "string" || !LABEL_PATTERN.test(name)) return [invalidValue(field, name, LABEL_RULE)];
  return name.length > 63 ? [invalidValue(field, name, "must be no more than 63 bytes")] : [];
}

function checkSubdomainName(field: string, name: string): readonly StatusCause[] {
  if (!SUBDOMAIN_PATTERN.test(name)) return [invalidValue(field, name, SUBDOMAIN_RULE)];
  return name.length > 253 ? [invalidValue(field, name, "must be no more than 253 bytes")] : [];
}

/** Checks the metadata of any object once it has its name. */
export function checkMetadata(
  { isNamespaced, plural }: ResourceType,
  { metadata, spec }: KubeObject,
): readonly StatusCause[] {
  const { name: given = "", labels = {}, annotations = {} } = metadata;
  const name = plural === "clustertrustbundles" ? withoutSigner(given, fieldAt(spec, "signerName")) : given;
  if (name === "") return [missingValue("metadata.name", "name or generateName is required")];
  const named =
    plural === "namespaces" ? checkLabelName("metadata.name", name) : checkSubdomainName("metadata.name", name);
  const keyed = [
    ...Object.keys(labels).map((key) => ({ field: "metadata.labels", key })),
    ...Object.keys(annotations).map((key) => ({ field: "metadata.annotations", key })),
  ];
  return [
    ...named,
    ...(isNamespaced && !metadata.namespace ? [missingValue("metadata.namespace")] : []),
    ...keyed.flatMap(({ field, key }) =>
      QUALIFIED_NAME_PATTERN.test(key) ? [] : [invalidValue(field, key, KEY_RULE)],
    ),
    ...Object.values(labels).flatMap((value) =>
      LABEL_VALUE_PATTERN.test(value) && value.length <= 63
        ? []
        : [invalidValue("metadata.labels", value, LABEL_VALUE_RULE)],
    ),
  ];
}

/**
 * The name of a ClusterTrustBundle begins with that of its signer, whose "/" is ":" (ValidateClusterTrustBundleName).
 */
function withoutSigner(name: string, signerName: unknown): string {
  if (typeof signerName !== "string" || signerName === "") return name;
  const beginning = `${signerName.replaceAll("/", ":")}:`;
  return name.startsWith(beginning) ? name.slice(beginning.length) : `${beginning}${name}`;
}

/** Without vowels and look-alikes, as the API server generates names. */
const ALPHABET = "bcdfghjklmnpqrstvwxz2456789";
const MAX_GENERATE_NAME_LENGTH = 58;

/** Appends five random characters, after cutting the stem to 58. */
export function generateName(stem: string): string {
  const suffix = Array.from({ length: 5 }, () => ALPHABET[randomInt(ALPHABET.length)]).join("");
  return stem.slice(0, MAX_GENERATE_NAME_LENGTH) + suffix;
}
