// The server's state as a fact that may be unknown, for commands that show the rest without it.
import type { Pod } from "../../kubernetes/objects.ts";
import type { OperatorKubernetes } from "../../kubernetes/operator.ts";
import { serverAccountOf } from "../aws-accounts.ts";
import { deriveKnown, type Known, readKnown } from "../known.ts";
import { readServerSettings } from "../server-settings.ts";
import { type HeldPod, lastRefusals } from "./last-refusals.ts";
import { readServerState, type StateProblem, type StateRead } from "./read-state.ts";

/** Asks about one namespace, or about all if it is undefined. Never rejects. */
export type AskServer = (namespace: string | undefined) => Promise<Known<StateRead>>;

/**
 * Creates the question to the server of the installation in `podroleNamespace`. Its token has the audience of the
 * server's settings, or of their default while they cannot be read.
 */
export function createServerQuestion(
  { kubernetes }: { readonly kubernetes: OperatorKubernetes },
  { podroleNamespace }: { readonly podroleNamespace: string },
): AskServer {
  let audience: string | undefined;
  return async (namespace) => {
    audience ??= await readAudience(kubernetes, podroleNamespace);
    const options = {
      podroleNamespace,
      ...(namespace !== undefined && { namespace }),
      ...(audience !== undefined && { audience }),
    };
    const read = await readKnown(() => readServerState({ kubernetes }, options));
    if ("unknown" in read) return read;
    return read.value.ok ? { value: read.value.value } : unknownState(read.value.problem);
  };
}

/** Asks what one pod holds, and how it was last refused; undefined if the server does not know the pod. */
export async function askAboutPod(ask: AskServer, { metadata }: Pod): Promise<Known<HeldPod | undefined>> {
  return deriveKnown(await ask(metadata.namespace), ({ state }) => {
    const pod = state.pods.find(({ uid }) => uid === metadata.uid);
    const refused = pod && lastRefusals(state).get(pod.uid);
    const peers = state.pods.filter(({ namespace, uid }) => namespace === metadata.namespace && uid !== metadata.uid);
    const serverAccount = serverAccountOf(state.replicas);
    return pod && { ...pod, ...(refused && { refused }), ...(serverAccount && { serverAccount }), peers };
  });
}

async function readAudience(kubernetes: OperatorKubernetes, podroleNamespace: string): Promise<string | undefined> {
  const settings = await readServerSettings(kubernetes, podroleNamespace);
  return "value" in settings ? settings.value?.audience : undefined;
}

function unknownState({ kind, text }: StateProblem) {
  // There is nothing to read.
  if (kind === "absent") return { unknown: text };
  const [, right] = /^needs (.+)$/.exec(text) ?? [];
  return { unknown: text, needs: kind === "right" && right !== undefined ? [right] : [] };
}
