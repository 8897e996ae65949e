// Schemas that configurations of data and of systems share, with the text that errors use for what is expected.
import * as v from 'valibot';

/** A schema with a line of help, which flags and docs show. */
export const described = <S extends v.GenericSchema>(schema: S, text: string) => v.pipe(schema, v.description(text));

/** A whole number in a closed interval. */
export const whole = (least: number, most: number) =>
  v.pipe(
    v.number(),
    v.integer('an integer'),
    v.minValue(least, `a number of at least ${least}`),
    v.maxValue(most, `a number of at most ${most}`),
  );
