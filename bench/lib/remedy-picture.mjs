// The picture of a training failure and of its cure, as SVG: for each of the two runs what the generator makes, and
// curves of the log, with equal axes on both sides. bench/remedies.mjs writes it to docs/assets/remedies.
import { Image, ImageBatch, toBatch } from '@forja/core';

const [WIDTH, HEIGHT, HALF] = [840, 330, 420];
const COLOURS = ['#c0392b', '#2471a3', '#1e8449', '#b9770e', '#7d3c98'];
/** Points of a curve; longer logs are averaged in equal parts. */
const POINTS = 100;
const EDGE = 156; // of the picture of examples

const STYLE =
  'text{font:11px system-ui,"Segoe UI",Helvetica,Arial,sans-serif;fill:#222}.head{font-size:14px;font-weight:600}' +
  '.small{fill:#666}.axis{stroke:#bbb;fill:none}.curve{fill:none;stroke-width:1.4;stroke-linejoin:round}' +
  '.dots{fill:none;stroke-linecap:round}';

const short = (v) => Number(v.toFixed(1));
const textAt = (x, y, words, more = '') => `<text x="${short(x)}" y="${short(y)}" ${more}>${words}</text>`;

/** [step, value] of a scalar, averaged to at most POINTS points. */
function averaged(lines, name) {
  const count = Math.min(POINTS, lines.length);
  const cut = (i) => Math.floor((i * lines.length) / count);
  return Array.from({ length: count }, (_, i) => lines.slice(cut(i), cut(i + 1))).flatMap((part) => {
    const values = part.flatMap(({ scalars }) => scalars[name] ?? []);
    return values.length === 0 ? [] : [[part.at(-1).step, values.reduce((a, b) => a + b, 0) / values.length]];
  });
}

/** The curves of a run: scalars of its log, or scores of its measurements, which are marked as `measured`. */
function curvesOf({ lines, measures }, names) {
  return names.map((name) => {
    const measured = measures.some(({ scores }) => name in scores);
    const points = measured ? measures.map(({ step, scores }) => [step, scores[name]]) : averaged(lines, name);
    return { name, points, measured };
  });
}

/** How numbers become heights: shares from 0 to 1, anything else by its logarithm, in whole powers of ten. */
function scaleOf(kind, curves) {
  if (kind === 'shares') return { at: (v) => v, marks: [0, 0.5, 1], least: 0, most: 1 };
  const values = curves.flatMap(({ points }) => points.map(([, v]) => v)).filter((v) => v > 0);
  const least = Math.floor(Math.log10(Math.min(...values)));
  const most = Math.ceil(Math.log10(Math.max(...values)));
  const every = Math.ceil((most - least) / 4);
  const marks = Array.from({ length: Math.floor((most - least) / every) + 1 }, (_, i) => 10 ** (least + i * every));
  return { at: (v) => (Math.log10(Math.max(v, 10 ** least)) - least) / (most - least), marks, least, most };
}

/** A chart of `height`, with a legend above; a dotted line at the step of the diagnosis, if any. */
function chart({ curves, scale, steps, reported, x, y, width, height }) {
  const [left, right, top, bottom] = [x + 40, x + width, y + 16, y + height - 14];
  const placeX = (step) => left + ((right - left) * step) / steps;
  const placeY = (v) => bottom - (bottom - top) * scale.at(v);
  const mark = (v) => (v !== 0 && (v < 0.01 || v >= 10000) ? v.toExponential(0).replace('e+', 'e') : String(v));
  let legend = left;
  return [
    ...scale.marks.flatMap((v) => [
      `<path class="axis" ${v === 0.5 ? 'stroke-dasharray="3 3" ' : ''}d="M${left} ${short(placeY(v))}H${right}"/>`,
      textAt(left - 5, placeY(v) + 4, mark(v), 'class="small" text-anchor="end"'),
    ]),
    textAt(left, bottom + 12, 'step 0', 'class="small"'),
    textAt(right, bottom + 12, steps, 'class="small" text-anchor="end"'),
    reported === undefined
      ? ''
      : `<path stroke="#555" stroke-dasharray="2 2" d="M${short(placeX(reported))} ${top}V${bottom}"/>`,
    ...curves.map(({ points, measured }, i) => {
      const d = points.map(([step, v], k) => `${k === 0 ? 'M' : 'L'}${short(placeX(step))} ${short(placeY(v))}`);
      const line = `<path class="curve" stroke="${COLOURS[i]}" d="${d.join('')}"/>`;
      const dots = points.map(([step, v]) => `M${short(placeX(step))} ${short(placeY(v))}h0`).join('');
      return measured ? `${line}<path class="dots" stroke-width="5" stroke="${COLOURS[i]}" d="${dots}"/>` : line;
    }),
    ...curves.map(({ name }, i) => {
      const word = textAt(legend, y + 9, name, `style="fill:${COLOURS[i]};font-weight:600"`);
      legend += 7 * name.length + 8;
      return word;
    }),
  ].join('');
}

