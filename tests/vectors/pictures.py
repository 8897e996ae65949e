"""Writes pictures.json: small picture files of many kinds (base64) and their pixels by Pillow, for the tests of packages/trainer/src/data and src/node.

`lossless`: equal to the byte (16 bits: of 257 parts). `lossy`: decoders differ by a few steps. `resized`: Pillow's BOX for whole factors, BILINEAR for enlarging.
Run: python tests/vectors/pictures.py (Pillow 13, with WebP and AVIF)
"""
import base64, io, json, pathlib
import numpy as np
from PIL import Image, ImageOps

rng = np.random.default_rng(7)
HERE = pathlib.Path(__file__).parent


def smooth(height, width, channels):
    """Slow gradients, which survive lossy compression."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [40 + 150 * x / width + 30 * y / height, 200 - 120 * y / height, 90 + 60 * (x + y) / (width + height)]
    return np.stack(planes[:channels], -1).round().astype(np.uint8)


def saved(image, **options):
    out = io.BytesIO()
    image.save(out, **options)
    return base64.b64encode(out.getvalue()).decode()


def entry(name, file, image):
    pixels = np.asarray(image)
    pixels = pixels.reshape(pixels.shape[0], pixels.shape[1], -1)
    return {"name": name, "file": file, "height": pixels.shape[0], "width": pixels.shape[1], "channels": pixels.shape[2], "data": pixels.reshape(-1).astype(int).tolist()}


lossless, lossy, resized = [], [], []
noise = {c: rng.integers(0, 256, (5, 7, c), dtype=np.uint8) for c in (1, 2, 3, 4)}
modes = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
for c, pixels in noise.items():
    image = Image.fromarray(pixels[..., 0] if c == 1 else pixels, modes[c])
    lossless.append(entry(f"{modes[c]}.png", saved(image, format="png"), image))
    if c > 2:
        pil = saved(image, format="webp", lossless=True, exact=True)
        lossless.append(entry(f"{modes[c]}.webp", pil, Image.open(io.BytesIO(base64.b64decode(pil)))))
deep = Image.fromarray(rng.integers(0, 65536, (3, 4), dtype=np.uint16))
lossless.append(entry("16.png", saved(deep, format="png"), deep))
palette = Image.fromarray(noise[3], "RGB").quantize(8)
lossless.append(entry("palette.png", saved(palette, format="png"), palette.convert("RGB")))
clear = palette.copy()
lossless.append(entry("palette-alpha.png", saved(clear, format="png", transparency=bytes([0, 128, 255, 7, 9, 200, 31, 64])), Image.open(io.BytesIO(base64.b64decode(saved(clear, format="png", transparency=bytes([0, 128, 255, 7, 9, 200, 31, 64]))))).convert("RGBA")))
bits = Image.fromarray(noise[1][..., 0] > 127)
lossless.append(entry("1.png", saved(bits, format="png"), bits.convert("L")))

up = Image.fromarray(smooth(16, 24, 3), "RGB")
for orientation in range(1, 9):
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(noise[3], "RGB")
    file = saved(image, format="png", exif=exif)
    lossless.append(entry(f"orientation-{orientation}.png", file, ImageOps.exif_transpose(Image.open(io.BytesIO(base64.b64decode(file))))))
    for format, options in (("jpeg", {"quality": 95, "subsampling": 0}), ("webp", {"quality": 95}), ("avif", {"quality": 95, "subsampling": "4:4:4"})):
        if format != "jpeg" and orientation not in (3, 5, 6, 8):
            continue
        file = saved(up, format=format, exif=exif, **options)
        lossy.append(entry(f"orientation-{orientation}.{format}", file, ImageOps.exif_transpose(Image.open(io.BytesIO(base64.b64decode(file))))))
grey = Image.fromarray(smooth(16, 24, 1)[..., 0], "L")
lossy.append(entry("grey.jpeg", saved(grey, format="jpeg", quality=95), Image.open(io.BytesIO(base64.b64decode(saved(grey, format="jpeg", quality=95))))))
half = Image.fromarray(np.dstack([smooth(16, 24, 3), np.full((16, 24), 128, np.uint8)]), "RGBA")
lossy.append(entry("alpha.avif", saved(half, format="avif", quality=95, subsampling="4:4:4"), Image.open(io.BytesIO(base64.b64decode(saved(half, format="avif", quality=95, subsampling="4:4:4"))))))
lossy.append(entry("alpha.webp", saved(half, format="webp", quality=95), Image.open(io.BytesIO(base64.b64decode(saved(half, format="webp", quality=95))))))

source = Image.fromarray(rng.integers(0, 256, (12, 18, 3), dtype=np.uint8), "RGB")
for width, height, box, how, filter in (
    (6, 4, None, "stretch", Image.BOX),
    (9, 12, None, "stretch", Image.BOX),
    (3, 3, (3, 0, 15, 12), "crop", Image.BOX),
    (30, 20, None, "stretch", Image.BILINEAR),
    (24, 24, (3, 0, 15, 12), "crop", Image.BILINEAR),
):
    resized.append({"fit": how, **entry("resized", saved(source, format="png"), source.crop(box or (0, 0, 18, 12)).resize((width, height), filter))})
padded = Image.new("RGB", (6, 8), (255, 0, 128))
padded.paste(source.resize((6, 4), Image.BOX), (0, 2))
resized.append({"fit": "pad", **entry("padded", saved(source, format="png"), padded)})

(HERE / "pictures.json").write_text(json.dumps({"lossless": lossless, "lossy": lossy, "resized": resized}))
