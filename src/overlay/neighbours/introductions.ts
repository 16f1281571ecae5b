import { isOfUse, reachOf } from '../../base/address.ts'
import { type Endpoint, hostPort } from '../../base/endpoint.ts'
import { limits } from '../../wire/limits.ts'
import type { NodeId } from '../../wire/messages.ts'
import type { Session } from '../session/session.ts'
import type { Neighbourhood } from './neighbourhood.ts'

/** What one neighbour is told about the others, and where a node can be dialled. */
export interface Introductions {
  /** Tells `session` of some neighbours that it may get to know. */
  tell(session: Session): void
  /** A neighbour's link-local address is known here and told to nobody: what comes back lacks it. */
  withAddress<T extends { id: NodeId; address?: Endpoint }>(node: T): T
}

export function createIntroductions(neighbours: Pick<Neighbourhood, 'all' | 'get'>): Introductions {
  return {
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
