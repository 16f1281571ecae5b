import type { Clock } from '../base/clock.ts'
import type { Endpoint } from '../base/endpoint.ts'
import { asError } from '../base/error.ts'
import { createExpiringMap } from '../base/expiring-map.ts'
import type { Log } from '../base/log.ts'
import { SMALL_BYTES } from '../base/sizes.ts'
import { createBucket, type Rate } from '../base/token-bucket.ts'
import type { Holder } from '../overlay/query/holders.ts'
import type { Session } from '../overlay/session/session.ts'
import type { Sha256, WantedFile } from '../wire/messages.ts'
import type { FileNetwork } from './network.ts'

/** The flood has so long, in milliseconds: its last ring is out, and most answers of the nearer ones are home. */
const FLOOD_TIME = 500
/** With fewer neighbours the flood is no match for the DHT, and both start at once. */
const FEW = 3
/** Each lookup sends some 30 packets: an upgrade of 1,500 packages isn't 1,500 lookups. */
const LOOKUPS: Rate = { perSecond: 1, burst: 30 }
const AT_ONCE = 8
/** Addresses dialled for one lookup: the DHT holds what anybody put there. */
const DIALS = 12
/** "Nobody is listed" is believed this long, in milliseconds. */
const NOBODY_TTL = 2 * 60_000

export interface DhtSearchDeps {
  clock: Clock
  log: Log
  /** The flood. */
  find: FileNetwork['find']
  neighbours(): number
  /** Addresses where a file is said to be. */
  seek(sha256: Sha256, options: { signal: AbortSignal; onPeer(address: Endpoint): void }): Promise<void>
  /** A transfer session with whoever is there; told of before anybody asks for it by `connect`. */
  knock(address: Endpoint): Promise<Session>
}

/** The flood and the DHT side by side: who is only listed there is dialled, and told of once it has proved who it is. */
export function createDhtSearch(deps: DhtSearchDeps): FileNetwork['find'] {
  const { clock, log } = deps
  const lookups = createBucket(clock, LOOKUPS)
  const nobody = createExpiringMap<Sha256, true>(clock, { ttl: NOBODY_TTL, limit: 10_000 })
  let underWay = 0

  async function lookUp(file: WantedFile, signal: AbortSignal, onHolder: (holder: Holder) => void) {
    const { sha256 } = file
    if (nobody.get(sha256) || underWay >= AT_ONCE || !lookups.take()) return
    const dials: Promise<void>[] = []
    underWay++
    await deps.seek(sha256, {
      signal,
      onPeer(address) {
        if (dials.length < DIALS && !signal.aborted) dials.push(dial(address, file, onHolder))
      },
    })
    underWay--
    if (dials.length === 0 && !signal.aborted) nobody.set(sha256, true)
    await Promise.all(dials)
  }

  async function dial(address: Endpoint, { sha256, size }: WantedFile, onHolder: (holder: Holder) => void) {
    try {
      const { id } = await deps.knock(address)
      // Its chunk list it vouches for itself, when it is asked: the root stands for none.
      const file = { sha256, size, root: sha256, whole: true }
      onHolder({ id, address, reachable: true, file, via: 'dht' })
    } catch (error) {
      log.debug({ address, error: asError(error).message }, 'nobody where the DHT says')
    }
  }

  return async (files, { signal, onHolder, beyond = false }) => {
    const found = new Set<Sha256>()
    const flood = deps.find(files, {
      signal,
      beyond,
      onHolder(holder) {
        if (holder.file.whole && !beyond) found.add(holder.file.sha256)
        onHolder(holder)
      },
    })
    const over = aborted(signal)
    // A small file has come from the mirror before a lookup ends: its lookup waits all the same.
    if (files.every(({ size }) => size < SMALL_BYTES)) await Promise.race([over, passed(clock, FLOOD_TIME)])
    else if (deps.neighbours() >= FEW) await Promise.race([over, flood, passed(clock, FLOOD_TIME)])
    if (signal.aborted) return flood
    const missing = files.filter(({ sha256 }) => !found.has(sha256))
    const searches = missing.map((file) => lookUp(file, signal, onHolder))
    await Promise.race([over, Promise.all([flood, ...searches])])
  }
}

const passed = (clock: Clock, ms: number) => new Promise<void>((done) => void clock.after(ms, done))

const aborted = (signal: AbortSignal) =>
  new Promise<void>((done) => {
    if (signal.aborted) done()
    else signal.addEventListener('abort', () => done(), { once: true })
  })
