import type { ShopData, ShopView } from "./app.ts";

/** What the front page shows: two shoppers, one on each side of a release, and articles in which the sides differ. */
export interface WindowLook {
  readonly worker: string;
  /** Numbers of the versions of the prices; the candidate's is null where none is being released. */
  readonly stable: number | null;
  readonly candidate: number | null;
  /** Percentage in thousandths; null where nothing is being released. */
  readonly thousandths: number | null;
  readonly phase: string | null;
  /** Targeting keys of two shoppers; the second is on the candidate's side where anybody is, the first on the other. */
  readonly shoppers: readonly [one: string, other: string];
  /** Articles to show, those that differ first. */
  readonly skus: readonly string[];
  readonly connected: boolean;
  /** The last version that was taken back. */
  readonly reverted: { readonly publish: number; readonly reason: string | null; readonly at: number } | null;
}

/** How the release of the prices stands, as whoever holds the data knows it. */
export interface ReleaseLook {
  readonly release: string | null;
  readonly stable: number | null;
  readonly candidate: number | null;
  readonly thousandths: number | null;
  readonly phase: string | null;
  readonly connected: boolean;
  readonly reverted: WindowLook["reverted"];
}

/** Dresses the shop window. */
export interface Window {
  look(): WindowLook;
}

/** Of how many shoppers one on each side is looked for; at 1 % nearly every hundred of them has one. */
const shoppersMax = 3_000;

/** Articles that are compared, and shown. */
const comparedMax = 500;
const shownMax = 9;

/** Makes the window of a worker. `skus` are the articles that may be shown. */
export function createWindow(options: {
  readonly data: ShopData;
  readonly worker: string;
  readonly release: () => ReleaseLook;
  readonly skus: () => Iterable<string>;
}): Window {
  const { data, worker, release } = options;
  let display: readonly string[] = [];
  let dressedFor = "";
  let dressed: Pick<WindowLook, "shoppers" | "skus"> = { shoppers: ["visitor-1", "visitor-2"], skus: [] };

  function dress(): Pick<WindowLook, "shoppers" | "skus"> {
    if (display.length === 0) display = spread(options.skus());
    const shoppers = findShoppers(data);
    const [one, other] = [data.view({ targetingKey: shoppers[0] }), data.view({ targetingKey: shoppers[1] })];
    const differs = (sku: string): boolean => said(one, sku) !== said(other, sku);
    const differing = display.filter(differs).slice(0, shownMax - 3);
    const same = display.filter((sku) => !differing.includes(sku)).slice(0, shownMax - differing.length);
    return { shoppers, skus: [...differing, ...same] };
  }

  return {
    look() {
      const { release: id, ...now } = release();
      const key = JSON.stringify([id, now.stable, now.candidate, now.thousandths]);
      if (key !== dressedFor) {
        dressed = dress();
        dressedFor = key;
      }
      return { worker, ...now, ...dressed };
    },
  };
}

function said(view: ShopView, sku: string): string {
  const { price, currency } = view.get("prices", sku) ?? {};
  return JSON.stringify([price, currency]);
}

function findShoppers(data: ShopData): WindowLook["shoppers"] {
  let control: string | undefined;
  let candidate: string | undefined;
  for (let number = 1; number <= shoppersMax && (control === undefined || candidate === undefined); number++) {
    const targetingKey = `visitor-${number}`;
    if (data.view({ targetingKey }).arm("prices") === "candidate") candidate ??= targetingKey;
    else control ??= targetingKey;
  }
  // Where everybody is on one side, two of them are shown.
  return [control ?? "visitor-2", candidate ?? "visitor-2"];
}

/** Some articles of all departments, far apart. */
function spread(skus: Iterable<string>): string[] {
  const all = [...skus].sort((a, b) => a.slice(4).localeCompare(b.slice(4)));
  const step = Math.max(1, Math.floor(all.length / comparedMax));
  return all.filter((_sku, index) => index % step === 0);
}
