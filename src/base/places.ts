/**
 * Places that many want and one must not have all of: connections, sessions, transfers. When all are taken, a newcomer
 * gets one from the address that has the most, so that each address gets its share, whoever came first.
 */

/**
 * Which key gives up a place so that `newcomer` can have one; undefined where nobody has clearly more than it (two more
 * at least, or the two would take the place from each other for ever). `taken`: places by key.
 */
export function whoGivesUp(taken: ReadonlyMap<string, number>, newcomer: string): string | undefined {
  const own = taken.get(newcomer) ?? 0
  let most: string | undefined
  let count = own + 1
  for (const [key, places] of taken) {
    if (places <= count) continue
    most = key
    count = places
  }
  return most
}

/** How many there are of each key. */
export function countBy<T>(items: Iterable<T>, keyOf: (item: T) => string): Map<string, number> {
  const counts = new Map<string, number>()
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1)
  return counts
}
