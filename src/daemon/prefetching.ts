import { join } from 'node:path'
import { createLocator } from '../fetch/locator.ts'
import { createPrefetch, type Prefetch } from '../fetch/prefetch.ts'
import { createUpgradeList } from '../fetch/upgrade.ts'
import { createSyncDatabases } from '../pacman/sync-databases.ts'
import { limits } from '../wire/limits.ts'
import type { Context } from './context.ts'
import type { FetchingParts } from './fetching.ts'
import type { Living } from './life.ts'
import type { NodeParts } from './node.ts'
import type { StorageParts } from './storage.ts'

/** Nobody waits: who has it may well say so first. As long as a search takes in a busy network, in milliseconds. */
const MIRROR_DELAY_MS = 3_000

/** The next upgrade, fetched before anybody asks for it. */
export function createPrefetching(
  { config: { daemon }, clock, logOf }: Context,
  { catalogue, pacmanConf }: Pick<StorageParts, 'catalogue' | 'pacmanConf'>,
  { overlay }: Pick<NodeParts, 'overlay'>,
  { downloads, deadMirrors, keepFile }: Pick<FetchingParts, 'downloads' | 'deadMirrors' | 'keepFile'>,
): Living & { prefetch: Prefetch } {
  const dir = join(daemon['state-dir'], 'prefetch')
  const databases = createSyncDatabases({ log: logOf('pacman'), clock }, { dir: join(dir, 'sync') })
  const locator = createLocator({
    databases,
    callers: { of: async () => undefined },
    pacmanConf,
    order: deadMirrors.order,
  })
  const prefetch = createPrefetch({
    clock,
    log: logOf('downloads'),
    list: createUpgradeList(
      { clock, log: logOf('mirror'), pacmanConf },
      { dir, configFile: daemon['pacman-conf'] },
    ),
    async locate(url) {
      const located = await locator.locate(url)
      return 'reason' in located ? undefined : located
    },
    holds: (sha256) => catalogue.find(sha256) !== undefined,
    find(files) {
      for (let at = 0; at < files.length; at += limits.filesPerQuery)
        void overlay.find(files.slice(at, at + limits.filesPerQuery), { onHolder() {} })
    },
    fetch: (located) => downloads.fetch(located, {}, MIRROR_DELAY_MS),
    keep: keepFile,
  })
  return {
    prefetch,
    start() {},
    stop() {
      prefetch.stop()
      databases.close()
    },
  }
}
