import type { Cancel, Clock } from '../base/clock.ts'
import type { Endpoint } from '../base/endpoint.ts'
import { asError } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import { jitter, type Random } from '../base/random.ts'
import type { NodeId } from '../wire/messages.ts'
import type { Book } from './book.ts'
import { createBucket, type Rate } from './rate.ts'

/** How often the number of neighbours is looked at, in milliseconds. */
const LOOK = 5_000
/** Dials under way at once. */
const AT_ONCE = 3
/** Dials to addresses heard from strangers. */
const STRANGER_DIALS: Rate = { perSecond: 1 / 3, burst: 10 }

export interface KeeperDeps {
  clock: Clock
  random: Random
  log: Log
  book: Book
  neighbours: { get(id: NodeId): unknown; readonly size: number }
  /** Connects as a neighbour; resolves to the node's id. */
  dial(address: Endpoint): Promise<NodeId>
  /** Too few neighbours, and too few addresses to do something about it. */
  onShort(): void
}

/** Sees to it that there are enough neighbours: those of the LAN, and lost ones, up to `max`; strangers up to `min`. */
export interface Keeper {
  start(): void
  stop(): void
  /** Looks at once, since something has changed. */
  look(): void
}

export function createKeeper(deps: KeeperDeps, { min, max }: { min: number; max: number }): Keeper {
  const { clock, random, log, book, neighbours } = deps
  const strangerDials = createBucket(clock, STRANGER_DIALS)
  const dialling = new Set<Endpoint>()
  const connected = (id: NodeId) => neighbours.get(id) !== undefined
  let timer: Cancel = () => {}
  let stopped = true

  function dial(address: Endpoint) {
    dialling.add(address)
    deps
      .dial(address)
      .then(
        (id) => book.worked(address, id),
        (error) => {
          book.failed(address)
          log.debug({ address, error: asError(error).message }, 'no new neighbour there')
        },
      )
      .finally(() => {
        dialling.delete(address)
        look()
      })
  }

  const room = (upTo: number) => Math.min(AT_ONCE - dialling.size, upTo - neighbours.size - dialling.size)

  function look() {
    if (stopped) return
    const fresh = (address: Endpoint) => !dialling.has(address)
    const known = [...book.due('lan', connected), ...book.due('lost', connected)].filter(fresh)
    for (const address of known.slice(0, Math.max(0, room(max)))) dial(address)
    if (neighbours.size >= min) return
    for (const address of book.due('stranger', connected).filter(fresh)) {
      if (room(min) <= 0 || !strangerDials.take()) break
      dial(address)
    }
  }

  function lookAgain() {
    look()
    if (neighbours.size + dialling.size < min) deps.onShort()
    timer = clock.after(jitter(LOOK, random), lookAgain)
  }

  return {
    start() {
      stopped = false
      lookAgain()
    },
    stop() {
      stopped = true
      timer()
    },
    look,
  }
}
