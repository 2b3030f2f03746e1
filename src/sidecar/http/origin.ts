// Refuses requests that no program of the pod made for this endpoint. A browser in the pod whose page was rebound to
// the loopback address sends the page's host name (DNS rebinding), and a proxy that forwards a request names its
// client.
import type { IncomingMessage } from "node:http";

/** The endpoint's addresses as SDKs write them, with any port: a program may reach it through another one. */
const OWN_HOST = /^(?:127\.0\.0\.1|\[::1\]|localhost)(?::\d{1,5})?$/i;

/**
 * What the log and the answer repeat of a foreign Host: names and addresses as browsers write them. Anything else may
 * be a token that a faulty client has sent in the wrong header, and tokens have capital letters.
 */
const HOST_AS_OF_BROWSERS = /^[a-z0-9.:[\]-]{1,80}$/;

/**
 * Returns why the request is refused, such as 'its Host is "shop.example"; expected …'; undefined if it is served. EC2
 * refuses forwarded requests for a token as well
 * (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html).
 */
export function findForeignOrigin({ headers }: Pick<IncomingMessage, "headers">): string | undefined {
  const { host = "" } = headers;
  if (!OWN_HOST.test(host)) {
    const state = HOST_AS_OF_BROWSERS.test(host) ? JSON.stringify(host) : "not a host name in lower case";
    return `its Host is ${state}; expected 127.0.0.1, [::1] or localhost`;
  }
  const forwarded = FORWARDED_HEADERS.find((name) => headers[name] !== undefined);
  return forwarded && `it has the header ${forwarded}; expected a request that no proxy forwarded`;
}

const FORWARDED_HEADERS = ["forwarded", "x-forwarded-for"] as const;
