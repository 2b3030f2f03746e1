// Memory outside of V8's heap. V8 frees a buffer when it collects the small object that stands for it, and small
// objects alone make it collect late: 700 MiB of buffers that nobody used any more were seen beside a heap of 19 MiB.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * Returns a function that counts bytes of buffers that were received, and collects garbage after each `bytes` of them.
 */
export function createBufferCollector({ bytes, collect }: { readonly bytes: number; readonly collect: () => void }) {
  let received = 0;
  return (length: number): void => {
    received += length;
    if (received < bytes) return;
    received = 0;
    collect();
  };
}

/** Returns V8's full collection, which takes about 1 ms for each MiB of a small heap. */
export function garbageCollection(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}
