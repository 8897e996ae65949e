// Which view shows a kind of generator. Views are loaded when they are needed.
import type { Generator, ManifestKind } from '@forja/core';
import type { Entry } from './entry.js';
import type { State } from './address.js';

/** What a view gets from the page. */
export interface Stage {
  entry: Entry;
  generator: Generator;
  /** Where the canvases go. */
  pictures: HTMLElement;
  /** Where the controls go. */
  controls: HTMLElement;
  /** What the address said, without the generator. */
  state: State;
  /** Writes the view's state into the address. */
  remember(state: State): void;
  /** Tells pictures per second, of `images` made in `ms`. */
  made(images: number, ms: number): void;
  /** Says what the picture is. */
  caption(text: string): void;
  /** Shows what went wrong, or with nothing that all is well. */
  problem(error?: unknown): void;
}

/** A view on the page. */
export interface View {
  /** Stops what it does and takes its elements from the page. */
  leave(): void;
}

/** Builds a view. */
export type Show = (stage: Stage) => View;

/** A row for every kind; undefined: not a generator, the build leaves such files out. */
export const VIEWS: Readonly<Record<ManifestKind, (() => Promise<Show>) | undefined>> = {
  latent: async () => (await import('./latent.js')).showLatent,
  'image-to-image': async () => (await import('./picture.js')).showPicture,
  'super-resolution': async () => (await import('./picture.js')).showPicture,
  function: undefined,
};