/** Pictures of 64 numbers as a grid of 8 × 8 pixels, as an <image>. */
async function grid(values, columns, x, y, width) {
  const count = values.length / 64;
  const batch = toBatch(
    { dtype: 'float32', shape: [count, 8, 8, 1], data: values },
    { layout: 'nhwc', range: [-1, 1] },
  );
  const picture = new ImageBatch(count, 8, 8, 1, batch.data).grid(columns, { padding: 1, background: 255 });
  const png = Buffer.from(await new Image(picture.width, picture.height, 1, picture.data).toPNG()).toString('base64');
  const height = (width * picture.height) / picture.width;
  return (
    `<image x="${x}" y="${y}" width="${width}" height="${short(height)}" style="image-rendering:pixelated" ` +
    `href="data:image/png;base64,${png}"/>`
  );
}

/** Whether points are the same few, repeated: these are drawn larger. */
const few = (points) => new Set(points).size < 20;

/** What is generated (and, for comparison, the data), at (x, y). */
const EXAMPLES = {
  pictures: async ({ made, real, x, y }) =>
    [
      textAt(x, y + 9, 'data', 'class="small"'),
      await grid(real.subarray(0, 6 * 64), 6, x, y + 16, EDGE),
      textAt(x, y + 60, 'generated', 'class="small"'),
      await grid(made.subarray(0, 36 * 64), 6, x, y + 67, EDGE),
    ].join(''),
  points: ({ made, real, x, y }) => {
    const sizes = [...made].map(Math.abs).sort((a, b) => a - b);
    const most = Math.max(sizes[Math.floor(0.98 * sizes.length)], ...real.map(Math.abs));
    const reach = Number((1.1 * most).toPrecision(2));
    const place = (v, start, sign) =>
      short(start + (EDGE * (1 + (sign * Math.max(-reach, Math.min(reach, v))) / reach)) / 2);
    const top = y + 16;
    const path = (points) =>
      Array.from({ length: points.length / 2 }, (_, i) => [points[2 * i], points[2 * i + 1]])
        .map(([a, b]) => `M${place(a, x, 1)} ${place(b, top, -1)}h0`)
        .join('');
    return [
      textAt(x, y + 9, 'data', 'style="fill:#888"'),
      textAt(x + 32, y + 9, 'generated', 'style="fill:#c0392b;font-weight:600"'),
      `<rect class="axis" x="${x}" y="${top}" width="${EDGE}" height="${EDGE}"/>`,
      `<path class="dots" stroke="#aaa" stroke-width="${few(real) ? 14 : 4}" d="${path(real)}"/>`,
      `<path class="dots" stroke="#c0392b" stroke-width="2.4" d="${path(made)}"/>`,
      textAt(x, top + EDGE + 13, `both axes: ±${reach}`, 'class="small"'),
    ].join('');
  },
};

/**
 * The picture. `sides`: the runs of failure and cure, each { title, lines, measures, made, real, score, reported? }.
 * `charts`: two lists of names, `shares` (0 to 1) and `sizes` (on a logarithmic axis); either may be empty.
 */
export async function remedyPicture({ title, sides, charts, kind, steps }) {
  const drawn = Object.entries(charts)
    .filter(([, names]) => names.length > 0)
    .map(([of, names]) => {
      const curves = sides.map((side) => curvesOf(side, names));
      return { curves, scale: scaleOf(of, curves.flat()) };
    });
  const top = 52;
  const high = (HEIGHT - top - 8) / drawn.length;
  const halves = await Promise.all(
    sides.map(async ({ title: head, score, reported, made, real }, s) => {
      const x = s * HALF + 12;
      return [
        textAt(x, 22, head, 'class="head"'),
        textAt(
          x,
          40,
          reported === undefined ? score : `${score}; reported at step ${reported} (dotted)`,
          'class="small"',
        ),
        await EXAMPLES[kind]({ made, real, x, y: top }),
        ...drawn.map(({ curves, scale }, i) =>
          chart({
            curves: curves[s],
            scale,
            steps,
            reported,
            x: x + EDGE + 4,
            y: top + i * high,
            width: HALF - EDGE - 36,
            height: high,
          }),
        ),
      ].join('');
    }),
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" ` +
      `role="img" aria-label="${title}">`,
    `<title>${title}</title><style>${STYLE}</style><rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<path class="axis" d="M${HALF} 12V${HEIGHT - 12}"/>`,
    ...halves,
    '</svg>',
    '',
  ].join('\n');
}
