import { isOfUse, reachOf } from '../../base/address.ts'
import type { Clock } from '../../base/clock.ts'
import { type Endpoint, hostPort } from '../../base/endpoint.ts'
import type { Random } from '../../base/random.ts'
import { limits } from '../../wire/limits.ts'
import type { NodeId } from '../../wire/messages.ts'
import type { Session } from '../session/session.ts'
import type { Neighbourhood } from './neighbourhood.ts'

/** What one neighbour is told about the others, and where a node can be dialled. */
export interface Introductions {
  /** Tells `session` of some neighbours that it may get to know. */
  tell(session: Session): void
  /** Asks one neighbour of others; as long as they stay as many, ever more rarely. */
  ask(): void
  /** A neighbour's link-local address is known here and told to nobody: what comes back lacks it. */
  withAddress<T extends { id: NodeId; address?: Endpoint }>(node: T): T
}

/** Milliseconds from asking in vain to asking again: twice as long each time, from … to … */
const LEAST_PAUSE = 5_000
const MOST_PAUSE = 60_000

export function createIntroductions(
  { clock, random }: { clock: Clock; random: Random },
  neighbours: Pick<Neighbourhood, 'all' | 'get'>,
): Introductions {
  let asked = { at: Number.NEGATIVE_INFINITY, of: 0, pause: 0 }

  return {
    ask() {
      const all = neighbours.all()
      const changed = all.length !== asked.of
      if (all.length === 0 || (!changed && clock.now() < asked.at + asked.pause)) return
      const pause = changed ? LEAST_PAUSE : Math.min(MOST_PAUSE, 2 * asked.pause)
      asked = { at: clock.now(), of: all.length, pause }
      all[random.below(all.length)]!.send({ type: 'nodesWanted' })
    },
    tell(session) {
      const from = reachOf(session.remote)
      const nodes = neighbours
        .all()
        .filter((other) => other.id !== session.id && isProven(other))
        .filter(({ hop: { address } }) => address !== undefined && isOfUse(reachOf(address), from))
        .slice(0, limits.nodes)
        .map(({ hop }) => hop)
      session.send({ type: 'nodes', nodes })
    },
    withAddress(node) {
      const address = node.address ?? neighbours.get(node.id)?.dialable
      return address === undefined ? node : { ...node, address }
    },
  }
}

/** Its address is its own: we dialled it, or the connection comes from there. */
function isProven({ dialable, remote, outbound }: Session): boolean {
  return outbound || (dialable !== undefined && hostPort(dialable).host === hostPort(remote).host)
}
