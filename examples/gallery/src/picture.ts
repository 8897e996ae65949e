// The view of image-to-image generators: a picture that is drawn on a canvas, dropped or chosen, next to the result.
import type { Dim, Image, Manifest } from '@forja/core';
import { toBlob, toCanvas } from '@forja/web';
import { download, element } from '../../looks/elements.js';
import { mainColours, PAINTS } from './colours.js';
import { drawExample } from './example.js';
import { penOn } from './pen.js';
import { shrunk } from './shrunk.js';
import { canvasOf, formOf, latest } from './stand.js';
import { pastOf } from './undo.js';
import type { Stage, View } from './views.js';

/** For models with dynamic sizes: side of the canvas to draw on, and maximum side of a dropped picture. */
const SIDES = {
  'image-to-image': { drawn: 128, most: 256 },
  'super-resolution': { drawn: 64, most: 128 },
} as const;

/** Models that take only squares with at most this side process larger pictures in tiles, or shrunk. */
const SMALL = 64;

/** For models whose pictures are shrunk: about the side of the canvas, and the brush as a share of it. */
const LARGE = { side: 256, brush: 1 / 32 };

export function showPicture(stage: Stage): View {
  const { entry, generator, state } = stage;
  const form = formOf('picture', stage.controls);
  const field = (id: string): HTMLInputElement => element(id, HTMLInputElement, form);
  const [open, seed, ink, paper, width] = ['open', 'seed', 'ink', 'paper', 'width'].map(field) as [
    HTMLInputElement,
    HTMLInputElement,
    HTMLInputElement,
    HTMLInputElement,
    HTMLInputElement,
  ];
  const paints = element('paints', HTMLElement, form);
  const small = smallSquare(entry.manifest);
  // how many times longer the sides of the canvas are, if its picture is shrunk
  const times = entry.whole && small !== undefined ? Math.round(LARGE.side / small) : 1;
  // a discriminator takes pictures of the model's own size
  const cut = entry.discriminator === undefined && !entry.whole ? small : undefined;
  const tiles = entry.tiles ?? (cut === undefined ? undefined : { tile: cut, overlap: Math.floor(cut / 2) });
  const { drawn, most } = SIDES[entry.manifest.kind === 'super-resolution' ? 'super-resolution' : 'image-to-image'];
  const given = canvasOf('Your picture');
  given.classList.add('sketch');
  const result = canvasOf("The generator's result");
  for (const canvas of [given, result]) canvas.classList.toggle('smooth', times > 1);
  const context = contextOf(given);
  if (times > 1) width.valueAsNumber = LARGE.brush * times * (small ?? 1);

  let here = true;
  let shown: Image | undefined;
  let from = '';
  /** Whether the canvas has more than an example. */
  let mine = false;
  const gone = new AbortController();
  const { signal } = gone;

  const translate = latest(async () => {
    if (!here) return;
    try {
      const { width, height } = given;
      const picture = shrunk(context.getImageData(0, 0, width, height), times);
      const begun = performance.now();
      const batch = await generator.translate(picture, tiles);
      if (!here) return;
      stage.made(1, performance.now() - begun);
      stage.problem();
      shown = batch.at(0);
      toCanvas(shown, result);
      const caption = `${from}: ${width} × ${height} to ${shown.width} × ${shown.height}`;
      given.setAttribute('aria-label', from);
      result.setAttribute('aria-label', `The generator's result, ${shown.width} × ${shown.height}`);
      stage.caption(caption);
      const made = { canvas: result, what: 'the generator’s', pictures: [shown] };
      const yours = { canvas: given, what: 'yours', pictures: [picture] };
      const alike = shown.width === picture.width && shown.height === picture.height;
      stage.verdicts?.of(alike ? [yours, made] : [made]); // the discriminator takes pictures of the generator's size
    } catch (error) {
      if (here) stage.problem(error);
    }
  });

  /**
   * Resizes the canvas to a size that the generator takes, and fills it with `colour`, by default that of the paper.
   */
  function blank(wide: number, high: number, colour = paper.value): void {
    const side = (wanted: number): number => Math.max(Math.round(wanted), tiles?.tile ?? 1);
    const free = { width: side(wide), height: side(high) };
    const { width, height } = sizeFor(entry.manifest, wide, high);
    Object.assign(given, tiles === undefined ? { width: width * times, height: height * times } : free);
    context.fillStyle = colour;
    context.fillRect(0, 0, given.width, given.height);
  }

  function example(): void {
    if (!form.checkValidity() || seed.value === '') return;
    if (mine) past.keep(from);
    mine = false;
    blank(drawn, drawn);
    drawExample(context, seed.valueAsNumber, ink.value, width.valueAsNumber);
    from = `Example ${seed.value}`;
    stage.remember({ seed: seed.value, ...changed() });
    translate();
  }

  /**
   * Fields of the example that the address stores in addition to the seed, if they differ from their initial values.
   */
  const kept = { ink, paper, brush: width };
  const begin = Object.fromEntries(Object.entries(kept).map(([name, { value }]) => [name, value]));
  const changed = (): Record<string, string> =>
    Object.fromEntries(
      Object.entries(kept).flatMap(([name, { value }]) =>
        value === begin[name] ? [] : [[name, value.replace(/^#/, '')]],
      ),
    );

  /** Shows buttons that choose an ink. */
  function offer(colours: readonly string[]): void {
    paints.replaceChildren(
      ...colours.map((colour) => {
        const one = document.createElement('button');
        one.type = 'button';
        one.value = colour;
        one.title = colour;
        one.setAttribute('aria-label', `Ink ${colour}`);
        one.style.background = colour;
        one.addEventListener('click', () => {
          ink.value = colour;
          ink.dispatchEvent(new Event('input', { bubbles: true }));
        });
        return one;
      }),
    );
    tell();
  }

  /** Shows a picture; with `beginning`, unless something else is shown by the time it is decoded. */
  async function take(file: Blob | undefined, what = 'A picture of yours', beginning = false): Promise<void> {
    if (!file) return;
    try {
      const picture = await createImageBitmap(file);
      if (!here || (beginning && from !== '')) return picture.close();
      if (from !== '') past.keep(from);
      const scale = Math.min(1, most / Math.max(picture.width, picture.height));
      blank(picture.width * scale, picture.height * scale);
      // Covers the canvas, which may have another aspect ratio.
      const cover = Math.max(given.width / picture.width, given.height / picture.height);
      const [w, h] = [picture.width * cover, picture.height * cover];
      context.drawImage(picture, (given.width - w) / 2, (given.height - h) / 2, w, h);
      picture.close();
      // a paint box to draw with, or the colours to draw in
      if (times === 1) offer(mainColours(context.getImageData(0, 0, given.width, given.height).data, PAINTS.length));
      own(what);
    } catch {
      if (here) stage.problem(new Error('This browser cannot read that file as a picture; try a PNG or a JPEG.'));
    }
  }

  /** Shows the picture that comes with the generator. */
  async function included(beginning = false): Promise<void> {
    try {
      const file = await (await fetch(entry.example ?? '')).blob();
      await take(file, 'The example', beginning);
    } catch (error) {
      if (here) stage.problem(error);
    }
  }

  /** Call it when the canvas has the visitor's own picture, which the address cannot store. */
  function own(what: string): void {
    from = what;
    mine = true;
    seed.value = '';
    stage.remember({});
    translate();
  }

  const past = pastOf(context, (pictures) =>
    element('undo', HTMLButtonElement, form).setAttribute('aria-disabled', String(pictures === 0)),
  );
  const undo = (): void => {
    pen.lift();
    const what = past.back();
    if (what !== undefined) own(what);
  };
  const pen = penOn(
    {
      context,
      line: () => ({ colour: ink.value, width: width.valueAsNumber }),
      begun: () => past.keep(from),
      drew: () => own('A drawing of yours'),
      undo,
    },
    'draw-help',
  );
  stage.pictures.className = 'pictures two';
  stage.pictures.replaceChildren(titled('Yours: draw here', pen.place), titled('The generator’s', result));

  open.addEventListener('change', () => void take(open.files?.[0]));
  addEventListener('dragover', (event) => event.preventDefault(), { signal });
  addEventListener(
    'drop',
    (event) => {
      event.preventDefault();
      void take(event.dataTransfer?.files[0]);
    },
    { signal },
  );
  const tell = (): void => {
    element('width-value', HTMLElement, form).textContent = `${width.value} pixels`;
    for (const one of paints.querySelectorAll('button'))
      one.setAttribute('aria-pressed', String(one.value === ink.value));
  };
  form.addEventListener('input', tell);
  for (const one of [seed, ink, paper, width]) one.addEventListener('input', example); // no effect without a seed
  const button = (id: string, work: () => void): void =>
    element(id, HTMLButtonElement, form).addEventListener('click', work);
  button('next', () => {
    seed.valueAsNumber = seed.value === '' ? 0 : (seed.valueAsNumber + 1) % 2 ** 32;
    example();
  });
  button('undo', undo);
  button('fill', () => {
    past.keep(from);
    blank(given.width, given.height, ink.value);
    own('A drawing of yours');
  });
  button('clear', () => {
    past.keep(from);
    blank(given.width, given.height);
    own('Blank paper');
  });
  button('png', () => {
    const work = shown && toBlob(shown).then((file) => download(`${entry.id}.png`, file));
    work?.catch(stage.problem);
  });

  const said = state['seed'];
  const before = seed.value;
  if (said !== undefined) seed.value = said;
  if (seed.value === '' || !seed.checkValidity()) seed.value = before;
  for (const [name, one] of Object.entries(kept)) {
    const value = one === width ? state[name] : state[name] && `#${state[name]}`;
    if (value !== undefined) one.value = value;
    if (value !== one.value) one.value = begin[name] ?? '';
  }
  offer(PAINTS);
  element('included', HTMLButtonElement, form).hidden = entry.example === undefined;
  button('included', () => void included());
  if (entry.example === undefined || said !== undefined) example();
  else void included(true);
  return {
    leave: () => {
      here = false;
      gone.abort();
    },
  };
}

function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) throw new Error('canvas: expected a 2d context, got none');
  return context;
}

function titled(title: string, shown: HTMLElement): HTMLElement {
  const place = document.createElement('div');
  const text = document.createElement('p');
  text.textContent = title;
  place.append(text, shown);
  return place;
}

/** The side of the pictures of a model that takes only small squares; undefined for other models. */
function smallSquare({ inputs: [input] }: Manifest): number | undefined {
  const [, a, b, c] = input?.shape ?? [];
  const [height, width] = input?.layout === 'nhwc' ? [a, b] : [b, c];
  return typeof height === 'number' && height === width && height <= SMALL ? height : undefined;
}

/** The size nearest to the wanted one that the model takes. */
function sizeFor(manifest: Manifest, wide: number, high: number): { width: number; height: number } {
  const [input] = manifest.inputs;
  const [, a, b, c] = input?.shape ?? [];
  const [height, width] = input?.layout === 'nhwc' ? [a, b] : [b, c];
  return { width: sideFor(manifest, width, wide), height: sideFor(manifest, height, high) };
}

function sideFor({ steps, bounds }: Manifest, dim: Dim | undefined, wanted: number): number {
  if (typeof dim === 'number') return dim;
  const step = steps?.[dim ?? ''] ?? 1;
  const [low, high] = bounds?.[dim ?? ''] ?? [1, Infinity];
  return Math.max(Math.ceil(low / step), Math.min(Math.floor(high / step), Math.round(wanted / step)), 1) * step;
}
