import type { Cancel, Clock } from '../../base/clock.ts'

/** Silence after which the other end is asked for a sign of life, in milliseconds. */
export const PING_AFTER = 30_000
/** Further silence after which it counts as gone. */
export const GONE_AFTER = 20_000

export interface Heartbeat {
  /** A message came. */
  heard(): void
  stop(): void
}

/**
 * Finds out that the other end is gone where TCP wouldn't tell: `ping` after 30 s without a message, `gone`
 * after 20 s more without a byte. `received` counts bytes, so that one slow chunk is a sign of life too.
 */
export function createHeartbeat(
  { clock, received }: { clock: Clock; received(): number },
  { ping, gone }: { ping(): void; gone(): void },
): Heartbeat {
  let heardAt = clock.now()
  let cancel: Cancel = clock.after(PING_AFTER, listen)

  function listen() {
    const quiet = clock.now() - heardAt
    if (quiet < PING_AFTER) {
      cancel = clock.after(PING_AFTER - quiet, listen)
      return
    }
    const before = { heardAt, bytes: received() }
    ping()
    cancel = clock.after(GONE_AFTER, () => {
      if (heardAt === before.heardAt && received() === before.bytes) return gone()
      heardAt = Math.max(heardAt, clock.now() - GONE_AFTER)
      listen()
    })
  }

  return {
    heard() {
      heardAt = clock.now()
    },
    stop: () => cancel(),
  }
}
