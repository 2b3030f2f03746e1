// The API server's rules for MutatingWebhookConfigurations that people run into (pkg/apis/admissionregistration).
import { invalidValue, required, unless, unsupported } from "./invalid-fields.ts";
import { fieldAt, type KubeObject } from "./objects.ts";
import type { StatusCause } from "./status.ts";

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
    unless(hasThreeSegments, invalidValue(`${field}.name`, name, segments)),
    checkClientConfig(fieldAt(webhook, "clientConfig"), `${field}.clientConfig`),
    unless(
      sideEffects === "None" || sideEffects === "NoneOnDryRun",
      unsupported(`${field}.sideEffects`, sideEffects, ["None", "NoneOnDryRun"]),
    ),
    unless(hasVersions, required(`${field}.admissionReviewVersions`)),
  ].flat();
}

function checkClientConfig(config: unknown, field: string): readonly StatusCause[] {
  const [url, service, caBundle] = ["url", "service", "caBundle"].map((name) => fieldAt(config, name));
  const isHttps = typeof url !== "string" || url.startsWith("https://");
  const isPem = typeof caBundle !== "string" || decode(caBundle).includes("-----BEGIN CERTIFICATE-----");
  const unreadable = "unable to load root certificates: unable to parse bytes as PEM block";
  return [
    unless(
      (url === undefined) !== (service === undefined),
      required(field, "exactly one of url or service is required"),
    ),
    unless(isHttps, invalidValue(`${field}.url`, url, "'https' is the only allowed URL scheme")),
    unless(isPem, invalidValue(`${field}.caBundle`, caBundle, unreadable)),
  ].flat();
}

function decode(base64: string): string {
  return Buffer.from(base64, "base64").toString();
}
