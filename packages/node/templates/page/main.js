// Loads the generator in a worker, draws sixteen pictures, and others at each click. The seed is in the address, so a
// link is a picture.
import { load, toCanvas } from '@forja/web';

const [canvas, button, output] = ['canvas', 'button', 'output'].map((name) => document.querySelector(name));

function seedOf(address) {
  const seed = Number(new URL(address).searchParams.get('seed') ?? 7);
  return Number.isSafeInteger(seed) && seed >= 0 ? seed : 7;
}

try {
  const generator = await load('/generator.onnx', {
    onProgress: ({ loaded, total }) => {
      output.value = total ? `${Math.round((100 * loaded) / total)} %` : `${loaded} bytes`;
    },
  });
  const draw = async (seed) => {
    button.disabled = true;
    const batch = await generator.sample({ count: 16, seed });
    toCanvas(batch.grid(), canvas);
    output.value = `seed ${seed}, on ${generator.device.actual}`;
    button.disabled = false;
  };
  button.addEventListener('click', () => {
    const address = new URL(location.href);
    address.searchParams.set('seed', String(seedOf(location.href) + 1));
    history.replaceState(null, '', address);
    void draw(seedOf(location.href));
  });
  await draw(seedOf(location.href));
} catch (error) {
  output.value = String(error);
}
