import type { Cancel, Clock } from '../../base/clock.ts'
import type { Endpoint } from '../../base/endpoint.ts'
import { jitter, type Random } from '../../base/random.ts'
import { RENEWAL } from './dht-announcer.ts'

/** A list with so many nodes has no need of one more: the few nodes that keep it must not serve millions. */
const ENOUGH = 50
/** Pause after the first question in a row, and at most, in milliseconds. */
const SHORTEST = 4_000
const LONGEST = 5 * 60_000
/** Not asked for so long, in milliseconds, the pauses start afresh. */
const CALM = 10 * 60_000

/** Where nodes of the network meet: looks others up when they are wanted, and has this one listed. */
export interface Meeting {
  start(): void
  stop(): void
  /** Short of neighbours: look others up, unless that was done a moment ago. */
  wanted(): void
}

export function createMeeting({
  clock,
  random,
  lookup,
  announce,
  mayAnnounce,
  onNodes,
}: {
  clock: Clock
  random: Random
  lookup(options: { onPeer(address: Endpoint): void }): Promise<void>
  announce(): Promise<boolean>
  /** False where nobody can dial this node. */
  mayAnnounce(): boolean
  /** Strangers to dial. */
  onNodes(addresses: Endpoint[]): void
}): Meeting {
  let timer: Cancel = () => {}
  let stopped = true
  let asking = false
  let askedAt = Number.NEGATIVE_INFINITY
  let earliest = 0
  let inRow = 0

  async function meet() {
    if (stopped || asking) return
    asking = true
    const now = clock.now()
    inRow = now - askedAt > CALM ? 0 : inRow + 1
    askedAt = now
    earliest = now + jitter(Math.min(SHORTEST * 2 ** inRow, LONGEST), random)
    let met = 0
    await lookup({
      onPeer(address) {
        met++
        if (!stopped) onNodes([address])
      },
    })
    const listed = met >= ENOUGH || (!stopped && mayAnnounce() && (await announce()))
    asking = false
    if (stopped) return
    timer()
    timer = clock.after(
      listed ? jitter((2 * RENEWAL) / 3, random) : earliest - clock.now(),
      () => void meet(),
    )
  }

  return {
    start() {
      stopped = false
      void meet()
    },
    stop() {
      stopped = true
      timer()
    },
    wanted() {
      if (clock.now() >= earliest) void meet()
    },
  }
}
