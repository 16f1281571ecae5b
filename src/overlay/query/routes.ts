import type { Hop, NodeId } from '../../wire/messages.ts'

/**
 * Where a message on its way back goes next. `path` is what is left of the way, for it to carry.
 * - `arrived` this node is its goal
 * - `next`    to one neighbour
 * - `stray`   to all neighbours; `onPath` when this node was itself on the way, so that the TTL starts afresh
 */
export type Route =
  | { kind: 'arrived' }
  | { kind: 'next'; to: NodeId; path: Hop[] }
  | { kind: 'stray'; onPath: boolean; path: Hop[] }

/**
 * The way back (of a FILE-ACK to the asker, of a CALL to the holder). It goes to the last on the list that
 * isn't this node. Off the list, or with that connection gone, any neighbour on the list will do, the nearest
 * to the goal first; with none, the message strays.
 */
export function routeBack(self: NodeId, path: Hop[], isNeighbour: (id: NodeId) => boolean): Route {
  const own = path.findIndex(({ id }) => id === self)
  if (own === 0) return { kind: 'arrived' }
  const onPath = own > 0
  const left = onPath ? path.slice(0, own) : path
  const last = left.length - 1
  if (onPath && isNeighbour(left[last]!.id)) return { kind: 'next', to: left[last]!.id, path: left }
  const near = left.findIndex(({ id }) => isNeighbour(id))
  if (near >= 0) return { kind: 'next', to: left[near]!.id, path: left.slice(0, near + 1) }
  return { kind: 'stray', onPath, path: left }
}
