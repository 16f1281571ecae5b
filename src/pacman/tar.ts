import { PacsrvError } from '../base/error.ts'

/** A plain file inside a tar. */
export interface TarEntry {
  path: string
  content: Uint8Array
}

export interface TarLimits {
  /** Bytes of the whole unpacked tar; more is an error. */
  totalBytes: number
  /** Bytes of one entry; a larger one is passed over. */
  entryBytes: number
}

const BLOCK = 512
const NEWLINE = 0x0a
/** A long name or a pax header; Linux's longest path is 4 KiB. */
const NAME_BYTES = 64 * 1024
const textDecoder = new TextDecoder()

/**
 * The plain files of a tar (v7, ustar, GNU long names, pax `path` and `size`) that `wanted` picks by path.
 * Reads `source` to its end, so that its own check of what follows (gzip's CRC) takes place.
 * Throws PacsrvError `database` when it isn't a tar, is cut short or exceeds `totalBytes`.
 */
export async function* readTar(
  source: AsyncIterable<Uint8Array>,
  { totalBytes, entryBytes }: TarLimits,
  wanted: (path: string) => boolean,
): AsyncGenerator<TarEntry> {
  const bytes = createByteReader(source, totalBytes)
  try {
    let extended: Extended = {}
    for (;;) {
      const header = parseHeader(await bytes.take(BLOCK))
      if (!header) break
      const size = extended.size ?? header.size
      const padding = (BLOCK - (size % BLOCK)) % BLOCK
      if (header.type === 'x' || header.type === 'L') {
        if (size > NAME_BYTES) throw new PacsrvError('database', 'the tar holds an overlong name')
        const content = await bytes.take(size)
        extended = { ...extended, ...(header.type === 'x' ? parsePax(content) : { path: cString(content) }) }
        await bytes.skip(padding)
        continue
      }
      const path = extended.path ?? header.path
      if (header.type === 'file' && size <= entryBytes && wanted(path)) {
        yield { path, content: await bytes.take(size) }
        await bytes.skip(padding)
      } else await bytes.skip(header.type === 'empty' ? 0 : size + padding)
      if (header.type !== 'meta') extended = {}
    }
    await bytes.drain()
  } finally {
    await bytes.close()
  }
}

interface Extended {
  path?: string
  size?: number
}

interface Header {
  path: string
  size: number
  /** `empty`: links, devices and folders, which have no content whatever their size says. */
  type: 'file' | 'empty' | 'x' | 'L' | 'meta' | 'other'
}

const TYPES: Record<string, Header['type']> = { '\0': 'file', '0': 'file', '7': 'file', x: 'x', L: 'L' }
for (const type of '123456') TYPES[type] = 'empty'
for (const type of 'gK') TYPES[type] = 'meta'

/** Undefined for the block of zeros that ends a tar. */
function parseHeader(block: Uint8Array): Header | undefined {
  const sum = sumOf(block)
  if (sum === 0) return undefined
  const checksum = block.subarray(148, 156)
  const expected = sum - sumOf(checksum) + 8 * 0x20
  if (parseNumber(checksum) !== expected) throw new PacsrvError('database', 'it is not a tar')
  const name = cString(block.subarray(0, 100))
  const isUstar = cString(block.subarray(257, 263)) === 'ustar'
  const prefix = isUstar ? cString(block.subarray(345, 500)) : ''
  return {
    path: prefix ? `${prefix}/${name}` : name,
    size: parseNumber(block.subarray(124, 136)),
    type: TYPES[String.fromCharCode(block[156]!)] ?? 'other',
  }
}

/** A plain loop: a database has 30,000 headers, and `reduce` is ten times slower. */
function sumOf(bytes: Uint8Array): number {
  let sum = 0
  for (let at = 0; at < bytes.length; at++) sum += bytes[at]!
  return sum
}

/** A tar's number: octal text, or GNU's big-endian binary behind a set high bit. */
function parseNumber(field: Uint8Array): number {
  const number =
    field[0]! & 0x80
      ? field.subarray(1).reduce((total, byte) => total * 256 + byte, field[0]! & 0x7f)
      : Number.parseInt(cString(field).trim() || '0', 8)
  if (!Number.isSafeInteger(number)) throw new PacsrvError('database', 'it is not a tar')
  return number
}

/** The records of a pax header: `LENGTH KEY=VALUE\n`, the length counting the whole record. */
function parsePax(content: Uint8Array): Extended {
  const found: Extended = {}
  for (let at = 0; at < content.length; ) {
    const space = content.indexOf(0x20, at)
    const length = Number(textDecoder.decode(content.subarray(at, space)))
    if (space < 0 || !(length > space - at + 1) || content[at + length - 1] !== NEWLINE)
      throw new PacsrvError('database', 'the tar holds a malformed pax header')
    const [key, value] = splitOnce(textDecoder.decode(content.subarray(space + 1, at + length - 1)), '=')
    if (key === 'path') found.path = value
    if (key === 'size') found.size = paxSize(value)
    at += length
  }
  return found
}

function paxSize(text: string): number {
  const size = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(size)) throw new PacsrvError('database', 'the tar holds a malformed pax header')
  return size
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}

function cString(field: Uint8Array): string {
  const end = field.indexOf(0)
  return textDecoder.decode(end < 0 ? field : field.subarray(0, end))
}

/** Exact counts of bytes out of a stream's chunks; an end before that is an error. */
function createByteReader(source: AsyncIterable<Uint8Array>, totalBytes: number) {
  const iterator = source[Symbol.asyncIterator]()
  let chunk: Uint8Array = new Uint8Array()
  let at = 0
  let total = 0

  async function next(): Promise<boolean> {
    const { done, value } = await iterator.next()
    if (done) return false
    total += value.length
    if (total > totalBytes) throw new PacsrvError('database', `it unpacks to more than ${totalBytes} bytes`)
    chunk = value
    at = 0
    return true
  }

  /** Up to `count` bytes of what is there; valid until the next call. */
  async function some(count: number): Promise<Uint8Array> {
    while (at === chunk.length) if (!(await next())) throw new PacsrvError('database', 'it is cut short')
    const part = chunk.subarray(at, at + count)
    at += part.length
    return part
  }

  return {
    async take(count: number): Promise<Uint8Array> {
      if (count === 0) return new Uint8Array()
      const first = await some(count)
      if (first.length === count) return first
      const parts = [first]
      for (let left = count - first.length; left > 0; left -= parts.at(-1)!.length)
        parts.push(await some(left))
      return Buffer.concat(parts)
    },
    async skip(count: number) {
      for (let left = count; left > 0; ) left -= (await some(left)).length
    },
    async drain() {
      while (await next());
    },
    async close() {
      await iterator.return?.()
    },
  }
}
