// The page of `npm run live` in Chromium: GANs of points and of pictures train in the tab as in Node, pause, are
// exported, loaded from the file and sampled, and continue from a checkpoint, without requests to other hosts or
// violations of the CSP.
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readManifest } from '@forja/core';
import { load } from '@forja/node';
import { train, type TrainEvent } from '@forja/trainer/node';
import { encode } from 'fast-png';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root } from './support/pack.js';
import { openBrowser, openPage, startScript } from './support/site.js';

const folder = mkdtempSync(join(tmpdir(), 'forja-live-'));
let server: ChildProcess;
let address = '';
let browser: Browser;

beforeAll(async () => {
  const script = startScript('live.mjs', 'Live', [], { FORJA_LIVE_OUT: join(folder, 'dist') });
  [{ server, address }, browser] = await Promise.all([script, openBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  server?.kill();
  rmSync(folder, { recursive: true, force: true });
});

const row = (page: Page, term: string): Promise<string> =>
  page.locator(`dt:text-is("${term}") + dd`).first().innerText();
const status = (page: Page, text: RegExp): Promise<void> => page.locator('#status').filter({ hasText: text }).waitFor();

test('trains 200 steps, pauses, exports, samples the file, and continues from a checkpoint', async () => {
  const { page, requests, complaints } = await openPage(browser);
  await page.goto(address);
  await page.getByLabel('Steps', { exact: true }).fill('200');
  await page.getByLabel('Batch', { exact: true }).fill('16');
  await page.getByLabel('Penalty').selectOption('r1');
  await page.getByRole('button', { name: 'Start' }).click();
  await status(page, /^Step \d+/);
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByRole('button', { name: 'Go on', exact: true }).click();
  const [exported] = await Promise.all([page.waitForEvent('download'), status(page, /^Exported at step 200/)]);

  for (const scalar of ['loss_d', 'loss_g', 'd_real', 'd_fake'])
    expect(Number(await row(page, scalar)), scalar).toBeGreaterThan(0); // and so finite
  expect(await row(page, 'Runs on')).toMatch(/^onnxruntime, wasm/);
  const bytes = readFileSync(await exported.path());
  expect(readManifest(bytes)).toMatchObject({ kind: 'function', metrics: { steps: 200 } });
  await page.locator('#made-caption').filter({ hasText: 'Made by generator.onnx of step 200' }).waitFor();
  const error = Number(/TensorFlow\.js (\S+)$/.exec((await page.locator('#made-caption').textContent()) ?? '')?.[1]);
  expect(error).toBeLessThan(1e-4);
  mkdirSync(join(root, 'tests', '.output'), { recursive: true });
  await page.screenshot({ path: join(root, 'tests', '.output', 'live.png'), fullPage: true });

  const [saved] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Save checkpoint' }).click(),
  ]);
  expect(saved.suggestedFilename()).toBe('step-200.ckpt');
  await page.getByLabel('Steps', { exact: true }).fill('220');
  await page.getByLabel('Go on from a checkpoint').setInputFiles(await saved.path());
  await status(page, /^Exported at step 220/);

  // A checkpoint of another configuration is refused by name, on the page.
  await page.getByLabel('Width').fill('32');
  await page.getByLabel('Go on from a checkpoint').setInputFiles(await saved.path());
  await page.locator('#problem').filter({ hasText: 'config.base' }).waitFor();

  expect(complaints).toEqual([]);
  expect(requests.filter((url) => !/^(data|blob):/.test(url) && !url.startsWith(address))).toEqual([]);
  await page.context().close();
});

const EDGE = 32;
const PICTURES = 24;

/** Pictures as PNG, by name: discs of different places, sizes and colours. */
const discs = (): Record<string, Buffer> =>
  Object.fromEntries(
    Array.from({ length: PICTURES }, (_, n) => {
      const data = Uint8Array.from({ length: EDGE * EDGE * 3 }, (_, i) => {
        const [x, y] = [Math.floor(i / 3) % EDGE, Math.floor(i / 3 / EDGE)];
        const inside = Math.hypot(x - 8 - ((5 * n) % 16), y - 8 - ((7 * n) % 16)) < 5 + (n % 4);
        return inside ? (n * 40 * ((i % 3) + 1)) % 256 : 230;
      });
      return [
        `${String(n).padStart(2, '0')}.png`,
        Buffer.from(encode({ width: EDGE, height: EDGE, channels: 3, data })),
      ];
    }),
  );

/** Drops files on the page, as a visitor would. */
async function drop(page: Page, files: Readonly<Record<string, Buffer>>): Promise<void> {
  const given = Object.entries(files).map(([name, bytes]) => [name, bytes.toString('base64')] as const);
  const dataTransfer = await page.evaluateHandle((all) => {
    const transfer = new DataTransfer();
    for (const [name, base64] of all) {
      const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
      transfer.items.add(new File([bytes], name, { type: 'image/png' }));
    }
    return transfer;
  }, given);
  await page.dispatchEvent('body', 'drop', { dataTransfer });
}

