// The commands that the `forja` bin takes from this package.
import type { CliCommand } from '@forja/core';
import { trainCommand } from './train-command.js';

/** What `forja` can do with the trainer installed. */
export const commands: readonly CliCommand[] = [trainCommand];
