import type { FileNetwork } from '../fetch/network.ts'
import type { Holder } from '../overlay/query/holders.ts'
import type { Catalogue } from '../pacman/catalogue.ts'
import type { WatchedDatabases } from '../pacman/sync-databases.ts'
import { fileNameOfUrl } from '../pacman/urls.ts'

/** What GET /v1/find gives. */
export interface FoundFile {
  file: string
  size: number
  sha256: string
  /** Whether this node has it itself. */
  here: boolean
  holders: { id: string; address: string | null; reachable: boolean; via: Holder['via'] }[]
}

/** What a search may take, in milliseconds: the caller waits no longer than 5 s. */
const SEARCH_TIME = 4_500

/**
 * Asks the network who has a file that the sync databases name, by the file's name, a URL of it, or its package's name;
 * takes as long as a search does.
 */
export function createFinder({
  databases,
  repositories,
  network,
  catalogue,
}: {
  databases: Pick<WatchedDatabases, 'find' | 'findPackage'>
  /** pacman.conf's, in its order. */
  repositories(): Promise<string[]>
  network: Pick<FileNetwork, 'find'>
  catalogue: Pick<Catalogue, 'find'>
}): (name: string) => Promise<FoundFile | undefined> {
  async function meant(words: string) {
    const name = words.includes('://') ? fileNameOfUrl(words)?.replace(/\.sig$/, '') : words
    if (name === undefined) return undefined
    return (await databases.find(name)) ?? databases.findPackage(name, await repositories())
  }

  return async (words) => {
    const file = await meant(words)
    if (!file) return undefined
    const { sha256, size, name } = file
    const holders: FoundFile['holders'] = []
    await network.find([{ sha256, size, name }], {
      signal: AbortSignal.timeout(SEARCH_TIME),
      onHolder({ id, address, reachable, via, file }) {
        if (file.whole && holders.every((holder) => holder.id !== id))
          holders.push({ id, address: address ?? null, reachable, via })
      },
    })
    return { file: name, size, sha256, here: catalogue.find(sha256) !== undefined, holders }
  }
}
