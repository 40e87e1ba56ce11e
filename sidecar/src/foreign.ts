import { SluiceError } from "@sluice/core";

/**
 * Refuses what a web page of somebody else asks of an instance that listens on loopback without tokens. A browser on the same
 * machine sends a POST without a body to whatever address a page names, and reads the answer too where the page's own name
 * resolves to 127.0.0.1 (DNS rebinding). A browser cannot leave out or change `Origin` and `Host`; programs that are no
 * browsers send no `Origin`, and a call in process has neither. Throws FORBIDDEN.
 */
export function refuseForeign(host: string | undefined, origin: string | undefined): void {
  if (host !== undefined && !isLoopbackName(URL.parse(`http://${host}`)?.hostname)) {
    throw new SluiceError(
      "FORBIDDEN",
      `an instance without tokens answers to 127.0.0.1, [::1] and localhost alone, not to ${JSON.stringify(host)}`,
      { details: { host } },
    );
  }
  // No header, or a page of this instance: the browser then names the host that it asked.
  if (origin === undefined || URL.parse(origin)?.host === host) return;
  throw new SluiceError("FORBIDDEN", `a page of ${JSON.stringify(origin)} may not ask this instance`, {
    details: { origin },
  });
}

/** As URLs write a host: without a port, IPv6 in brackets. */
function isLoopbackName(hostname: string | undefined): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname ?? "");
}
