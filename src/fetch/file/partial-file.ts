import { chunkSize } from '../../base/chunks.ts'
import { createLender, type Lent } from '../../base/lent-buffers.ts'
import type { Sha256, WantedFile } from '../../wire/messages.ts'
import { type ChunkMap, createChunkMap } from './chunk-map.ts'
import type { Origins, Spool, SpoolFile } from './spool.ts'
import type { WholeHash, WholeHasher } from './whole-hash.ts'

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
   * Writes a chunk that is missing or expected, whose bytes it takes over. `stillWanted` is asked when it is written: false, and it
   * doesn't count. Throws PacsrvError `spool`.
   */
  keep(chunk: number, what: Kept, stillWanted: () => boolean): Promise<boolean>
  /** A chunk of a member is what the list says: as good as a peer's. */
  confirm(chunk: number): void
  /** These chunks are wrong or doubtful: they are as if they had never come. Those who read are told, if there are any. */
  forget(which: (origin: Origin, chunk: number) => boolean): void
  /** The SHA-256 of the whole against what is promised; call it when every chunk is here. */
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
  const spooled: SpoolFile = await spool.open(file)
  const whole: WholeHash = hasher.begin(spooled.path)
  const recent = createLender<number, { bytes: Uint8Array }>(recycle)
  /** Chunks that the hash of the whole was told of. */
  let announced = 0
  let right = false
  let generation = 0
  let writing: Promise<unknown> = Promise.resolve()

  const length = (chunk: number) => Math.min(step, file.size - chunk * step)
  const prefixBytes = () => Math.min(file.size, map.prefix * step)

  function got(origin: Origin, chunk: number) {
    map.here(chunk)
    origins[chunk] = origin
    bytesFrom[origin] += length(chunk)
  }

  function hashOn() {
    const parts = []
    for (; announced < map.prefix; announced++) {
      const lent = recent.lend(announced)
      if (lent) parts.push({ ...lent, at: announced * step })
    }
    whole.advance(prefixBytes(), parts)
  }

  const readable = () => (right ? file.size : Math.min(map.prefix, map.chunks - 1) * step)

  for (const chunk of spooled.found) got('spool', chunk)
  hashOn()

  let saving: Promise<void> = Promise.resolve()
  /** One after the other: on a busy disk a note may take longer than the next waits. */
  function save(): Promise<void> {
    saving = saving.then(() =>
      spooled.save([...origins.keys()].filter((chunk) => origins[chunk] !== undefined)),
    )
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
    read: spooled.read,
    lend(position) {
      const lent = position < readable() ? recent.lend(Math.floor(position / step)) : undefined
      return lent && { ...lent, bytes: lent.bytes.subarray(position % step) }
    },
    originOf: (chunk) => origins[chunk],
    hashOf: (chunk) => hashes[chunk],
    digest: hasher.digest,
    expect: map.writing,
    refuse: map.missing,
    async keep(chunk, { origin, hash, bytes }, stillWanted) {
      map.writing(chunk)
      // One after another: several threads writing one file spin on its lock, a tenth of a busy daemon's CPU time.
      const write = writing.then(() => spooled.write(chunk, bytes))
      writing = write.catch(() => {})
      await write
      if (!stillWanted()) {
        map.missing(chunk)
        recycle(bytes)
        return false
      }
      hashes[chunk] = hash
      got(origin, chunk)
      recent.add(chunk, { bytes })
      hashOn()
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
        recent.drop(chunk)
      }
      if (map.losses === before) return
      generation++
      whole.reset()
      announced = 0
      hashOn()
      onForgotten()
    },
    async isRight() {
      const found = await whole.result(file.size)
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
      whole.close()
      recent.clear()
      await writing
      await save()
      await spooled.close(map.count > 0 ? 'keep' : 'useless')
    },
  }
}
