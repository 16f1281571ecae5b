import type { NodeId } from '../../wire/messages.ts'
import type { Session } from '../session/session.ts'

/** Who is of this node's site: a companion, whose word counts for what it had from the mirror. */
export interface Site {
  /** The other end of a connection is in this local network, is named in `[direct]`, or has the network's key. */
  isCompanion(of: Pick<Session, 'id' | 'near'>): boolean
}

export function createSite({
  closed,
  isDirect,
}: {
  /** Only who has the network's key is connected at all. */
  closed: boolean
  isDirect(id: NodeId): boolean
}): Site {
  return { isCompanion: ({ id, near }) => near || closed || isDirect(id) }
}
