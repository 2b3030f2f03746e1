// podrole inject and podrole uninject. Exit codes: 0 done, 1 a pod is refused, 2 usage or input.
import type { ConfigMap } from "../../kubernetes/objects.ts";
import { injectManifests } from "../../operations/inject/inject.ts";
import { uninjectManifests } from "../../operations/inject/uninject.ts";
import { parseObjects } from "../../operations/manifests/parse-objects.ts";
import { BUNDLE_KEY, readCertificates } from "../../pki/bundle.ts";
import { publishedSupport } from "../../protocol/pod-certificates.ts";
import { failure, type Result, success } from "../../runtime/result.ts";
import { planSettings } from "../../settings/plan-settings.ts";
import { bundleHints, readInject, readUninject } from "../arguments/inject.ts";
import { readInput, readTextFile } from "../input.ts";
import { injectText, uninjectText, unknownPodsText } from "../output/inject.ts";
import { type Action, writeProblems } from "../terminal.ts";

/** Runs podrole inject: the manifests go to standard output, and what happened to each pod to standard error. */
export const injectAction: Action = async (terminal, flags) => {
  const read = readInject(flags, terminal.env);
  if (!read.ok) return writeProblems(terminal, "inject", read.problems);
  const { filename, settings, trustBundle, permitted, strict } = read.value;
  const input = await readInput(terminal, filename);
  const bundle = await readBundleFile(trustBundle);
  const problems = [input, bundle].flatMap((result) => (result.ok ? [] : [result.problem]));
  if (!bundle.ok) problems.push(...bundleHints(filename));
  else if (settings.podCertificates === "auto" && !bundle.value.isConfigMap) problems.push(AUTO_PROBLEM);
  if (!input.ok || !bundle.ok || problems.length > 0) return writeProblems(terminal, "inject", problems);

  const nativeSidecar = settings.nativeSidecar !== "false";
  const plan = planSettings(settings, { ...bundle.value, nativeSidecar });
  const result = injectManifests(input.value, { settings: plan, permitted });
  if (!result.ok) return writeProblems(terminal, "inject", result.problems);
  const { text, pods, unknown } = result.value;
  terminal.err(injectText(pods) + unknownPodsText(unknown));
  terminal.out(text);
  const isRefused = pods.some(({ plan: { decision } }) => decision === "refuse");
  return isRefused || (strict && unknown.length > 0) ? 1 : 0;
};

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
