import { messageOf, SluiceError } from "@sluice/core";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { deepFreeze, type Frozen, freezeParsed } from "./freeze.ts";

/** The datasets that an application reads, each with its schema; null takes the items as they were published. */
export type DatasetSchemas = Readonly<Record<string, StandardSchemaV1 | null>>;

/** What reading those datasets gives, by dataset. */
export type ItemsOf<Datasets extends DatasetSchemas> = {
  readonly [Name in keyof Datasets]: Datasets[Name] extends StandardSchemaV1
    ? Frozen<StandardSchemaV1.InferOutput<Datasets[Name]>>
    : unknown;
};

/** Stands in the place of a value that breaks the application's schema. */
export class InvalidItem {
  /** What is wrong, each as `path: message`; at most `issuesMax`. */
  readonly issues: readonly string[];

  constructor(issues: readonly string[]) {
    this.issues = issues;
  }
}

/** Makes the frozen value, or the InvalidItem, of an item's canonical JSON text. Throws SCHEMA_ASYNC. */
export type Decode = (canonical: string) => unknown;

const issuesMax = 5;

/** Makes what decodes the items of a dataset. The schema's output is what is read, so it may transform. */
export function createDecode(dataset: string, schema: StandardSchemaV1 | null): Decode {
  if (schema === null) {
    return (canonical) => {
      const value: unknown = JSON.parse(canonical);
      freezeParsed(value);
      return value;
    };
  }
  return (canonical) => {
    const result = validate(dataset, schema, JSON.parse(canonical));
    return result instanceof InvalidItem ? result : deepFreeze(result.value);
  };
}

/**
 * Refuses a schema that validates asynchronously, as far as that shows without an item: reads are synchronous.
 * Throws SCHEMA_ASYNC. A schema that turns asynchronous deeper down is found at the first item that it does so for.
 */
export function refuseAsync(dataset: string, schema: StandardSchemaV1 | null): void {
  if (schema === null) return;
  for (const probe of [undefined, null, {}, [], "", 0, false]) validate(dataset, schema, probe);
}

function validate(dataset: string, schema: StandardSchemaV1, value: unknown): { value: unknown } | InvalidItem {
  const result = attempt(schema, value);
  if (result instanceof Promise) {
    // Nobody waits for it, and a rejection that nobody takes would end the process.
    result.catch(() => undefined);
    throw new SluiceError(
      "SCHEMA_ASYNC",
      `the schema of ${dataset} validates asynchronously, and reads are synchronous; take out what is async in it`,
      { details: { dataset } },
    );
  }
  return result.issues === undefined ? result : new InvalidItem(result.issues.slice(0, issuesMax).map(issueText));
}

/** A transformation that throws has met a value that it was not written for, which is what an issue is. */
function attempt(
  schema: StandardSchemaV1,
  value: unknown,
): StandardSchemaV1.Result<unknown> | Promise<StandardSchemaV1.Result<unknown>> {
  try {
    return schema["~standard"].validate(value);
  } catch (error) {
    return { issues: [{ message: messageOf(error) }] };
  }
}

function issueText({ message, path }: StandardSchemaV1.Issue): string {
  if (path === undefined || path.length === 0) return message;
  const names = path.map((segment) => String(typeof segment === "object" ? segment.key : segment));
  return `${names.join(".")}: ${message}`;
}
