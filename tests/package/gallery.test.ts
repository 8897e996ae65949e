// The page of `npm run gallery` in Chromium: pictures follow controls and address, walks, saved files, a picture drawn
// and translated, the discriminator's verdicts; only the shown generator is fetched, there are no requests to other
// hosts, no violations of the CSP, and no findings of axe-core.
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SampleOptions } from '@forja/core';
import { load } from '@forja/node';
import { decode } from 'fast-png';
import omggif from 'omggif';
import type { Browser, Download, FileChooser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  CLASSES,
  classedDiscriminator,
  classedModel,
  styledModel,
  turnedDiscriminator,
  turnedModel,
} from './support/gallery-models.js';
import { root } from './support/pack.js';
import { openBrowser, openPage, startScript } from './support/site.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'forja-gallery-'));
const output = join(root, 'tests', '.output');
let server: ChildProcess;
let address = '';
let browser: Browser;

beforeAll(async () => {
  mkdirSync(output, { recursive: true });
  const models = {
    'styled.onnx': await styledModel(),
    'turned.onnx': await turnedModel(),
    'turned.discriminator.onnx': await turnedDiscriminator(),
    'classed/generator.onnx': await classedModel(), // as training names them
    'classed/discriminator.onnx': await classedDiscriminator(),
  };
  mkdirSync(join(folder, 'classed'));
  for (const [name, bytes] of Object.entries(models)) writeFileSync(join(folder, name), bytes);
  const paths = ['styled.onnx', 'turned.onnx', 'classed/generator.onnx'].map((name) => join(folder, name));
  const script = startScript('gallery.mjs', 'Gallery', paths, { FORJA_GALLERY_OUT: join(folder, 'dist') });
  [{ server, address }, browser] = await Promise.all([script, openBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  server?.kill();
  rmSync(folder, { recursive: true, force: true });
});

const caption = (page: Page, text: RegExp): Promise<void> =>
  page.locator('#caption').filter({ hasText: text }).waitFor();

/** Opens the gallery at the address with this query and fragment, and waits for its caption. */
async function opened(path: string, text: RegExp): ReturnType<typeof openPage> {
  const shown = await openPage(browser);
  await shown.page.goto(`${address}${path}`);
  await caption(shown.page, text);
  return shown;
}

const click = (page: Page, button: string): Promise<void> => page.getByRole('button', { name: button }).click();

/** Presses a button by keyboard. */
async function press(page: Page, button: string): Promise<void> {
  await page.getByRole('button', { name: button, exact: true }).focus();
  await page.keyboard.press('Enter');
}

const redFile = async (page: Page): Promise<{ name: string; mimeType: string; buffer: Buffer }> => ({
  name: 'red.png',
  mimeType: 'image/png',
  buffer: Buffer.from(await page.evaluate<string>(RED), 'base64'),
});

/** Opens the red picture as the visitor's. */
const chooseRed = async (page: Page): Promise<void> =>
  page.getByLabel('Your picture').setInputFiles(await redFile(page));

/** Presses a button that saves a file. */
async function saved(page: Page, button: string): Promise<{ name: string; bytes: Buffer }> {
  const [file]: [Download, void] = await Promise.all([page.waitForEvent('download'), click(page, button)]);
  return { name: file.suggestedFilename(), bytes: readFileSync(await file.path()) };
}

/** Findings of axe-core: rule and place of each. Injected by the debugger, so the CSP need not allow it. */
async function findings(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }> };
    };
    const { violations } = await axe.run();
    return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`));
  });
}

/** The colour of a pixel of the page's canvas number `at`. */
const pixel = (page: Page, at: number, x: number, y: number): Promise<number[]> =>
  page.evaluate(
    ([at, x, y]) => {
      const canvas = document.querySelectorAll('canvas')[at]!;
      const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true })!;
      copy.drawImage(canvas, 0, 0);
      return [...copy.getImageData(x, y, 1, 1).data];
    },
    [at, x, y] as const,
  );

const elsewhere = (requests: readonly string[]): string[] =>
  requests.filter((url) => !/^(data|blob):/.test(url) && !url.startsWith(address));
const models = (requests: readonly string[]): string[] =>
  requests.flatMap((url) => /models\/(\S+)$/.exec(url)?.[1] ?? []);

test('clothes: an address gives the same picture as in Node; controls update the address', async () => {
  const { page, requests, complaints } = await opened(
    '#g=clothes&seed=21&class=Coat&count=4&t=1.5',
    /^Seed 21, 4 pictures of 28 × 28: Coat/,
  );
  const { name, bytes } = await saved(page, 'Save PNG');
  expect(name).toBe('clothes-21.png');
  await using generator = await load(join(root, 'generators', 'clothes.onnx'), { device: 'cpu' });
  const wanted = (await generator.sample({ seed: 21, count: 4, label: 'Coat', truncation: 1.5 })).grid();
  const { width, height, channels, data } = decode(bytes);
  expect([width, height]).toEqual([wanted.width, wanted.height]);
  const most = Math.max(...wanted.data.map((grey, i) => Math.abs(grey - (data[i * channels] ?? 0))));
  expect(most).toBeLessThanOrEqual(1);

  await page.getByLabel('Class').selectOption('Bag');
  await click(page, 'Next');
  await caption(page, /^Seed 22, 4 pictures of 28 × 28: Bag/);
  expect(new URL(page.url()).hash).toBe('#g=clothes&seed=22&count=4&class=Bag&t=1.5');
  await page.reload();
  await caption(page, /^Seed 22, 4 pictures of 28 × 28: Bag/);
  expect(await page.getByLabel('Class').inputValue()).toBe('Bag');
  expect(await page.locator('dt:text-is("Images/s") + dd').innerText()).toMatch(/^[\d.]+$/);
  expect(await page.locator('#status').innerText()).toMatch(/^clothes on (wasm|webgpu)$/);

  expect(await findings(page)).toEqual([]);
  await page.screenshot({ path: join(output, 'gallery.png'), fullPage: true });
  expect(new Set(models(requests))).toEqual(new Set(['clothes.onnx'])); // no other generator is fetched
  expect(elsewhere(requests)).toEqual([]);
  expect(complaints).toEqual([]);
  await page.context().close();
});

test('a walk plays, stops, and is saved as GIF and WebM', async () => {
  const { page, complaints } = await opened('#g=clothes&class=Sneaker&seed=3', /^Seed 3/);
  await click(page, 'Play walk');
  await caption(page, /^A walk from seed 3, 96 pictures: Sneaker/);
  const gif = await saved(page, 'Save GIF');
  const reader = new omggif.GifReader(gif.bytes);
  expect([reader.numFrames(), reader.width, reader.height, reader.loopCount()]).toEqual([96, 168, 168, 0]);
  const webm = await saved(page, 'Save WebM');
  expect(webm.name).toBe('clothes-3.webm');
  expect(webm.bytes.subarray(0, 4).toString('hex')).toBe('1a45dfa3'); // EBML
  const played = await openPage(browser); // without a CSP that forbids media
  const video = await played.page.evaluate(
    (data) =>
      new Promise((resolve) => {
        const player = document.createElement('video');
        player.onloadeddata = () => resolve([player.videoWidth, player.videoHeight, player.duration]);
        player.onerror = () => resolve(player.error?.message);
        player.src = `data:video/webm;base64,${data}`;
      }),
    webm.bytes.toString('base64'),
  );
  expect(video).toEqual([168, 168, expect.closeTo(96 * 0.05, 1)]);
  await played.page.context().close();
  await click(page, 'Stop walk');
  await caption(page, /^Seed 3, 16 pictures/);
  expect(complaints).toEqual([]);
  await page.context().close();
});

test('styles: there are controls for psi, text and a second seed if the file takes them', async () => {
  const { page, requests, complaints } = await opened(
    '#g=styled&seed=1&count=1&text=green&psi=0.5&mix=9&from=2',
    /^Seed 1, a picture of 8 × 8: “green”/,
  );
  const { bytes } = await saved(page, 'Save PNG');
  await using generator = await load(join(folder, 'styled.onnx'), { device: 'cpu' });
  const wanted = await generator.sample({
    seed: 1,
    text: 'green',
    truncation: { psi: 0.5 },
    mix: { seed: 9, from: 2 },
  });
  const { channels, data } = decode(bytes);
  const most = Math.max(
    ...wanted.data.map((byte, i) => Math.abs(byte - (data[Math.floor(i / 3) * channels + (i % 3)] ?? 0))),
  );
  expect(most).toBeLessThanOrEqual(1);

  await page.getByLabel('Text').fill('grene');
  await page.locator('#problem').filter({ hasText: "did you mean 'green'" }).waitFor();
  await page.getByLabel('Text').fill('red');
  await caption(page, /“red”/);
  expect(await page.locator('#problem').isHidden()).toBe(true);
  expect(await findings(page)).toEqual([]);
  expect(new Set(models(requests))).toEqual(new Set(['styled.onnx']));
  expect(complaints).toEqual([]);
  await page.context().close();
});

test('noise: of the seed, of another one, or none; a link has it', async () => {
  const { page, complaints } = await opened('#g=styled&seed=3&count=1&text=red&noise=9', /^Seed 3/);
  await using generator = await load(join(folder, 'styled.onnx'), { device: 'cpu' });
  const shown = async (noise: SampleOptions['noise']): Promise<number> => {
    const { channels, data } = decode((await saved(page, 'Save PNG')).bytes);
    const wanted = await generator.sample({ seed: 3, text: 'red', ...(noise === undefined ? {} : { noise }) });
    const off = wanted.data.map((byte, i) => Math.abs(byte - (data[Math.floor(i / 3) * channels + (i % 3)] ?? 0)));
    return Math.max(...off);
  };
  expect(await shown({ seed: 9 })).toBeLessThanOrEqual(1);
  expect(await page.getByLabel('Seed of the noise').inputValue()).toBe('9');

  await page.getByLabel('Noise', { exact: true }).focus();
  await page.keyboard.press('n'); // none
  await expect.poll(() => new URL(page.url()).hash).toBe('#g=styled&seed=3&count=1&noise=none');
  expect(await page.getByLabel('Seed of the noise').isHidden()).toBe(true);
  await expect.poll(() => shown('none')).toBeLessThanOrEqual(1);
  await page.reload();
  await caption(page, /^Seed 3/);
  expect(await page.getByLabel('Noise', { exact: true }).inputValue()).toBe('none');
  expect(await findings(page)).toEqual([]);

  await page.getByLabel('Noise', { exact: true }).selectOption('of another seed');
  await page.getByLabel('Seed of the noise').fill('12');
  await expect.poll(() => new URL(page.url()).hash).toMatch(/&noise=12$/);
  await expect.poll(() => shown({ seed: 12 })).toBeLessThanOrEqual(1);
  expect(await shown('none')).toBeGreaterThan(1);
  await click(page, 'Play walk');
  await caption(page, /^A walk from seed 3/);
  expect(await findings(page)).toEqual([]);
  await page.screenshot({ path: join(output, 'gallery-noise.png'), fullPage: true });

  await page.getByRole('link', { name: 'clothes' }).click(); // takes none
  await page.locator('#status').filter({ hasText: 'clothes on' }).waitFor();
  expect(await page.getByLabel('Noise', { exact: true }).isHidden()).toBe(true);
  expect(complaints).toEqual([]);
  await page.context().close();
});

test('without a network: what was opened draws, walks and saves, and the page can be loaded again', async () => {
  const { page, requests, complaints } = await openPage(browser);
  await page.addInitScript(async () => {
    const store = await caches.open('stored');
    for (const path of ['/other/assets/theirs.js', '/assets/earlier.js']) await store.put(path, new Response());
  });
  await page.goto(`${address}#g=clothes&seed=3&count=4&class=Bag`);
  await caption(page, /^Seed 3, 4 pictures/);
  const online = (await saved(page, 'Save PNG')).bytes;
  await page.locator('#kept').filter({ hasText: 'works without a network' }).waitFor();
  // of an earlier build are removed, of another page of this origin are not
  const left = page.evaluate(async () => (await (await caches.open('stored')).keys()).map(({ url }) => url));
  expect(await left).toEqual([new URL('/other/assets/theirs.js', address).href]);
  await page.context().setOffline(true);
  await click(page, 'Next');
  await caption(page, /^Seed 4, 4 pictures/);
  await click(page, 'Play walk');
  await caption(page, /^A walk from seed 4/);
  for (const [button, signature] of [
    ['Save GIF', 'GIF89a'],
    ['Save WebM', '\x1aE\xdf\xa3'],
  ] as const)
    expect((await saved(page, button)).bytes.subarray(0, signature.length).toString('latin1')).toBe(signature);

  await page.goto(`${address}#g=clothes&seed=3&count=4&class=Bag`);
  await page.reload();
  await caption(page, /^Seed 3, 4 pictures/);
  expect(decode((await saved(page, 'Save PNG')).bytes).data).toEqual(decode(online).data);
  expect(await page.evaluate(() => navigator.onLine)).toBe(false);
  expect(elsewhere(requests)).toEqual([]);
  expect(complaints).toEqual([]);
  await page.context().close();
});

