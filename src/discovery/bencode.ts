import { PacsrvError } from '../base/error.ts'

/** What a stranger's bencoding holds: strings stay bytes, dictionaries are Maps with latin1 keys. */
export type Bencoded = number | Buffer | Bencoded[] | Map<string, Bencoded>

/** Lists and dictionaries inside each other; a tracker's answer needs 3, a DHT's message 3. */
export const MAX_DEPTH = 8

/**
 * Writes one value (BEP 3): whole numbers, text as UTF-8, bytes, lists, and dictionaries from objects or Maps, without what
 * is undefined in them, keys in the order of their bytes. Throws PacsrvError `wire` for anything else.
 */
export function encode(value: unknown): Buffer {
  return Buffer.concat(partsOf(value))
}

function partsOf(value: unknown): Uint8Array[] {
  if (typeof value === 'number') return [Buffer.from(`i${Math.trunc(value)}e`)]
  if (typeof value === 'string') return partsOf(Buffer.from(value))
  if (value instanceof Uint8Array) return [Buffer.from(`${value.length}:`), value]
  if (Array.isArray(value)) return [LIST, ...value.flatMap(partsOf), END]
  if (typeof value !== 'object' || value === null) throw new PacsrvError('wire', `${value} can't be bencoded`)
  const entries = [...(value instanceof Map ? value : Object.entries(value))]
    .flatMap(([key, of]) => (of === undefined ? [] : [{ key: Buffer.from(key), of }]))
    .sort((a, b) => a.key.compare(b.key))
  return [DICTIONARY, ...entries.flatMap(({ key, of }) => [...partsOf(key), ...partsOf(of)]), END]
}

const [LIST, DICTIONARY, END] = ['l', 'd', 'e'].map((sign) => Buffer.from(sign)) as [Buffer, Buffer, Buffer]

/**
 * Reads exactly one bencoded value, or throws a PacsrvError of code `wire`. (The library `bencode` 4.0.1 steps backwards
 * over a negative length, and `l-3:e` fills the memory.)
 */
export function decode(bytes: Buffer): Bencoded {
  let at = 0

  const fail = (what: string): never => {
    throw new PacsrvError('wire', `not bencoded: ${what} at byte ${at}`)
  }

  /** Digits up to `end`, which is stepped over. */
  function number(end: ':' | 'e', pattern: RegExp): number {
    const stop = bytes.indexOf(end, at)
    // 15 digits and a sign: still exact.
    if (stop < 0 || stop - at > 16) fail('a number without an end')
    const text = bytes.toString('latin1', at, stop)
    if (!pattern.test(text)) fail('a number')
    at = stop + 1
    return Number(text)
  }

  function string(): Buffer {
    const length = number(':', /^(0|[1-9]\d{0,14})$/)
    if (length > bytes.length - at) fail('a string longer than the message')
    at += length
    return bytes.subarray(at - length, at)
  }

  /** The closing `e`, stepped over. */
  function closes(): boolean {
    if (at >= bytes.length) fail('the end')
    if (bytes[at] !== 0x65) return false
    at++
    return true
  }

  function list(depth: number): Bencoded[] {
    const items: Bencoded[] = []
    while (!closes()) items.push(value(depth))
    return items
  }

  function dictionary(depth: number): Map<string, Bencoded> {
    const entries = new Map<string, Bencoded>()
    while (!closes()) entries.set(string().toString('latin1'), value(depth))
    return entries
  }

  function value(depth: number): Bencoded {
    const kind = String.fromCharCode(bytes[at] ?? 0)
    if (/\d/.test(kind)) return string()
    at++
    if (kind === 'i') return number('e', /^(0|-?[1-9]\d{0,14})$/)
    if (depth === MAX_DEPTH) fail('too deep a nesting')
    if (kind === 'l') return list(depth + 1)
    if (kind === 'd') return dictionary(depth + 1)
    return fail('an unknown kind')
  }

  const result = value(0)
  if (at !== bytes.length) fail('more than one value')
  return result
}
