import { createGather } from '../fetch/gather.ts'
import { createLocator } from '../fetch/locator.ts'
import type { Context } from './context.ts'
import type { FetchingParts } from './fetching.ts'
import type { Living } from './life.ts'
import type { NodeParts } from './node.ts'
import type { StorageParts } from './storage.ts'

/** `[cache] keep`: what the site's machines have fetched comes here too. */
export function createGathering(
  { clock, logOf }: Context,
  {
    catalogue,
    databases,
    pacmanConf,
    spool,
    keeping: { keep, keepsAll },
  }: Pick<StorageParts, 'catalogue' | 'databases' | 'pacmanConf' | 'spool' | 'keeping'>,
  { onAnnounced, isSparing }: Pick<NodeParts, 'onAnnounced' | 'isSparing'>,
  { downloads, deadMirrors }: Pick<FetchingParts, 'downloads' | 'deadMirrors'>,
): Living {
  if (!keepsAll) return { start() {}, stop() {} }
  const locator = createLocator({
    databases,
    callers: { of: async () => undefined },
    pacmanConf,
    order: deadMirrors.order,
  })
  const gather = createGather({
    clock,
    log: logOf('downloads'),
    locate: locator.locateHashes,
    holds: (sha256) => catalogue.find(sha256) !== undefined || spool.isComplete(sha256),
    isSparing,
    hasRoom: keep.hasRoom,
    fetch: downloads.gather,
  })
  // Neighbours tell what they have as soon as they are connected.
  onAnnounced(gather.announced)
  return { start() {}, stop: gather.stop }
}
