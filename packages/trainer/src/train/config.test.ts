// Parsing of configurations: defaults, round trip through JSON, and a line with its path for each wrong field.
import { describe, expect, it } from 'vitest';
import { parseConfig, parseRecorded } from './config.js';

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

  it('returns the same object when its own result is parsed from JSON', () => {
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
    [{ data: 'x' }, /^config\.system: .*got nothing/],
    [{ ...good, system: 'nogan' }, /system: .*got 'nogan'/],
    [{ ...good, steps: 0 }, /config\.steps: .*got 0/],
    [{ ...good, steps: 1.5 }, /config\.steps: .*got 1\.5/],
    [{ ...good, batch: 1 }, /config\.batch: .*got 1/],
    [{ ...good, batch: '32' }, /config\.batch: .*got '32'/],
    [{ ...good, rates: { g: -1 } }, /config\.rates\.g: .*got -1/],
    [{ ...good, rates: { g: NaN } }, /config\.rates\.g: expected/],
    [{ ...good, seed: -1 }, /config\.seed/],
    [{ ...good, ema: 1 }, /config\.ema: .*got 1/],
    [{ ...good, channels: 2 }, /config\.channels: .*got 2/],
    [{ ...good, learningRate: 1 }, /config\.learningRate: expected no such field/],
    [{ ...good, stesp: 1 }, /config\.stesp: expected no such field; did you mean 'steps'\?/],
    [{ ...good, penalties: { r1: -1 } }, /config\.penalties\.r1/],
    [{ ...good, best: 'kid' }, /config\.best: .*metrics.*got none/],
    [{ ...good, metricsEvery: 3 }, /config\.metricsEvery: .*metrics/],
    [{ ...good, onNan: { rates: 0.5 } }, /config\.onNan\.rates: .*onNan\.rollback/],
    [{ ...good, augment: 'color,color' }, /config\.augment: .*got .*color.*color/],
    [{ ...good, optimizer: 'adamm' }, /config\.optimizer: .*got 'adamm'/],
    [{ ...good, momentum: 1 }, /config\.momentum: .*got 1/],
    [{ ...good, clipNorm: 0 }, /config\.clipNorm: .*got 0/],
    [{ ...good, accumulate: 0 }, /config\.accumulate: .*got 0/],
    [{ ...good, schedule: 'step' }, /config\.schedule: .*got 'step'/],
    [{ ...good, schedules: { rate_d: 'cosin' } }, /config\.schedules\.rate_d\.kind: .*'cosine'.*got 'cosin'/],
    [{ ...good, schedules: { rate_d: 'linear:-1' } }, /config\.schedules\.rate_d\.from: .*got -1/],
    [{ ...good, schedules: { rate_d: 'linear:1:a' } }, /config\.schedules\.rate_d\.to: .*got 'a'/],
    [{ ...good, schedules: { rate_d: 'linear:1:1:1:1' } }, /config\.schedules\.rate_d\.part 5: expected no such field/],
    [{ ...good, schedules: { rate_d: 3 } }, /config\.schedules\.rate_d: .*got 3/],
    [{ ...good, schedules: { rate_d: { kind: 'plateau' } } }, /config\.schedules\.rate_d\.watch/],
    [{ ...good, activation: 'relu' }, /config\.activation: expected no such field/],
    [{ ...good, constructor: 1 }, /config\.constructor: expected no such field/],
    [{ ...good, penalties: { constructor: 1 } }, /config\.penalties\.constructor: expected no such field/],
    [{ ...good, schedules: { prototype: 1 } }, /config\.schedules\.prototype: expected no such field/],
    [{ ...good, data: { kind: 'idx' } }, /config\.data\.path: .*got nothing/],
    [{ ...good, data: { kind: 'synthetic', modes: 0 } }, /config\.data\.modes: .*got 0/],
    [{ ...good, data: 3 }, /config\.data/],
    [null, /config: expected/],
    [[], /config/],
  ])('refuses %j', (input, message) => {
    expect(() => parseConfig(input)).toRefuse('config.invalid', message);
  });

  it('uses the system’s smallest batch', () => {
    for (const system of ['pix2pix', 'cyclegan', 'srgan'])
      expect(parseConfig({ system, data: 'photos', batch: 1 }).batch).toBe(1);
    expect(() => parseConfig({ system: 'srgan', data: 'photos', batch: 0 })).toRefuse(
      'config.invalid',
      'config.batch',
      'got 0',
    );
  });

  it('names every wrong field', () => {
    expect(() => parseConfig({ ...good, steps: -1, batch: 0, loss: 'hing' })).toThrow(
      /config\.steps[^]*config\.batch[^]*config\.loss/,
    );
  });
});

describe('parseRecorded', () => {
  it('gives options that the release of a run lacked the effect that they had then', () => {
    const { hidden, hiddenD, ...recorded } = parseConfig({ system: 'conditional', data: 'mnist' });
    expect([hidden, hiddenD]).toEqual([512, 256]);
    expect(parseRecorded(recorded)).toMatchObject({ hidden: 0, hiddenD: 0 });
    expect(parseRecorded({ ...recorded, hidden })).toMatchObject({ hidden: 512, hiddenD: 0 });
    // of a release before these options, which had one norm for generators and discriminators
    const begun = { system: 'cyclegan', data: 'earth-day-night', base: 24, norm: 'batch', depthD: 2 };
    expect(parseRecorded(begun)).toMatchObject({ baseD: 24, norm: 'batch', normD: 'batch', depthD: 2 });
    expect(parseRecorded(begun)).toMatchObject({ padding: 'zeros', paddingD: 'zeros', skip: 'off' });
  });

  it('parses others like any configuration', () => {
    expect(parseRecorded(good)).toEqual(parseConfig(good));
    expect(() => parseRecorded({ ...good, steps: 0 })).toRefuse('config.invalid', /config\.steps: .*got 0/);
  });
});
