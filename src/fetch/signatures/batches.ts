import type { WantedFile } from '../../wire/messages.ts'
import type { Located } from '../locator.ts'
import type { FromMirrors } from './from-mirrors.ts'

/** A signature; `absent`: a mirror says that there is none, and no other has it; undefined: nobody has said anything. */
export type FoundSignature = Uint8Array | 'absent' | undefined

/** Signatures that have been ordered, by the package's SHA-256. What nobody takes is kept. */
export interface Batches {
  readonly size: number
  /** Settles with what came of it; undefined where it wasn't ordered. */
  get(sha256: string): Promise<FoundSignature> | undefined
  /** What was ordered before `pump` goes by one curl. */
  order(signed: Located): Promise<FoundSignature>
  pump(): void
  forget(sha256: string): void
  /** Nobody wants them any more. */
  clear(): void
}

export interface BatchesDeps {
  mirrors: Pick<FromMirrors, 'many'>
  fromPeers(file: WantedFile): Promise<Uint8Array | undefined>
}

/** Curls at the same time. */
const BATCHES = 2
/** Signatures that are asked of peers at the same time. */
const PEERS_AT_ONCE = 8

interface Ordered {
  outcome: Promise<FoundSignature>
  settle(found: FoundSignature): void
}

export function createBatches({ mirrors, fromPeers }: BatchesDeps): Batches {
  const ordered = new Map<string, Ordered>()
  /** Ordered, and in no curl yet. */
  let waiting: Located[] = []
  let running = 0

  /** One curl takes all that has been ordered; what is ordered meanwhile is the next one's. */
  function pump() {
    if (running >= BATCHES || waiting.length === 0) return
    const files = waiting
    waiting = []
    running++
    void fetch(files).finally(() => {
      running--
      pump()
    })
  }

  async function fetch(files: Located[]) {
    const settle = ({ file }: Located, found: FoundSignature) => ordered.get(file.sha256)?.settle(found)
    const left = await mirrors.many(files, (one, bytes) => settle(one, bytes ?? 'absent'))
    const toAsk = left.values()
    const ask = async () => {
      for (const one of toAsk) {
        settle(one, ordered.has(one.file.sha256) ? await fromPeers(one.file) : undefined)
      }
    }
    await Promise.all(Array.from({ length: PEERS_AT_ONCE }, ask))
  }

  return {
    get size() {
      return ordered.size
    },
    get: (sha256) => ordered.get(sha256)?.outcome,
    order(signed) {
      let settle: Ordered['settle'] = () => {}
      const outcome = new Promise<FoundSignature>((resolve) => {
        settle = resolve
      })
      ordered.set(signed.file.sha256, { outcome, settle })
      waiting.push(signed)
      return outcome
    },
    pump,
    forget: (sha256) => void ordered.delete(sha256),
    clear() {
      for (const { settle } of ordered.values()) settle(undefined)
      ordered.clear()
    },
  }
}
