// The API server's most common rules for MutatingWebhookConfigurations (pkg/apis/admissionregistration).
import { causeUnless, invalidValue, missingValue, unsupportedValue } from "./invalid-fields.ts";
import { fieldAt, type KubeObject } from "./objects.ts";
import type { StatusCause } from "./status.ts";

/** Returns every violation of the rules. */
export function checkWebhooks({ webhooks }: KubeObject): readonly StatusCause[] {
  const list: readonly unknown[] = Array.isArray(webhooks) ? webhooks : [];
  return list.flatMap((webhook, index) => checkWebhook(webhook, `webhooks[${index}]`));
}

function checkWebhook(webhook: unknown, field: string): readonly StatusCause[] {
  const name = fieldAt(webhook, "name") ?? "";
  const hasThreeSegments = typeof name === "string" && name.split(".").length > 2;
  const segments = "should be a domain with at least three segments separated by dots";
  const sideEffects = fieldAt(webhook, "sideEffects") ?? "";
  const hasVersions = Array.isArray(fieldAt(webhook, "admissionReviewVersions"));
  return [
    causeUnless(hasThreeSegments, invalidValue(`${field}.name`, name, segments)),
    causeUnless(
      sideEffects === "None" || sideEffects === "NoneOnDryRun",
      unsupportedValue(`${field}.sideEffects`, sideEffects, ["None", "NoneOnDryRun"]),
    ),
    checkClientConfig(fieldAt(webhook, "clientConfig"), `${field}.clientConfig`),
    causeUnless(hasVersions, missingValue(`${field}.admissionReviewVersions`, "must specify one of v1, v1beta1")),
  ].flat();
}

function checkClientConfig(config: unknown, field: string): readonly StatusCause[] {
  const [url, service] = [fieldAt(config, "url"), fieldAt(config, "service")];
  if ((url === undefined) === (service === undefined)) {
    return [missingValue(field, "exactly one of url or service is required")];
  }
  if (typeof url !== "string" || url.startsWith("https://")) return [];
  const scheme = url.split(":")[0];
  const detail = "'https' is the only allowed URL scheme; desired format: https://host[/path]";
  return [invalidValue(`${field}.url`, scheme, detail)];
}
