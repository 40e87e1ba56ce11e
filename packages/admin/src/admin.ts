import { type Clock, fillPath, type LoggedEvent, type Plan, SluiceError, type SourceDefinition } from "@sluice/core";
import {
  type AlertsAnswer,
  type CommandAnswer,
  type CreateDataset,
  type EvidenceAnswer,
  type PatchAnswer,
  type PatchBody,
  type PlainAlert,
  type PublishAnswer,
  type ReadAnswer,
  type ReadManyAnswer,
  type Receipt,
  type RestoreAnswer,
  type RestoreBody,
  type RestoreTarget,
  type Route,
  routes,
  type PatchMinute,
  type StartRelease,
  type StatusAnswer,
} from "@sluice/core/api";
import { type Call, type Connection, parseAnswer, requestText } from "./connection.ts";
import { type LogQuery, readLog, readPatchMinutes } from "./log.ts";
import { randomKey } from "./random.ts";
import { streamStatus } from "./status-stream.ts";
import { type PublishOptions, publish, type Upload } from "./upload.ts";

/** What a client is made with. */
export interface AdminOptions {
  /** Of the instance: `http://127.0.0.1:7070`. */
  readonly url: string;
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
  /** The person's name that commands are recorded under, at most 200 characters. */
  readonly actor?: string;
  /** How long an answer, or the next bytes of the status stream, may take. Default 15,000. A publish has no limit. */
  readonly timeoutMs?: number;
  /** Idempotency keys; default random. */
  readonly newKey?: () => string;
}

/** A plan: a preset's name (`careful`), or what differs from the preset, which is the default plan where none is named. */
export type PlanInput =
  | string
  | (Partial<Omit<Plan, "guard">> & { readonly preset?: string; readonly guard?: Partial<Plan["guard"]> });

/** A dataset to create. Default: a canary dataset with the default plan and without checks. */
export interface NewDataset extends Partial<Pick<CreateDataset, "policy" | "checks">> {
  readonly name: string;
  readonly plan?: PlanInput;
  /** A ready set of checks; `checks` replaces it. */
  readonly template?: "none" | "prices" | "stock";
}

/** A source to add. Default: id `main`, asked every 30 s, new versions are held. */
export interface NewSource extends Partial<SourceDefinition> {
  readonly url: string;
}

/** How alerts are sent. */
export interface AlertOptions {
  readonly dryRun?: boolean;
  /** That the instance takes alerts with; default none. */
  readonly token?: string;
}

/**
 * The command API of one instance. Every method throws SluiceError: what the instance refused, with its code and details, or
 * UNREACHABLE, TIMEOUT, PROTOCOL.
 */
export interface Admin {
  status(): Promise<StatusAnswer>;
  /** The status now and after each change, over one connection. */
  statusStream(signal?: AbortSignal): AsyncGenerator<StatusAnswer>;
  /** The audit trail: a page of events, oldest first; the newest ones without `after`. */
  log(query?: LogQuery): Promise<LoggedEvent[]>;
  /** What patches did in each minute, oldest first; the newest minutes without `after`, which is the first patch of a minute. */
  patchMinutes(query?: LogQuery): Promise<PatchMinute[]>;

  createDataset(body: NewDataset): Promise<CommandAnswer>;
  addSource(dataset: string, body: NewSource): Promise<CommandAnswer>;
  removeSource(dataset: string, source: string): Promise<CommandAnswer>;

  publish(dataset: string, upload: Upload, options?: PublishOptions): Promise<PublishAnswer>;
  patch(dataset: string, body: Pick<PatchBody, "items"> & Partial<PatchBody>): Promise<PatchAnswer>;
  liftQuarantine(
    dataset: string,
    body: { publish: number; keys?: readonly string[]; reason?: string },
  ): Promise<CommandAnswer>;

