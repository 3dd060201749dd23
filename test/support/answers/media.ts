/** Pictures, sounds, films and documents: real heads and structure around noise. */
import { crc32, deflateSync } from 'node:zlib'
import { be32, latin, le32, noise, tone } from './bytes.ts'

const chunk = (type: string, data: Buffer): Buffer => {
  const typed = Buffer.concat([latin(type), data])
  return Buffer.concat([be32(data.length), typed, be32(crc32(typed))])
}

/** A PNG whose pixels are noise, or one colour. */
export function png({ size = 32, seed = 1, flat = false, alpha = false } = {}): Buffer {
  const pixel = alpha ? 4 : 3
  const rows = Array.from({ length: size }, (_, y) =>
    Buffer.concat([
      Buffer.of(0),
      flat ? Buffer.alloc(size * pixel, 120) : noise(size * pixel, seed + y),
    ]),
  )
  const head = Buffer.concat([be32(size), be32(size), Buffer.of(8, alpha ? 6 : 2, 0, 0, 0)])
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', head),
    chunk('tEXt', latin('Software\0a model')),
    chunk('IDAT', deflateSync(Buffer.concat(rows))),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

/** A JPEG: JFIF or Exif, tables, one scan of noise with its bytes stuffed. */
export function jpeg({ bytes = 20_000, seed = 1, exif = false } = {}): Buffer {
  const segment = (marker: number, data: Buffer): Buffer => {
    const length = Buffer.alloc(2)
    length.writeUInt16BE(data.length + 2)
    return Buffer.concat([Buffer.of(0xff, marker), length, data])
  }
  // A byte of ones is followed by zeros, which a marker is not.
  const scan = noise(bytes, seed)
  for (let at = scan.indexOf(0xff); at >= 0; at = scan.indexOf(0xff, at + 1)) scan[at + 1] = 0
  scan[bytes - 1] = 0
  return Buffer.concat([
    Buffer.of(0xff, 0xd8),
    exif
      ? segment(0xe1, latin('Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0'))
      : segment(0xe0, latin('JFIF\0\x01\x01\0\0\x48\0\x48\0\0')),
    segment(0xdb, Buffer.concat([Buffer.of(0), noise(64, 7)])),
    segment(0xc0, Buffer.of(8, 0, 64, 0, 64, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1)),
    segment(0xc4, Buffer.concat([Buffer.of(0), Buffer.alloc(16, 1), noise(16, 9)])),
    segment(0xda, Buffer.of(3, 1, 0, 2, 0x11, 3, 0x11, 0, 0x3f, 0)),
    scan,
    Buffer.of(0xff, 0xd9),
  ])
}

/** A GIF of one frame. */
export function gif({ bytes = 4_000, seed = 1 } = {}): Buffer {
  const blocks: Buffer[] = []
  for (let at = 0; at < bytes; at += 255) blocks.push(Buffer.of(255), noise(255, seed + at))
  return Buffer.concat([
    latin('GIF89a'),
    Buffer.of(64, 0, 64, 0, 0xf7, 0, 0),
    noise(768, 3),
    Buffer.of(0x2c, 0, 0, 0, 0, 64, 0, 64, 0, 0, 8),
    ...blocks,
    Buffer.of(0, 0x3b),
  ])
}

function riff(form: string, ...chunks: readonly (readonly [string, Buffer])[]): Buffer {
  const body = Buffer.concat(
    chunks.flatMap(([name, data]) => [
      latin(name),
      le32(data.length),
      data,
      Buffer.alloc(data.length % 2),
    ]),
  )
  return Buffer.concat([latin('RIFF'), le32(body.length + 4), latin(form), body])
}

/** A WebP, lossy or lossless. */
export function webp({ bytes = 10_000, seed = 1, lossless = false } = {}): Buffer {
  const head = lossless
    ? Buffer.of(0x2f, 63, 192, 15, 0)
    : Buffer.from('300100 9d012a40004000'.replace(' ', ''), 'hex')
  return riff('WEBP', [lossless ? 'VP8L' : 'VP8 ', Buffer.concat([head, noise(bytes, seed)])])
}

/** A bitmap without compression. */
export function bmp({ size = 64, seed = 1 } = {}): Buffer {
  const pixels = noise(size * size * 3, seed)
  const info = Buffer.concat([le32(40), le32(size), le32(size), Buffer.of(1, 0, 24, 0), le32(0)])
  const rest = Buffer.concat([le32(pixels.length), le32(2835), le32(2835), le32(0), le32(0)])
  return Buffer.concat([
    latin('BM'),
    le32(54 + pixels.length),
    le32(0),
    le32(54),
    info,
    rest,
    pixels,
  ])
}

/** A TIFF of one strip. */
export function tiff({ bytes = 12_288, seed = 1 } = {}): Buffer {
  const entries = [
    [256, 3, 1, 64],
    [257, 3, 1, 64],
    [262, 3, 1, 2],
    [273, 4, 1, 8],
    [279, 4, 1, bytes],
  ] as const
  const directory = Buffer.concat([
    Buffer.of(entries.length, 0),
    ...entries.map(([tag, type, count, value]) =>
      Buffer.concat([Buffer.of(tag & 255, tag >> 8, type, 0), le32(count), le32(value)]),
    ),
    le32(0),
  ])
  return Buffer.concat([latin('II*\0'), le32(8 + bytes), noise(bytes, seed), directory])
}

/** A drawing. */
export function svg(shapes = 20): Buffer {
  const rects = Array.from({ length: shapes }, (_, i) => `<rect x="${i}" y="${i * 2}" width="9"/>`)
  return latin(`<svg xmlns="http://www.w3.org/2000/svg">${rects.join('\n')}</svg>\n`)
}

/** Sound in PCM: a tone, silence or noise. */
export function wav({ seconds = 1, sound = 'tone', bits = 16 } = {}): Buffer {
  const samples = Math.round(seconds * 16_000)
  const data =
    sound === 'tone'
      ? tone(samples)
      : sound === 'silence'
        ? Buffer.alloc(samples * 2)
        : noise(samples * 2)
  const format = Buffer.concat([
    Buffer.of(bits === 32 ? 3 : 1, 0, 1, 0),
    le32(16_000),
    le32((16_000 * bits) / 8),
    Buffer.of(bits / 8, 0, bits, 0),
  ])
  return riff(
    'WAVE',
    ['fmt ', format],
    ['LIST', latin('INFOISFT\x0e\0\0\0Lavf60.16.100\0')],
    ['data', data],
  )
}

/** Samples alone, as realtime APIs send them. */
export function pcm({ samples = 16_000, amplitude = 8_000, step = 0.05 } = {}): Buffer {
  return tone(samples, { amplitude, step })
}

/** MPEG audio layer III, with an ID3 tag or without. */
export function mp3({ frames = 40, seed = 1, id3 = true } = {}): Buffer {
  const tag = Buffer.concat([
    latin('ID3\x04\0\0\0\0\0\x1fTSSE\0\0\0\x0f\0\0\x03Lavf60.16.100\0'),
    Buffer.alloc(6),
  ])
  const body = Array.from({ length: frames }, (_, i) =>
    Buffer.concat([Buffer.of(0xff, 0xfb, 0x90, 0x64), noise(413, seed + i)]),
  )
  return Buffer.concat([...(id3 ? [tag] : []), ...body])
}

/** AAC in ADTS frames. */
export function aac({ frames = 40, seed = 1 } = {}): Buffer {
  return Buffer.concat(
    Array.from({ length: frames }, (_, i) =>
      Buffer.concat([Buffer.of(0xff, 0xf1, 0x50, 0x80, 0x2e, 0x7f, 0xfc), noise(364, seed + i)]),
    ),
  )
}

/** Ogg pages of Opus or Vorbis. */
export function ogg({ pages = 10, seed = 1, codec = 'opus' } = {}): Buffer {
  const page = (at: number, data: Buffer): Buffer => {
    const segments = Math.floor(data.length / 255) + 1
    const lacing = Buffer.alloc(segments, 255)
    lacing[segments - 1] = data.length % 255
    const head = Buffer.concat([latin('OggS\0'), Buffer.of(at === 0 ? 2 : 0), Buffer.alloc(8)])
    return Buffer.concat([
      head,
      le32(77),
      le32(at),
      noise(4, at),
      Buffer.of(segments),
      lacing,
      data,
    ])
  }
  const first =
    codec === 'opus'
      ? latin('OpusHead\x01\x01\x38\x01\x80\xbb\0\0\0\0\0')
      : latin('\x01vorbis\0\0\0\0\x02\x44\xac\0\0\0\0\0\0\x80\xb5\x01\0\0\0\0\0\xb8\x01')
  return Buffer.concat([
    page(0, first),
    ...Array.from({ length: pages }, (_, i) => page(i + 1, noise(2_000, seed + i))),
  ])
}

/** FLAC with its stream info. */
export function flac({ bytes = 20_000, seed = 1 } = {}): Buffer {
  const info = Buffer.concat([
    Buffer.from('10001000000a1f0034b10ac442f000000000', 'hex'),
    noise(16, 5),
  ])
  return Buffer.concat([
    latin('fLaC'),
    Buffer.of(0x80, 0, 0, 34),
    info,
    Buffer.of(0xff, 0xf8),
    noise(bytes, seed),
  ])
}

/** An MP4: brand, a small index, the data. */
export function mp4({ bytes = 50_000, seed = 1, brand = 'isom' } = {}): Buffer {
  const box = (type: string, data: Buffer): Buffer =>
    Buffer.concat([be32(data.length + 8), latin(type), data])
  return Buffer.concat([
    box('ftyp', latin(`${brand}\0\0\x02\0isomiso2mp41`)),
    box(
      'moov',
      box('mvhd', Buffer.concat([Buffer.alloc(20), be32(0x0001_0000), Buffer.alloc(76)])),
    ),
    box('mdat', noise(bytes, seed)),
  ])
}

/** A WebM. */
export function webm({ bytes = 30_000, seed = 1 } = {}): Buffer {
  const head = Buffer.from(
    '1a45dfa39f4286810142f7810142f2810442f381084282847765626d42878104428581',
    'hex',
  )
  return Buffer.concat([head, Buffer.from('0218538067', 'hex'), be32(bytes), noise(bytes, seed)])
}

/** A PDF with one compressed stream. */
export function pdf({ bytes = 8_000, seed = 1 } = {}): Buffer {
  const stream = deflateSync(noise(bytes, seed))
  return Buffer.concat([
    latin('%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n'),
    latin(`3 0 obj\n<</Length ${stream.length}/Filter/FlateDecode>>\nstream\n`),
    stream,
    latin('\nendstream\nendobj\ntrailer\n<</Root 1 0 R>>\nstartxref\n9\n%%EOF\n'),
  ])
}
