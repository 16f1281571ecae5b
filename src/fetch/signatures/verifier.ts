import { createHash } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import { createExpiringMap } from '../../base/expiring-map.ts'
import type { ReadableFile } from '../../base/readable-file.ts'
import type { RunGpgv, SignatureVerdict } from './gpgv.ts'

/** Whether a stranger's signature may be handed over instead of the mirror's. pacman checks it again, and its trust. */
export interface Verifier {
  /** Of the package with this SHA-256, which must be here whole. Never rejects. */
  verify(sha256: string, signature: Uint8Array): Promise<SignatureVerdict>
}

export interface VerifierDeps {
  clock: Clock
  /** The package, if it is here whole; whoever asked closes it. */
  open(sha256: string): Promise<ReadableFile | undefined>
  gpgv: RunGpgv
}

/** Processes at the same time. */
const AT_ONCE = 2
/** Questions that wait for one; what is asked beyond that is `unknown`. */
const MOST_WAITING = 64
/** A verdict holds so long, in milliseconds: the keyring may change. */
const KEPT_MS = 5 * 60_000
const MOST_KEPT = 2_000

export function createVerifier({ clock, open, gpgv }: VerifierDeps): Verifier {
  const kept = createExpiringMap<string, SignatureVerdict>(clock, { ttl: KEPT_MS, limit: MOST_KEPT })
  const waiting: (() => void)[] = []
  let running = 0

  async function judge(sha256: string, signature: Uint8Array): Promise<SignatureVerdict> {
    const handle = await open(sha256).catch(() => undefined)
    if (!handle) return 'unknown'
    try {
      return await gpgv(signature, handle)
    } catch {
      return 'unknown'
    } finally {
      await handle.close().catch(() => {})
    }
  }

  return {
    async verify(sha256, signature) {
      const key = `${sha256} ${createHash('sha256').update(signature).digest('hex')}`
      const known = kept.get(key)
      if (known) return known
      if (running < AT_ONCE) running++
      else if (waiting.length >= MOST_WAITING) return 'unknown'
      else await new Promise<void>((resolve) => void waiting.push(resolve))
      try {
        const verdict = kept.get(key) ?? (await judge(sha256, signature))
        if (verdict !== 'unknown') kept.set(key, verdict)
        return verdict
      } finally {
        // Its place goes to whoever waits, or is free.
        const next = waiting.shift()
        if (next) next()
        else running--
      }
    },
  }
}
