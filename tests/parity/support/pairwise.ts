// Rows of values, one of each option, so that every two values of different options are together in some row: far fewer
// rows than combinations. Greedy: each row starts with a pair that is still missing, and takes in as many others as it
// can.

/** A value of each option, by the option's name. */
export type Row = Readonly<Record<string, string>>;

/** The pairs of a row, as texts. */
export function pairsOf(row: Row): string[] {
  const entries = Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.flatMap(([a, x], i) => entries.slice(i + 1).map(([b, y]) => `${a}=${x} ${b}=${y}`));
}

/**
 * The rows. `allowed` says whether a row, or a part of one, may be; pairs of the options in `without` are left out on
 * purpose.
 */
export function pairwise(
  values: Readonly<Record<string, readonly string[]>>,
  allowed: (row: Row) => boolean,
  without: readonly (readonly [string, string])[] = [],
): Row[] {
  const options = Object.keys(values);
  const missing = new Map<string, Row>();
  for (const [i, a] of options.entries())
    for (const b of options.slice(i + 1))
      if (!without.some((pair) => pair.includes(a) && pair.includes(b)))
        for (const x of values[a] ?? [])
          for (const y of values[b] ?? []) {
            const pair = { [a]: x, [b]: y };
            if (allowed(pair)) missing.set(pairsOf(pair)[0] ?? '', pair);
          }
  const gain = (row: Row): number => pairsOf(row).filter((pair) => missing.has(pair)).length;
  const rows: Row[] = [];
  for (let [first] = missing.values(); first !== undefined; [first] = missing.values()) {
    let row = first;
    for (const option of options) {
      if (row[option] !== undefined) continue;
      const ways = (values[option] ?? []).map((value): Row => ({ ...row, [option]: value })).filter(allowed);
      row = ways.reduce((best, way) => (gain(way) > gain(best) ? way : best));
    }
    for (const pair of pairsOf(row)) missing.delete(pair);
    rows.push(row);
  }
  return rows;
}
