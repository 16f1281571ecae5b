import type { Cancel, Clock } from '../../base/clock.ts'
import { jitter, type Random } from '../../base/random.ts'
import type { DhtKey } from './dht-keys.ts'

/** Nodes forget an announcement after 30 minutes (aria2) to 45 (libtorrent): it is renewed before, in milliseconds. */
export const RENEWAL = 25 * 60_000
/** Between two announcements, in milliseconds: 30 a minute, about 80 packets each, answers included (docs/scale.md). */
export const PACE = 2_000
/** So many can be kept alive. */
export const MOST = RENEWAL / PACE
/** One that nobody took is tried again after this, in milliseconds. */
const RETRY = 5 * 60_000
/** Under way at once; a slow one doesn't hold up the others. */
const AT_ONCE = 4

/** Keys of which the newest are announced, one by one, and again before they are forgotten. */
export interface Announcer {
  /** Something new, or something that was wanted: it goes before all others. */
  put(key: DhtKey): void
  drop(key: DhtKey): void
  start(): void
  stop(): void
  /** Those that the DHT is taken to know now. */
  readonly announced: number
}

export function createAnnouncer({
  clock,
  random,
  mayAnnounce,
  announce,
}: {
  clock: Clock
  random: Random
  /** False while nobody could dial this node. */
  mayAnnounce(): boolean
  /** Whether anybody took it. */
  announce(key: DhtKey): Promise<boolean>
}): Announcer {
  /** When each is due, the newest last; undefined before the first time. */
  const due = new Map<DhtKey, number | undefined>()
  let underWay = 0
  let timer: Cancel = () => {}

  /** Of the newest, the newest that was never announced, else the one that is overdue longest. */
  function next(): DhtKey | undefined {
    const newest = [...due].slice(-MOST).reverse()
    const fresh = newest.find(([, at]) => at === undefined)
    if (fresh) return fresh[0]
    const first = newest.reduce<[DhtKey, number] | undefined>(
      (found, [key, at]) => (found && found[1] <= at! ? found : [key, at!]),
      undefined,
    )
    return first && first[1] <= clock.now() ? first[0] : undefined
  }

  async function announceNext() {
    const key = underWay < AT_ONCE && mayAnnounce() ? next() : undefined
    if (key === undefined) return
    due.set(key, clock.now() + RENEWAL)
    underWay++
    const taken = await announce(key)
    underWay--
    if (!taken && due.has(key)) due.set(key, clock.now() + RETRY)
  }

  function tick() {
    void announceNext()
    timer = clock.after(jitter(PACE, random), tick)
  }

  return {
    put(key) {
      const at = due.get(key)
      due.delete(key)
      due.set(key, at)
    },
    drop: (key) => void due.delete(key),
    start: tick,
    stop: () => timer(),
    get announced() {
      const now = clock.now()
      return [...due.values()].filter((at) => at !== undefined && at > now).length
    },
  }
}
