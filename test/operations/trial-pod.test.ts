// The commands around the one that deletes a pod which nothing creates again.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { requirementsOf } from "../../src/operations/answer.ts";
import { firstRole, injectedRestartSteps, trialSteps } from "../../src/operations/trial-pod.ts";

const pod = { namespace: "shop", name: "orders", creator: "Pod/orders", images: { app: "app:1" }, role: "shop-orders" };

suite("injectedRestartSteps()", () => {
  test("tries the role before a bare pod is deleted, and has the way back behind it", () => {
    const [trial, save, replace, back, ...others] = injectedRestartSteps(pod);
    assert.match(
      trial ?? "",
      /^kubectl -n shop run orders-trial --image=app:1 .*role=shop-orders .* --rm .*-- true {2}# /,
    );
    assert.match(save ?? "", /^kubectl -n shop get pod\/orders -o yaml > shop\.orders\.yaml {2}# /);
    assert.match(replace ?? "", /^kubectl -n shop replace --force -f shop\.orders\.yaml {2}# /);
    assert.match(
      back ?? "",
      /^kubectl annotate --local -f shop\.orders\.yaml podrole\.io\/inject=disabled .* \| kubectl -n shop replace --force -f - {2}# only/,
    );
    assert.deepEqual(others, []);
  });

  test("does neither for a pod that a controller creates again", () => {
    const steps = injectedRestartSteps({ ...pod, creator: "Deployment/orders" });
    assert.equal(steps.length, 1);
    assert.match(steps[0] ?? "", /^kubectl -n shop rollout restart deployment\/orders /);
  });

  test("tries nothing without a role and an image of a legal form, and quotes what a shell reads", () => {
    assert.deepEqual(trialSteps({ ...pod, role: undefined }), []);
    assert.deepEqual(trialSteps({ ...pod, images: {} }), []);
    const FORGED = "\u001b[1A\nkubectl create clusterrolebinding x";
    for (const image of ["", "a;reboot", "a b", `app:1${FORGED}`]) {
      assert.deepEqual(trialSteps({ ...pod, images: { app: image } }), [], image);
    }
    for (const role of [
      "",
      "x y",
      "x'; reboot #",
      `shop-orders${FORGED}`,
      `arn:aws:iam::123456789012:role/x${FORGED}`,
    ]) {
      assert.deepEqual(trialSteps({ ...pod, role }), [], role);
    }
    const [step = ""] = trialSteps({ ...pod, images: { app: "r.example:5000/a/b:1@sha256:0" }, role: "/x';reboot#/y" });
    assert.match(step, /--image=r\.example:5000\/a\/b:1@sha256:0 --annotations='[^=]+=\/x'\\'';reboot#\/y' /);
  });

  test("requires what the trial needs besides", () => {
    assert.match(
      requirementsOf(injectedRestartSteps(pod)) ?? "",
      /^the right to get, create and delete pods, create pods\/attach in namespace shop \(kubectl auth can-i --list -n shop /,
    );
  });
});

test("firstRole() prefers the role of the whole pod", () => {
  const named = { "iam.amazonaws.com/role.app": "a", "iam.amazonaws.com/role": "b" };
  assert.equal(firstRole(named), "b");
  assert.equal(firstRole({ "iam.amazonaws.com/role.app": "a" }), "a");
  assert.equal(firstRole({}), undefined);
});
