// TLS material of podrole's gRPC ports, which changes while they run: certificates are renewed and CAs rotate.
import { experimental, type ServerCredentials } from "@grpc/grpc-js";
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

/**
 * Returns credentials of a gRPC server that follow `tls`. grpc-js reloads certificates through providers: its
 * `experimental` export since 1.13, on which its own xDS code relies.
 */
export function serverCredentials(tls: TlsSource, requireClientCertificate: boolean): ServerCredentials {
  const provider = certificateProvider(tls);
  return experimental.createCertificateProviderServerCredentials(
    provider,
    requireClientCertificate ? provider : null,
    requireClientCertificate,
  );
}

function certificateProvider(tls: TlsSource): experimental.CertificateProvider {
  const subscriptions = new Map<unknown, () => void>();
  function subscribe(listener: unknown, deliver: (material: TlsMaterial) => void): void {
    // Not synchronously: grpc-js registers the recipient of the material only after this call.
    queueMicrotask(() => deliver(tls.current()));
    subscriptions.set(
      listener,
      tls.onChange(() => deliver(tls.current())),
    );
  }
  function unsubscribe(listener: unknown): void {
    subscriptions.get(listener)?.();
    subscriptions.delete(listener);
  }
  return {
    addCaCertificateListener: (listener) =>
      subscribe(listener, ({ clientBundlePem }) =>
        listener(clientBundlePem === undefined ? null : { caCertificate: Buffer.from(clientBundlePem) }),
      ),
    removeCaCertificateListener: unsubscribe,
    addIdentityCertificateListener: (listener) =>
      subscribe(listener, ({ certificatePem, privateKey }) =>
        listener({ certificate: Buffer.from(certificatePem), privateKey: Buffer.from(privateKey.reveal()) }),
      ),
    removeIdentityCertificateListener: unsubscribe,
  };
}
