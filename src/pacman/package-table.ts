import { HASH_BYTES } from '../base/chunks.ts'
import type { PackageEntry } from './desc.ts'
import { packageOfFile } from './file-name.ts'

/** The packages of one database, by file name. */
export interface Packages {
  readonly size: number
  get(name: string): PackageEntry | undefined
  /** By the package's name; looks at each. */
  ofPackage(name: string): PackageEntry | undefined
  /** Those of these SHA-256; looks at each, once. */
  ofHashes(hashes: ReadonlySet<string>): PackageEntry[]
}

export interface PackageTable extends Packages {
  /** In place of one of the same name. */
  add(entry: PackageEntry): void
}

/** A row: a SHA-256, size and build time as doubles (a time of 0 stands for none), where its name begins and ends. */
const SIZE_AT = HASH_BYTES
const BUILT_AT = SIZE_AT + 8
const NAME_AT = BUILT_AT + 8
const ROW_BYTES = NAME_AT + 8
/** Of a name: on average in Arch's databases, with some to spare; and of a UTF-16 unit at most. */
const NAME_BYTES = 45
const UTF8_BYTES = 3

/**
 * Three buffers with 110 bytes a package, nothing of which the garbage collector looks at; a map of objects takes five
 * times as much. `expected`: how many there will be, about. Buffers that were too small lie about until a rare garbage
 * collection.
 */
export function createPackageTable(expected = 64): PackageTable {
  /** One behind the other, as UTF-8. */
  let names = Buffer.allocUnsafeSlow(NAME_BYTES * expected)
  let rows = Buffer.allocUnsafeSlow(ROW_BYTES * expected)
  /** Where a name's row is looked for first: by its hash, then in the places after. Row numbers from 1; 0: none. */
  let places = new Uint32Array(2 ** Math.ceil(Math.log2(2 * expected + 2)))
  let size = 0
  let nameBytes = 0

  const rowAt = (place: number) => (places[place]! - 1) * ROW_BYTES

  /** The place of the name that lies in `bytes` from `from` to `to`, or the free one where it belongs. */
  function placeOf(bytes: Buffer, from: number, to: number): number {
    const last = places.length - 1
    let place = hashOf(bytes, from, to) & last
    while (places[place] !== 0) {
      const row = rowAt(place)
      const [begin, end] = [rows.readUInt32LE(row + NAME_AT), rows.readUInt32LE(row + NAME_AT + 4)]
      if (bytes.compare(names, begin, end, from, to) === 0) break
      place = (place + 1) & last
    }
    return place
  }

  /** Half of the places stay free, so that the next free one is near. */
  function makePlaces() {
    if (2 * (size + 1) < places.length) return
    places = new Uint32Array(2 * places.length)
    for (let n = 0; n < size; n++) {
      const row = n * ROW_BYTES
      places[placeOf(names, rows.readUInt32LE(row + NAME_AT), rows.readUInt32LE(row + NAME_AT + 4))] = n + 1
    }
  }

  /** The row of the name that lies behind all others, which is there already or comes to be. */
  function rowFor(end: number): number {
    makePlaces()
    const place = placeOf(names, nameBytes, end)
    if (places[place] !== 0) return rowAt(place)
    rows = withRoom(rows, (size + 1) * ROW_BYTES)
    const row = size * ROW_BYTES
    rows.writeUInt32LE(nameBytes, row + NAME_AT)
    rows.writeUInt32LE(end, row + NAME_AT + 4)
    nameBytes = end
    places[place] = ++size
    return row
  }

  function entryAt(row: number): PackageEntry {
    const built = rows.readDoubleLE(row + BUILT_AT)
    return {
      name: nameAt(row),
      size: rows.readDoubleLE(row + SIZE_AT),
      sha256: rows.toString('hex', row, row + HASH_BYTES),
      ...(built === 0 ? {} : { built }),
    }
  }

  const nameAt = (row: number) =>
    names.toString('utf8', rows.readUInt32LE(row + NAME_AT), rows.readUInt32LE(row + NAME_AT + 4))

  return {
    get size() {
      return size
    },
    add({ name, size, sha256, built = 0 }) {
      names = withRoom(names, nameBytes + UTF8_BYTES * name.length)
      const row = rowFor(nameBytes + names.write(name, nameBytes))
      rows.write(sha256, row, 'hex')
      rows.writeDoubleLE(size, row + SIZE_AT)
      rows.writeDoubleLE(built, row + BUILT_AT)
    },
    get(name) {
      const bytes = Buffer.from(name)
      const place = placeOf(bytes, 0, bytes.length)
      return places[place] === 0 ? undefined : entryAt(rowAt(place))
    },
    ofPackage(name) {
      for (let row = 0; row < size * ROW_BYTES; row += ROW_BYTES)
        if (packageOfFile(nameAt(row)) === name) return entryAt(row)
      return undefined
    },
    ofHashes(hashes) {
      const found: PackageEntry[] = []
      for (let row = 0; row < size * ROW_BYTES; row += ROW_BYTES)
        if (hashes.has(rows.toString('hex', row, row + HASH_BYTES))) found.push(entryAt(row))
      return found
    },
  }
}

function withRoom(buffer: Buffer<ArrayBuffer>, bytes: number): Buffer<ArrayBuffer> {
  if (bytes <= buffer.length) return buffer
  const larger = Buffer.allocUnsafeSlow(Math.max(bytes, Math.ceil(1.5 * buffer.length)))
  larger.set(buffer)
  return larger
}

/** FNV-1a, 32 bits. */
function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193)
  return hash >>> 0
}
