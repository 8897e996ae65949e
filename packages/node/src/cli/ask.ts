// Prompts for a missing argument, on a terminal only. The prompts are imported on first use.
import type { Readable, Writable } from 'node:stream';
import { ForjaError, type CliArgument } from '@forja/core';

/** The answer to a question for `argument`. Ctrl-C throws ForjaError `aborted`. */
export async function ask(
  command: string,
  argument: CliArgument,
  streams: { input: Readable; output: Writable },
): Promise<string> {
  const { isCancel, text } = await import('@clack/prompts');
  const answer = await text({
    message: `${command}: ${argument.description}`,
    ...streams,
    validate: (value) => (value?.trim() ? undefined : 'Type a path or a name.'),
  });
  if (isCancel(answer)) throw new ForjaError('aborted', `${command}: interrupted`);
  return answer.trim();
}
