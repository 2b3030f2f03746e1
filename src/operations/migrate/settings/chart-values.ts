// The converted settings as values of podrole's Helm chart (manifests/chart): settings of both programs are under
// `settings`, the others under their own program.
import type { Conversion } from "./convert-flags.ts";

/** Values of kiam's chart that mean the same in podrole's: where the server runs, its ServiceAccount, its replicas. */
export type ServerPlacement = Readonly<Record<string, unknown>>;

/** Without empty parts. */
export function chartValues({ server, webhook }: Omit<Conversion, "remarks">, placement: ServerPlacement): object {
  const isShared = ([key, value]: readonly [string, string]) => server[key] === value && webhook[key] === value;
  const own = (settings: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(settings).filter((entry) => !isShared(entry)));
  return withoutEmpty({
    settings: Object.fromEntries(Object.entries(server).filter(isShared)),
    server: { settings: own(server), ...placement },
    webhook: { settings: own(webhook) },
  });
}

function withoutEmpty(parts: Readonly<Record<string, Readonly<Record<string, unknown>>>>): object {
  const filled = Object.entries(parts).map(([key, part]) => {
    const entries = Object.entries(part).filter(
      ([, value]) => Object.keys(value ?? {}).length > 0 || typeof value !== "object",
    );
    return [key, Object.fromEntries(entries)] as const;
  });
  return Object.fromEntries(filled.filter(([, part]) => Object.keys(part).length > 0));
}
