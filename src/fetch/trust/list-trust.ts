import type { Log } from '../../base/log.ts'
import type { Sha256, WantedFile } from '../../wire/messages.ts'
import { type ChunkList, type ChunkLists, hashOf, type Voucher } from './chunk-lists.ts'

/** What a job does about nodes that lied. */
export interface ListTrustHandler {
  ban(who: Voucher, reason: string): void
  /** The list is no longer in use: its holders are no sources now, and their chunks don't count. */
  onRetired(list: ChunkList): void
  /** Another list is in use, the first or the next. */
  onInUse(list: ChunkList): void
  /** `what` was wrong. */
  onRejected(what: string, who?: string): void
}

/**
 * Whom a job believes. Chunks of peers are checked against the list in
 * use; the mirror's bytes decide between lists; the whole decides between list and mirror.
 */
export interface ListTrust {
  readonly inUse: ChunkList | undefined
  add(hashes: Uint8Array, voucher: Voucher): ChunkList | undefined
  /** The first chunk in which some list contradicts the list in use. */
  contradiction(): number | undefined
  /**
   * The mirror's hash of a chunk that lists differ in: those that say otherwise were lies, if one says the same. Whether
   * one does.
   */
  decide(chunk: number, mirrorHash: string): boolean
  isGood(chunk: number, hash: Sha256): boolean
  /**
   * The mirror has given a chunk of this SHA-256. A list that contradicts it, now or when it comes, is out of use: the
   * check of the whole will tell which of them was wrong.
   */
  mirrorGave(chunk: number, hash: Sha256): void
  /** The whole is right: what was doubted was a lie. */
  wholeRight(): void
  /**
   * The whole is wrong. Tells who is to blame: `mirror` (doubted lists are back in use), `list` (its vouchers
   * are banned), or, where no list was in use, `nobody`.
   */
  wholeWrong(peersTookPart: boolean): 'mirror' | 'list' | 'nobody'
}

export function createListTrust(
  { log, lists }: { log: Log; lists: ChunkLists },
  file: WantedFile,
  handler: ListTrustHandler,
): ListTrust {
  const doubted: ChunkList[] = []
  const mirrorHashes = new Map<number, string>()

  function banAll({ vouchers, root }: ChunkList) {
    log.warn({ root, vouchers: vouchers.length }, 'a chunk list was false')
    handler.onRejected('a false chunk list', vouchers[0]?.address)
    for (const voucher of vouchers) handler.ban(voucher, `it vouched for a false chunk list of ${file.name}`)
  }

  function retire(list: ChunkList) {
    lists.drop(list)
    cameIntoUse()
    handler.onRetired(list)
  }

  /** A list that comes into use is compared with all that the mirror has given. */
  function cameIntoUse() {
    const list = lists.inUse
    if (!list) return
    if ([...mirrorHashes].some(([chunk, hash]) => hashOf(list, chunk) !== hash)) doubt(list)
    else handler.onInUse(list)
  }

  function doubt(list: ChunkList) {
    log.warn({ root: list.root }, 'the mirror contradicts the chunk list of the peers')
    doubted.push(list)
    retire(list)
  }

  function denounce(list: ChunkList) {
    banAll(list)
    retire(list)
  }

  return {
    get inUse() {
      return lists.inUse
    },
    add(hashes, voucher) {
      const before = lists.inUse
      const list = lists.add(hashes, voucher)
      if (lists.inUse !== before) cameIntoUse()
      return list
    },
    contradiction() {
      for (const list of lists.all()) {
        const chunk = lists.firstDifference(list)
        if (chunk !== undefined) return chunk
      }
      return undefined
    },
    decide(chunk, mirrorHash) {
      const liars = lists.all().filter((list) => hashOf(list, chunk) !== mirrorHash)
      if (liars.length === lists.all().length) return false
      // One that was in use goes last: what takes its place is none of them.
      for (const liar of liars.sort((a, b) => Number(a === lists.inUse) - Number(b === lists.inUse)))
        denounce(liar)
      return true
    },
    isGood: (chunk, hash) => !lists.inUse || hashOf(lists.inUse, chunk) === hash,
    mirrorGave(chunk, hash) {
      mirrorHashes.set(chunk, hash)
      if (lists.inUse && hashOf(lists.inUse, chunk) !== hash) doubt(lists.inUse)
    },
    wholeRight() {
      for (const list of doubted.splice(0)) banAll(list)
    },
    wholeWrong(peersTookPart) {
      if (doubted.length > 0) {
        mirrorHashes.clear()
        for (const list of doubted.splice(0)) lists.restore(list)
        return 'mirror'
      }
      if (!lists.inUse || !peersTookPart) {
        mirrorHashes.clear()
        return 'nobody'
      }
      denounce(lists.inUse)
      return 'list'
    },
  }
}
