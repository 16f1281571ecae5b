/** A package file in a cache folder, as it was when it was hashed. */
export interface CatalogueFile {
  path: string
  name: string
  size: number
  mtimeMs: number
  inode: number
  /** 64 hex digits. */
  sha256: string
  /** The name of `chunkHashes`: see base/chunks.ts. */
  root: string
  /** SHA-256 of each chunk, raw and one behind the other. */
  chunkHashes: Uint8Array
}

export interface Changes {
  added: CatalogueFile[]
  removed: CatalogueFile[]
}

/** Which files there are, by path and by hash. Of files with one hash, the first is offered. */
export interface CatalogueIndex {
  at(path: string): CatalogueFile | undefined
  all(): CatalogueFile[]
  /** Every copy; the offered one first. */
  copies(sha256: string): readonly CatalogueFile[]
  offered(): CatalogueFile[]
  /** Of what is offered. */
  readonly count: number
  readonly bytes: number
  /** Grows with each change. */
  readonly revision: number
  put(file: CatalogueFile): void
  /** Nothing when another file has taken its path. */
  drop(file: CatalogueFile): void
  /** What has come to be offered, and what has ceased to be, since the last call. */
  takeChanges(): Changes
}

export function createHoldings(): CatalogueIndex {
  const byPath = new Map<string, CatalogueFile>()
  const byHash = new Map<string, CatalogueFile[]>()
  const before = new Map<string, CatalogueFile | undefined>()
  let bytes = 0
  let revision = 0

  function touch({ sha256 }: CatalogueFile) {
    if (!before.has(sha256)) before.set(sha256, byHash.get(sha256)?.[0])
    revision++
  }

  function drop(file: CatalogueFile) {
    if (byPath.get(file.path) !== file) return
    touch(file)
    byPath.delete(file.path)
    const rest = byHash.get(file.sha256)!.filter((copy) => copy !== file)
    if (rest.length > 0) byHash.set(file.sha256, rest)
    else {
      byHash.delete(file.sha256)
      bytes -= file.size
    }
  }

  return {
    at: (path) => byPath.get(path),
    all: () => [...byPath.values()],
    copies: (sha256) => byHash.get(sha256) ?? [],
    offered: () => [...byHash.values()].map((copies) => copies[0]!),
    get count() {
      return byHash.size
    },
    get bytes() {
      return bytes
    },
    get revision() {
      return revision
    },
    put(file) {
      const old = byPath.get(file.path)
      if (old === file) return
      if (old) drop(old)
      touch(file)
      byPath.set(file.path, file)
      const copies = byHash.get(file.sha256) ?? []
      if (copies.length === 0) bytes += file.size
      byHash.set(file.sha256, [...copies, file])
    },
    drop,
    takeChanges() {
      const changes: Changes = { added: [], removed: [] }
      for (const [sha256, old] of before) {
        const now = byHash.get(sha256)?.[0]
        if (now && !old) changes.added.push(now)
        if (old && !now) changes.removed.push(old)
      }
      before.clear()
      return changes
    },
  }
}
