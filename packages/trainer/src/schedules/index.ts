// Schedules: a number for each step, counted from 0, for learning rates and other numbers that change during training.
export {
  schedule,
  scheduleKinds,
  scheduleWords,
  type ScheduleConfig,
  type ScheduleKind,
  type ScheduleOf,
} from './config.js';
export { constantRate, cosineDecay, exponentialDecay, linearDecay, stepDecay, warmUp } from './curves.js';
export { plateau, type PlateauOptions } from './plateau.js';
export type { Schedule, ScheduleMemory } from './schedule.js';
