// TLS material of podrole's gRPC ports, which changes while they run: certificates are renewed and CAs rotate. Sessions
// are never resumed: a resumed session skips the verification of the client certificate.
import { constants } from "node:crypto";
import type { SecureServerOptions } from "node:http2";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { ServerCredentials } from "@grpc/grpc-js";
import type { Changing } from "../runtime/changes.ts";
import type { Secret } from "../runtime/secret.ts";

/**
 * A port's certificate and key (PEM), and the CAs of its clients; `clientBundlePem` is absent without client
 * certificates.
 */
export interface TlsMaterial {
  readonly certificatePem: string;
  readonly privateKey: Secret;
  readonly clientBundlePem?: string;
}

/** Material that changes: new connections use `current()`, and subscribers are notified of each change. */
export interface TlsSource extends Changing {
  current(): TlsMaterial;
}

/** Groups that cost a server little. Go, OpenSSL and BoringSSL offer at least one of them. */
const KEY_EXCHANGE_GROUPS = "X25519:P-256";

/** The same, and the hybrid with ML-KEM-768, which OpenSSL knows since 3.5. */
const HYBRID_GROUPS = `X25519MLKEM768:${KEY_EXCHANGE_GROUPS}`;

/**
 * Returns the key exchange groups of podrole's ports, as option `ecdhCurve`. The client chooses the group, and with
 * OpenSSL's own list one message of a client costs a server six times as much: P-521 8 ms, P-384 and ffdhe3072 5 ms,
 * X25519 1.4 ms.
 */
function keyExchangeGroups(): string {
  try {
    createSecureContext({ ecdhCurve: HYBRID_GROUPS });
    return HYBRID_GROUPS;
  } catch {
    return KEY_EXCHANGE_GROUPS;
  }
}

/** Returns the TLS options of an HTTPS port with the present material; its owner applies them again at each change. */
export function httpsContext(tls: TlsSource) {
  const { certificatePem, privateKey } = tls.current();
  const ecdhCurve = keyExchangeGroups();
  return { cert: certificatePem, key: privateKey.reveal(), minVersion: "TLSv1.2", ecdhCurve } as const;
}

/**
 * Returns credentials of a gRPC server that follow `tls` as long as the server listens. `http2`: options of the HTTP/2
 * server, most of which grpc-js has no option for.
 */
export function serverCredentials(
  tls: TlsSource,
  requireClientCertificate: boolean,
  http2: Http2Options = {},
): ServerCredentials {
  return new ChangingCredentials(tls, requireClientCertificate, http2);
}

type Http2Options = Pick<SecureServerOptions, "settings" | "handshakeTimeout" | "maxHeaderListPairs">;

type Watcher = Parameters<ServerCredentials["_addWatcher"]>[0];

/**
 * States: unwatched → watched (a server listens: each change of the material replaces its TLS context) → unwatched.
 * grpc-js has no public way to change a server's TLS options, so this class overrides what its own credentials
 * override.
 */
class ChangingCredentials extends ServerCredentials {
  readonly #tls: TlsSource;
  readonly #requireClientCertificate: boolean;
  #unsubscribe = () => {};

  constructor(tls: TlsSource, requireClientCertificate: boolean, http2: Http2Options) {
    super(
      { ...http2, requestCert: requireClientCertificate, rejectUnauthorized: requireClientCertificate },
      contextOptions(tls.current(), requireClientCertificate),
    );
    this.#tls = tls;
    this.#requireClientCertificate = requireClientCertificate;
  }

  override _addWatcher(watcher: Watcher): void {
    if (this.getWatcherCount() === 0) this.#unsubscribe = this.#tls.onChange(() => this.#update());
    super._addWatcher(watcher);
    // The material may have changed before the subscription.
    this.#update();
  }

  override _removeWatcher(watcher: Watcher): void {
    super._removeWatcher(watcher);
    if (this.getWatcherCount() === 0) this.#unsubscribe();
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }

  #update(): void {
    this.updateSecureContextOptions(contextOptions(this.#tls.current(), this.#requireClientCertificate));
  }
}

function contextOptions(
  { certificatePem, privateKey, clientBundlePem }: TlsMaterial,
  requireClientCertificate: boolean,
): SecureContextOptions {
  return {
    cert: certificatePem,
    key: privateKey.reveal(),
    ecdhCurve: keyExchangeGroups(),
    ...(requireClientCertificate && clientBundlePem !== undefined && { ca: clientBundlePem }),
    // A client of TLS 1.2 may send its certificates together with its first message, and others when it renegotiates.
    ...(requireClientCertificate && { minVersion: "TLSv1.3" as const }),
    // No session tickets. Node keeps no cache of sessions either, so none can be resumed (TLS 1.2 and 1.3).
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}
