// What the sidecar reports to the server about its containers, so that a server that has just started can say what the
// pod holds. Pure; contains no secret.
import type { Holding } from "../../protocol/generated/podrole/v1/podrole.ts";
import { type Grants, isValid } from "../grants.ts";

/**
 * Bytes of names and ARNs in one report. The identity port accepts messages of 16 KiB, of which a token, a CSR and the
 * names of 128 containers take up to 11: containers beyond this are left out.
 */
const MAX_REPORT_BYTES = 3 * 1024;

/** Bytes that the encoding adds to each holding: tags, lengths, and the number of seconds. */
const ENCODING_BYTES = 20;

/**
 * Returns what each container holds at `now` (Unix milliseconds), and its last refusal; none for those with neither.
 */
export function holdingsOf(grants: Grants | undefined, now: number): readonly Holding[] {
  const report: Holding[] = [];
  let bytes = 0;
  for (const { container, credentials, refusal } of grants?.containers ?? []) {
    const held = credentials && isValid(credentials, now) ? credentials : undefined;
    if (held === undefined && refusal === undefined) continue;
    const holding = {
      container,
      roleArn: held?.roleArn ?? "",
      remainingSeconds: held ? Math.floor((held.expiresAtMs - now) / 1000) : 0,
      code: refusal?.code ?? "",
    };
    bytes += ENCODING_BYTES + Buffer.byteLength(container + holding.roleArn + holding.code);
    if (bytes > MAX_REPORT_BYTES) break;
    report.push(holding);
  }
  return report;
}
