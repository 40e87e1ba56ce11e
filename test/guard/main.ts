import { createCatalogue } from "./catalogue.ts";
import { helpText, type Options, parseOptions } from "./options.ts";
import { playRuns, rowsOf } from "./play.ts";
import { jsonOf, sectionLines, summaryText } from "./report.ts";
import { writeDocs } from "./write.ts";

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const whisper = (text: string): void => void process.stderr.write(text);

try {
  process.exitCode = await run(parseOptions(process.argv.slice(2), process.env));
} catch (error) {
  if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
  whisper(`${error.message}\n\n${helpText(createCatalogue(parseOptions([], {}).setting))}`);
  process.exitCode = 2;
}

/** Plays and prints; gives the exit code. */
async function run(options: Options): Promise<number> {
  const { setting, seed, rows: texts, threads } = options;
  const catalogue = createCatalogue(setting);
  if (options.help) {
    say(helpText(catalogue).trimEnd());
    return 0;
  }
  whisper(`seed ${seed}\n`);
  const start = performance.now();
  const played = await playRuns({
    setting,
    seed,
    rows: texts,
    onProgress: createProgress(start),
    ...(threads === null ? {} : { threads }),
  });
  const rows = rowsOf(catalogue, played);
  if (rows.length === 0) throw new RangeError(`no row has ${texts.join(" or ")} in its name`);
  whisper(`\rplayed in ${((performance.now() - start) / 1000).toFixed(0)} s${" ".repeat(60)}\n`);

  if (options.json) say(JSON.stringify(jsonOf(rows, seed), null, 2));
  const tables = catalogue.flatMap((section) => {
    const own = rows.filter((row) => row.section === section.name);
    return own.length === 0 ? [] : sectionLines(section, own);
  });
  // Standard output is for the JSON where there is one.
  const tell = options.json ? (line: string): void => whisper(`${line}\n`) : say;
  for (const line of tables) tell(line);
  if (options.write) writeDocs(catalogue, rows, { seed, day: new Date().toISOString().slice(0, 10) });
  tell(`seed ${seed}`);
  tell(summaryText(rows));
  return rows.some(({ holds }) => holds === false) ? 1 : 0;
}

/** Says how far it is, on a terminal in place and elsewhere every 10 %. */
function createProgress(startMs: number): (done: number, all: number, name: string) => void {
  let said = 0;
  return (done, all, name) => {
    const tookS = ((performance.now() - startMs) / 1000).toFixed(0);
    const text = `${done} of ${all} runs, ${tookS} s, ${name}`.slice(0, 100);
    if (process.stderr.isTTY) whisper(`\r${text.padEnd(100)}`);
    else if (done / all >= said + 0.1 || done === all) {
      said = done / all;
      whisper(`${text}\n`);
    }
  };
}