test('colours: a link has those of the example; a dropped picture brings its own', async () => {
  const { page, complaints } = await opened('#g=turned&seed=4&ink=1d6fb8&paper=ffffe0&brush=3', /^Example 4/);
  expect(await page.getByLabel('Ink', { exact: true }).inputValue()).toBe('#1d6fb8');
  expect(await page.getByLabel('Paper').inputValue()).toBe('#ffffe0');
  expect(await page.getByRole('button', { name: 'Ink #1d6fb8' }).getAttribute('aria-pressed')).toBe('true');
  await press(page, 'Ink #c0392b');
  await expect.poll(() => new URL(page.url()).hash).toBe('#g=turned&seed=4&ink=c0392b&paper=ffffe0&brush=3');
  await chooseRed(page);
  await caption(page, /^A picture of yours/);
  const inks = page.getByRole('group', { name: 'Inks' }).getByRole('button');
  expect(await inks.count()).toBe(1);
  await inks.first().click();
  expect(await page.getByLabel('Ink', { exact: true }).inputValue()).toBe('#ff0000');
  await caption(page, /^A picture of yours/); // choosing an ink does not draw over it
  await page.getByLabel('Paper').fill('#0000ff');
  await click(page, 'Clear');
  await expect.poll(() => pixel(page, 1, 3, 3)).toEqual([255, 255, 0, 255]);
  await click(page, 'Fill');
  await expect.poll(() => pixel(page, 1, 3, 3)).toEqual([0, 255, 255, 255]);
  expect(await findings(page)).toEqual([]);
  expect(complaints).toEqual([]);
  await page.context().close();
});

