// Writes emoji.webp, a sheet of Noto emoji of 32 pixels on white (training examples, then as many held-out ones), and
// emoji.json with the class of each. After a build, where emoji-datasource-google is found from the working folder:
//   node tests/vectors/emoji.mjs
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { loadData, readFields } from '../../packages/trainer/dist/node.js';

const sharp = createRequire(import.meta.url)('sharp');
const [EACH, COLUMNS, SIZE] = [160, 20, 32];
const width = COLUMNS * SIZE;
const height = ((2 * EACH) / COLUMNS) * SIZE;

const set = await loadData({ data: 'emoji-groups', size: SIZE }, process.cwd());
const sheet = Buffer.alloc(width * height * 3);
const labels = [];
for (const [half, part] of [set, set.holdout].entries()) {
  const chosen = Array.from({ length: EACH }, (_, i) => Math.floor((i * part.count) / EACH));
  const { image, label } = await readFields(part, chosen, ['image', 'label']);
  labels.push(Array.from(label));
  for (let i = 0; i < EACH; i++) {
    const slot = half * EACH + i;
    const corner = (Math.floor(slot / COLUMNS) * width + (slot % COLUMNS)) * SIZE;
    for (let y = 0; y < SIZE; y++)
      for (let x = 0; x < SIZE * 3; x++)
        sheet[3 * (corner + y * width) + x] = Math.round((image[(i * SIZE + y) * SIZE * 3 + x] + 1) * 127.5);
  }
}
const at = (file) => new URL(file, import.meta.url);
const pictures = sharp(sheet, { raw: { width, height, channels: 3 } });
writeFileSync(at('emoji.webp'), await pictures.webp({ quality: 80, effort: 6, smartSubsample: true }).toBuffer());
const [train, holdout] = labels;
writeFileSync(at('emoji.json'), `${JSON.stringify({ classes: set.fields.label.classes, train, holdout })}\n`);
process.exit(0);
