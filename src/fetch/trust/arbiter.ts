import type { Clock } from '../../base/clock.ts'
import type { Limiter } from '../../base/limiter.ts'
import type { Log } from '../../base/log.ts'
import { sha256 } from '../../base/sha256.ts'
import type { OpenMirror } from '../../mirror/curl.ts'
import { createMirrorSource } from '../sources/mirror-source.ts'
import type { ListTrust } from './list-trust.ts'

/** Of two lists that contradict each other one is true at most: the mirror's bytes of a chunk they differ in tell. */
export interface Arbiter {
  /** Finds out, if it can, which lists are false. Never rejects. */
  decide(): Promise<void>
}

export interface ArbiterDeps {
  clock: Clock
  log: Log
  trust: Pick<ListTrust, 'contradiction' | 'decide'>
  openMirror: OpenMirror
  downloads: Limiter
}

export interface ArbiterOrder {
  size: number
  mirrors: string[]
  environment: Record<string, string>
  signal: AbortSignal
}

/** How long the mirror may take over the one chunk that tells which list is false, in milliseconds. */
const MOST_MS = 5_000

export function createArbiter(
  { clock, log, trust, openMirror, downloads }: ArbiterDeps,
  { size, mirrors, environment, signal }: ArbiterOrder,
): Arbiter {
  const [url] = mirrors
  let deciding = false

  /** What the mirror gives for the chunk; undefined where it gives nothing. */
  function mirrorHash(url: string, chunk: number): Promise<string | undefined> {
    return new Promise((resolve) => {
      const give = (hash?: string) => {
        stopTimer()
        signal.removeEventListener('abort', giveNone)
        probe.close()
        resolve(hash)
      }
      const giveNone = () => give()
      const probe = createMirrorSource(
        { open: openMirror, clock, downloads },
        {
          url,
          size,
          environment,
          handler: {
            onReach: (_, reached) => reached === chunk,
            onChunk: (_source, _chunk, bytes) => give(sha256(bytes)),
            onGone: giveNone,
            onRunEnd: giveNone,
          },
        },
      )
      const stopTimer = clock.after(MOST_MS, giveNone)
      signal.addEventListener('abort', giveNone)
      probe.begin({ start: chunk, end: chunk + 1 })
    })
  }

  /** Looks into what contradicts the list in use, one after another, until nothing does or the mirror gives nothing. */
  async function decideAll(url: string) {
    for (let chunk = trust.contradiction(); chunk !== undefined; chunk = trust.contradiction()) {
      log.debug({ chunk }, "two lists contradict each other: the mirror's bytes are to tell")
      const hash = await mirrorHash(url, chunk)
      if (hash === undefined || signal.aborted || !trust.decide(chunk, hash)) return
    }
  }

  return {
    async decide() {
      if (url === undefined || deciding) return
      deciding = true
      await decideAll(url)
      deciding = false
    },
  }
}
