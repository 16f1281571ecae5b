import { PacsrvError } from '../base/error.ts'

/** A plain file inside a tar. */
export interface TarEntry {
  path: string
  content: Buffer
}

export interface TarLimits {
  /** Bytes of the whole unpacked tar; more is an error. */
  totalBytes: number
  /** Bytes of one entry; a larger one is passed over. */
  entryBytes: number
}

const BLOCK = 512
const NEWLINE = 0x0a
const BLANK = 0x20
const ZERO = 0x30
/** A long name or a pax header; Linux's longest path is 4 KiB. */
const NAME_BYTES = 64 * 1024
const textDecoder = new TextDecoder()

/** The plain files of a tar that comes in pieces of any length. */
export interface TarParser {
  /** Those that are whole with this piece; a file's content is valid until the next is asked for. */
  push(bytes: Uint8Array): Iterable<TarEntry>
  /** Throws when the tar hasn't ended. */
  end(): void
}

/**
 * Reads v7, ustar, GNU long names, pax `path` and `size`; gives the files that `wanted` picks by path. Nothing is waited
 * for between two entries: a database has 15,000. What follows a tar's end is counted and ignored.
 * Throws PacsrvError `database` when it isn't a tar, is cut short or exceeds `totalBytes`.
 */
export function createTarParser(
  { totalBytes, entryBytes }: TarLimits,
  wanted: (path: string) => boolean,
): TarParser {
  /** Each piece behind what was left of those before, which is less than an entry: one buffer for all. */
  let work = Buffer.alloc(0)
  let left = 0
  let skip = 0
  let total = 0
  let over = false
  let extended: Extended = {}

  function withLeft(chunk: Uint8Array): Buffer {
    const length = left + chunk.length
    if (length > work.length) work = Buffer.concat([work.subarray(0, left)], length + BLOCK)
    work.set(chunk, left)
    return work.subarray(0, length)
  }

  /** Whether its content is wanted; for a name, of the file that follows. */
  function isTaken(header: Header, size: number, path: () => string): boolean {
    if (!isName(header))
      return header.type === 'file' && size <= entryBytes && wanted(extended.path ?? path())
    if (size > NAME_BYTES) throw new PacsrvError('database', 'the tar holds an overlong name')
    return true
  }

  return {
    *push(chunk) {
      total += chunk.length
      if (total > totalBytes) throw new PacsrvError('database', `it unpacks to more than ${totalBytes} bytes`)
      if (over) return
      const bytes = withLeft(chunk)
      let at = 0
      while (!over) {
        const passed = Math.min(skip, bytes.length - at)
        at += passed
        skip -= passed
        if (bytes.length - at < BLOCK) break
        const header = parseHeader(bytes, at)
        over = header === undefined
        if (!header) break
        const size =
          header.type === 'empty' ? 0 : isName(header) ? header.size : (extended.size ?? header.size)
        const begin = at + BLOCK
        const path = () => pathOf(bytes, begin - BLOCK)
        const taken = isTaken(header, size, path)
        if (taken && bytes.length - begin < size) break
        const content = bytes.subarray(begin, begin + size)
        skip = BLOCK + size + ((BLOCK - (size % BLOCK)) % BLOCK)
        if (header.type === 'x') extended = { ...extended, ...parsePax(content) }
        else if (header.type === 'L') extended = { ...extended, path: cString(content) }
        else {
          if (taken) yield { path: extended.path ?? path(), content }
          if (header.type !== 'meta') extended = {}
        }
      }
      left = bytes.copy(work, 0, at)
    },
    end() {
      if (!over) throw new PacsrvError('database', 'it is cut short')
    },
  }
}

interface Extended {
  path?: string
  size?: number
}

interface Header {
  size: number
  /** `empty`: links, devices and folders, which have no content whatever their size says. */
  type: 'file' | 'empty' | 'x' | 'L' | 'meta' | 'other'
}

const isName = ({ type }: Header) => type === 'x' || type === 'L'

const TYPES: Record<string, Header['type']> = { '\0': 'file', '0': 'file', '7': 'file', x: 'x', L: 'L' }
for (const type of '123456') TYPES[type] = 'empty'
for (const type of 'gK') TYPES[type] = 'meta'

/** The header that begins at `at`; undefined for the block of zeros that ends a tar. */
function parseHeader(bytes: Buffer, at: number): Header | undefined {
  const sum = sumOf(bytes, at, at + BLOCK)
  if (sum === 0) return undefined
  const expected = sum - sumOf(bytes, at + 148, at + 156) + 8 * BLANK
  if (parseNumber(bytes, at + 148, at + 156) !== expected)
    throw new PacsrvError('database', 'it is not a tar')
  return {
    size: parseNumber(bytes, at + 124, at + 136),
    type: TYPES[String.fromCharCode(bytes[at + 156]!)] ?? 'other',
  }
}

function pathOf(bytes: Buffer, at: number): string {
  const name = field(bytes, at, at + 100)
  const hasPrefix = bytes[at + 345] !== 0 && field(bytes, at + 257, at + 263) === 'ustar'
  return hasPrefix ? `${field(bytes, at + 345, at + 500)}/${name}` : name
}

/** Text up to a 0, without a buffer for it: there are 15,000 paths. */
function field(bytes: Buffer, from: number, to: number): string {
  let end = from
  while (end < to && bytes[end] !== 0) end++
  return bytes.toString('utf8', from, end)
}

/** A plain loop: a database has 30,000 headers, and `reduce` is ten times slower. */
function sumOf(bytes: Uint8Array, from: number, to: number): number {
  let sum = 0
  for (let at = from; at < to; at++) sum += bytes[at]!
  return sum
}

/** A tar's number: octal text, or GNU's big-endian binary behind a set high bit. */
function parseNumber(bytes: Buffer, from: number, to: number): number {
  const isBinary = (bytes[from]! & 0x80) !== 0
  const number = isBinary ? binary(bytes.subarray(from, to)) : octal(bytes, from, to)
  if (!Number.isSafeInteger(number)) throw new PacsrvError('database', 'it is not a tar')
  return number
}

const binary = (field: Uint8Array) =>
  field.subarray(1).reduce((total, byte) => total * 256 + byte, field[0]! & 0x7f)

/** NaN when there is something else. Blanks may stand before it, and a blank or 0 ends it. */
function octal(bytes: Uint8Array, from: number, to: number): number {
  let at = from
  while (at < to && bytes[at] === BLANK) at++
  let number = 0
  for (; at < to && bytes[at] !== 0 && bytes[at] !== BLANK; at++) {
    const digit = bytes[at]! - ZERO
    if (digit < 0 || digit > 7) return Number.NaN
    number = number * 8 + digit
  }
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
