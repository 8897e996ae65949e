// What a canvas showed before, to go back to.

/** How many pictures are kept. */
const MOST = 32;

/** Earlier pictures of a canvas. */
export interface Past {
  /** Remembers the picture, and what it is. */
  keep(what: string): void;
  /** Shows the last remembered picture again and forgets it. @returns what it is; undefined if there is none */
  back(): string | undefined;
}

/** The past of a canvas; `changed` is told how many pictures there are to go back to. */
export function pastOf(context: CanvasRenderingContext2D, changed: (pictures: number) => void): Past {
  const { canvas } = context;
  const past: { picture: ImageData; what: string }[] = [];
  changed(0);
  return {
    keep(what) {
      past.push({ picture: context.getImageData(0, 0, canvas.width, canvas.height), what });
      if (past.length > MOST) past.shift();
      changed(past.length);
    },
    back() {
      const last = past.pop();
      if (!last) return undefined;
      const { width, height } = last.picture;
      Object.assign(canvas, { width, height });
      context.putImageData(last.picture, 0, 0);
      changed(past.length);
      return last.what;
    },
  };
}
