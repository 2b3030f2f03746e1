import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { MINUTE_MS } from "../../../src/runtime/clock.ts";
import { createRepeatSampler } from "../../../src/server/issue/repeat-sampler.ts";
import { createFakeClock } from "../../fakes/clock.ts";

function setUp() {
  const clock = createFakeClock();
  const sampler = createRepeatSampler({ clock });
  const written: (readonly [string, number])[] = [];
  const write = (key: string, line = key, namespace = "ns") =>
    sampler.write({ namespace, key }, (omitted) => written.push([line, omitted]));
  return { clock, sampler, write, lines: () => written.splice(0) };
}

suite("createRepeatSampler()", () => {
  test("writes one line of each key a minute, with the number of those left out", async () => {
    const { clock, write, lines } = setUp();
    const writeAll = () => {
      for (const key of ["a", "a", "b", "a"]) write(key);
      return lines();
    };
    const first = [
      ["a", 0],
      ["b", 0],
    ];
    assert.deepEqual(writeAll(), first);
    await clock.advance(MINUTE_MS - 1);
    assert.deepEqual(writeAll(), []);
    await clock.advance(1);
    assert.deepEqual(writeAll(), [
      ["a", 5],
      ["b", 1],
    ]);
  });

  test("writes the first lines of a minute one by one if it is told to", async () => {
    const clock = createFakeClock();
    const sampler = createRepeatSampler({ clock }, { most: 3 });
    const written: (readonly [number, number])[] = [];
    for (let line = 1; line <= 6; line++)
      sampler.write({ namespace: "team", key: "a" }, (omitted) => written.push([line, omitted]));
    assert.deepEqual(written.splice(0), [
      [1, 0],
      [2, 0],
      [3, 0],
    ]);
    await clock.advance(MINUTE_MS);
    sampler.sweep();
    assert.deepEqual(written, [[6, 2]]);
  });

  test("writes the last repetition when the sweep ends its window, with the number of the others", async () => {
    const { clock, sampler, write, lines } = setUp();
    for (const line of ["first", "second", "third"]) write("a", line);
    write("b");
    assert.deepEqual(lines(), [
      ["first", 0],
      ["b", 0],
    ]);
    await clock.advance(MINUTE_MS - 1);
    sampler.sweep();
    assert.deepEqual(lines(), []);
    await clock.advance(1);
    sampler.sweep();
    assert.deepEqual(lines(), [["third", 1]]);
    sampler.sweep();
    write("a");
    assert.deepEqual(lines(), [["a", 0]]);
  });

  test("counts repetitions of one namespace while another has more different lines than are remembered", () => {
    const { write, lines } = setUp();
    write("a");
    for (let index = 0; index < 10_000; index++) write(`other ${index}`, "other", "hostile");
    write("a");
    assert.deepEqual(
      lines().filter(([line]) => line === "a"),
      [["a", 0]],
    );
  });

  test("writes the last repetition of a key that many others evict, and the next line of every key if the clock is set back", () => {
    const { clock, write, lines } = setUp();
    for (const line of ["first", "second", "third"]) write("a", line);
    for (let index = 0; index < 8_192; index++) write(`other ${index}`);
    assert.deepEqual(
      lines().filter(([line]) => !line.startsWith("other")),
      [
        ["first", 0],
        ["third", 1],
      ],
    );
    write("a");
    assert.deepEqual(lines(), [["a", 0]]);
    clock.step(-MINUTE_MS);
    write("a");
    assert.deepEqual(lines(), [["a", 0]]);
  });
});