test('a picture is drawn or chosen, and translated; the keyboard can switch generators', async () => {
  const { page, requests, complaints } = await openPage(browser);
  await page.setViewportSize({ width: 390, height: 844 });
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.goto(address);
  await caption(page, /^Seed 7/);
  await page.getByRole('link', { name: 'turned' }).focus();
  await page.keyboard.press('Enter');
  await caption(page, /^Example 7: 32 × 32 to 32 × 32/);
  const given = page.locator('canvas').first();
  await click(page, 'Clear');
  await caption(page, /^Blank paper/);
  expect(await pixel(page, 1, 16, 16)).toEqual([0, 0, 0, 255]); // white inverted
  await page.getByLabel('Brush').fill('8');
  await given.scrollIntoViewIfNeeded();
  const box = (await given.boundingBox())!;
  await page.mouse.move(box.x + box.width / 2, box.y + 5);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height - 5, { steps: 4 });
  await page.mouse.up();
  await caption(page, /^A drawing of yours/);
  await expect.poll(() => pixel(page, 1, 16, 16)).toEqual([255, 255, 255, 255]);
  expect(await pixel(page, 0, 16, 16)).toEqual([0, 0, 0, 255]);

  await chooseRed(page);
  await caption(page, /^A picture of yours: 32 × 20/);
  await expect.poll(() => pixel(page, 1, 16, 16)).toEqual([0, 255, 255, 255]);
  await page
    .getByLabel('Your picture')
    .setInputFiles({ name: 'a.png', mimeType: 'image/png', buffer: Buffer.from('no') });
  await page.locator('#problem').filter({ hasText: 'cannot read that file' }).waitFor();
  expect(await findings(page)).toEqual([]);
  await page.screenshot({ path: join(output, 'gallery-phone.png'), fullPage: true });

  await page.goBack();
  await caption(page, /^Seed 7/);
  expect(models(requests)).toEqual(expect.arrayContaining(['avatars.onnx', 'turned.onnx'])); // the first, and this one
  expect(elsewhere(requests)).toEqual([]);
  expect(complaints).toEqual([]);
  await page.context().close();
});

