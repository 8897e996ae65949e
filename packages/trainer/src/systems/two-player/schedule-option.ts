// The option type for a number of a two-player system that changes during training (a learning rate, a penalty weight):
// a string or an object.
import * as v from 'valibot';
import { scheduleKinds, scheduleWords, type ScheduleConfig } from '../../schedules/index.js';
import { atLeast, named, whole } from '../entries.js';

const from = v.optional(atLeast(0));
const steps = v.optional(whole(1, 1e9));
const warmup = v.optional(whole(0, 1e9));
const curve = { from, to: v.optional(atLeast(0)), steps, warmup };

/** A schedule as plain data. */
const configured = v.variant('kind', [
  v.strictObject({ kind: v.literal('constant'), from, warmup }),
  v.strictObject({ kind: v.literal('linear'), ...curve }),
  v.strictObject({ kind: v.literal('cosine'), ...curve }),
  v.strictObject({ kind: v.literal('exponential'), ...curve }),
  v.strictObject({
    kind: v.literal('step'),
    from,
    factor: v.optional(atLeast(0)),
    every: whole(1, 1e9),
    warmup,
  }),
  v.strictObject({
    kind: v.literal('plateau'),
    from,
    watch: v.string(),
    factor: v.optional(atLeast(0)),
    patience: v.optional(whole(0, 1e9)),
    every: v.optional(whole(1, 1e9)),
    mode: v.optional(v.picklist(['min', 'max'])),
    threshold: v.optional(atLeast(0)),
    to: v.optional(atLeast(0)),
    warmup,
  }),
]);

/** A schedule: its kind, a string such as `linear:2e-4:0:5000`, or plain data; parsed to plain data. */
export const scheduleOption = v.pipe(
  v.custom<string | ScheduleConfig>(
    (given) => typeof given === 'string' || (typeof given === 'object' && given !== null),
    `a schedule (${scheduleKinds.join(', ')}), as its name, kind:from:to:steps, or { kind, … }`,
  ),
  v.transform((given): unknown => (typeof given === 'string' ? scheduleWords(given) : given)),
  v.looseObject({ kind: named('schedule', () => [...scheduleKinds]) }),
  configured,
);
