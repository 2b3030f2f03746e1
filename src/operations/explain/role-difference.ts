// What it means for a running pod that its role was changed. Pure.
import { ANNOTATIONS } from "../../policy/annotations.ts";
import { creatorOf, restartSteps, templateObject } from "../next-steps.ts";
import { diagnoseChange } from "../role-change.ts";
import { trialSteps, triedPod } from "../trial-pod.ts";
import type { DiagnosisInput } from "./cause.ts";
import { differingContainers } from "./existing-pod.ts";
import type { ContainerInPod, ExistingPod } from "./model.ts";

/** Returns the diagnosis of the first container whose role is another one now; undefined without one. */
export function diagnoseRoleChange(
  { input, settings, containers }: Pick<DiagnosisInput, "input" | "settings" | "containers">,
  existing: ExistingPod,
) {
  const [first] = differingContainers(existing, containers);
  if (first === undefined) return undefined;
  const { pod, name, namespaceName: namespace } = input;
  const requested = containers.find(({ container, allowed }) => allowed && container === first.container)?.role;
  if (requested === undefined) return undefined;
  return diagnoseChange(
    {
      pod: { namespace, kind: "pod", name },
      container: first.container,
      role: first.holds ?? first.admitted ?? "",
      isHeld: first.holds !== undefined,
      annotation: namingAnnotation(first, pod.metadata.annotations ?? {}),
      requested,
      // Another role than an allowed one is no change, but a refusal.
      isPermitted: true,
      renewed: first.renewed,
      expires: first.expires,
      isPinning: settings.installation?.isPinning,
      earlier: earlierRole(first),
      template: templateObject({ namespace, name }, creatorOf(pod)),
      restart: (purpose) => [...trialSteps(triedPod(pod, requested), purpose), ...restartSteps(pod, purpose)],
    },
    settings.now,
  );
}

/** The annotation of the pod that names the container's role. */
function namingAnnotation({ container }: ContainerInPod, annotations: Readonly<Record<string, string>>) {
  const own = `${ANNOTATIONS.roleOfContainer}${container}`;
  return [own, ANNOTATIONS.role].find((name) => Object.hasOwn(annotations, name));
}

/** Whoever has the pod's key reports what it likes, and may not change the pod's role. */
function earlierRole({ holds, source, admitted }: ContainerInPod): string | undefined {
  return source === "reported" ? admitted : (holds ?? admitted);
}
