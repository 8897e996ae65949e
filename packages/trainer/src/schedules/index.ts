// Schedules: a number for each step, from 0, for rates and any other scalar of a game.
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
