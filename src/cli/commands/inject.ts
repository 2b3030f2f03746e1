// podrole inject and podrole uninject. Exit codes: 0 done, 1 a pod is refused, 2 usage or input.
import type { PlanSettings } from "../../injection/plan.ts";
import type { ConfigMap } from "../../kubernetes/objects.ts";
import { type InjectOptions, injectManifests } from "../../operations/inject/inject.ts";
import { readInstalledPlan } from "../../operations/inject/installed-plan.ts";
import { uninjectManifests } from "../../operations/inject/uninject.ts";
import { type NamedText, parseObjects } from "../../operations/manifests/parse-objects.ts";
import { BUNDLE_KEY, readCertificates } from "../../pki/bundle.ts";
import { publishedSupport } from "../../protocol/pod-certificates.ts";
import { type Checked, failure, type Result, success } from "../../runtime/result.ts";
import { planSettings } from "../../settings/plan-settings.ts";
import { WEBHOOK_SETTINGS } from "../../settings/webhook.ts";
import { bundleHints, type InjectArguments, type InjectSource, readInject, readUninject } from "../arguments/inject.ts";
import { withPodrole } from "../cluster.ts";
import { readInput, readTextFile } from "../input.ts";
import { injectText, uninjectText, unknownPodsText } from "../output/inject.ts";
import { type Action, type Terminal, writeNote, writeProblems } from "../terminal.ts";

/** Runs podrole inject: the manifests go to standard output, and what happened to each pod to standard error. */
export const injectAction: Action = async (terminal, flags) => {
  const read = readInject(flags, terminal.env);
  if (!read.ok) return writeProblems(terminal, "inject", read.problems);
  const { filename, source, permitted, strict } = read.value;
  const input = await readInput(terminal, filename);
  if (source.from === "flags") {
    const found = await settingsFromFlags(source, filename);
    const problems = [...(input.ok ? [] : [input.problem]), ...(found.ok ? [] : found.problems)];
    if (!input.ok || !found.ok) return writeProblems(terminal, "inject", problems);
    return injectAs(terminal, input.value, { settings: found.value, permitted, strict });
  }
  if (!input.ok) return writeProblems(terminal, "inject", [input.problem]);
  const place = { ...source, namespace: undefined };
  return withPodrole(terminal, "inject", place, async (kubernetes, podroleNamespace) => {
    const found = await readInstalledPlan(kubernetes, podroleNamespace);
    if (!found.ok) return writeProblems(terminal, "inject", [`--from-cluster: ${found.problem}`]);
    return injectAs(terminal, input.value, { settings: found.value, permitted, strict });
  });
};

/** Writes the manifests as the settings inject them, and returns the exit code. */
function injectAs(
  terminal: Terminal,
  input: NamedText,
  { strict, ...options }: InjectOptions & Pick<InjectArguments, "strict">,
): number {
  const result = injectManifests(input, options);
  if (!result.ok) return writeProblems(terminal, "inject", result.problems);
  const { text, pods, unknown } = result.value;
  terminal.err(injectText(pods) + unknownPodsText(unknown));
  const isInjected = pods.some(({ plan: { decision } }) => decision === "inject");
  if (isInjected && options.settings.image === DEFAULT_IMAGE) writeNote(terminal, "inject", IMAGE_NOTE);
  terminal.out(text);
  const isRefused = pods.some(({ plan: { decision } }) => decision === "refuse");
  return isRefused || (strict && unknown.length > 0) ? 1 : 0;
}

const DEFAULT_IMAGE = WEBHOOK_SETTINGS.sidecarImage.default;
const IMAGE_NOTE = `injected pods run image ${DEFAULT_IMAGE}, the default of --sidecar-image, which no registry has: set the image of your installation`;

/** Runs podrole uninject, with the same outputs as podrole inject. */
export const uninjectAction: Action = async (terminal, flags) => {
  const read = readUninject(flags, terminal.env);
  if (!read.ok) return writeProblems(terminal, "uninject", read.problems);
  const { filename, settings } = read.value;
  const input = await readInput(terminal, filename);
  if (!input.ok) return writeProblems(terminal, "uninject", [input.problem]);

  const result = uninjectManifests(input.value, { region: settings.region, pullSecrets: settings.sidecarPullSecrets });
  if (!result.ok) return writeProblems(terminal, "uninject", result.problems);
  terminal.err(uninjectText(result.value.pods));
  terminal.out(result.value.text);
  return 0;
};

const AUTO_PROBLEM =
  "--pod-certificates: it is auto, and the file of --trust-bundle does not say what the server has published; expected on or off, or ConfigMap podrole-trust as the file";

/** The settings of the command line, or every problem. */
async function settingsFromFlags(
  { settings, trustBundle }: Extract<InjectSource, { readonly from: "flags" }>,
  filename: string,
): Promise<Checked<PlanSettings>> {
  const bundle = await readBundleFile(trustBundle);
  if (!bundle.ok) return { ok: false, problems: [bundle.problem, ...bundleHints(filename)] };
  if (settings.podCertificates === "auto" && !bundle.value.isConfigMap) return { ok: false, problems: [AUTO_PROBLEM] };
  const nativeSidecar = settings.nativeSidecar !== "false";
  return success(planSettings(settings, { ...bundle.value, nativeSidecar }));
}

/** What the file of --trust-bundle says. */
interface PublishedTrust {
  readonly trustBundle: string;
  readonly isConfigMap: boolean;
  readonly knowsPodCertificates: boolean;
}

/** Pods carry the bundle as it is: without this check, only their sidecars would notice that it is unusable. */
async function readBundleFile(path: string): Promise<Result<PublishedTrust>> {
  const text = await readTextFile(path);
  if (text === undefined) return failure(`--trust-bundle: ${path} cannot be read`);
  const map = parseObjects(text, path).objects.find(({ kind }) => kind === "ConfigMap") as ConfigMap | undefined;
  const trustBundle = map === undefined ? text : (map.data?.[BUNDLE_KEY] ?? "");
  if (typeof trustBundle !== "string" || readCertificates(trustBundle).length === 0) {
    const expected = `is not one or more certificates in PEM, and no ConfigMap that has them as ${BUNDLE_KEY}`;
    return failure(`--trust-bundle: ${path} ${expected}`);
  }
  const knowsPodCertificates = publishedSupport(map?.data) === "on";
  return success({ trustBundle, isConfigMap: map !== undefined, knowsPodCertificates });
}
