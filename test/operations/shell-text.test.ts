// Commands to copy contain names of the cluster, which are untrusted: none may end its quotes or its comment.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { serverTrustText } from "../../src/cli/output/aws.ts";
import { wavesScript } from "../../src/cli/output/waves.ts";
import { stepsAfterCode } from "../../src/operations/code-steps.ts";
import { findOriginal } from "../../src/operations/copied-pod.ts";
import { emulatorSteps } from "../../src/operations/emulated-sts.ts";
import { trustPolicyOf } from "../../src/operations/migrate/departure/trust.ts";
import type { WorkloadGroup } from "../../src/operations/migrate/report.ts";
import {
  annotateNamespaceCommand,
  objectArgument,
  shellCommentText,
  shellQuote,
} from "../../src/operations/migrate/shell-commands.ts";
import {
  annotatePodsStep,
  commandsForAllStep,
  createAsBeforeStep,
  editStep,
  proofOf,
  restartSteps,
  stepFields,
} from "../../src/operations/next-steps.ts";
import { injectedRestartSteps } from "../../src/operations/trial-pod.ts";
import { ERRORS } from "../../src/protocol/errors.ts";

/** Names with what a shell reads as more than a word. */
const NAMES = fc.oneof(
  fc
    .array(fc.constantFrom("$(", ")", "`", ";", "\n", "\r", "|", "&", ">", "<", "'", '"', "\\", "#", " ", "x", "-"), {
      minLength: 1,
      maxLength: 8,
    })
    .map((parts) => parts.join("")),
  fc.string({ minLength: 1, maxLength: 8, unit: "binary" }),
);

/** Line ends, escape sequences and what changes the direction of text, as a value of a tenant may have them. */
const CONTROLLED = fc
  .array(
    fc.constantFrom(
      "\n",
      "\r",
      "\u001b[1A",
      "\u007f",
      "\u0085",
      "\u2028",
      "\u2029",
      "\u202e",
      "\u2066",
      "x",
      "'",
      " # ",
    ),
    {
      minLength: 1,
      maxLength: 6,
    },
  )
  .map((parts) => parts.join(""));
const CONTROL_CHARACTERS = /[\p{C}\p{Zl}\p{Zp}]/u;

/** Removes what stands in single quotes, which a shell takes as it is, and an escaped quote between two of them. */
function outsideQuotes(line: string): string {
  return line.replaceAll(/'[^']*'|\\'/g, "Q");
}

const META_CHARACTERS = /[$`;|&<>(){}'"\\\p{Cc}\p{Zl}\p{Zp}]/u;

/** Files that steps write, and the pipes between two commands. */
const OWN_CHARACTERS =
  / > (?:(?:role|trust|new-trust|policy)\.json|[\w@%+=:,./-]+(?=  # saves))| \| (?=(?:jq|kubectl) )/g;

test("shellCommentText() leaves words and ARNs as they are, and nothing that a shell reads as more", () => {
  for (const text of ["Job", "argoproj.io/v1", "arn:aws:iam::123456789012:role/team/a+b=c,d.e@f-g_h"]) {
    assert.equal(shellCommentText(text), text);
  }
  assert.equal(shellCommentText("Job$(touch /tmp/x)"), "Job__touch_/tmp/x_");
  assert.equal(shellCommentText("Job\ntouch x\n#"), "Job_touch_x__");
  fc.assert(fc.property(NAMES, (name) => assert.match(shellCommentText(name), /^[A-Za-z0-9_][\w./:@+,=-]*$/)));
});

test("shellQuote() leaves words as they are, and quotes what a POSIX shell or zsh reads as more", () => {
  for (const text of ["orders", "pod/orders", "-n", "a=b", "arn:aws:iam::123456789012:role/a+b@c"]) {
    assert.equal(shellQuote(text), text);
  }
  for (const text of ["", "=ls", "~", "a b", "$(x)", "#"]) assert.equal(shellQuote(text), `'${text}'`);
  assert.equal(shellQuote("it's"), String.raw`'it'\''s'`);
});

/** All steps about objects and values with these names. */
function stepsAbout(name: string, kind: string, isCopy: boolean): readonly string[] {
  const owner = { kind, name, controller: true };
  const pod = { metadata: { namespace: name, name, ownerReferences: [owner] } };
  const concerned = {
    object: { namespace: name, kind, name },
    restart: restartSteps(pod),
    isCopy,
    roles: {
      object: { namespace: name, kind, name },
      annotations: { [`iam.amazonaws.com/role.${kind}`]: name, "iam.amazonaws.com/role": name },
      namespaceAnnotations: { "iam.amazonaws.com/permitted": `arn:aws:iam::123456789012:role/${name}x` },
      baseArn: "arn:aws:iam::123456789012:role/",
    },
    original: findOriginal({ name, images: { app: "a", debug: kind } }, [{ name: `${name}x`, images: { app: "a" } }]),
  };
  return [
    ...restartSteps(pod),
    ...injectedRestartSteps({ namespace: name, name, creator: `Pod/${name}`, images: { app: kind }, role: name }),
    ...emulatorSteps(`http://${kind}.${name}.svc:80/${name}`),
    commandsForAllStep(".phase", name),
    proofOf(concerned.object),
    annotateNamespaceCommand(name, { [kind]: name }),
    editStep(concerned.object, "correct the role"),
    createAsBeforeStep(concerned.object, { annotation: kind, value: name, purpose: "the way back" }),
    annotatePodsStep(concerned.object, kind, { value: name, purpose: "only then" }),
    ...["pod", "deployment", "job", "cronjob"].map((each) =>
      annotatePodsStep({ ...concerned.object, kind: each }, "iam.amazonaws.com/role", { value: name }),
    ),
    ...Object.keys(ERRORS).flatMap((code) => stepsAfterCode(code, concerned)),
  ];
}

