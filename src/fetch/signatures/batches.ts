import type { CallerEnvironment } from '../../base/caller-environment.ts'
import type { Cancel, Clock } from '../../base/clock.ts'
import type { Located } from '../locator.ts'
import type { FromMirrors, MirrorWord } from './from-mirrors.ts'

/** Signatures that have been ordered, by the package's SHA-256. What nobody takes is kept. */
export interface Batches {
  readonly size: number
  /** Settles with what the mirrors said; undefined where it wasn't ordered. */
  get(sha256: string): Promise<MirrorWord> | undefined
  /** What has been ordered when `pump` is called goes by one curl, as soon as none is at work or the one that is takes long. */
  order(signed: Located): Promise<MirrorWord>
  pump(): void
  forget(sha256: string): void
  /** Nobody wants them any more. */
  clear(): void
}

export interface BatchesDeps {
  clock: Clock
  mirrors: Pick<FromMirrors, 'many'>
  /** The proxies of whoever asks. */
  environment: CallerEnvironment
}

/** A curl for each would cost more than the wait for the one before, but no longer than this, in milliseconds. */
const MOST_WAIT_MS = 200
/** Curls at the same time. */
const MOST_BATCHES = 2

interface Ordered {
  outcome: Promise<MirrorWord>
  settle(word: MirrorWord): void
}

export function createBatches({ clock, mirrors, environment }: BatchesDeps): Batches {
  const ordered = new Map<string, Ordered>()
  /** Ordered, and in no curl yet. */
  let waiting: Located[] = []
  let running = 0
  let stopTimer: Cancel | undefined

  function pump() {
    if (running === 0) begin()
    else if (running < MOST_BATCHES) stopTimer ??= clock.after(MOST_WAIT_MS, begin)
  }

  /** One curl takes all that has been ordered; what is ordered meanwhile is the next one's. */
  function begin() {
    stopTimer?.()
    stopTimer = undefined
    if (waiting.length === 0) return
    const files = waiting
    waiting = []
    running++
    void fetch(files).finally(() => {
      running--
      pump()
    })
  }

  async function fetch(files: Located[]) {
    const settle = ({ file }: Located, word: MirrorWord) => ordered.get(file.sha256)?.settle(word)
    const left = await mirrors.many(files, environment, settle)
    for (const one of left) settle(one, 'silent')
  }

  return {
    get size() {
      return ordered.size
    },
    get: (sha256) => ordered.get(sha256)?.outcome,
    order(signed) {
      let settle: Ordered['settle'] = () => {}
      const outcome = new Promise<MirrorWord>((resolve) => {
        settle = resolve
      })
      ordered.set(signed.file.sha256, { outcome, settle })
      waiting.push(signed)
      return outcome
    },
    pump,
    forget: (sha256) => void ordered.delete(sha256),
    clear() {
      for (const { settle } of ordered.values()) settle('silent')
      ordered.clear()
    },
  }
}
