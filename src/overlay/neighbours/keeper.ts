import type { Cancel, Clock } from '../../base/clock.ts'
import type { Endpoint } from '../../base/endpoint.ts'
import { asError } from '../../base/error.ts'
import type { Log } from '../../base/log.ts'
import { jitter, type Random } from '../../base/random.ts'
import { createBucket, type Rate } from '../../base/token-bucket.ts'
import type { NodeId } from '../../wire/messages.ts'
import type { Book } from './book.ts'

/** How often the number of neighbours is looked at, in milliseconds. */
const LOOK = 5_000
/** Dials under way at once. */
const AT_ONCE = 3
/** Places that the LAN's nodes leave free: an office must not shut itself off from the world. */
const FREE = 5
/** Dials to addresses heard from strangers. */
const STRANGER_DIALS: Rate = { perSecond: 1 / 3, burst: 10 }

export interface KeeperDeps {
  clock: Clock
  random: Random
  log: Log
  book: Book
  neighbours: { get(id: NodeId): unknown; all(): { id: NodeId }[]; readonly size: number }
  /** Connects as a neighbour; resolves to the node's id. */
  dial(address: Endpoint): Promise<NodeId>
  /** Too few neighbours, and too few addresses to do something about it. */
  onShort(): void
}

/**
 * Makes sure that there are enough neighbours: all that are lost, up to `max`, and all of the LAN's, up to a few less;
 * strangers until `min` neighbours aren't of the LAN.
 */
export interface Keeper {
  start(): void
  stop(): void
  /** Looks at once, since something has changed. */
  look(): void
}

export function createKeeper(deps: KeeperDeps, { min, max }: { min: number; max: number }): Keeper {
  const { clock, random, log, book, neighbours } = deps
  const strangerDials = createBucket(clock, STRANGER_DIALS)
  /** Addresses, and who is expected there. */
  const dialling = new Map<Endpoint, NodeId | undefined>()
  const connected = (id: NodeId) => neighbours.get(id) !== undefined || [...dialling.values()].includes(id)
  let timer: Cancel = () => {}
  let stopped = true

  function dial(address: Endpoint) {
    dialling.set(address, book.idAt(address))
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

  /**
   * A small office is all each other's neighbours. In a larger one each dials up to half of its places: if the first
   * filled each other's, who comes last would be let in by nobody.
   */
  function lanMax(): number {
    const half = Math.ceil(max / 2)
    return book.near().size > max ? half : Math.max(half, max - FREE)
  }

  /** How many may be dialled now, when there are `count` and may be `upTo`. */
  const room = (upTo: number, count = neighbours.size) =>
    Math.min(AT_ONCE - dialling.size, upTo - count - dialling.size)

  function countFar(): number {
    const near = book.near()
    return neighbours.all().filter(({ id }) => !near.has(id)).length
  }

  function look() {
    if (stopped) return
    const fresh = (address: Endpoint) => !dialling.has(address)
    for (const [kind, upTo] of [['lan', lanMax()] as const, ['lost', max] as const]) {
      const addresses = book.due(kind, connected).filter(fresh)
      for (const address of addresses.slice(0, Math.max(0, room(upTo)))) dial(address)
    }
    const far = countFar()
    if (far >= min || neighbours.size >= max) return
    for (const address of book.due('stranger', connected).filter(fresh)) {
      if (room(min, far) <= 0 || !strangerDials.take()) break
      dial(address)
    }
  }

  function lookAgain() {
    look()
    if (countFar() + dialling.size < min) deps.onShort()
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
