import type { RequestListener } from "node:http";
import { sendJson } from "../stage/child.ts";

/** What the merchandising system has to give: files by name, and which of them is the current one. */
export interface OfferStatus {
  readonly offered: string;
  readonly etag: string;
  /** Answers with the whole file since it was offered. */
  readonly downloads: number;
  /** Answers that it has not changed, since it was offered. */
  readonly notModified: number;
}

/** A file's name, `v2.ndjson`, and its bytes. */
export type Files = ReadonlyMap<string, string>;

/**
 * The merchandising system as others see it.
 *  - `GET /prices.ndjson`: the price file on offer, with an ETag, and 304 for who has it.
 *  - `GET /files/NAME`: any file, for who wants to compare (`v1.ndjson` to `v5.ndjson`, `stock.ndjson`, `costs.ndjson`).
 *  - `POST /offer/v4`: offers another price file from now on. The same one again gets another ETag, as exports do.
 *  - `GET /offer`: which one that is.
 */
export function createUpstream(files: Files, first: string): RequestListener {
  let exports = 0;
  let status: OfferStatus = offer(first);

  function offer(offered: string): OfferStatus {
    exports += 1;
    return { offered, etag: `"${offered}-${exports}"`, downloads: 0, notModified: 0 };
  }

  return (request, response) => {
    const path = new URL(request.url ?? "/", "http://upstream").pathname;
    const [, folder, name] = path.split("/");
    const isGet = request.method === "GET";

    if (isGet && path === "/prices.ndjson") {
      if (request.headers["if-none-match"] === status.etag) {
        status = { ...status, notModified: status.notModified + 1 };
        response.writeHead(304, { etag: status.etag }).end();
        return;
      }
      status = { ...status, downloads: status.downloads + 1 };
      response.writeHead(200, { "content-type": "application/x-ndjson", etag: status.etag });
      response.end(files.get(`${status.offered}.ndjson`));
      return;
    }
    const file = isGet && folder === "files" ? files.get(name ?? "") : undefined;
    if (file !== undefined) {
      response.writeHead(200, { "content-type": "application/x-ndjson" }).end(file);
      return;
    }
    if (request.method === "POST" && folder === "offer" && files.has(`${name}.ndjson`)) {
      status = offer(name ?? "");
      sendJson(response, 200, status);
      return;
    }
    if (isGet && path === "/offer") {
      sendJson(response, 200, status);
      return;
    }
    sendJson(response, 404, { reason: `no ${request.method} ${path} here; files: ${[...files.keys()].join(", ")}` });
  };
}
