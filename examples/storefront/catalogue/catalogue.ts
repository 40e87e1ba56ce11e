import { createRandom, type Random } from "./random.ts";
import { type Department, departments, type Pair } from "./words.ts";

/** One thing that the shop sells. Money is in fen, a hundredth of a yuan. */
export interface Article {
  /** `TEA-00042`. */
  readonly sku: string;
  readonly name: { readonly zh: string; readonly en: string };
  readonly brand: { readonly zh: string; readonly en: string };
  readonly department: { readonly zh: string; readonly en: string };
  readonly priceFen: number;
  /** What the shop itself pays. It is nobody's business but the payment side's. */
  readonly costFen: number;
  readonly stock: number;
}

/** How many articles the shop has. */
export const articlesCount = 10_000;

/** The seed of the catalogue that the demo shows. */
export const defaultSeed = 1111;

/** Makes the catalogue of a seed: every article has a name of its own, in Chinese and in English. */
export function createCatalogue(seed: number): Article[] {
  const random = createRandom(seed);
  const taken = new Set<string>();
  const articles: Article[] = [];
  while (articles.length < articlesCount) {
    const article = draw(random, random.pick(departments), articles.length + 1);
    if (taken.has(article.name.en)) continue;
    taken.add(article.name.en);
    articles.push(article);
  }
  return articles;
}

function draw(random: Random, department: Department, number: number): Article {
  const brand = random.pick(department.brands);
  const style = random.pick(department.styles);
  const [productZh, productEn, yuanFrom, yuanTo] = random.pick(department.products);
  const [variantZh, variantEn, factor] = random.pick(department.variants);
  // Most things stand near the cheap end of their range, as in any shop: a uniform draw of the logarithm.
  const yuan = yuanFrom * (yuanTo / yuanFrom) ** random.next() * factor;
  const priceFen = shelfPriceFen(yuan, random);
  return {
    sku: `${department.code}-${String(number).padStart(5, "0")}`,
    name: {
      zh: `${brand[0]} ${style[0]}${productZh} ${variantZh}`,
      en: `${brand[1]} ${style[1]} ${productEn}, ${variantEn}`,
    },
    brand: bothOf(brand),
    department: bothOf(department.name),
    priceFen,
    costFen: Math.round(priceFen * (0.6 + random.next() * 0.12)),
    stock: random.next() < 0.03 ? 0 : random.whole(1, 480),
  };
}

/** A price as shops write them: 12.90, 128, 1,299. */
function shelfPriceFen(yuan: number, random: Random): number {
  if (yuan < 100) return Math.floor(yuan) * 100 + random.pick([80, 90]);
  if (yuan < 1_000) return (Math.floor(yuan / 10) * 10 + random.pick([8, 9])) * 100;
  return (Math.floor(yuan / 100) * 100 + random.pick([58, 88, 99])) * 100;
}

function bothOf([zh, en]: Pair): { zh: string; en: string } {
  return { zh, en };
}