  /** `plan` takes the place of the dataset's for this release. */
  startRelease(
    dataset: string,
    body?: Partial<Omit<StartRelease, "plan">> & { readonly plan?: PlanInput | null },
  ): Promise<CommandAnswer>;
  /** `epoch` is the one that was looked at: CONFLICT where somebody has moved the percentage since. */
  setPercentage(release: string, body: { thousandths: number; epoch?: number }): Promise<CommandAnswer>;
  hold(release: string, body?: { reason?: string }): Promise<CommandAnswer>;
  resume(release: string, body?: { reason?: string }): Promise<CommandAnswer>;
  /**
   * Takes the guard's hands off a release for `forMs` (1 second to 12 hours), and says why; people, alerts and queries go on acting.
   * Ends by itself. Once more while it is off: the new time takes the place of the first.
   */
  guardOff(release: string, body: { forMs: number; reason: string }): Promise<CommandAnswer>;
  guardOn(release: string, body?: { reason?: string }): Promise<CommandAnswer>;
  promote(release: string, body?: { epoch?: number }): Promise<CommandAnswer>;
  revertRelease(release: string, body?: { reason?: string }): Promise<CommandAnswer>;
  /** Ends what runs or bakes on a dataset. NOTHING_TO_REVERT where nothing does and no revert ended within five minutes. */
  revertDataset(dataset: string, body?: { reason?: string }): Promise<CommandAnswer>;
  /** Takes it back on the host of this instance alone, and for those who follow it; works with the origin dead. NOTHING_TO_REVERT where nothing runs. */
  revertHere(dataset: string, body?: { reason?: string }): Promise<CommandAnswer>;
  liftHere(dataset: string, body?: { reason?: string }): Promise<CommandAnswer>;
  /**
   * Makes what was stable the stable version again: `mode` says whether the patches since are kept. Without it CHOICE_NEEDED lists what
   * would be dropped, unless a release is taken back and nothing else. PRUNED for what is too long ago.
   */
  restore(
    dataset: string,
    body: { to: RestoreTarget; mode?: RestoreBody["mode"]; reason?: string },
  ): Promise<RestoreAnswer>;
  receipt(release: string, action: Receipt["action"]): Promise<Receipt>;
  /** What the guard of a release saw: of an active one up to now, of one of the last 50 that ended up to its end. */
  evidence(release: string): Promise<EvidenceAnswer>;

  /** Sends what Alertmanager would send, its webhook's payload; `dryRun` asks what it would do. UNAUTHORIZED without the token. */
  alertmanager(body: object, options?: AlertOptions): Promise<AlertsAnswer>;
  /** The same for an alert of anybody else. */
  alert(body: Pick<PlainAlert, "name"> & Partial<PlainAlert>, options?: AlertOptions): Promise<AlertsAnswer>;

  read(dataset: string, key: string, options?: { as?: string }): Promise<ReadAnswer>;
  readMany(dataset: string, body: { keys: readonly string[]; as?: string }): Promise<ReadManyAnswer>;
}

const timeoutMsDefault = 15_000;

/** To work out a version of many items takes its time, in milliseconds. */
const restoreTimeoutMsMin = 300_000;

