/** Bytes that must not change until `release`, which is to be called once. */
export interface Lent {
  bytes: Uint8Array
  release(): void
}

/** Buffers kept in memory for those who ask for them next, and lent to any number of them at once. */
export interface Lender<Key, Item extends { bytes: Uint8Array }> {
  /** Takes the bytes over, in place of those that had the key; the oldest are let go. */
  add(key: Key, item: Item): void
  /** Undefined when it is no longer here. */
  lend(key: Key): (Item & Lent) | undefined
  /** Lets it go, if it is this `item` or none is named. */
  drop(key: Key, item?: Item): void
  clear(): void
}

interface Entry<Item> {
  item: Item
  /** Borrowers, and one for the place here. */
  users: number
}

/** Who asks is a few chunks behind at most, or so slow that a read of the disk doesn't matter. */
const KEPT_BYTES = 4 * 1024 * 1024

/** `letGo`: nobody uses these bytes any more. `most`: bytes that are kept, whatever is lent. */
export function createLender<Key, Item extends { bytes: Uint8Array }>(
  letGo: (bytes: Uint8Array) => void,
  most = KEPT_BYTES,
): Lender<Key, Item> {
  /** Oldest first. */
  const entries = new Map<Key, Entry<Item>>()
  let kept = 0

  function release(entry: Entry<Item>) {
    entry.users--
    if (entry.users === 0) letGo(entry.item.bytes)
  }

  function drop(key: Key, item?: Item) {
    const entry = entries.get(key)
    if (!entry || (item && entry.item !== item)) return
    entries.delete(key)
    kept -= entry.item.bytes.length
    release(entry)
  }

  return {
    add(key, item) {
      drop(key)
      entries.set(key, { item, users: 1 })
      kept += item.bytes.length
      for (const oldest of entries.keys()) {
        if (kept <= most) break
        drop(oldest)
      }
    },
    lend(key) {
      const entry = entries.get(key)
      if (!entry) return undefined
      entry.users++
      return { ...entry.item, release: () => release(entry) }
    },
    drop,
    clear() {
      for (const key of entries.keys()) drop(key)
    },
  }
}
