import { isNear } from '../../base/address.ts'
import type { Endpoint } from '../../base/endpoint.ts'
import type { NodeId } from '../../wire/messages.ts'

/** Who is of this node's site: a companion, whose word counts for what it had from the mirror. */
export interface Site {
  /** The other end of a connection is in this local network, is named in `[direct]`, or has the network's key. */
  isCompanion(of: { id: NodeId; remote: Endpoint }): boolean
}

export function createSite({
  closed,
  isDirect,
}: {
  /** Only who has the network's key is connected at all. */
  closed: boolean
  isDirect(id: NodeId): boolean
}): Site {
  /** Parsed once: it is asked several times a second of each. */
  const nearness = new WeakMap<object, boolean>()
  return {
    isCompanion(session) {
      const near = nearness.get(session) ?? isNear(session.remote)
      nearness.set(session, near)
      return near || closed || isDirect(session.id)
    },
  }
}
