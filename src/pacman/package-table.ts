import { HASH_BYTES } from '../base/chunks.ts'
import type { PackageEntry } from './desc.ts'

/** The packages of one database, by file name. */
export interface Packages {
  readonly size: number
  get(name: string): PackageEntry | undefined
}

/**
 * Puts a table together in buffers that serve for one after the other: what is thrown away here lies about until a rare
 * garbage collection.
 */
export interface PackageTableBuilder {
  /** Makes room for about so many, so that it needn't grow by and by. */
  expect(count: number): void
  /** In place of one of the same name. */
  add(entry: PackageEntry): void
  /** The table of what was added, of its own memory; the next begins empty. */
  take(): Packages
}

/** Names lie one behind the other, as UTF-8. A row for each: */
interface Table {
  names: Buffer
  rows: Buffer
  /** Where a name's row is looked for first: by its hash, then in the places after. Row numbers from 1; 0: none. */
  places: Uint32Array
}

/** A row: a SHA-256, size and build time as doubles (a time of 0 stands for none), where its name begins and ends. */
const SIZE_AT = HASH_BYTES
const BUILT_AT = SIZE_AT + 8
const NAME_AT = BUILT_AT + 8
const ROW_BYTES = NAME_AT + 8
/** Of a UTF-16 unit, at most. */
const UTF8_BYTES = 3
/** Of a name, on average: 30 to 40 in Arch's. */
const NAME_BYTES = 45
const FIRST = { rows: 64, nameBytes: 4096, places: 128 }

/** 100 bytes a package, nothing of which the garbage collector looks at; a map of objects takes five times as much. */
export function createPackageTableBuilder(): PackageTableBuilder {
  const table: Table = {
    names: Buffer.alloc(FIRST.nameBytes),
    rows: Buffer.alloc(FIRST.rows * ROW_BYTES),
    places: new Uint32Array(FIRST.places),
  }
  let size = 0
  let nameBytes = 0

  /** Half of the places stay free, so that the next free one is near. */
  function makePlaces(count: number) {
    table.places = new Uint32Array(count)
    for (let row = 0; row < size; row++) {
      const [begin, end] = nameOf(table, row * ROW_BYTES)
      table.places[placeOf(table, table.names, begin, end)] = row + 1
    }
  }

  /** The row of the name that lies behind all others, which is there already or comes to be. */
  function rowFor(end: number): number {
    if (2 * (size + 1) >= table.places.length) makePlaces(2 * table.places.length)
    const place = placeOf(table, table.names, nameBytes, end)
    if (table.places[place] !== 0) return rowAt(table, place)
    table.rows = withRoom(table.rows, (size + 1) * ROW_BYTES)
    const row = size * ROW_BYTES
    table.rows.writeUInt32LE(nameBytes, row + NAME_AT)
    table.rows.writeUInt32LE(end, row + NAME_AT + 4)
    nameBytes = end
    table.places[place] = ++size
    return row
  }

  return {
    expect(count) {
      table.names = withRoom(table.names, NAME_BYTES * count)
      table.rows = withRoom(table.rows, ROW_BYTES * count)
      const places = 2 ** Math.ceil(Math.log2(2 * count + 2))
      if (places > table.places.length) makePlaces(places)
    },
    add({ name, size, sha256, built = 0 }) {
      table.names = withRoom(table.names, nameBytes + UTF8_BYTES * name.length)
      const row = rowFor(nameBytes + table.names.write(name, nameBytes))
      table.rows.write(sha256, row, 'hex')
      table.rows.writeDoubleLE(size, row + SIZE_AT)
      table.rows.writeDoubleLE(built, row + BUILT_AT)
    },
    take() {
      const taken = packagesOf(
        {
          names: copyOf(table.names, nameBytes),
          rows: copyOf(table.rows, size * ROW_BYTES),
          places: table.places.slice(),
        },
        size,
      )
      table.places.fill(0)
      size = 0
      nameBytes = 0
      return taken
    },
  }
}

const packagesOf = (table: Table, size: number): Packages => ({
  size,
  get(name) {
    const bytes = Buffer.from(name)
    const place = placeOf(table, bytes, 0, bytes.length)
    if (table.places[place] === 0) return undefined
    const { rows } = table
    const row = rowAt(table, place)
    const built = rows.readDoubleLE(row + BUILT_AT)
    return {
      name,
      size: rows.readDoubleLE(row + SIZE_AT),
      sha256: rows.toString('hex', row, row + HASH_BYTES),
      ...(built === 0 ? {} : { built }),
    }
  },
})

const rowAt = ({ places }: Table, place: number) => (places[place]! - 1) * ROW_BYTES

const nameOf = ({ rows }: Table, row: number) =>
  [rows.readUInt32LE(row + NAME_AT), rows.readUInt32LE(row + NAME_AT + 4)] as const

/** The place of the name that lies in `bytes` from `from` to `to`, or the free one where it belongs. */
function placeOf(table: Table, bytes: Buffer, from: number, to: number): number {
  const { names, places } = table
  const last = places.length - 1
  let place = hashOf(bytes, from, to) & last
  while (places[place] !== 0) {
    const [begin, end] = nameOf(table, rowAt(table, place))
    if (bytes.compare(names, begin, end, from, to) === 0) break
    place = (place + 1) & last
  }
  return place
}

/** Not of the pool that small buffers share: that would keep it. */
function copyOf(buffer: Buffer, bytes: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes)
  buffer.copy(copy, 0, 0, bytes)
  return copy
}

function withRoom(buffer: Buffer, bytes: number): Buffer {
  if (bytes <= buffer.length) return buffer
  const larger = Buffer.alloc(Math.max(bytes, Math.ceil(1.5 * buffer.length)))
  larger.set(buffer)
  return larger
}

/** FNV-1a, 32 bits. */
function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193)
  return hash >>> 0
}
