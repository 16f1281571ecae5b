import type { Overlay } from '../overlay/overlay.ts'
import type { Catalogue } from '../pacman/catalogue.ts'
import type { SyncDatabases } from '../pacman/sync-databases.ts'

/** What GET /v1/find gives. */
export interface Found {
  file: string
  size: number
  sha256: string
  /** Whether this node has it itself. */
  here: boolean
  holders: { id: string; address: string | null; reachable: boolean; via: 'announced' | 'answer' }[]
}

/** Asks the network who has a file that the sync databases name; takes as long as a search does. */
export function createFinder({
  databases,
  overlay,
  catalogue,
}: {
  databases: SyncDatabases
  overlay: Pick<Overlay, 'find'>
  catalogue: Pick<Catalogue, 'find'>
}): (name: string) => Promise<Found | undefined> {
  return async (name) => {
    const file = await databases.find(name)
    if (!file) return undefined
    const { sha256, size } = file
    const holders: Found['holders'] = []
    await overlay.find([{ sha256, size, name }], {
      onHolder({ id, address, reachable, via }) {
        if (holders.every((holder) => holder.id !== id))
          holders.push({ id, address: address ?? null, reachable, via })
      },
    })
    return { file: name, size, sha256, here: catalogue.find(sha256) !== undefined, holders }
  }
}