test('dropped pictures train a DCGAN with the chosen seed, loss and rates, as in Node', async () => {
  const files = discs();
  mkdirSync(join(folder, 'discs'));
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, 'discs', name), bytes);
  const chosen = { batch: 8, base: 4, seed: 11, loss: 'least-squares', rates: { g: 3e-3, d: 5e-4 } } as const;
  const { page, requests, complaints } = await openPage(browser);
  await page.goto(address);
  await drop(page, files);
  await page
    .locator('#caption')
    .filter({ hasText: `${PICTURES} pictures` })
    .waitFor();
  await page.getByLabel('Loss').selectOption(chosen.loss);
  await page.getByLabel('Device').selectOption('wasm');
  for (const [field, value] of [
    ['Batch', chosen.batch],
    ['Width', chosen.base],
    ['Seed', chosen.seed],
    ['Rate of G', chosen.rates.g],
    ['Rate of D', chosen.rates.d],
  ] as const)
    await page.getByLabel(field, { exact: true }).fill(String(value));
  const start = async (steps: number): Promise<Buffer> => {
    await page.getByLabel('Steps', { exact: true }).fill(String(steps));
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Start' }).click();
    await status(page, new RegExp(`^Exported at step ${steps}$`));
    return readFileSync(await (await download).path());
  };

  // The second step depends on the rates of the first.
  await start(2);
  const scalars: Record<string, number>[] = [];
  await train(
    {
      system: 'dcgan',
      data: { kind: 'folder', path: join(folder, 'discs'), size: EDGE, classes: false },
      out: join(folder, 'run'),
      steps: 2,
      latent: 64,
      ...chosen,
    },
    { onEvent: (event: TrainEvent) => void (event.type === 'step' && scalars.push(event.scalars)) },
  );
  for (const name of ['loss_d', 'loss_g'])
    expect([Number(await row(page, name))], name).toBeAllclose([scalars[1]?.[name] ?? Infinity], { rtol: 1e-3 });

  const bytes = await start(200);
  for (const name of ['loss_d', 'loss_g']) expect(Number(await row(page, name)), name).toBeGreaterThan(0);
  expect(readManifest(bytes)).toMatchObject({
    kind: 'latent',
    trainedOn: expect.stringContaining(`${PICTURES} examples`) as string,
    metrics: { steps: 200, seed: chosen.seed, batch: chosen.batch },
  });
  await page.locator('#made-caption').filter({ hasText: 'Made by generator.onnx of step 200' }).waitFor();
  await using generator = await load(bytes, { device: 'cpu' });
  const { width, height, count, data } = await generator.sample({ count: 4, seed: 1 });
  expect([width, height, count]).toEqual([EDGE, EDGE, 4]);
  expect(new Set(data).size).toBeGreaterThan(16); // a picture, not one colour
  expect(complaints).toEqual([]);
  expect(requests.filter((url) => !/^(data|blob):/.test(url) && !url.startsWith(address))).toEqual([]);
  await page.context().close();
});

test('points that are drawn train a GAN of points; too few are refused', async () => {
  const { page, complaints } = await openPage(browser);
  await page.goto(address);
  await page.getByLabel('Data', { exact: true }).selectOption('drawn');
  await page.locator('#caption').filter({ hasText: 'Draw here' }).waitFor();
  await page.getByRole('button', { name: 'Start' }).click();
  await page.locator('#problem').filter({ hasText: 'draw at least 128 points; there are 0' }).waitFor();
  const box = (await page.locator('#view').boundingBox())!;
  await page.mouse.move(box.x + box.width / 4, box.y + box.height / 4);
  await page.mouse.down();
  await page.mouse.move(box.x + (3 * box.width) / 4, box.y + box.height / 4, { steps: 20 });
  await page.mouse.move(box.x + (3 * box.width) / 4, box.y + (3 * box.height) / 4, { steps: 20 });
  await page.mouse.up();
  await page
    .locator('#caption')
    .filter({ hasText: /^\d{3} points drawn/ })
    .waitFor();
  const drawn = Number(/^\d+/.exec((await page.locator('#caption').textContent()) ?? '')?.[0]);
  expect(drawn).toBeGreaterThanOrEqual(128);
  await page.getByLabel('Steps', { exact: true }).fill('200');
  await page.getByLabel('Batch', { exact: true }).fill('16');
  const [exported] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Start' }).click(),
  ]);
  await page.locator('#made-caption').filter({ hasText: 'of step 200' }).waitFor();
  expect(await page.locator('#problem').isHidden()).toBe(true);
  expect(readManifest(readFileSync(await exported.path()))).toMatchObject({
    kind: 'function',
    trainedOn: `drawn points, ${drawn} examples`,
  });
  expect(complaints).toEqual([]);
  await page.context().close();
});
