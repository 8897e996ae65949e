// Progress bar and lines with a fake clock; the prompt on fake streams.
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { ask } from './ask.js';
import { barProgress, lineProgress } from './progress.js';

/** A sink and a clock. */
function setup(): { sink: { write(text: string): void; columns: number }; written: string[]; clock: { now: number } } {
  const written: string[] = [];
  return { sink: { write: (text) => void written.push(text), columns: 60 }, written, clock: { now: 0 } };
}

test('the bar redraws its line, not too often, and fits it to the terminal', () => {
  const { sink, written, clock } = setup();
  const bar = barProgress(sink, 200, 'Training', () => clock.now);
  bar.update(50, 'D 0.61');
  bar.update(51, 'too soon');
  clock.now = 100;
  bar.update(100, 'x'.repeat(100));
  bar.update(200, 'the last is always drawn');
  bar.stop('done');
  expect(written).toHaveLength(5);
  expect(written[0]).toBe(`\r\x1b[2KTraining ${'█'.repeat(6)}${'░'.repeat(18)}  25 %  D 0.61`);
  expect(written[1]).toHaveLength('\r\x1b[2K'.length + 59);
  expect(written[2]).toContain('100 %');
  expect(written.slice(3)).toEqual(['\r\x1b[2K', 'done\n']);
});

test('lines come at every tenth, and after ten seconds', () => {
  const { sink, written, clock } = setup();
  const lines = lineProgress(sink, 1000, 'Training', () => clock.now);
  for (let done = 1; done <= 250; done++) lines.update(done, 'text');
  expect(written).toEqual(['Training 1/1000  text\n', 'Training 100/1000  text\n', 'Training 200/1000  text\n']);
  clock.now = 10_000;
  lines.update(251);
  lines.stop('done');
  expect(written.slice(3)).toEqual(['Training 251/1000\n', 'done\n']);
});

test('a total of nothing is complete at once', () => {
  const { sink, written } = setup();
  barProgress(sink, 0, 'Writing', () => 0).update(0);
  expect(written[0]).toContain('100 %');
});

test('ask: the answer, trimmed; an interruption is an error', async () => {
  const answered = new PassThrough();
  const answer = ask(
    'sample',
    { name: 'model', description: 'ONNX file' },
    { input: answered, output: new PassThrough() },
  );
  answered.write(' a.onnx \r'); // kept until it is read
  expect(await answer).toBe('a.onnx');
  const left = new PassThrough();
  const cancelled = ask(
    'sample',
    { name: 'model', description: 'ONNX file' },
    { input: left, output: new PassThrough() },
  );
  left.write('\x03');
  await expect(cancelled).rejects.toMatchObject({ code: 'aborted' });
});
