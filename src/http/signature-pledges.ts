import type { Clock } from '../base/clock.ts'
import { createExpiringMap } from '../base/expiring-map.ts'
import { within } from '../base/within.ts'
import type { Located } from '../fetch/locator.ts'
import type { FoundSignature, Signatures } from '../fetch/signatures/signatures.ts'
import type { UploadStore } from '../transfer/uploader.ts'

/**
 * CacheServer's signatures. pacman takes a package's signature from the server that gave the package and from nowhere else
 * (seen of 7.0), so a package may only be given where the signature that this pacman wants can be given too.
 */
export interface SignaturePledges {
  /** Whether the package may be given. Takes 5 s at most, and no time once signatures proved not to be had. */
  may(located: Located): Promise<boolean>
  /** What lies beside the package on this machine. */
  held: UploadStore['signature']
  /** The signature, or undefined where nobody has one. Takes 7 s at most. */
  find(located: Located): Promise<Uint8Array | undefined>
}

export interface SignaturePledgesDeps {
  clock: Clock
  signatures: Pick<Signatures, 'look'>
  /** What lies beside the package in this machine's cache. */
  heldSignature: UploadStore['signature']
}

/** How long one is waited for, in milliseconds, where they have been had before and where it isn't known. */
const PATIENCE_MS = 5_000
const FIRST_PATIENCE_MS = 2_500
/** How long signatures count as not to be had, and how often one is tried meanwhile without anybody's waiting. */
const FAILED_MS = 60_000
const TRY_MS = 10_000
/** pacman asks for a signature as soon as it has its package: seldom minutes later. */
const KEPT_MS = 10 * 60_000
const MOST_KEPT = 2_000

export function createSignaturePledges({
  clock,
  signatures,
  heldSignature,
}: SignaturePledgesDeps): SignaturePledges {
  const kept = createExpiringMap<string, Promise<FoundSignature>>(clock, {
    ttl: KEPT_MS,
    limit: MOST_KEPT,
  })
  /** By the clock: when the last one came, and when one didn't. */
  let cameAt: number | undefined
  let failedAt: number | undefined
  let triedAt = 0

  function look(located: Located): Promise<FoundSignature> {
    const { sha256 } = located.file
    const known = kept.get(sha256)
    if (known) return known
    triedAt = clock.now()
    const looking = heldSignature(sha256).then(async (held) => {
      const found = held ?? (await signatures.look(located))
      if (found !== undefined) {
        cameAt = clock.now()
        failedAt = undefined
      } else {
        kept.delete(sha256)
      }
      return found
    })
    kept.set(sha256, looking)
    return looking
  }

  return {
    held: heldSignature,
    async may(located) {
      const { signature } = located
      if (signature === undefined || signature === 'never') return true
      const isFailing = failedAt !== undefined && clock.now() - failedAt < FAILED_MS
      if (isFailing && !kept.get(located.file.sha256)) {
        if (await heldSignature(located.file.sha256)) return true
        if (clock.now() - triedAt >= TRY_MS) void look(located)
        return false
      }
      const patience = cameAt === undefined ? FIRST_PATIENCE_MS : PATIENCE_MS
      const found = await within(clock, patience, look(located))
      if (found === 'absent') return signature === 'optional'
      if (found === undefined) failedAt = clock.now()
      return found !== undefined
    },
    async find(located) {
      const found = await look(located)
      return found === 'absent' ? undefined : found
    },
  }
}
