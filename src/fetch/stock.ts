import { chunkSize } from '../base/chunks.ts'
import type { WantedFile } from '../wire/messages.ts'
import { type ChunkPlan, createChunkPlan } from './chunk-plan.ts'
import type { Origins, Spool, SpoolFile } from './spool.ts'
import type { WholeHash, WholeHasher } from './whole-hash.ts'

/** Where a chunk came from; `spool` is what an earlier invocation left. */
export type Origin = 'peer' | 'mirror' | 'spool'

/** What is here of a file on its way: chunks in the spool, hashed as the gap before them closes. */
export interface Stock {
  readonly plan: ChunkPlan
  /** Bytes by where they came from. */
  readonly bytesFrom: Readonly<Record<Origin, number>>
  /** Bytes from the first on that may be handed over: all but the last chunk until the whole is right. */
  readonly readable: number
  read(buffer: Uint8Array, position: number): Promise<void>
  /** Writes a chunk. `stillWanted` is asked when it is written: false, and it doesn't count. Throws PacsrvError `spool`. */
  keep(origin: Origin, chunk: number, bytes: Uint8Array, stillWanted: () => boolean): Promise<boolean>
  /** Chunks of these origins are wrong or doubtful: they are as if they had never come. */
  forget(which: (origin: Origin) => boolean): void
  /** The SHA-256 of the whole against what is promised; call it when every chunk is here. */
  isRight(): Promise<boolean>
  /** The whole is right, and is kept for whoever asks next. */
  completed(from: Origins): void
  save(): Promise<void>
  /** Ends reading and writing; what is worth it stays in the spool. */
  close(): Promise<void>
}

export async function openStock(
  { spool, hasher }: { spool: Spool; hasher: WholeHasher },
  file: WantedFile,
): Promise<Stock> {
  const plan = createChunkPlan(file.size)
  const step = chunkSize(file.size)
  const origins: (Origin | undefined)[] = new Array(plan.chunks).fill(undefined)
  const bytesFrom = { peer: 0, mirror: 0, spool: 0 }
  const spooled: SpoolFile = await spool.open(file)
  const whole: WholeHash = hasher.begin(spooled.path)
  let right = false
  let writing: Promise<unknown> = Promise.resolve()

  const length = (chunk: number) => Math.min(step, file.size - chunk * step)
  const prefixBytes = () => Math.min(file.size, plan.prefix * step)

  function got(origin: Origin, chunk: number) {
    plan.got(chunk)
    origins[chunk] = origin
    bytesFrom[origin] += length(chunk)
  }

  for (const chunk of spooled.found) got('spool', chunk)
  whole.advance(prefixBytes())

  const save = () => spooled.save([...origins.keys()].filter((chunk) => origins[chunk] !== undefined))
  return {
    plan,
    bytesFrom,
    get readable() {
      return right ? file.size : Math.min(plan.prefix, plan.chunks - 1) * step
    },
    read: spooled.read,
    async keep(origin, chunk, bytes, stillWanted) {
      const write = spooled.write(chunk, bytes)
      writing = Promise.allSettled([writing, write])
      await write
      if (plan.has(chunk) || !stillWanted()) return false
      got(origin, chunk)
      whole.advance(prefixBytes())
      return true
    },
    forget(which) {
      for (const [chunk, origin] of origins.entries()) {
        if (origin === undefined || !which(origin)) continue
        origins[chunk] = undefined
        bytesFrom[origin] -= length(chunk)
        plan.lost(chunk)
      }
      whole.reset()
      whole.advance(prefixBytes())
    },
    async isRight() {
      const found = await whole.result(file.size)
      right = plan.bytesLeft === 0 && found === file.sha256
      return right
    },
    completed: spooled.completed,
    save,
    async close() {
      whole.close()
      await writing
      await save()
      await spooled.close(plan.count > 0 ? 'keep' : 'useless')
    },
  }
}
