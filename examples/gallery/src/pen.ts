// Drawing on a canvas with a pen: by mouse and finger, and by keyboard, where arrow keys move a visible pen, and Space
// sets it down or lifts it. Where the pen is, is announced to screen readers.
import { framed } from './stand.js';

/** A place on a canvas, as fractions of its sides. */
interface Place {
  x: number;
  y: number;
}

/** What the pen needs from its page. */
export interface Drawing {
  context: CanvasRenderingContext2D;
  /** Colour and width of the line, in pixels of the canvas. */
  line(): { colour: string; width: number };
  /** Called before a line is begun. */
  begun(): void;
  /** Called after each piece of a line. */
  drew(): void;
  /** Ctrl+Z was pressed. */
  undo(): void;
}

/** The pen of a canvas. */
export interface Pen {
  /** Contains the canvas; takes the keys. */
  place: HTMLElement;
  /** Lifts the pen, if it is down. */
  lift(): void;
}

/** How far an arrow key moves the pen, as a share of the canvas; with Shift a quarter of it. */
const STEP = 1 / 32;

/** Directions of the keys that move the pen. */
const ARROWS: Readonly<Record<string, readonly [x: number, y: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** Lets visitors draw on the canvas of `context`. `help` is the id of the text that names the keys. */
export function penOn({ context, line, begun, drew, undo }: Drawing, help: string): Pen {
  const { canvas } = context;
  const place = framed(canvas);
  place.classList.add('easel');
  place.tabIndex = 0;
  place.setAttribute('role', 'application'); // screen readers leave the keys to the page
  place.setAttribute('aria-label', 'Draw by keyboard');
  place.setAttribute('aria-describedby', help);
  const tip = document.createElement('span');
  tip.className = 'tip';
  const told = document.createElement('span');
  told.className = 'unseen';
  told.setAttribute('role', 'status');
  place.append(tip, told);

  function stroke(from: Place, to: Place): void {
    const { width, height } = canvas;
    const { colour, width: thick } = line();
    context.strokeStyle = colour;
    context.lineWidth = thick;
    context.lineCap = 'round';
    context.beginPath();
    context.moveTo(from.x * width, from.y * height);
    context.lineTo(to.x * width, to.y * height);
    context.stroke();
    drew();
  }

  let last: Place = { x: 0, y: 0 };
  const under = ({ clientX, clientY }: PointerEvent): Place => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    return { x: (clientX - left) / width, y: (clientY - top) / height };
  };
  canvas.addEventListener('pointerdown', (event) => {
    canvas.setPointerCapture(event.pointerId);
    begun();
    last = under(event);
    stroke(last, last);
  });
  canvas.addEventListener('pointermove', (event) => {
    if (!canvas.hasPointerCapture(event.pointerId)) return;
    const to = under(event);
    stroke(last, to);
    last = to;
  });

  let pen: Place = { x: 0.5, y: 0.5 };
  let down = false;
  const held = new Set<string>();
  const show = (): void => {
    tip.style.left = `${100 * pen.x}%`;
    tip.style.top = `${100 * pen.y}%`;
    tip.classList.toggle('down', down);
  };
  const tell = (): void => {
    const [x, y] = [pen.x, pen.y].map((one) => Math.round(100 * one));
    told.textContent = `Pen ${down ? 'down' : 'up'}, ${x} % from the left, ${y} % from the top`;
  };
  function set(now: boolean): void {
    down = now;
    show();
    tell();
    if (!down) return;
    begun();
    stroke(pen, pen);
  }
  /** Moves the pen in the direction of the held keys: two of them move it diagonally. */
  function move(step: number): void {
    const from = pen;
    const within = (one: number): number => Math.min(1, Math.max(0, one));
    for (const key of held) {
      const [x, y] = ARROWS[key] ?? [0, 0];
      pen = { x: within(pen.x + step * x), y: within(pen.y + step * y) };
    }
    show();
    if (down) stroke(from, pen);
  }
  place.addEventListener('keydown', (event) => {
    const { key, ctrlKey, metaKey, altKey, shiftKey, repeat } = event;
    if (ctrlKey || metaKey || altKey) {
      if (key !== 'z' || altKey) return;
      undo();
    } else if (Object.hasOwn(ARROWS, key)) {
      held.add(key);
      move(shiftKey ? STEP / 4 : STEP);
    } else if (key === ' ') {
      if (!repeat) set(!down);
    } else if (key === 'Escape' && down) set(false);
    else return;
    event.preventDefault(); // the page would scroll
  });
  place.addEventListener('keyup', ({ key }) => {
    if (held.delete(key)) tell(); // when the pen stops
  });
  const lift = (): void => {
    if (down) set(false);
  };
  place.addEventListener('blur', () => {
    held.clear();
    lift();
  });
  show();
  return { place, lift };
}
