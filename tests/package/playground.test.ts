// The playground as `npm run playground` serves it, opened in Chromium: pictures that follow the seed, the walk, the
// device switch, both header modes.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { load } from '@forja/node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pictureModel } from './support/picture-model.js';
import { root } from './support/pack.js';
import { openBrowser, openPage } from './support/site.js';

const folder = mkdtempSync(join(tmpdir(), 'forja-playground-'));
const script = join(root, 'scripts', 'playground.mjs');
let server: ChildProcess;
let address = '';
let browser: Browser;

function start(args: string[]): {
  child: ChildProcess;
  said: Promise<{ text: string; code: number | null }>;
  url: Promise<string>;
} {
  const child = spawn(process.execPath, [script, ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, FORJA_PLAYGROUND_OUT: join(folder, 'dist') },
  });
  let text = '';
  const said = new Promise<{ text: string; code: number | null }>((resolve) =>
    child.on('close', (code) => resolve({ text, code })),
  );
  const url = new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      text += chunk.toString();
      const found = /Playground: (\S+)/.exec(text)?.[1];
      if (found) resolve(found);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('close', () => reject(new Error(text)));
  });
  url.catch(() => undefined); // `said` reports an expected failure
  return { child, said, url };
}

beforeAll(async () => {
  const model = join(folder, 'generator.onnx');
  writeFileSync(model, pictureModel());
  const started = start([model, '--port', '0']);
  server = started.child;
  [address, browser] = await Promise.all([started.url, openBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  server?.kill();
  rmSync(folder, { recursive: true, force: true });
});

/** A hash of the canvas's pixels, and their range. */
const pixels = (page: Page): Promise<{ sum: number; spread: number; width: number }> =>
  page.evaluate(() => {
    const canvas = document.querySelector('canvas')!;
    // Read from a copy, as frequent reads of the page's own canvas cause a console warning.
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true })!;
    copy.drawImage(canvas, 0, 0);
    const { data, width } = copy.getImageData(0, 0, canvas.width, canvas.height);
    let [sum, low, high] = [0, 255, 0];
    for (let i = 0; i < data.length; i += 4) {
      sum = (sum * 31 + data[i]!) % 1_000_003;
      low = Math.min(low, data[i]!);
      high = Math.max(high, data[i]!);
    }
    return { sum, spread: high - low, width };
  });
/** The red values of the canvas's pixels, which are grey. */
const reds = (page: Page): Promise<number[]> =>
  page.evaluate(() => {
    const canvas = document.querySelector('canvas')!;
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true })!;
    copy.drawImage(canvas, 0, 0);
    return Array.from(copy.getImageData(0, 0, canvas.width, canvas.height).data).filter((_, i) => i % 4 === 0);
  });
const caption = (page: Page, text: RegExp): Promise<void> =>
  page.locator('#caption').filter({ hasText: text }).waitFor();
const row = (page: Page, term: string): Promise<string> =>
  page.locator(`dt:text-is("${term}") + dd`).first().innerText();

test('draws the seed, follows it, walks, and switches devices', async () => {
  const { page, requests, complaints } = await openPage(browser);
  await page.goto(address);
  await caption(page, /Seed 7, 36 pictures of 28 × 28/);
  const first = await pixels(page);
  expect(first.spread).toBeGreaterThan(100);
  expect(first.width).toBeGreaterThanOrEqual(6 * 28);
  expect(await row(page, 'Runs on')).toBe('wasm');
  expect(await row(page, 'Isolated page')).toBe('yes');
  expect(await row(page, 'Why')).toMatch(/software/);
  expect(Number(await row(page, 'Images/s'))).toBeGreaterThan(0);

  await page.getByLabel('Seed', { exact: true }).fill('8');
  await caption(page, /Seed 8/);
  const second = await pixels(page);
  expect(second.sum).not.toBe(first.sum);
  await page.getByLabel('Seed', { exact: true }).fill('7');
  await caption(page, /Seed 7/);
  expect((await pixels(page)).sum).toBe(first.sum);
  await page.getByRole('button', { name: 'Next' }).click();
  await caption(page, /Seed 8/);
  expect((await pixels(page)).sum).toBe(second.sum);

  await page.getByLabel('Truncation').fill('0.4');
  await expect.poll(async () => (await pixels(page)).sum).not.toBe(second.sum);
  await page.getByLabel('Truncation').fill('3');
  await expect.poll(async () => (await pixels(page)).sum).toBe(second.sum);

  await page.getByRole('button', { name: 'Play walk' }).click();
  await caption(page, /Walking from seed 8/);
  await expect.poll(async () => (await pixels(page)).sum).not.toBe(second.sum);
  await page.getByRole('button', { name: 'Pause walk' }).click();
  await expect.poll(async () => page.getByRole('button', { name: 'Play walk' }).isVisible()).toBe(true);

  await page.getByLabel('Seed', { exact: true }).fill('7');
  await page.getByLabel('Device').selectOption('webgpu');
  await expect.poll(() => row(page, 'Runs on')).toBe('webgpu');
  await caption(page, /Seed 7/);
  expect(await row(page, 'Adapter')).toMatch(/swiftshader/i);
  const { spread, width } = await pixels(page);
  expect([spread > 100, width]).toEqual([true, first.width]);
  const shots = join(root, 'tests', '.output');
  mkdirSync(shots, { recursive: true });
  await page.screenshot({ path: join(shots, 'playground.png'), fullPage: true });

  expect(complaints).toEqual([]);
  expect(requests.filter((url) => !/^(data|blob):/.test(url) && !url.startsWith(address))).toEqual([]);
  await page.context().close();
});

