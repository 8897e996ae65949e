# Latents by another way: Philox4x32-10 in Python integers, the normal quantile by mpmath with 40 digits, rounded to float32 once.
# Writes latents.json: bits of float32 as hex, so that every engine can be compared exactly. Run: python latents.py
import json, struct
from pathlib import Path
from mpmath import mp, mpf, erfinv, sqrt
import numpy as np

mp.dps = 40
M = 0xFFFFFFFF

def philox(c, k):
    c, k = list(c), list(k)
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k[0], b & M, (a >> 32) ^ c[3] ^ k[1], a & M]
        k = [(k[0] + 0x9E3779B9) & M, (k[1] + 0xBB67AE85) & M]
    return c

def float32(x):  # nearest float32 of a 40-digit number, without a double in between
    near = np.float32(float(x))
    around = [np.nextafter(near, np.float32(-9)), near, np.nextafter(near, np.float32(9))]
    return min(around, key=lambda f: abs(mpf(float(f)) - x))

def bits(x):
    return struct.pack('>f', x).hex()

def normal(word):
    return float32(sqrt(mpf(2)) * erfinv((2 * mpf(word) + 1) / mpf(2) ** 32 - 1))

def uniform(word):
    return np.float32(2 * (word >> 8) / 2**24 - 1)

def row(seed, index, size, domain, of, stream=0):
    key = (seed & M, seed >> 32)
    words = [w for b in range((size + 3) // 4) for w in philox((b, index & M, index >> 32, domain << 24 | stream), key)]
    return ''.join(bits(of(w)) for w in words[:size])

cases = [(0, 0, 4, 100), (7, 5, 3, 128), (2**53 - 1, 2**32 - 1, 2, 62), (2**64 - 1, 2**40 + 9, 2, 7)]
latents = [
    {'seed': str(seed), 'start': start, 'count': count, 'size': size, 'distribution': name, 'bits': [row(seed, start + i, size, 0, of) for i in range(count)]}
    for seed, start, count, size in cases for name, of in (('normal', normal), ('uniform', uniform))
]
ends = [0, 1, 2, 0x12345678, 0x13333332, 0x13333333, 0x13333334, 0x7FFFFFFE, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xECCCCCCC, 0xECCCCCCD, 0xFFFFFFFE, 0xFFFFFFFF]
# Doubles of the quantile, as decimal text with 20 digits, at the ends, the middle and where the two formulas meet.
quantiles = [{'word': w, 'z': mp.nstr(sqrt(mpf(2)) * erfinv((2 * mpf(w) + 1) / mpf(2) ** 32 - 1), 20)} for w in ends + [2654435769 * i & M for i in range(200)]]
streams = [{'seed': '42', 'stream': 3, 'step': 2**33 + 1, 'bits': row(42, 2**33 + 1, 16, 2, normal, 3)}]
Path(__file__).with_name('latents.json').write_text(json.dumps({'latents': latents, 'quantiles': quantiles, 'streams': streams}, indent=1) + '\n')
