import type { Random } from '../../src/base/random.ts'

const NUMBERS = [
  '0',
  '-1',
  '00',
  '255',
  '65536',
  '4294967295',
  '4294967296',
  '9007199254740993',
  '99999999999999999999',
  '1e9',
]
const WORDS = [
  '\0',
  '\n',
  '\r\n',
  '%00',
  '%',
  '../',
  '/',
  ' ',
  '"',
  '{',
  '[',
  '__proto__',
  'é',
  '\u001b[2J',
  '\uffff',
]
const BYTES = [0x00, 0x01, 0x7f, 0x80, 0xc0, 0xd9, 0xde, 0xdf, 0xff]
/** No input grows longer. */
const LONGEST = 32 * 1024

type Change = (bytes: Buffer, random: Random, others: Buffer[]) => Buffer

const cut = (bytes: Buffer, from: number, to: number, middle: Uint8Array) =>
  Buffer.concat([bytes.subarray(0, from), middle, bytes.subarray(to)])
const place = (bytes: Buffer, random: Random) => random.below(bytes.length + 1)
const length = (random: Random) => 1 + random.below(1 << random.below(8))

function over(bytes: Buffer, random: Random, value: (old: number) => number): Buffer {
  const copy = Buffer.from(bytes)
  if (copy.length > 0) {
    const at = random.below(copy.length)
    copy[at] = value(copy[at]!)
  }
  return copy
}

/** A run of digits becomes another number. */
function renumber(bytes: Buffer, random: Random): Buffer {
  const found = [...bytes.toString('latin1').matchAll(/\d+/g)]
  if (found.length === 0) return bytes
  const { index, 0: digits } = found[random.below(found.length)]!
  const other = random.below(2) === 0 ? NUMBERS[random.below(NUMBERS.length)]! : String(random.below(70_000))
  return cut(bytes, index, index + digits.length, Buffer.from(other))
}

const CHANGES: Change[] = [
  (bytes, random) => over(bytes, random, (old) => old ^ (1 << random.below(8))),
  (bytes, random) => over(bytes, random, () => random.below(256)),
  (bytes, random) => over(bytes, random, () => BYTES[random.below(BYTES.length)]!),
  (bytes, random) => over(bytes, random, (old) => old + random.below(9) - 4),
  (bytes, random) => {
    const at = place(bytes, random)
    return cut(bytes, at, at + length(random), Buffer.alloc(0))
  },
  (bytes, random) => {
    const at = place(bytes, random)
    return cut(bytes, at, at, Buffer.alloc(length(random), random.below(256)))
  },
  (bytes, random) => {
    const [at, from] = [place(bytes, random), place(bytes, random)]
    return cut(bytes, at, at, bytes.subarray(from, from + length(random)))
  },
  (bytes, random, others) => {
    const other = others[random.below(others.length)]!
    const [at, from] = [place(bytes, random), place(other, random)]
    return cut(
      bytes,
      at,
      at + random.below(2) * length(random),
      other.subarray(from, from + length(random) * 4),
    )
  },
  (bytes, random, others) => {
    const other = others[random.below(others.length)]!
    return Buffer.concat([bytes.subarray(0, place(bytes, random)), other.subarray(place(other, random))])
  },
  (bytes, random) => {
    const at = place(bytes, random)
    return cut(bytes, at, at, Buffer.from(WORDS[random.below(WORDS.length)]!))
  },
  renumber,
  (bytes, random) => bytes.subarray(0, place(bytes, random)),
]

/** `bytes`, changed in one to several places; `others` lend it parts of theirs. */
export function mutate(bytes: Buffer, random: Random, others: Buffer[]): Buffer {
  let result = bytes
  const times = 1 + random.below(1 << random.below(4))
  for (let n = 0; n < times; n++) result = CHANGES[random.below(CHANGES.length)]!(result, random, others)
  return result.length > LONGEST ? result.subarray(0, LONGEST) : result
}