test('by keyboard: the next example, an ink, Fill and Clear make other pictures, without a pointer', async () => {
  const { page, complaints } = await openPage(browser);
  // from the start, because Chromium opens its own dialog until Playwright has told it to pass choosers on
  const chooser = new Promise<FileChooser>((resolve) => page.once('filechooser', resolve));
  await page.goto(`${address}#g=turned&seed=4`);
  await caption(page, /^Example 4/);
  await press(page, 'Next');
  await caption(page, /^Example 5/);
  await page.getByRole('spinbutton', { name: 'Example' }).focus();
  await page.keyboard.press('ArrowUp');
  await caption(page, /^Example 6/);
  await press(page, 'Ink #c0392b');
  await caption(page, /^Example 6/);
  await press(page, 'Fill');
  await caption(page, /^A drawing of yours/);
  const [red, green, blue] = [0xc0, 0x39, 0x2b];
  await expect.poll(() => pixel(page, 1, 16, 16)).toEqual([255 - red, 255 - green, 255 - blue, 255]);
  await press(page, 'Clear');
  await caption(page, /^Blank paper/);
  await expect.poll(() => pixel(page, 1, 16, 16)).toEqual([0, 0, 0, 255]); // white inverted
  await page.getByLabel('Your picture').focus();
  await page.keyboard.press('Enter');
  await (await chooser).setFiles(await redFile(page));
  await caption(page, /^A picture of yours/);
  expect(complaints).toEqual([]);
  await page.context().close();
});

