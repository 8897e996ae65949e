// The page of `npm run live` in Chromium: a GAN trains in the tab, pauses, is exported, loaded from the file and
// sampled, and continues from its checkpoint, without requests to other hosts or violations of the CSP.
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readManifest } from '@forja/core';
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
