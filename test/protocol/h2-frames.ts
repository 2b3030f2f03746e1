// HTTP/2 frames as bytes, for clients that keep no rule of the protocol: Node's own client would not send them.
// (RFC 9113 §4.1, §6; RFC 7541 §6.2.2)

/** A frame of type "unknown" is ignored (RFC 9113 §5.5). */
const TYPES = { data: 0, headers: 1, priority: 2, reset: 3, settings: 4, ping: 6, window: 8, unknown: 0xfa } as const;
const END_HEADERS = 4;
const CANCEL = Buffer.from([0, 0, 0, 8]);

function frame(type: keyof typeof TYPES, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header.writeUInt8(TYPES[type], 3);
  header.writeUInt8(flags, 4);
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}

/** What a client sends first: the preface and empty settings. */
export const PREFACE = Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame("settings", 0, 0)]);

/** Frames that belong to no call and that Node accepts in any number, each as small as it may be. */
export const FRAMES_WITHOUT_CALL = {
  PRIORITY: frame("priority", 0, 1, Buffer.alloc(5)),
  WINDOW_UPDATE: frame("window", 0, 0, Buffer.from([0, 0, 0, 1])),
  "unknown frames": frame("unknown", 0, 0),
} as const;

/** A PING, which the server acknowledges after it has processed all frames before it. */
export const PING = frame("ping", 0, 0, Buffer.alloc(8));

/** Returns whether bytes from the server contain the acknowledgement of PING. */
export function hasPingAck(bytes: Buffer): boolean {
  return bytes.includes(frame("ping", 1, 0, Buffer.alloc(8)));
}

/** Opens stream 1 for a call of a gRPC method, and begins a message of `length` bytes. */
export function openCall(path: string, length: number): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([frame("headers", END_HEADERS, 1, callHeaders(path)), frame("data", 0, 1, prefix)]);
}

/** Continues the message of stream 1 by one byte. */
export function oneByte(): Buffer {
  return frame("data", 0, 1, Buffer.alloc(1));
}

/** Continues the message of stream 1 by one byte, in a TLS record that is otherwise filled with an ignored frame. */
export function oneByteInARecord(): Buffer {
  return Buffer.concat([oneByte(), frame("unknown", 0, 0, Buffer.alloc(16_000))]);
}

/** Opens `count` streams to a gRPC method and resets each at once. */
export function openAndReset(path: string, count: number): Buffer {
  const headers = callHeaders(path);
  return Buffer.concat(
    Array.from({ length: count }, (_, index) => {
      const stream = 2 * index + 1;
      return Buffer.concat([frame("headers", END_HEADERS, stream, headers), frame("reset", 0, stream, CANCEL)]);
    }),
  );
}

function callHeaders(path: string): Buffer {
  const literal = (name: string, value: string) =>
    Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name), Buffer.from([value.length]), Buffer.from(value)]);
  // 0x83 is ":method: POST", 0x87 ":scheme: https" of the static table (RFC 7541, appendix A).
  return Buffer.concat([
    Buffer.from([0x83, 0x87]),
    literal(":path", path),
    literal(":authority", "x"),
    literal("content-type", "application/grpc"),
    literal("te", "trailers"),
  ]);
}