test('by keyboard: a visible pen draws lines, tells where it is, and lines are undone', async () => {
  const { page, complaints } = await opened('#g=turned&seed=4&brush=3', /^Example 4/);
  await press(page, 'Clear');
  await caption(page, /^Blank paper/);
  const easel = page.getByRole('application', { name: 'Draw by keyboard', description: /arrow keys move the pen/ });
  const told = (text: string): Promise<void> => easel.getByRole('status').filter({ hasText: text }).waitFor();
  const tip = page.locator('.tip');
  expect(await tip.isVisible()).toBe(false);
  await page.getByRole('link', { name: 'turned' }).focus();
  do await page.keyboard.press('Tab');
  while ((await page.evaluate(() => document.activeElement?.closest('nav'))) !== null);
  expect(await easel.evaluate((one) => one === document.activeElement)).toBe(true); // the canvas follows the list
  await tip.waitFor();
  const scrolled = await page.evaluate(() => scrollY);
  const keys = async (...all: string[]): Promise<void> => {
    for (const key of all) await page.keyboard.press(key);
  };
  const times = (count: number, key: string): string[] => Array<string>(count).fill(key);

  // a line to the right from the middle of 32 × 32 pixels, then up without touching the paper
  await keys('Space');
  await told('Pen down, 50 % from the left, 50 % from the top');
  await keys(...times(8, 'ArrowRight'));
  await told('Pen down, 75 % from the left, 50 % from the top');
  await keys('Space', ...times(8, 'ArrowUp'), ...times(2, 'Shift+ArrowUp'));
  await told('Pen up, 75 % from the left, 23 % from the top');
  await caption(page, /^A drawing of yours/);
  const [black, white] = [
    [0, 0, 0, 255],
    [255, 255, 255, 255],
  ];
  for (const x of [16, 20, 24]) expect(await pixel(page, 0, x, 16)).toEqual(black);
  await expect.poll(() => pixel(page, 1, 20, 16)).toEqual(white); // inverted
  for (const [x, y] of [
    [12, 16],
    [28, 16],
    [24, 10],
  ] as const)
    expect(await pixel(page, 0, x, y)).toEqual(white);

  // two keys at once: diagonally, to the upper left; at the edge the pen stops, and the page does not scroll
  await keys(...times(9, 'ArrowDown'), 'Space'); // to half a step below the line
  await page.keyboard.down('ArrowUp');
  for (let i = 0; i < 40; i++) {
    await page.keyboard.down('ArrowLeft');
    await page.keyboard.up('ArrowLeft');
  }
  await page.keyboard.up('ArrowUp');
  await told('Pen down, 0 % from the left, 0 % from the top');
  expect(await pixel(page, 0, 12, 4)).toEqual(black);
  expect(await page.evaluate(() => scrollY)).toBe(scrolled);
  await keys('Escape');
  await told('Pen up');
  expect(await findings(page)).toEqual([]);
  await page.screenshot({ path: join(output, 'gallery-pen.png'), fullPage: true });

  await keys('Control+z'); // the second line
  await expect.poll(() => pixel(page, 0, 12, 4)).toEqual(white);
  expect(await pixel(page, 0, 20, 16)).toEqual(black);
  await keys('Space', 'ArrowRight');
  await told('Pen down');
  await keys('Control+z'); // of a line being drawn
  await told('Pen up');
  expect(await pixel(page, 0, 20, 16)).toEqual(black);
  const undo = page.getByRole('button', { name: 'Undo' });
  await undo.focus();
  await keys('Enter');
  await caption(page, /^Blank paper/);
  expect(await undo.getAttribute('aria-disabled')).toBe('false');
  await keys('Enter');
  await caption(page, /^Example 4/);
  expect(await undo.getAttribute('aria-disabled')).toBe('true');
  await keys('Enter');
  await caption(page, /^Example 4/);
  expect(new URL(page.url()).hash).toBe('#g=turned'); // a link cannot have it any more
  expect(complaints).toEqual([]);
  await page.context().close();
});

