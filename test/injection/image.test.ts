import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { parseImage } from "../../src/injection/image.ts";

suite("parseImage()", () => {
  for (const [image, repository, name, tag] of [
    ["kiam", "kiam", "kiam", undefined],
    ["kiam:v4", "kiam", "kiam", "v4"],
    ["quay.io/uswitch/kiam:v4.2", "quay.io/uswitch/kiam", "kiam", "v4.2"],
    ["registry:5000/uswitch/kiam:v4", "registry:5000/uswitch/kiam", "kiam", "v4"],
    ["registry:5000/uswitch/kiam", "registry:5000/uswitch/kiam", "kiam", undefined],
    ["quay.io/uswitch/kiam@sha256:abc", "quay.io/uswitch/kiam", "kiam", undefined],
    ["registry:5000/kiam:v4@sha256:abc", "registry:5000/kiam", "kiam", "v4"],
    ["kiam:", "kiam", "kiam", undefined],
    ["", "", "", undefined],
  ] as const) {
    test(`splits ${JSON.stringify(image)}`, () => {
      assert.deepEqual(parseImage(image), { repository, name, tag });
    });
  }
});
