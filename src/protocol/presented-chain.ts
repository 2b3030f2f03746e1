// What podrole's TLS clients present. A certificate that is alone is sent together with its issuers from the client's
// CAs, the root included: OpenSSL adds them, and Node has no option against it. The server has the root, and the less
// pods send, the less it has to read of clients that have proved nothing (src/runtime/tls-intake.ts).
// (https://docs.openssl.org/master/man3/SSL_CTX_set_mode/, SSL_MODE_NO_AUTO_CHAIN)

/**
 * A certificate of 193 bytes that nothing trusts, and whose key was deleted. OpenSSL adds no issuers if another
 * certificate follows the client's own.
 */
const CHAIN_END_PEM = `
-----BEGIN CERTIFICATE-----
MIG+MHICAQEwBQYDK2VwMAwxCjAIBgNVBAMMAS0wHhcNMjYxMTI5MDgwNDU3WhcN
MjYxMTMwMDgwNDU3WjAMMQowCAYDVQQDDAEtMCowBQYDK2VwAyEAyKkrRUIu5PBx
Rt4klXnNoEGpLX3WEk6FGwkQqp0xTu0wBQYDK2VwA0EAGpAMU9K16sJuyquFuwlH
kDztWqZurf7xdtvMjBY3UzqEzeCnfgi7CtjfSlKzFDeIqiQtyIcumxR84xqZa+CP
Dw==
-----END CERTIFICATE-----
`;

/** Length of that certificate in DER. */
export const CHAIN_END_BYTES = 193;

const PEM_HEADER = "-----BEGIN CERTIFICATE-----";

/** Returns the certificates to present for a certificate and the intermediates that come with it (PEM). */
export function presentedChain(certificatePem: string): string {
  const isAlone = certificatePem.indexOf(PEM_HEADER) === certificatePem.lastIndexOf(PEM_HEADER);
  return isAlone ? certificatePem + CHAIN_END_PEM : certificatePem;
}
