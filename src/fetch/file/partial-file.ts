import { chunkSize } from '../../base/chunks.ts'
import type { Lent } from '../../base/lent-buffers.ts'
import type { Sha256, WantedFile } from '../../wire/messages.ts'
import { type ChunkMap, createChunkMap } from './chunk-map.ts'
import { createChunkStore } from './chunk-store.ts'
import type { Spool } from './spool.ts'
import type { Origins } from './spool-file.ts'
import type { WholeHasher } from './whole-hash.ts'

/**
 * Where a chunk came from: `peer`, checked against a list; `member`, taken on the word of one that had it from the
 * mirror; `spool` is what an earlier invocation left.
 */
export type Origin = 'peer' | 'member' | 'mirror' | 'spool'

/** A file on its way: chunks in the spool, hashed as the gap before them closes. Owns the map of what is here. */
export interface PartialFile {
  readonly map: ChunkMap
  /** Bytes by where they came from. */
  readonly bytesFrom: Readonly<Record<Origin, number>>
  /** Bytes from the first on that may be handed over: all but the last chunk until the whole is right. */
  readonly readable: number
  /**
   * Up to where, from a position on, all is here and can't turn out wrong to whoever would else ask a mirror: it gave the same
   * bytes, or the whole is right. Looks at `most` bytes.
   */
  certainTo(position: number, most: number): number
  /** Grows whenever chunks are forgotten: what was read before may differ from what comes after. */
  readonly generation: number
  read(buffer: Uint8Array, position: number): Promise<void>
  /** The bytes from a readable position to its chunk's end, where they are still in memory. */
  lend(position: number): Lent | undefined
  /** Undefined for a chunk that isn't here. */
  originOf(chunk: number): Origin | undefined
  /** The SHA-256 of a chunk, of which it was known when it came. */
  hashOf(chunk: number): Sha256 | undefined
  /** The SHA-256 of a chunk that came; not at once for a large one. */
  digest(bytes: Uint8Array): Sha256 | Promise<Sha256>
  /** A chunk has come, and is looked at: it isn't missing until it is kept or `refuse`d. */
  expect(chunk: number): void
  refuse(chunk: number): void
  /**
   * Takes in a chunk that is missing or expected, and its bytes over. It is here at once, and written later; but where the disk
   * lags it waits for its turn, and then `stillWanted` is asked: false, and it doesn't count. Throws PacsrvError `spool` when it,
   * or one before, can't be written.
   */
  keep(chunk: number, what: Kept, stillWanted: () => boolean): Promise<boolean>
  /** A chunk of a member is what the list says: as good as a peer's. */
  confirm(chunk: number): void
  /** These chunks are wrong or doubtful: they are as if they had never come. Those who read are told, if there are any. */
  forget(which: (origin: Origin, chunk: number) => boolean): void
  /** The SHA-256 of the whole against what is promised; call it when every chunk is here. Throws PacsrvError `spool`. */
  isRight(): Promise<boolean>
  /** The whole is right, and is kept for whoever asks next. Returns its chunk hashes where all are known. */
  completed(from: Origins): Uint8Array | undefined
  save(): Promise<void>
  /** Ends reading and writing; what is worth it stays in the spool. */
  close(): Promise<void>
}

/** A chunk that has come. */
export interface Kept {
  origin: Origin
  hash: Sha256
  bytes: Uint8Array
}

/** `onForgotten`: what was readable may have been wrong. Throws PacsrvError `spool`. */
export async function openPartialFile(
  { spool, hasher, recycle }: { spool: Spool; hasher: WholeHasher; recycle(bytes: Uint8Array): void },
  file: WantedFile,
  onForgotten: () => void,
): Promise<PartialFile> {
  const map = createChunkMap(file.size)
  const step = chunkSize(file.size)
  const origins: (Origin | undefined)[] = new Array(map.chunks).fill(undefined)
  const hashes: (Sha256 | undefined)[] = new Array(map.chunks).fill(undefined)
  const bytesFrom = { peer: 0, member: 0, mirror: 0, spool: 0 }
  const spooled = await spool.open(file)
  const store = createChunkStore({ hasher, recycle }, spooled)
  let right = false
  let generation = 0
  /** Whether what is here has changed since it was last noted. */
  let unsaved = false

  const length = (chunk: number) => Math.min(step, file.size - chunk * step)
  const readable = () => (right ? file.size : Math.min(map.prefix, map.chunks - 1) * step)

  function got(origin: Origin, chunk: number) {
    map.here(chunk)
    origins[chunk] = origin
    bytesFrom[origin] += length(chunk)
  }

  for (const chunk of spooled.found) got('spool', chunk)
  store.advance(map.prefix)

  let saving: Promise<void> = Promise.resolve()
  /** One after the other: on a busy disk a note may take longer than the next waits. What can't be written isn't noted. */
  function save(): Promise<void> {
    if (unsaved) {
      unsaved = false
      saving = saving.then(async () => {
        const here = [...origins.keys()].filter((chunk) => origins[chunk] !== undefined)
        await store.flush().then(
          () => spooled.save(here.filter((chunk) => origins[chunk] !== undefined)),
          () => {},
        )
      })
    }
    return saving
  }

  return {
    map,
    bytesFrom,
    get generation() {
      return generation
    },
    get readable() {
      return readable()
    },
    certainTo(position, most) {
      if (right) return Math.min(file.size, position + most)
      let chunk = Math.floor(position / step)
      while (chunk < map.chunks - 1 && origins[chunk] === 'mirror' && chunk * step < position + most) chunk++
      return Math.min(Math.max(position, chunk * step), position + most)
    },
    read: store.read,
    lend: (position) => (position < readable() ? store.lend(position) : undefined),
    originOf: (chunk) => origins[chunk],
    hashOf: (chunk) => hashes[chunk],
    digest: hasher.digest,
    expect: map.writing,
    refuse: map.missing,
    async keep(chunk, { origin, hash, bytes }, stillWanted) {
      if (store.isFull) {
        map.writing(chunk)
        await store.flush()
      }
      if (!stillWanted()) {
        map.missing(chunk)
        recycle(bytes)
        return false
      }
      store.put(chunk, bytes)
      hashes[chunk] = hash
      got(origin, chunk)
      unsaved = true
      store.advance(map.prefix)
      return true
    },
    confirm(chunk) {
      if (origins[chunk] !== 'member') return
      origins[chunk] = 'peer'
      bytesFrom.member -= length(chunk)
      bytesFrom.peer += length(chunk)
    },
    forget(which) {
      const before = map.losses
      for (const [chunk, origin] of origins.entries()) {
        if (origin === undefined || !which(origin, chunk)) continue
        origins[chunk] = hashes[chunk] = undefined
        bytesFrom[origin] -= length(chunk)
        map.missing(chunk)
        store.drop(chunk)
      }
      if (map.losses === before) return
      generation++
      unsaved = true
      store.reset()
      store.advance(map.prefix)
      onForgotten()
    },
    async isRight() {
      await store.flush()
      // The only chunk's hash is the whole's.
      const only = map.chunks === 1 ? hashes[0] : undefined
      const found = only ?? (await store.hash())
      right = map.bytesLeft === 0 && found === file.sha256
      return right
    },
    completed(from) {
      const known = hashes.every((hash) => hash !== undefined)
      const chunkHashes = known ? Buffer.from(hashes.join(''), 'hex') : undefined
      spooled.completed(from, chunkHashes)
      return chunkHashes
    },
    save,
    async close() {
      await store.flush().catch(() => {})
      await save()
      store.close()
      await spooled.close(map.count > 0 ? 'keep' : 'useless')
    },
  }
}