test('by finger and mouse: lines, Fill, Clear and an opened picture are undone, with the canvas’s size', async () => {
  const { page, complaints } = await opened('#g=turned&seed=4', /^Example 4/);
  const undo = page.getByRole('button', { name: 'Undo' });
  const canvas = page.locator('canvas').first();
  const size = (): Promise<number[]> => canvas.evaluate((one: HTMLCanvasElement) => [one.width, one.height]);
  const fingers = await page.context().newCDPSession(page);
  const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', ...at: number[]): Promise<unknown> =>
    fingers.send('Input.dispatchTouchEvent', { type, touchPoints: at.length > 0 ? [{ x: at[0]!, y: at[1]! }] : [] });
  await click(page, 'Clear');
  await canvas.scrollIntoViewIfNeeded();
  const { x, y, width, height } = (await canvas.boundingBox())!;
  await touch('touchStart', x + 5, y + 5);
  for (const part of [0.25, 0.5, 0.75, 1]) await touch('touchMove', x + part * (width - 5), y + part * (height - 5));
  await touch('touchEnd');
  await caption(page, /^A drawing of yours/);
  await page.mouse.move(x + 5, y + height - 5);
  await page.mouse.down();
  await page.mouse.move(x + width - 5, y + height - 5, { steps: 3 });
  await page.mouse.up();
  await expect.poll(() => pixel(page, 1, 16, 31)).toEqual([255, 255, 255, 255]); // black, inverted
  await click(page, 'Fill');
  await expect.poll(() => pixel(page, 1, 30, 2)).toEqual([255, 255, 255, 255]);
  await chooseRed(page);
  await caption(page, /^A picture of yours/);
  expect(await size()).toEqual([32, 20]);
  await undo.click(); // the picture
  await expect.poll(size).toEqual([32, 32]);
  await undo.click(); // Fill
  await expect.poll(() => pixel(page, 1, 30, 2)).toEqual([0, 0, 0, 255]);
  expect(await pixel(page, 0, 16, 31)).toEqual([0, 0, 0, 255]);
  await undo.click(); // the mouse's line
  await expect.poll(() => pixel(page, 1, 16, 31)).toEqual([0, 0, 0, 255]);
  expect(await pixel(page, 0, 16, 16)).toEqual([0, 0, 0, 255]);
  await undo.click(); // the finger's line
  await caption(page, /^Blank paper/);
  await click(page, 'Next');
  await caption(page, /^Example 0/);
  await undo.click(); // the example in its place
  await caption(page, /^Blank paper/);
  expect(complaints).toEqual([]);
  await page.context().close();
});

test('a sketch: coloured lines on a large canvas become a painted picture of 64 × 64', async () => {
  const { page, requests, complaints } = await opened('#g=sketch', /^The example: 256 × 256 to 64 × 64/);
  expect(await page.getByLabel('Brush').inputValue()).toBe('8');
  await click(page, 'Clear');
  await caption(page, /^Blank paper: 256 × 256 to 64 × 64/);
  await page.getByLabel('Ink', { exact: true }).fill('#1d6fb8');
  await page.locator('canvas').first().scrollIntoViewIfNeeded();
  const { x, y, width, height } = (await page.locator('canvas').first().boundingBox())!;
  const at = (angle: number): [number, number] => [
    x + width * (0.5 + 0.35 * Math.cos(angle)),
    y + height * (0.5 + 0.35 * Math.sin(angle)),
  ];
  await page.mouse.move(...at(0));
  await page.mouse.down();
  for (let turn = 1; turn <= 40; turn++) await page.mouse.move(...at((turn * Math.PI) / 20));
  await page.mouse.up();
  await caption(page, /^A drawing of yours: 256 × 256 to 64 × 64/);
  const lead = async (): Promise<number> => {
    const [red = 0, green = 0, blue = 0] = await pixel(page, 1, 32, 32);
    return blue - (red + green) / 2;
  };
  await expect.poll(lead).toBeGreaterThan(40); // inside, where no line is
  for (const channel of await pixel(page, 1, 2, 2)) expect(channel).toBeGreaterThan(220); // the paper around it
  const { width: wide, height: high } = decode((await saved(page, 'Save PNG')).bytes);
  expect([wide, high]).toEqual([64, 64]);
  expect(await findings(page)).toEqual([]);
  await page.screenshot({ path: join(output, 'gallery-sketch.png'), fullPage: true });
  expect(new Set(models(requests).filter((name) => name.endsWith('.onnx')))).toEqual(new Set(['sketch.onnx']));
  expect(elsewhere(requests)).toEqual([]);
  expect(complaints).toEqual([]);
  await page.context().close();
});

