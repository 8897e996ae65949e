// Every command of forja, the trainer's too, has examples, and each example parses under the command's own options.
import { commands } from '@forja/trainer/node';
import { expect, test } from 'vitest';
import { OWN } from '../../packages/node/src/cli/main.js';
import { programOf } from '../../packages/node/src/cli/program.js';
import { TRAINER_NAMES } from '../../packages/node/src/cli/trainer.js';

const all = [...OWN, ...commands];

test('the names of the trainer’s commands are known without it', () => {
  expect([...TRAINER_NAMES]).toEqual(commands.map(({ name }) => name));
});

test.each(all.map((command) => [command.name, command] as const))('%s', async (name, command) => {
  expect(command.examples.length).toBeGreaterThan(0);
  for (const example of command.examples) {
    const [program, called, ...words] = (example.replace(/\s#.*$/, '').match(/'[^']*'|\S+/g) ?? []).map((word) =>
      word.replace(/^'(.*)'$/, '$1'),
    );
    expect([program, called]).toEqual(['forja', name]);
    let values: Record<string, unknown> | undefined;
    const parser = await programOf(command, (given) => (values = given), words);
    let help = '';
    parser.exitOverride().configureOutput({ writeOut: (text) => void (help += text), writeErr: () => undefined });
    const asksForHelp = words.includes('--help');
    await parser.parseAsync(words, { from: 'user' }).catch((error: unknown) => {
      if (!asksForHelp) throw new Error(`${example}: ${String(error)}`, { cause: error });
    });
    if (asksForHelp) expect(help).toContain('Examples:');
    else
      for (const { name: argument, required } of command.arguments ?? [])
        if (required) expect(values).toHaveProperty(argument);
  }
  expect(await helpOf(command)).toMatch(new RegExp(`\nExamples:\n {2}\\$ forja ${name}`));
});

const writing = all.filter(({ options = [] }) => options.some(({ flags }) => /^-o\b/.test(flags)));

test.each(writing.map((command) => [command.name, command] as const))('%s -o - is refused', async (name, command) => {
  expect(writing.map((one) => one.name)).toEqual(expect.arrayContaining(['export', 'train', 'sample']));
  let ran = false;
  const required = (command.arguments ?? []).filter((argument) => argument.required).map(() => 'x');
  const parser = await programOf(command, () => (ran = true), required);
  parser.exitOverride().configureOutput({ writeErr: () => undefined });
  await expect(parser.parseAsync([...required, '-o', '-'], { from: 'user' })).rejects.toRefuse(
    'usage',
    `${name} --out`,
  );
  expect(ran).toBe(false);
});

async function helpOf(command: (typeof all)[number]): Promise<string> {
  const program = await programOf(command, () => undefined);
  let text = '';
  program.exitOverride().configureOutput({ writeOut: (part) => void (text += part) });
  await program.parseAsync(['--help'], { from: 'user' }).catch(() => undefined);
  return text;
}