test('draws the class that is chosen, as Node samples it', async () => {
  const model = join(root, 'generators', 'clothes.onnx');
  const started = start([model, '--port', '0']);
  const { page, complaints } = await openPage(browser);
  const generator = await load(model);
  try {
    await page.goto(await started.url);
    await caption(page, /Seed 7, 36 pictures of 28 × 28$/);
    const names = await page.getByLabel('Class').locator('option').allInnerTexts();
    const classes = generator.manifest.inputs.find(({ role }) => role === 'label')?.classes ?? [];
    expect(classes.length).toBe(10);
    expect(names.slice(1)).toEqual(classes);
    const sampled = async (label?: string): Promise<number[]> => {
      const batch = await generator.sample({ count: 36, seed: 7, ...(label === undefined ? {} : { label }) });
      return [...batch.grid(6).data];
    };
    /** Mean difference from the picture in the page, in levels of 0 to 255. */
    const differs = async (wanted: readonly number[]): Promise<number> => {
      const drawn = await reds(page);
      expect(drawn).toHaveLength(wanted.length);
      return drawn.reduce((sum, value, i) => sum + Math.abs(value - (wanted[i] ?? NaN)), 0) / drawn.length;
    };
    const all = await sampled();
    expect(await differs(all)).toBeLessThan(1);
    for (const label of ['Sneaker', 'Dress']) {
      await page.getByLabel('Class').selectOption(label);
      await caption(page, new RegExp(`Seed 7, 36 pictures of 28 × 28: ${label}$`));
      expect(await differs(await sampled(label)), label).toBeLessThan(1);
      expect(await differs(all), label).toBeGreaterThan(10);
    }
    expect(await differs(await sampled('Sneaker'))).toBeGreaterThan(10);
    expect(complaints).toEqual([]);
  } finally {
    await generator.dispose();
    await page.context().close();
    started.child.kill();
  }
});

test('works without cross-origin isolation, on one thread, and says so', async () => {
  const { page, complaints } = await openPage(browser);
  await page.goto(`${address}?noisolation`);
  await caption(page, /Seed 7/);
  expect(await row(page, 'Isolated page')).toMatch(/^no/);
  expect(await row(page, 'Threads')).toBe('1');
  expect(complaints).toEqual([]);
  await page.context().close();
});

test('every control has a name, and the page fits a phone', async () => {
  const { page } = await openPage(browser);
  await page.setViewportSize({ width: 360, height: 740 });
  await page.goto(address);
  await caption(page, /Seed 7/);
  const controls = await page.locator('input, select, button').all();
  expect(controls.length).toBeGreaterThan(5);
  for (const control of controls)
    expect(await control.evaluate((e) => (e as HTMLInputElement).labels?.[0]?.textContent ?? e.textContent)).toMatch(
      /\w/,
    );
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  await page.context().close();
});

test('without a model it says what to run, and fails', async () => {
  const { text, code } = await start([join(folder, 'none.onnx')]).said;
  expect(code).toBe(2);
  expect(text.trim().split('\n')).toHaveLength(1);
  expect(text).toMatch(/expected a model file, got nothing/);
});
