import type { FileQuery, QueryId } from '../../wire/messages.ts'
import { messageBytes } from '../../wire/size.ts'

/** Queries that some neighbours are still to have, whole. */
export interface OwedQueries {
  get(id: QueryId): FileQuery | undefined
  set(query: FileQuery): void
  delete(id: QueryId): void
}

/** Bytes of them on the wire, several times that in memory: the oldest are given up. The largest question is 147 KB. */
const MOST_BYTES = 256 * 1024

export function createOwedQueries(): OwedQueries {
  /** The oldest first. */
  const owed = new Map<QueryId, FileQuery>()
  let bytes = 0

  function remove(id: QueryId) {
    const query = owed.get(id)
    if (!query) return
    owed.delete(id)
    bytes -= messageBytes(query)
  }

  return {
    get: (id) => owed.get(id),
    set(query) {
      remove(query.query)
      owed.set(query.query, query)
      bytes += messageBytes(query)
      for (const id of owed.keys()) {
        if (bytes <= MOST_BYTES) return
        remove(id)
      }
    },
    delete: remove,
  }
}
