// The views by kind of generator, imported on first use.
import type { Generator, ManifestKind } from '@forja/core';
import type { Entry } from './entry.js';
import type { State } from './address.js';
import type { Verdicts } from './verdicts.js';

/** The page's interface for a view. */
export interface Stage {
  entry: Entry;
  generator: Generator;
  /** Parent element of the canvases. */
  pictures: HTMLElement;
  /** Parent element of the controls. */
  controls: HTMLElement;
  /** State from the address, without the name of the generator. */
  state: State;
  /** Writes the view's state into the address. */
  remember(state: State): void;
  /** Shows the pictures per second, after `images` pictures were generated in `ms` milliseconds. */
  made(images: number, ms: number): void;
  /** Lets the discriminator judge the shown pictures; undefined if the generator has none. */
  verdicts: Verdicts | undefined;
  /** Sets the caption. */
  caption(text: string): void;
  /** Shows an error, or clears it. */
  problem(error?: unknown): void;
}

/** A view on the page. */
export interface View {
  /** Stops its work. Its elements stay on the page until the next view replaces them. */
  leave(): void;
}

/** Builds a view. */
export type Show = (stage: Stage) => View;

/** The view of each kind; undefined for kinds that are not generators, which the build leaves out. */
export const VIEWS: Readonly<Record<ManifestKind, (() => Promise<Show>) | undefined>> = {
  latent: async () => (await import('./latent.js')).showLatent,
  'image-to-image': async () => (await import('./picture.js')).showPicture,
  'super-resolution': async () => (await import('./picture.js')).showPicture,
  function: undefined,
};
