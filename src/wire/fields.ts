import ipaddr from 'ipaddr.js'
import { type Reach, reachOf } from '../base/address.ts'
import { type Endpoint, hostPort } from '../base/endpoint.ts'

/**
 * How one field goes to and from its msgpack value. Both directions check, so that a fault of our own is
 * found here and not by a peer; both throw a `Fault`, to which the codec adds message and field.
 */
export interface Field<T> {
  write(value: T): unknown
  read(raw: unknown): T
}

export class Fault extends Error {}

function refuse(why: string): never {
  throw new Fault(why)
}

/** The same value in memory and in msgpack. */
function checked<T>(check: (raw: unknown) => T): Field<T> {
  return { write: check, read: check }
}

/** `count` raw bytes, hex in memory. */
export function bytes(count: number): Field<string> {
  const hex = new RegExp(`^[0-9a-f]{${2 * count}}$`)
  return {
    write: (value) => (hex.test(value) ? Buffer.from(value, 'hex') : refuse(`is not ${count} bytes in hex`)),
    read: (raw) =>
      raw instanceof Uint8Array && raw.length === count
        ? Buffer.from(raw.buffer, raw.byteOffset, count).toString('hex')
        : refuse(`is not ${count} bytes`),
  }
}

/** A whole number from `min` to `max`. Above 32 bits msgpackr would write a float: a BigInt makes it a uint64. */
export function integer(min: number, max: number): Field<number> {
  const check = (raw: unknown) =>
    Number.isInteger(raw) && (raw as number) >= min && (raw as number) <= max
      ? (raw as number)
      : refuse(`is not a whole number from ${min} to ${max}`)
  return {
    write: (value) => (check(value) > 0xffffffff ? BigInt(value) : value),
    read: check,
  }
}

export const u32 = integer(0, 0xffffffff)

export const flag: Field<boolean> = checked((raw) =>
  typeof raw === 'boolean' ? raw : refuse('is neither true nor false'),
)

/** One of a few words, its place in the list on the wire. */
export function choice<T extends string>(...words: T[]): Field<T> {
  const place = integer(0, words.length - 1)
  return {
    write: (value) => place.write(words.indexOf(value)),
    read: (raw) => words[place.read(raw)]!,
  }
}

/** UTF-8 of at most `max` bytes, without control characters: it may end in a log or on a terminal. */
export function text(max: number): Field<string> {
  return checked((raw) => {
    if (typeof raw !== 'string') return refuse('is not a string')
    if (Buffer.byteLength(raw) > max) return refuse(`is longer than ${max} bytes`)
    if (/\p{Cc}/u.test(raw)) return refuse('has control characters')
    // U+FFFD is what a decoder makes of bytes that aren't UTF-8.
    return /[\ufffd\p{Cs}]/u.test(raw) ? refuse('is not UTF-8') : raw
  })
}

/** A plain base name: never a way out of a folder. */
export function fileName(max: number): Field<string> {
  const label = text(max)
  return checked((raw) => {
    const name = label.read(raw)
    const plain = name !== '' && name !== '.' && name !== '..' && !name.includes('/')
    return plain ? name : refuse('is not a plain file name')
  })
}

/** How far an address reaches; a fault where no node can have it. */
function reachOfNode(at: Endpoint): Reach {
  const { host } = hostPort(at)
  if (!ipaddr.isValid(host)) return refuse('is not an address and a port')
  return reachOf(at) ?? refuse('is an address that no node can have')
}

function addressBytes(value: Endpoint): Buffer {
  const { host, port } = hostPort(value)
  if (port === 0) return refuse('has port 0')
  return Buffer.from([...ipaddr.parse(host.replace(/%.*$/, '')).toByteArray(), port >> 8, port & 255])
}

function readAddress(raw: unknown): Endpoint {
  if (!(raw instanceof Uint8Array)) return refuse('is not an address')
  if (raw.length !== 6 && raw.length !== 18) return refuse('is not 6 or 18 bytes')
  const port = raw[raw.length - 2]! * 256 + raw[raw.length - 1]!
  if (port === 0) return refuse('has port 0')
  const address = ipaddr.fromByteArray([...raw.subarray(0, -2)])
  if (address.kind() === 'ipv4') return `${address}:${port}`
  return (address as ipaddr.IPv6).isIPv4MappedAddress()
    ? refuse('is IPv4 inside IPv6')
    : `[${address}]:${port}`
}

/** Address and port, big-endian: 6 bytes for IPv4, 18 for IPv6. A zone isn't sent. */
export const anyAddress: Field<Endpoint> = {
  write: (value) => reachOfNode(value) && addressBytes(value),
  read(raw) {
    const at = readAddress(raw)
    reachOfNode(at)
    return at
  },
}

/** An address where there is one, else nil. A link-local one means nothing to others: left out, and refused. */
export const addressIfAny: Field<Endpoint | undefined> = {
  write: (value) => (value === undefined || reachOfNode(value) === 'link' ? null : addressBytes(value)),
  read(raw) {
    if (raw === null || raw === undefined) return undefined
    const at = readAddress(raw)
    return reachOfNode(at) === 'link' ? refuse('is a link-local address') : at
  },
}

/** At most `max` of the same. */
export function list<T>(of: Field<T>, max: number): Field<T[]> {
  const check = (raw: unknown): unknown[] => {
    if (!Array.isArray(raw)) return refuse('is not a list')
    return raw.length > max ? refuse(`has more than ${max} entries`) : raw
  }
  return {
    write: (value) => check(value).map((one) => of.write(one as T)),
    read: (raw) => check(raw).map(of.read),
  }
}

/** The same where there are any, else nil. */
export function listIfAny<T>(of: Field<T>, max: number): Field<T[] | undefined> {
  const some = list(of, max)
  return {
    write: (value) => (value === undefined ? null : some.write(value)),
    read: (raw) => (raw === null || raw === undefined ? undefined : some.read(raw)),
  }
}

/** One field for each key of T; a key that may be absent has a field of what may be undefined. */
export type Fields<T> = {
  [K in keyof T]-?: undefined extends { [P in K]: T[P] }[K] ? Field<T[K] | undefined> : Field<T[K]>
}

/** Puts a fault's place before it. */
export function located<T>(place: string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    throw error instanceof Fault ? new Fault(`${place} ${error.message}`) : error
  }
}

/** Named fields, an array in their order on the wire. What stands behind them is of a newer version: ignored. */
export function record<T extends object>(fields: Fields<T>): Field<T> {
  const entries = Object.entries(fields) as [keyof T & string, Field<unknown>][]
  return {
    write: (value) => entries.map(([key, field]) => located(key, () => field.write(value[key]))),
    read(raw) {
      if (!Array.isArray(raw)) return refuse('is not a list of fields')
      const value: Partial<T> = {}
      for (const [i, [key, field]] of entries.entries()) {
        const one = located(key, () => field.read(raw[i]))
        if (one !== undefined) value[key] = one as T[typeof key]
      }
      return value as T
    },
  }
}
