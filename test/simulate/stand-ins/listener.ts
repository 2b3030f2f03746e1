// Stand-in for createListener() of src/protocol/listener.ts: a port is found by the host of its address.
import type { Listener, ListenerDeps, ListenerOptions } from "../../../src/protocol/listener.ts";
import { surroundingsOf } from "../surroundings.ts";

export * from "../../../src/protocol/listener.ts";

export function createListener(deps: ListenerDeps, options: ListenerOptions): Listener {
  return {
    async listen() {
      surroundingsOf(options.address.host).onListen(deps, options);
      return options.address.port;
    },
    prove() {},
    connections: () => ({ open: 0, opened: 0 }),
    async close() {},
  };
}