/** Red, green and blue at a place of a generator's result for its example, in tiles of 32, as Node makes it. */
async function inTiles(name: string, x: number, y: number): Promise<number[]> {
  const file = (what: string): string => join(root, 'generators', `${name}.${what}`);
  const { width, height, data } = decode(readFileSync(file('example.png')));
  await using generator = await load(file('onnx'), { device: 'cpu' });
  const example = { width, height, data: Uint8Array.from(data) };
  const { data: bytes } = await generator.translate(example, { tile: 32, overlap: 0 });
  return [...bytes.slice((y * width + x) * 3, (y * width + x) * 3 + 3)];
}

test('committed generators begin with their example: a map in tiles, small drawings, a text', async () => {
  const { page, requests, complaints } = await opened('#g=satellite', /^The example: 128 × 128 to 128 × 128/);
  const [sea, desert] = [await pixel(page, 1, 60, 40), await pixel(page, 1, 30, 100)];
  expect(sea[2]).toBeGreaterThan((sea[0] ?? 255) + 40); // blue
  expect(desert[0]).toBeGreaterThan((desert[2] ?? 255) + 20); // brown
  await click(page, 'Clear');
  await caption(page, /^Blank paper: 128 × 128/);
  await click(page, 'First picture');
  await caption(page, /^The example/);
  expect(await findings(page)).toEqual([]);
  await page.goto(`${address}#g=enlarge`);
  await caption(page, /^The example: 64 × 48 to 256 × 192/);
  await page.goto(`${address}#g=fluent`);
  await caption(page, /^The example: 128 × 128 to 128 × 128/);
  const [x, y] = [40, 33]; // by the border of a tile: the whole picture would give another colour
  const [red, green, blue] = await pixel(page, 1, x, y);
  expect([red, green, blue]).toBeAllclose(await inTiles('fluent', x, y), { atol: 1 });
  await page.goto(`${address}#g=avatars`);
  await caption(page, /“long blue hair, glasses, smiling, red clothes”/);
  const fetched = models(requests).filter((name) => name.endsWith('.onnx'));
  expect(new Set(fetched)).toEqual(new Set(['satellite.onnx', 'enlarge.onnx', 'fluent.onnx', 'avatars.onnx']));
  expect(complaints).toEqual([]);
  await page.context().close();
});

/** A red picture of 40 × 20 in the page's own encoder, as base64. */
const RED = `(async () => {
  const canvas = new OffscreenCanvas(40, 20);
  const context = canvas.getContext('2d');
  context.fillStyle = 'red';
  context.fillRect(0, 0, 40, 20);
  const bytes = new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer());
  return btoa(String.fromCharCode(...bytes));
})()`;

/** What the tests' discriminators answer, in percent: σ of a picture's mean and its class − 1. */
const verdictOn = (bytes: readonly number[], ofClass = 1): number =>
  100 / (1 + Math.exp(1 - ofClass - bytes.reduce((sum, byte) => sum + byte / 127.5 - 1, 0) / bytes.length));

/** The numbers in a text, such as '63 %'. */
const percents = (text: string): number[] => [...text.matchAll(/(\d+) %/g)].map(([, number]) => Number(number));

