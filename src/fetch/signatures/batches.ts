import type { WantedFile } from '../../wire/messages.ts'
import type { Located } from '../locator.ts'
import type { FromMirrors } from './from-mirrors.ts'

/** Signatures that have been ordered, by the package's SHA-256. What nobody takes is kept. */
export interface Batches {
  readonly size: number
  /** Settles with what came, or undefined for nothing; undefined where it wasn't ordered. */
  get(sha256: string): Promise<Uint8Array | undefined> | undefined
  /** What was ordered before `pump` goes by one curl. */
  order(signed: Located): Promise<Uint8Array | undefined>
  pump(): void
  forget(sha256: string): void
  /** Nobody wants them any more. */
  clear(): void
}

export interface BatchesDeps {
  mirrors: Pick<FromMirrors, 'many'>
  fromPeers(file: WantedFile): Promise<Uint8Array | undefined>
  /** The proxies of whoever asks now. */
}

/** Curls at the same time. */
const BATCHES = 2
/** Signatures that are asked of peers at the same time. */
const PEERS_AT_ONCE = 8

interface Ordered {
  outcome: Promise<Uint8Array | undefined>
  settle(bytes: Uint8Array | undefined): void
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
    const settle = ({ file }: Located, bytes?: Uint8Array) => ordered.get(file.sha256)?.settle(bytes)
    const left = await mirrors.many(files, settle)
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
      const outcome = new Promise<Uint8Array | undefined>((resolve) => {
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
