import { SluiceError, fillPath, paths } from "@sluice/core";
import { type PublishAnswer, type PublishQuery, publishAnswerSchema } from "@sluice/core/api";
import { type Call, type Connection, errorOf, headersOf, parseAnswer, unreachableError } from "./connection.ts";

/** The bytes of a version. */
export interface Upload {
  readonly stream: AsyncIterable<Uint8Array>;
  /** `ndjson`: lines `{"key": …, "value": …}`; `json`: one object of key to value, at most 64 MiB. */
  readonly format: "ndjson" | "json";
}

/** How far an upload has come. */
export interface UploadProgress {
  readonly bytesSent: number;
  /** Everything is sent; the instance compares and checks. */
  readonly done: boolean;
}

/** What a publish asks for beside the upload; whatever is left out is no. */
export interface PublishOptions extends Partial<PublishQuery> {
  readonly onProgress?: (progress: UploadProgress) => void;
}

const mediaTypes = { ndjson: "application/x-ndjson", json: "application/json" } as const;

/**
 * Streams an upload and waits for what comes of it, as long as it takes. It is not sent again after a lost connection, since
 * a stream cannot be: publishing the same content twice is `unchanged`.
 */
export async function publish(
  connection: Connection,
  dataset: string,
  upload: Upload,
  options: PublishOptions,
): Promise<PublishAnswer> {
  const { onProgress, ...query } = options;
  const call: Call = { method: "POST", path: `${fillPath(paths.publish, { dataset })}${queryOf(query)}` };
  const source: { failure?: Error } = {};
  const request: RequestInit = {
    method: "POST",
    headers: headersOf(connection, { "content-type": mediaTypes[upload.format] }),
    body: ReadableStream.from(counted(upload.stream, onProgress, source)),
    // A stream goes out while the answer is not there yet; without this fetch refuses it.
    duplex: "half",
  };
  try {
    const response = await connection.fetch(`${connection.url}${call.path}`, request);
    const text = await response.text();
    if (!response.ok) throw errorOf(connection, call, response, text);
    return parseAnswer(publishAnswerSchema, call, text);
  } catch (error) {
    // A file that cannot be read any more is not the instance's silence.
    if (source.failure !== undefined) throw source.failure;
    throw error instanceof SluiceError ? error : unreachableError(connection, call, error);
  }
}

function queryOf(query: Partial<PublishQuery>): string {
  const parameters = new URLSearchParams();
  for (const name of ["release", "supersede", "acceptQuarantined"] as const) {
    if (query[name] === true) parameters.set(name, "true");
  }
  if (query.thousandths !== undefined && query.thousandths !== null) {
    parameters.set("thousandths", String(query.thousandths));
  }
  return parameters.size === 0 ? "" : `?${parameters.toString()}`;
}

async function* counted(
  stream: AsyncIterable<Uint8Array>,
  onProgress: PublishOptions["onProgress"],
  source: { failure?: Error },
): AsyncGenerator<Uint8Array> {
  let bytesSent = 0;
  try {
    for await (const chunk of stream) {
      yield chunk;
      bytesSent += chunk.byteLength;
      onProgress?.({ bytesSent, done: false });
    }
  } catch (error) {
    source.failure = error instanceof Error ? error : new Error(String(error));
    throw error;
  }
  onProgress?.({ bytesSent, done: true });
}
