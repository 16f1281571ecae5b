import { HASH_BYTES } from '../base/chunks.ts'
import type { PackageEntry } from './desc.ts'
import { packageOfFile } from './file-name.ts'

/** The packages of one database, by file name. */
export interface Packages {
  readonly size: number
  get(name: string): PackageEntry | undefined
  /** By the package's name; looks at each. */
  ofPackage(name: string): PackageEntry | undefined
}

export interface PackageTable extends Packages {
  /** In place of one of the same name. */
  add(entry: PackageEntry): void
}

/** A SHA-256, then size and build time as doubles; a time of 0 stands for none. */
const ROW_BYTES = HASH_BYTES + 16
const FIRST_ROWS = 64

/** Rows in one buffer: Arch's 15,000 packages as objects with hex strings would take twice the memory. */
export function createPackageTable(): PackageTable {
  const rows = new Map<string, number>()
  let buffer = Buffer.alloc(FIRST_ROWS * ROW_BYTES)

  function rowFor(name: string): number {
    const at = rows.get(name) ?? rows.size * ROW_BYTES
    rows.set(name, at)
    if (at < buffer.length) return at
    const larger = Buffer.alloc(buffer.length * 2)
    larger.set(buffer)
    buffer = larger
    return at
  }

  function get(name: string): PackageEntry | undefined {
    const at = rows.get(name)
    if (at === undefined) return undefined
    const built = buffer.readDoubleLE(at + HASH_BYTES + 8)
    return {
      name,
      size: buffer.readDoubleLE(at + HASH_BYTES),
      sha256: buffer.toString('hex', at, at + HASH_BYTES),
      ...(built === 0 ? {} : { built }),
    }
  }

  return {
    get size() {
      return rows.size
    },
    add({ name, size, sha256, built = 0 }) {
      const at = rowFor(name)
      buffer.write(sha256, at, 'hex')
      buffer.writeDoubleLE(size, at + HASH_BYTES)
      buffer.writeDoubleLE(built, at + HASH_BYTES + 8)
    },
    get,
    ofPackage(name) {
      for (const file of rows.keys()) if (packageOfFile(file) === name) return get(file)
      return undefined
    },
  }
}
