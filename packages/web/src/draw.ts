// Draws pictures on the page: canvas, ImageBitmap, Blob. The browser does the encoding.
import { UsageError } from '@forja/core/page';

/** The part of core's `Image` that drawing needs. */
export interface Drawable {
  readonly width: number;
  readonly height: number;
  /** RGBA, 8 bits a channel, row-major; `width * height * 4` bytes. */
  toRGBA(): Uint8ClampedArray;
}

/** A canvas, on the page or offscreen. */
export type AnyCanvas = HTMLCanvasElement | OffscreenCanvas;

/**
 * Draws `image` on `canvas`, which is resized to the image's size in pixels (scale it with CSS; `image-rendering:
 * pixelated` keeps edges). Returns the canvas.
 */
export function toCanvas<C extends AnyCanvas>(image: Drawable, canvas: C): C {
  canvas.width = image.width;
  canvas.height = image.height;
  // Both canvas kinds give a 2D context with putImageData; the union of their overloads is not callable.
  const context = (canvas as HTMLCanvasElement).getContext('2d');
  if (context === null)
    throw new UsageError(
      'toCanvas: expected a canvas that can give a 2d context, got one already used for another kind',
    );
  context.putImageData(imageData(image), 0, 0);
  return canvas;
}

/** `image` as an ImageBitmap of the same size, for `drawImage`, WebGL or WebGPU textures. Close it when done. */
export function toImageBitmap(image: Drawable): Promise<ImageBitmap> {
  return createImageBitmap(imageData(image));
}

/**
 * `image` encoded by the browser. `type`: `image/png` (default), or another type that the browser can encode, such as
 * `image/webp` with `quality` in 0..1.
 */
export async function toBlob(image: Drawable, options: { type?: string; quality?: number } = {}): Promise<Blob> {
  return toCanvas(image, new OffscreenCanvas(1, 1)).convertToBlob({ type: 'image/png', ...options });
}

function imageData(image: Drawable): ImageData {
  const data = new ImageData(image.width, image.height);
  data.data.set(image.toRGBA());
  return data;
}
