// Draws pictures on the page: canvas, ImageBitmap, Blob. The browser does the encoding.
import { shown, UsageError } from '@forja/core/page';

/** The part of core's `Image` that drawing needs. */
export interface Drawable {
  readonly width: number;
  readonly height: number;
  /** RGBA, 8 bits per channel, row-major; `width * height * 4` bytes. */
  toRGBA(): Uint8ClampedArray;
}

/** A canvas, on the page or offscreen. */
export type AnyCanvas = HTMLCanvasElement | OffscreenCanvas;

/**
 * Draws `image` on `canvas`, which is resized to the image's size in pixels (scale it with CSS; `image-rendering:
 * pixelated` keeps edges). Returns the canvas.
 */
export function toCanvas<C extends AnyCanvas>(image: Drawable, canvas: C): C {
  const data = imageData('toCanvas', image);
  if (typeof (canvas as Partial<AnyCanvas> | null | undefined)?.getContext !== 'function')
    throw new UsageError(`toCanvas: expected a canvas, got ${shown(canvas)}`);
  canvas.width = image.width;
  canvas.height = image.height;
  // Both kinds of canvas have a 2D context with putImageData, but TypeScript cannot call the union of their overloads.
  const context = (canvas as HTMLCanvasElement).getContext('2d');
  if (context === null) throw new UsageError('toCanvas: expected a canvas with a 2d context, got one of another kind');
  context.putImageData(data, 0, 0);
  return canvas;
}

/** `image` as an ImageBitmap of the same size, for `drawImage`, WebGL or WebGPU textures. Close it when done. */
export async function toImageBitmap(image: Drawable): Promise<ImageBitmap> {
  const data = imageData('toImageBitmap', image); // throws outside a page, where createImageBitmap is missing
  return createImageBitmap(data);
}

/**
 * `image` encoded by the browser. `type`: `image/png` (default), or another type that the browser can encode, such as
 * `image/webp` with `quality` in 0..1.
 */
export async function toBlob(image: Drawable, options: { type?: string; quality?: number } = {}): Promise<Blob> {
  imageData('toBlob', image); // checked here, because the error of toCanvas would name toCanvas
  return toCanvas(image, new OffscreenCanvas(1, 1)).convertToBlob({ type: 'image/png', ...options });
}

/** The picture as ImageData. Throws UsageError if it is not a picture, or outside a page. */
function imageData(where: string, image: Drawable): ImageData {
  const wrong =
    typeof (image as Partial<Drawable> | null | undefined)?.toRGBA !== 'function'
      ? `a picture (batch.at(0)), got ${shown(image)}`
      : typeof ImageData === 'undefined' && 'a page; or use toPNG()';
  if (wrong) throw new UsageError(`${where}: expected ${wrong}`);
  const data = new ImageData(image.width, image.height);
  data.data.set(image.toRGBA());
  return data;
}