test.each(['', '?noisolation'])('the discriminator is asked about pictures of classes%s', async (how) => {
  const { page, requests, complaints } = await opened(`${how}#g=classed&seed=5&count=4`, /^Seed 5, 4 pictures/);
  const ask = page.getByRole('button', { name: 'Ask the discriminator' });
  const verdict = page.locator('#verdict');
  expect(await page.locator('#half').innerText()).toMatch(/near one half/);
  expect(new Set(models(requests))).toEqual(new Set(['classed.onnx'])); // until asked

  await ask.focus();
  await page.keyboard.press('Enter');
  await verdict.filter({ hasText: 'takes these for real' }).waitFor();
  expect(await ask.getAttribute('aria-pressed')).toBe('true');
  expect(models(requests)).toContain('classed.discriminator.onnx');
  const { data, width, channels } = decode((await saved(page, 'Save PNG')).bytes);
  const wanted = Array.from({ length: 4 }, (_, i) => {
    const [left, top] = [(i % 2) * 8, Math.floor(i / 2) * 8];
    const at = (p: number): number => data[((top + Math.floor(p / 8)) * width + left + (p % 8)) * channels] ?? NaN;
    return verdictOn(
      Array.from({ length: 64 }, (_, p) => at(p)),
      i % 3,
    ); // the classes, one after another
  });
  const items = await page.locator('.verdicts li').allTextContents();
  expect(items.map((item) => item.replace(/\d+ %$/, ''))).toEqual(
    [...CLASSES, CLASSES[0]].map((name, i) => `The discriminator takes picture ${i + 1} (${name}) for real: `),
  );
  items.flatMap(percents).forEach((one, i) => expect(Math.abs(one - wanted[i]!)).toBeLessThan(0.51));
  const all = [wanted.reduce((a, b) => a + b) / 4, Math.min(...wanted), Math.max(...wanted)];
  percents(await verdict.innerText()).forEach((one, i) => expect(Math.abs(one - all[i]!)).toBeLessThan(0.51));
  expect(await findings(page)).toEqual([]);
  await page.screenshot({ path: join(output, `gallery-verdicts${how.slice(1)}.png`), fullPage: true });

  // New pictures are judged while the button is pressed.
  await page.getByLabel('Pictures', { exact: true }).selectOption('1');
  await page.getByLabel('Class').selectOption('light');
  await page
    .getByRole('img', {
      name: /^Seed 5, a picture.*: light/,
      description: /^The discriminator takes this for real: \d+ %$/,
    })
    .waitFor();
  const one = decode((await saved(page, 'Save PNG')).bytes);
  const grey = Array.from({ length: 64 }, (_, p) => one.data[p * one.channels] ?? NaN);
  expect(Math.abs(percents(await verdict.innerText())[0]! - verdictOn(grey, 2))).toBeLessThan(0.51);
  expect(await page.locator('.verdicts').count()).toBe(0);

  await click(page, 'Play walk');
  await verdict.filter({ hasText: 'does not judge walks' }).waitFor();
  await click(page, 'Stop walk');
  await verdict.filter({ hasText: 'takes this for real' }).waitFor();
  await ask.click();
  expect(await verdict.innerText()).toBe('');
  await page.getByRole('link', { name: 'styled' }).click();
  await page.locator('#status').filter({ hasText: 'styled on' }).waitFor();
  expect(await ask.isHidden()).toBe(true); // it has none
  expect(elsewhere(requests)).toEqual([]);
  expect(complaints).toEqual([]);
  await page.context().close();
});

test('the discriminator is asked about a picture of the visitor, and about what is made of it', async () => {
  const { page, requests, complaints } = await openPage(browser);
  await page.setViewportSize({ width: 390, height: 844 });
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.goto(`${address}#g=turned`);
  await caption(page, /^Example 7/);
  await chooseRed(page);
  await caption(page, /^A picture of yours/);
  expect(models(requests)).not.toContain('turned.discriminator.onnx');
  await click(page, 'Ask the discriminator');
  await page.getByRole('img', { description: /takes yours for real/ }).waitFor();
  const sentences = await page.locator('#verdict p').allInnerTexts();
  expect(sentences).toEqual([
    `The discriminator takes yours for real: ${Math.round(verdictOn([255, 0, 0]))} %`,
    `The discriminator takes the generator’s for real: ${Math.round(verdictOn([0, 255, 255]))} %`,
  ]);
  expect(await findings(page)).toEqual([]);
  await page.screenshot({ path: join(output, 'gallery-verdict-phone.png'), fullPage: true });
  expect(elsewhere(requests)).toEqual([]);
  expect(complaints).toEqual([]);
  await page.context().close();
});

test('an unknown generator is reported, and one thread works', async () => {
  const { page, complaints } = await openPage(browser);
  await page.goto(`${address}?noisolation#g=shoes`);
  await page.locator('#problem').filter({ hasText: "no generator 'shoes'" }).waitFor();
  await page.getByRole('link', { name: 'clothes' }).click();
  await caption(page, /^Seed 7/);
  expect(await page.locator('dt:text-is("Threads") + dd').innerText()).toBe('1');
  expect(complaints).toEqual([]);
  await page.context().close();
});
