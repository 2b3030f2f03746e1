import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { createChanges } from "../../src/runtime/changes.ts";

function rethrow(error: unknown): never {
  throw error;
}

suite("createChanges()", () => {
  test("calls every listener with each change, in the order of subscription", () => {
    const calls: string[] = [];
    const changes = createChanges<number>(rethrow);
    changes.onChange((change) => calls.push(`first ${change}`));
    changes.onChange((change) => calls.push(`second ${change}`));
    changes.emit(1);
    changes.emit(2);
    assert.deepEqual(calls, ["first 1", "second 1", "first 2", "second 2"]);
  });

  test("ends only the subscription whose function is called, even for a listener that subscribed twice", () => {
    const calls: string[] = [];
    const changes = createChanges(rethrow);
    const listener = () => calls.push("called");
    const unsubscribe = changes.onChange(listener);
    changes.onChange(listener);
    unsubscribe();
    unsubscribe();
    changes.emit();
    assert.deepEqual(calls, ["called"]);
  });

  test("reports what a listener throws, calls the others and returns", () => {
    const errors: unknown[] = [];
    const calls: string[] = [];
    const changes = createChanges((error) => errors.push(error));
    const broken = new Error("broken");
    changes.onChange(() => {
      throw broken;
    });
    changes.onChange(() => calls.push("second"));
    changes.emit();
    assert.deepEqual([errors, calls], [[broken], ["second"]]);
  });

  test("does not call a listener for the change during which it subscribes", () => {
    const calls: string[] = [];
    const changes = createChanges(rethrow);
    changes.onChange(() => changes.onChange(() => calls.push("late")));
    changes.emit();
    assert.deepEqual(calls, []);
  });
});
