// The commands that the `forja` bin takes from this package.
import type { CliCommand } from '@forja/core';
import { evaluateCommand } from './evaluate-command.js';
import { exportCommand } from './export-command.js';
import { runsCommand } from './runs-command.js';
import { trainCommand } from './train-command.js';
import { verifyCommand } from './verify-command.js';

/** What `forja` can do with the trainer installed. */
export const commands: readonly CliCommand[] = [
  trainCommand,
  evaluateCommand,
  runsCommand,
  exportCommand,
  verifyCommand,
];