/** Makes a client of the instance at `url`; connects to nothing yet. Throws VALIDATION where that is no http(s) URL. */
export function createAdmin(options: AdminOptions): Admin {
  const connection: Connection = {
    url: baseOf(options.url),
    fetch: options.fetch,
    clock: options.clock,
    actor: options.actor ?? null,
    timeoutMs: options.timeoutMs ?? timeoutMsDefault,
    newKey: options.newKey ?? randomKey,
  };
  const send = async <Answer>(
    route: Route<unknown, Answer>,
    parameters: Readonly<Record<string, string>>,
    // What callers may leave out, the route's schema fills in at the instance.
    body?: object,
    query = "",
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> => {
    const call: Call = { method: route.method, path: `${fillPath(route.path, parameters)}${query}`, body, headers };
    return parseAnswer(route.answer, call, await requestText(connection, call));
  };
  const sendAlerts = (
    route: typeof routes.alert | typeof routes.alertmanager,
    body: object,
    { dryRun = false, token }: AlertOptions = {},
  ): Promise<AlertsAnswer> =>
    send(
      route,
      {},
      body,
      dryRun ? "?dryRun=true" : "",
      token === undefined ? {} : { authorization: `Bearer ${token}` },
    );
  const readMany: Admin["readMany"] = (dataset, body) => send(routes.readMany, { dataset }, body);
  return {
    status: () => send(routes.status, {}),
    statusStream: (signal) => streamStatus(connection, signal),
    log: (query = {}) => readLog(connection, query),
    patchMinutes: (query = {}) => readPatchMinutes(connection, query),

    createDataset: (body) => send(routes.createDataset, {}, body),
    addSource: (dataset, body) => send(routes.addSource, { dataset }, body),
    removeSource: (dataset, source) => send(routes.removeSource, { dataset, source }),

    publish: (dataset, upload, publishOptions = {}) => publish(connection, dataset, upload, publishOptions),
    patch: (dataset, body) => send(routes.patch, { dataset }, body),
    liftQuarantine: (dataset, body) => send(routes.liftQuarantine, { dataset }, body),

    startRelease: (dataset, body = {}) => send(routes.startRelease, { dataset }, body),
    setPercentage: (release, body) => send(routes.setPercentage, { release }, body),
    hold: (release, body = {}) => send(routes.hold, { release }, body),
    resume: (release, body = {}) => send(routes.resume, { release }, body),
    guardOff: (release, body) => send(routes.guardOff, { release }, body),
    guardOn: (release, body = {}) => send(routes.guardOn, { release }, body),
    promote: (release, body = {}) => send(routes.promote, { release }, body),
    revertRelease: (release, body = {}) => send(routes.revertRelease, { release }, body),
    revertDataset: (dataset, body = {}) => send(routes.revertDataset, { dataset }, body),
    revertHere: (dataset, body = {}) => send(routes.revertHere, { dataset }, body),
    liftHere: (dataset, body = {}) => send(routes.liftHere, { dataset }, body),
    async restore(dataset, body) {
      const call: Call = { method: routes.restore.method, path: fillPath(routes.restore.path, { dataset }), body };
      const patient = { ...connection, timeoutMs: Math.max(connection.timeoutMs, restoreTimeoutMsMin) };
      return parseAnswer(routes.restore.answer, call, await requestText(patient, call));
    },
    receipt: (release, action) => send(routes.receipt, { release, action }),
    evidence: (release) => send(routes.evidence, { release }),

    alertmanager: (body, alertOptions) => sendAlerts(routes.alertmanager, body, alertOptions),
    alert: (body, alertOptions) => sendAlerts(routes.alert, body, alertOptions),

    read(dataset, key, { as } = {}) {
      // A URL takes these for places in its path, percent-encoded or not.
      if (key === "." || key === "..") return readOne(readMany, dataset, key, as);
      const query = as === undefined ? "" : `?${new URLSearchParams({ as }).toString()}`;
      return send(routes.read, { dataset, key }, undefined, query);
    },
    readMany,
  };
}

/** One item by the route for many, whose keys stand in no URL. Throws KEY_UNKNOWN. */
async function readOne(
  readMany: Admin["readMany"],
  dataset: string,
  key: string,
  as: string | undefined,
): Promise<ReadAnswer> {
  const { items, ...answer } = await readMany(dataset, { keys: [key], ...(as === undefined ? {} : { as }) });
  if (Object.hasOwn(items, key)) return { ...answer, key, value: items[key] };
  throw new SluiceError("KEY_UNKNOWN", `v${answer.version} of ${dataset} has no item ${key}`, {
    details: { version: answer.version, arm: answer.arm },
  });
}

function baseOf(text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new SluiceError("VALIDATION", `expected an http: or https: URL of an instance, came ${JSON.stringify(text)}`);
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
}
