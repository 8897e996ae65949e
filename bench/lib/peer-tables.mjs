// The tables of bench:peers in docs/performance.md, between `<!-- peers -->` and `<!-- end -->`.
import { readFileSync, writeFileSync } from 'node:fs';

const page = new URL('../../docs/performance.md', import.meta.url);
const TITLES = { node: 'Node and Python', chromium: 'Chromium' };

/**
 * A row per case, a column per peer, in ms of wall time; bold if a peer is faster than `forja`, compared within rounds.
 */
function tableOf(title, cases) {
  const rows = Object.entries(cases);
  const names = [...new Set(rows.flatMap(([, { peers }]) => Object.keys(peers)))];
  const cell = ({ peers, forjaIsFasterBy }, name) => {
    if (peers[name] === undefined) return '';
    const { median } = peers[name].wallMs;
    const text = median.toFixed(median < 10 ? 2 : median < 100 ? 1 : 0);
    const by = forjaIsFasterBy[name]?.wall.median;
    return by === undefined ? text : by < 1 ? `**${text}** (${by.toFixed(2)}×)` : `${text} (${by.toFixed(2)}×)`;
  };
  return [
    `| ${title}, ms | ${names.join(' | ')} |`,
    `|${'---|'.repeat(names.length + 1)}`,
    ...rows.map(([name, one]) => `| ${name} | ${names.map((peer) => cell(one, peer)).join(' | ')} |`),
  ].join('\n');
}

/** Notes on skipped peers and on the machine. */
function notes({ machine, versions, options, skipped }) {
  const { cpu, vectors, cores, load, date } = machine;
  const all = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const left = Object.entries(skipped).map(([name, { reason }]) => `${name} (${reason})`);
  return [
    `${date}, ${cores} cores of ${cpu} (${vectors}), load ${load[0]} at the end; ` +
      `${options.blocks} rounds of ${options.seconds} s, ${options.threads} threads; ${all.join(', ')}.`,
    ...(left.length > 0 ? [`Not measured: ${left.join(', ')}.`] : []),
  ].join(' ');
}

export function writePeerTables(made) {
  const text = Object.entries(TITLES)
    .filter(([where]) => made.results[where] !== undefined)
    .flatMap(([where, title]) => [tableOf(title, made.results[where].cases), notes(made.results[where])])
    .join('\n\n');
  const before = readFileSync(page, 'utf8');
  writeFileSync(
    page,
    before.replace(/<!-- peers -->[^]*?<!-- end -->/, () => `<!-- peers -->\n\n${text}\n\n<!-- end -->`),
  );
}
