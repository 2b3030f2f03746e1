// Reads what only podrole's own namespace has: the CA's slots, without keys, and the metrics of every replica.
import type { Pod } from "../../kubernetes/objects.ts";
import type { OperatorKubernetes } from "../../kubernetes/operator.ts";
import { matchesLabels } from "../../kubernetes/selectors.ts";
import { decodeAuthorities } from "../../pki/slots.ts";
import { type Deployment, deploymentOf, type Installed } from "../installed.ts";
import type { Known, PodPages, SlotFacts } from "./facts.ts";
import { known, readEach } from "./known.ts";
import { DEFAULT_NAMES } from "./rights.ts";
import { parseSamples } from "./samples.ts";

/** Reads the CA's Secret; unknown with a CA of the operator's own. */
export async function readSlots(
  kubernetes: OperatorKubernetes,
  { server }: Installed,
  namespace: string,
): Promise<Known<readonly SlotFacts[]>> {
  if (server?.settings?.caCert !== undefined) return { unknown: "The CA is your own (--ca-cert)" };
  const { namespace: where, name } = server?.settings?.caSecret ?? { namespace, name: DEFAULT_NAMES.caSecret };
  return known(async () => {
    const secret = await kubernetes.getSecret(where, name);
    const held = secret && decodeAuthorities(secret.data);
    if (held === undefined) throw new RangeError(`Secret ${where}/${name} contains no CA yet`);
    const { next, current, previous } = held;
    return [
      ...(next ? [slotFacts("next", next.authority.certificatePem, next.since)] : []),
      slotFacts("current", current.authority.certificatePem, current.since),
      ...(previous ? [slotFacts("previous", previous.certificatePem, previous.since)] : []),
    ];
  });
}

function slotFacts(slot: SlotFacts["slot"], certificatePem: string, since: number): SlotFacts {
  return { slot, certificatePem, since };
}

/** Port of the pages if the program's settings cannot be read. */
const USUAL_PORT = 8080;

/** Reads the metrics of every running pod of the two Deployments, at the port of the installed --pages-bind. */
export async function readPages(
  kubernetes: Pick<OperatorKubernetes, "readPage">,
  programs: Installed,
  deployments: Known<readonly Deployment[]>,
  ownPods: Known<readonly Pod[]>,
  namespace: string,
): Promise<readonly PodPages[]> {
  if ("unknown" in deployments || "unknown" in ownPods) return [];
  const running = (["server", "webhook"] as const).flatMap((program) => {
    const matchLabels = deploymentOf(program, deployments.value)?.spec.template.metadata.labels ?? {};
    if (Object.keys(matchLabels).length === 0) return [];
    return ownPods.value
      .filter(({ metadata, status }) => status?.phase === "Running" && metadata.deletionTimestamp === undefined)
      .filter(({ metadata }) => matchesLabels({ matchLabels }, metadata.labels))
      .map(({ metadata }) => ({ program, pod: metadata.name ?? "" }));
  });
  return readEach(running, async ({ program, pod }) => ({
    program,
    pod,
    samples: await known(async () => {
      const port = programs[program]?.settings?.pagesBind.port ?? USUAL_PORT;
      const { status, text } = await kubernetes.readPage({ namespace, name: pod }, port, "/metrics");
      if (status !== 200)
        throw new RangeError(`Cannot read its metrics: HTTP ${status} ${messageOf(text)}; expected 200`);
      return parseSamples(text);
    }),
  }));
}

/** The message of the API server, if it answered instead of the pod. */
function messageOf(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    return typeof message === "string" ? message.slice(0, 200) : "";
  } catch {
    return "";
  }
}
