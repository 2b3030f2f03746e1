// From the server's settings to those of its CA; the operator's verbs go by them too.
import type { RotationOptions } from "../../pki/authorities.ts";
import type { ServerSettings } from "../settings.ts";

export function rotationOptions({
  caTtl,
  certificateTtl,
}: Pick<ServerSettings, "caTtl" | "certificateTtl">): RotationOptions {
  return { lifetimeMs: caTtl, leafLifetimeMs: certificateTtl, commonName: "podrole CA" };
}
