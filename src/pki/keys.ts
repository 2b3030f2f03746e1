// Keys of podrole's own making: ECDSA P-256, by node:crypto. Making one takes 0.03 ms; RSA 2048 would take 35-200.
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { Secret } from "../runtime/secret.ts";

/** A fresh P-256 private key, PKCS #8 PEM. */
export function generateKeyPem(): Secret {
  const { privateKey } = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  return new Secret(privateKey);
}

/** Why podrole does not certify this key, undefined when it does: ECDSA P-256, or RSA of 2048 to 4096 bits. */
export function refuseKey(key: KeyObject): string | undefined {
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === "ec" && namedCurve === "prime256v1") return undefined;
  if (
    key.asymmetricKeyType === "rsa" &&
    modulusLength !== undefined &&
    modulusLength >= 2048 &&
    modulusLength <= 4096
  ) {
    return undefined;
  }
  const kind = [key.asymmetricKeyType, namedCurve ?? modulusLength].filter((part) => part !== undefined).join(" ");
  return `its key is ${kind}, wanted ECDSA P-256 or RSA 2048-4096`;
}
