import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chartsOf, chartSvg } from "./chart.ts";
import type { Row, Section } from "./experiment.ts";
import { type Circumstances, sectionMarkdown } from "./report.ts";

const docs = join(import.meta.dirname, "../../docs");

/** Writes the tables and charts of those sections of which every row was played; the rest of the document stays as it is. */
export function writeDocs(catalogue: readonly Section[], rows: readonly Row[], circumstances: Circumstances): void {
  const path = join(docs, "GUARD.md");
  const pictures = join(docs, "guard");
  mkdirSync(pictures, { recursive: true });
  let document = readFileSync(path, "utf8");
  for (const section of catalogue) {
    const own = rows.filter((row) => row.section === section.name);
    if (own.length < section.experiments.length) continue;
    const charts = chartsOf(section, own);
    for (const name of readdirSync(pictures)) if (name.startsWith(`${section.name}-`)) rmSync(join(pictures, name));
    for (const chart of charts) writeFileSync(join(pictures, `${chart.name}.svg`), chartSvg(chart));
    const links = charts.map(({ name, title }) => ({ file: `guard/${name}.svg`, title }));
    document = withSection(document, section.name, sectionMarkdown(section, own, links, circumstances));
  }
  writeFileSync(path, document);
}

/** A document with the text between a section's marks replaced. Throws RangeError where the document has no such marks. */
export function withSection(document: string, name: string, text: string): string {
  const [begin, end] = [`<!-- begin ${name} -->`, `<!-- end ${name} -->`];
  const [from, to] = [document.indexOf(begin), document.indexOf(end)];
  if (from === -1 || to < from) throw new RangeError(`docs/GUARD.md has no marks "${begin}" and "${end}"`);
  return `${document.slice(0, from + begin.length)}\n\n${text}\n\n${document.slice(to)}`;
}
