// The page of a run in progress, in Chromium with its own policy: it changes in place, keeps what the reader chose, and
// ends with what the report shows.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { train, type TrainEvent } from '@forja/trainer/node';
import type { Page } from 'playwright-core';
import { afterAll, expect, test } from 'vitest';
import { root } from './support/pack.js';
import { openBrowser, openPage, until } from './support/site.js';

const folder = mkdtempSync(join(tmpdir(), 'forja-watch-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Charts drawn, the step that the slider shows, the number of grids, and where on the screen a heading is. */
const seen = (page: Page): Promise<{ charts: number; label: string; grids: number; top: number; open: boolean }> =>
  page.evaluate(`({
    charts: document.querySelectorAll('canvas').length,
    label: document.getElementById('label').textContent,
    grids: document.querySelectorAll('.grid').length,
    top: Math.round(globalThis.heading?.getBoundingClientRect().top),
    open: document.getElementById('grids').parentNode.open,
  })`);

test('the page of a run in progress changes in place, and ends as the report', async () => {
  const browser = await openBrowser();
  const { page, requests, complaints } = await openPage(browser);
  let url = '';
  let opened: Promise<unknown> | undefined;
  const chosen = { label: 'samples at step 0', top: NaN, open: true };
  const onEvent = async (event: TrainEvent): Promise<void> => {
    if (event.type === 'watching') opened = page.goto((url = event.url));
    if (event.type !== 'step') return;
    if (event.step === 3) {
      await opened;
      await until(page, `document.getElementById('status').textContent.startsWith('step 3 of 6')`);
      expect(await seen(page)).toMatchObject({ label: 'samples at step 2', grids: 2 });
      await page.evaluate(`(() => {
        document.getElementById('at').value = 0;
        document.getElementById('at').dispatchEvent(new Event('input'));
        document.getElementById('grids').parentNode.open = true;
        scrollTo(0, 700);
        globalThis.heading = [...document.querySelectorAll('h2')].find((one) => one.getBoundingClientRect().top > 0);
      })()`);
      chosen.top = (await seen(page)).top;
      expect(chosen.top).toBeLessThan(600);
      expect(await seen(page)).toMatchObject({ ...chosen, grids: 2 });
    }
    if (event.step === 5) {
      await until(page, `document.getElementById('status').textContent.startsWith('step 5 of 6')`);
      expect(await seen(page)).toMatchObject({ ...chosen, grids: 3 });
    }
  };
  const out = join(folder, 'run');
  const tiny = { system: 'mlp', data: 'ring', batch: 8, base: 4, threads: 1, steps: 6, sampleEvery: 2 } as const;
  await train(
    { ...tiny, out, metrics: ['frechet'], metricsEvery: 3, metricsCount: 50 },
    { onEvent, watch: { everyMs: 0 } },
  );
  await until(page, `document.getElementById('status').dataset.state === 'finished'`);
  const last = await seen(page);
  expect(last).toMatchObject({ ...chosen, grids: 4 });
  const shown = (at: Page, part: string): Promise<string> => at.locator(`[data-part="${part}"]`).innerText();
  const { page: report, complaints: others } = await openPage(browser);
  await report.goto(pathToFileURL(join(out, 'report.html')).href);
  for (const part of ['facts', 'measures', 'sessions', 'config'])
    expect(await shown(page, part), part).toBe(await shown(report, part));
  expect((await seen(report)).charts).toBe(last.charts);
  expect(last.charts).toBeGreaterThan(3);

  mkdirSync(join(root, 'tests', '.output'), { recursive: true });
  await page.screenshot({ path: join(root, 'tests', '.output', 'watch.png'), fullPage: true });
  expect([...complaints, ...others]).toEqual([]);
  expect(requests.filter((address) => !address.startsWith('data:') && !address.startsWith(url))).toEqual([]);
  await browser.close();
});