test("restartSteps() and stepsAfterCode() have no character outside of quotes that a shell runs, whatever names are", () => {
  fc.assert(
    fc.property(NAMES, NAMES, fc.boolean(), (name, kind, isCopy) => {
      for (const step of stepsAbout(name, kind, isCopy)) {
        assert.doesNotMatch(outsideQuotes(step).replaceAll(OWN_CHARACTERS, ""), META_CHARACTERS, step);
      }
    }),
    { numRuns: 100 },
  );
});

test("restartSteps() and stepsAfterCode() have no line end and no control character, whatever names and values are", () => {
  const any = fc.oneof(CONTROLLED, NAMES);
  fc.assert(
    fc.property(any, any, fc.boolean(), (name, kind, isCopy) => {
      for (const step of stepsAbout(name, kind, isCopy)) assert.doesNotMatch(step, CONTROL_CHARACTERS);
    }),
    { numRuns: 200 },
  );
});

test("annotatePodsStep() and annotateNamespaceCommand() change no value: they name what to edit", () => {
  const value = "x\nkubectl create clusterrolebinding x";
  const object = { namespace: "shop", kind: "pod", name: "orders" };
  const named = { annotation: "iam.amazonaws.com/role", value, purpose: "only then" };
  const because = "its value has a line end or another control character, which no command repeats";
  for (const [kind, place] of [
    ["pod", ""],
    ["deployment", " in the pod template"],
    ["cronjob", " in the pod template"],
  ] as const) {
    assert.equal(
      annotatePodsStep({ ...object, kind }, named.annotation, named),
      `kubectl -n shop edit ${kind}/orders  # only then, change iam.amazonaws.com/role${place}: ${because}`,
    );
  }
  assert.equal(
    annotateNamespaceCommand("shop", { "iam.amazonaws.com/permitted": value }),
    `kubectl edit namespace shop  # change iam.amazonaws.com/permitted: ${because}`,
  );
});

test("stepFields() has no step of more than one line", () => {
  assert.deepEqual(stepFields(["a\nb", "podrole check", "\u001b[2K"]), { next: "podrole check" });
});

test("objectArgument() has the kind in front, so that no name and no kind is read as an option", () => {
  assert.equal(objectArgument("Deployment", "orders"), "deployment/orders");
  assert.equal(objectArgument("Job", "-Al!x"), "'job/-Al!x'");
  assert.equal(objectArgument("-f https://tenant.example/x", "orders"), "_f_https___tenant.example_x/orders");
  fc.assert(
    fc.property(NAMES, NAMES, (kind, name) => {
      const argument = objectArgument(kind, name);
      assert.match(argument, /^'?[a-z0-9_.][a-z0-9_.]*\//);
    }),
  );
});

test("wavesScript() and serverTrustText() have no text of the cluster in comments that a shell runs", () => {
  const finding = { id: "role", weight: "work", text: "x" } as never;
  fc.assert(
    fc.property(NAMES, NAMES, (name, kind) => {
      const common = { namespace: name, kind, name, pods: 1, names: [name], namesRole: true, isMoved: false } as const;
      const rest = {
        verdict: "needsWork",
        before: "",
        after: "",
        findings: [finding],
        updateStrategy: undefined,
      } as const;
      const groups: readonly WorkloadGroup[] = [
        { ...common, ...rest, apiVersion: kind, managedBy: undefined },
        { ...common, ...rest, apiVersion: "apps/v1", managedBy: { kind, name } },
        { ...common, ...rest, kind: "Rollout", apiVersion: "argoproj.io/v1", managedBy: undefined },
        { ...common, ...rest, kind: "Job", apiVersion: "batch/v1", managedBy: undefined },
      ];
      const move = { name, groups, pods: 1 };
      const script = wavesScript({ from: "kiam", waves: [[{ ...move, risk: 1 }]], postponed: [{ ...move, risk: 2 }] });
      const arn = `arn:aws:iam::123456789012:role/${name}/x`;
      const trust = serverTrustText([trustPolicyOf({ arn, name: "x" } as never, [])], [
        { roleArn: arn, state: "trusted" },
      ] as never);
      // The project's own words have brackets and semicolons.
      for (const line of (script + trust).split("\n")) {
        assert.doesNotMatch(outsideQuotes(line), /[$`|&<>{}'"\\\p{Cc}\p{Zl}\p{Zp}]/u, line);
      }
    }),
    { numRuns: 100 },
  );
});
