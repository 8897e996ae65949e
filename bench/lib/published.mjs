// The published models that bench/models.mjs measures: files and inputs. bench/models.mjs bundles it, because it uses
// the tests' list of packages. esrgan-thick (110 MB) is not a dependency; npm downloads it on demand.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { decode } from 'fast-png';
import { nsfwModel, packaged } from '../../tests/models/published.ts';

const THICK = '@upscalerjs/esrgan-thick@1.0.0';
const SCALES = [2, 3, 4, 8];

/** The package's folder in `cache`, unpacked by npm and tar on the first call. */
function thick(cache) {
  const folder = join(cache, 'esrgan-thick-1.0.0');
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, '.fetch-'));
  try {
    console.log(`fetching ${THICK} with npm (110 MB) …`);
    const file = execFileSync('npm', ['pack', THICK, '--silent'], { cwd: work, encoding: 'utf8' })
      .trim()
      .split('\n')
      .at(-1);
    execFileSync('tar', ['-xzf', file], { cwd: work });
    renameSync(join(work, 'package'), folder);
    return folder;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * The model authors' test picture, 128 px, as [1, size, size, 3] in 0 to 1: shrunk by averaging square blocks of
 * pixels, enlarged by the nearest pixel.
 */
function picture(size) {
  const { data, channels, width } = decode(readFileSync(packaged('@upscalerjs/esrgan-medium', 'assets/fixture.png')));
  const f = width / size;
  const side = Math.max(1, f);
  const values = Float32Array.from({ length: size * size * 3 }, (_, i) => {
    const [c, x, y] = [i % 3, Math.floor(i / 3) % size, Math.floor(i / 3 / size)].map((v, at) =>
      at === 0 ? v : Math.floor(v * f),
    );
    let sum = 0;
    for (let u = 0; u < side; u++) for (let v = 0; v < side; v++) sum += data[((y + v) * width + x + u) * channels + c];
    return sum / side / side / 255;
  });
  return { name: `${size} px`, shape: [1, size, size, 3], data: values };
}

/** Two seconds of a chord, the input of basic-pitch. */
const chord = () => ({
  name: '2 s',
  shape: [1, 43844, 1],
  data: Float32Array.from({ length: 43844 }, (_, i) =>
    [220, 277.2, 329.6].reduce((sum, hz) => sum + 0.2 * Math.sin((2 * Math.PI * hz * i) / 22050), 0),
  ),
});

/** Bytes of a model.json's weights. */
function weightBytes(path) {
  const { weightsManifest } = JSON.parse(readFileSync(path, 'utf8'));
  return weightsManifest
    .flatMap(({ paths }) => paths)
    .reduce((sum, file) => sum + statSync(join(dirname(path), file)).size, 0);
}

/**
 * Models whose name contains `only`. `timed`: if set, load and run times are measured too, the latter for the input of
 * that name (`all`: for every input). `remove` deletes temporary files.
 */
export async function published(cache, only) {
  const sizes = () => [32, 64, 128].map(picture);
  const plain = (family, timed) =>
    SCALES.map((scale) => ({
      name: `${family} ×${scale}`,
      timed: timed(scale),
      open: () => ({ path: packaged(`@upscalerjs/${family}`, `models/x${scale}/model.json`), cases: sizes() }),
    }));
  const list = [
    ...plain('esrgan-slim', () => '64 px'),
    ...plain('esrgan-medium', (scale) => (scale === 4 ? 'all' : '64 px')),
    ...SCALES.map((scale) => ({
      name: `esrgan-thick ×${scale}`,
      timed: scale === 4 ? '64 px' : undefined,
      open: () => {
        const folder = thick(cache);
        // The package registers its custom layers itself.
        return {
          path: join(folder, `models/x${scale}/model.json`),
          setup: join(folder, `dist/cjs/models/esrgan-thick/src/x${scale}/cjs.js`),
          cases: sizes(),
        };
      },
    })),
    ...['mobilenet_v2', 'mobilenet_v2_mid'].map((name) => ({
      name: `nsfwjs ${name}`,
      timed: '224 px',
      open: async () => ({ ...(await nsfwModel(name)), cases: [picture(224)] }),
    })),
    {
      name: 'basic-pitch',
      timed: '2 s',
      open: () => ({ path: packaged('@spotify/basic-pitch', 'model/model.json'), cases: [chord()] }),
    },
  ];
  return list
    .filter(({ name }) => name.includes(only))
    .map(({ open, ...model }) => ({
      ...model,
      open: async () => {
        const opened = await open();
        return { remove: async () => {}, ...opened, weightBytes: weightBytes(opened.path) };
      },
    }));
}
