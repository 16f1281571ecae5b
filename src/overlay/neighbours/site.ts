import type { Endpoint } from '../../base/endpoint.ts'
import type { NodeId } from '../../wire/messages.ts'
import type { Session } from '../session/session.ts'
import type { Distance } from './standing.ts'

/** Which nodes belong to this node's site: companions, which are believed about what they had from the mirror. */
export interface Site {
  /** The other end of a connection is on a link of this machine, is named in `[direct]`, or has the network's key. */
  isCompanion(of: Pick<Session, 'id' | 'remote'>): boolean
  /**
   * Whether an address that `by` told of is one to meet as a node of the LAN: a companion's word for an address on a
   * link of this machine. Nobody else's word makes this node dial its own site.
   */
  isToMeet(address: Endpoint, by: Pick<Session, 'id' | 'remote'>): boolean
  /** How far the other end of a connection is. */
  distanceOf(of: Pick<Session, 'remote' | 'near'>): Distance
}

export interface SiteDeps {
  /** Only who has the network's key is connected at all. */
  closed: boolean
  isDirect(id: NodeId): boolean
  /** Whether an address is this machine's or on one of its links, as of now. */
  isOnLink(address: Endpoint): boolean
}

export function createSite({ closed, isDirect, isOnLink }: SiteDeps): Site {
  const isCompanion: Site['isCompanion'] = ({ id, remote }) => closed || isDirect(id) || isOnLink(remote)
  return {
    isCompanion,
    isToMeet: (address, by) => isOnLink(address) && isCompanion(by),
    distanceOf: ({ remote, near }) => (isOnLink(remote) ? 'link' : near ? 'site' : 'world'),
  }
}
