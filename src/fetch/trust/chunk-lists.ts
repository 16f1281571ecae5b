import { chunkCount, HASH_BYTES, rootOf, singleChunkHashes } from '../../base/chunks.ts'
import type { NodeId } from '../../wire/messages.ts'

/** Who vouched for a list. */
export interface Voucher {
  id: NodeId
  address?: string | undefined
}

/** The chunk hashes that a group of holders agrees on. */
export interface ChunkList {
  readonly root: string
  /** Raw, one behind the other. */
  readonly hashes: Uint8Array
  readonly vouchers: Voucher[]
}

/** The chunk lists of one file, of which at most one is true; the one in use is believed until the whole is checked. */
export interface ChunkLists {
  /** The list that chunks of peers are checked against. */
  readonly inUse: ChunkList | undefined
  /** Takes a list that a holder sent; undefined when no file of this size has it. The first is in use at once. */
  add(hashes: Uint8Array, voucher: Voucher): ChunkList | undefined
  /** The first chunk in which `list` differs from the list in use. */
  firstDifference(list: ChunkList): number | undefined
  /** `list` was a lie, or is doubted: it is no longer in use, the next takes its place. */
  drop(list: ChunkList): void
  /** Puts a list back in use that was dropped in doubt. */
  restore(list: ChunkList): void
  all(): ChunkList[]
}

/** A file of one chunk has one true list, known beforehand. */
export function createChunkLists(file: { sha256: string; size: number }): ChunkLists {
  const chunks = chunkCount(file.size)
  const lists = new Map<string, ChunkList>()
  let inUse: ChunkList | undefined
  if (chunks === 1) {
    const hashes = singleChunkHashes(file.sha256)
    inUse = { root: rootOf(hashes), hashes, vouchers: [] }
    lists.set(inUse.root, inUse)
  }

  return {
    get inUse() {
      return inUse
    },
    add(hashes, voucher) {
      if (hashes.length !== chunks * HASH_BYTES) return undefined
      const root = rootOf(hashes)
      if (chunks === 1 && root !== inUse!.root) return undefined
      const list = lists.get(root) ?? { root, hashes, vouchers: [] }
      list.vouchers.push(voucher)
      lists.set(root, list)
      inUse ??= list
      return list
    },
    firstDifference(list) {
      if (!inUse) return undefined
      for (let chunk = 0; chunk < chunks; chunk++) {
        if (hashOf(list, chunk) !== hashOf(inUse, chunk)) return chunk
      }
      return undefined
    },
    drop(list) {
      lists.delete(list.root)
      if (inUse === list) inUse = lists.values().next().value
    },
    restore(list) {
      lists.set(list.root, list)
      inUse = list
    },
    all: () => [...lists.values()],
  }
}

/** The hash that a list gives a chunk, in hex. */
export function hashOf(list: ChunkList, chunk: number): string {
  return Buffer.from(list.hashes.buffer, list.hashes.byteOffset + chunk * HASH_BYTES, HASH_BYTES).toString(
    'hex',
  )
}
