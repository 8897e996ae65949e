// The configuration's edge: defaults, round trip through JSON, and one path-named line for each field that is wrong.
import { describe, expect, it } from 'vitest';
import { parseConfig } from './config.js';

const good = { system: 'dcgan', data: 'mnist' };

describe('parseConfig', () => {
  it('fills in defaults by system', () => {
    expect(parseConfig(good)).toMatchObject({
      data: { kind: 'mnist' },
      base: 64,
      latent: 100,
      rates: { g: 2e-3, d: 2e-3 },
      batch: 32,
      engine: 'onnx',
    });
    expect(parseConfig({ system: 'mlp', data: 'grid' })).toMatchObject({
      data: { kind: 'synthetic', shape: 'grid' },
      latent: 2,
    });
    expect(parseConfig({ ...good, rates: { g: 1e-4 } }).rates).toEqual({ g: 1e-4, d: 2e-3 });
    expect(parseConfig({ ...good, data: 'photos' }).data).toMatchObject({
      kind: 'folder',
      path: 'photos',
      fit: 'crop',
    });
  });

  it('gives the same object again when its own result is parsed from JSON', () => {
    for (const input of [
      { ...good, size: 32, threads: 2 },
      { system: 'mlp', data: { kind: 'synthetic', modes: 4 } },
      { ...good, schedules: { rate_d: 'linear::0', rate_g: { kind: 'plateau', watch: 'loss_g' } } },
    ]) {
      const once = parseConfig(input);
      expect(parseConfig(JSON.parse(JSON.stringify(once)))).toEqual(once);
    }
  });

  it.each([
    [{ data: 'x' }, /^config\.system: expected the name of a system \(.*dcgan.*\), got nothing/],
    [{ ...good, system: 'nogan' }, /system: expected one of .*, got 'nogan'/],
    [{ ...good, steps: 0 }, /config\.steps: expected a number of at least 1, got 0/],
    [{ ...good, steps: 1.5 }, /config\.steps: expected an integer, got 1\.5/],
    [{ ...good, batch: 1 }, /config\.batch: expected a number of at least 2, got 1/],
    [{ ...good, batch: '32' }, /config\.batch: expected a number, got "32"/],
    [{ ...good, rates: { g: -1 } }, /config\.rates\.g: expected a number above 0, got -1/],
    [{ ...good, rates: { g: NaN } }, /config\.rates\.g: expected/],
    [{ ...good, seed: -1 }, /config\.seed/],
    [{ ...good, ema: 1 }, /config\.ema: expected a number from 0 to below 1, got 1/],
    [{ ...good, channels: 2 }, /config\.channels: expected 1 \(grey\) or 3 \(RGB\), got 2/],
    [{ ...good, learningRate: 1 }, /config\.learningRate: expected no such field/],
    [{ ...good, stesp: 1 }, /config\.stesp: expected no such field; did you mean 'steps'\?/],
    [{ ...good, penalties: { r1: -1 } }, /config\.penalties\.r1/],
    [{ ...good, best: 'kid' }, /config\.best: expected metrics beside it, got none/],
    [{ ...good, metricsEvery: 3 }, /config\.metricsEvery: expected metrics beside it/],
    [{ ...good, onNan: { rates: 0.5 } }, /config\.onNan\.rates: expected onNan\.rollback beside it/],
    [{ ...good, augment: 'color,color' }, /config\.augment: expected each augmentation once/],
    [{ ...good, optimizer: 'adamm' }, /config\.optimizer: expected 'adam' or 'adamw' or 'rmsprop' or 'sgd'/],
    [{ ...good, momentum: 1 }, /config\.momentum: expected a number from 0 to below 1, got 1/],
    [{ ...good, clipNorm: 0 }, /config\.clipNorm: expected a number above 0, got 0/],
    [{ ...good, accumulate: 0 }, /config\.accumulate: expected a number of at least 1, got 0/],
    [{ ...good, schedule: 'step' }, /config\.schedule: expected 'constant' or 'linear'/],
    [
      { ...good, schedules: { rate_d: 'cosin' } },
      /config\.schedules\.rate_d\.kind: expected a schedule \(constant, .*\); did you mean 'cosine'\?, got "cosin"/,
    ],
    [
      { ...good, schedules: { rate_d: 'linear:-1' } },
      /config\.schedules\.rate_d\.from: expected .* at least 0, got -1/,
    ],
    [{ ...good, schedules: { rate_d: 'linear:1:a' } }, /config\.schedules\.rate_d\.to: expected a number, got "a"/],
    [{ ...good, schedules: { rate_d: 'linear:1:1:1:1' } }, /config\.schedules\.rate_d\.part 5: expected no such field/],
    [{ ...good, schedules: { rate_d: 3 } }, /config\.schedules\.rate_d: expected a schedule \(.*, got 3/],
    [{ ...good, schedules: { rate_d: { kind: 'plateau' } } }, /config\.schedules\.rate_d\.watch/],
    [{ ...good, activation: 'relu' }, /config\.activation: expected no such field/],
    [{ ...good, data: { kind: 'idx' } }, /config\.data\.path: expected .*got nothing/],
    [{ ...good, data: { kind: 'synthetic', modes: 0 } }, /config\.data\.modes: expected a number of at least 1, got 0/],
    [{ ...good, data: 3 }, /config\.data/],
    [null, /config: expected/],
    [[], /config/],
  ])('refuses %j', (input, message) => {
    expect(() => parseConfig(input)).toThrow(
      expect.objectContaining({ code: 'config.invalid', message: expect.stringMatching(message) as string }) as Error,
    );
  });

  it('lets systems say how small a batch may be', () => {
    for (const system of ['pix2pix', 'cyclegan', 'srgan'])
      expect(parseConfig({ system, data: 'photos', batch: 1 }).batch).toBe(1);
    expect(() => parseConfig({ system: 'srgan', data: 'photos', batch: 0 })).toThrow('expected a number of at least 1');
  });

  it('names every wrong field', () => {
    expect(() => parseConfig({ ...good, steps: -1, batch: 0, loss: 'hing' })).toThrow(
      /config\.steps[^]*config\.batch[^]*config\.loss/,
    );
  });
});
