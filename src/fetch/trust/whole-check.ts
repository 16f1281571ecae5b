import type { Log } from '../../base/log.ts'
import type { NodeId, WantedFile } from '../../wire/messages.ts'
import type { PartialFile } from '../file/partial-file.ts'
import { type ChunkList, hashOf, type Voucher } from './chunk-lists.ts'
import type { ListTrust } from './list-trust.ts'

export interface WholeCheckHandler {
  ban(who: Voucher, reason: string): void
  /** What is wrong has been forgotten: it is to be fetched again, from what the suspicion leaves. */
  onSuspicion(of: Suspect): void
}

/**
 * Who is to blame for a whole that is wrong: what an earlier invocation left, members who gave what they said they
 * had from the mirror, the list's vouchers, the mirror where it contradicted a list, or, without a list, the mirror.
 */
export type Suspect = 'spool' | 'members' | 'list' | 'mirror' | 'nobody'

/** The check of the whole, and what follows from it. */
export interface WholeCheck {
  /** A member gave a chunk that it says it had from the mirror itself. */
  took(chunk: number, hash: string, who: NodeId): void
  /** A list has come into use: chunks that were taken on members' word are held against it. */
  hold(list: ChunkList): void
  /** Whether the whole is right; if not, what is suspect has been forgotten. */
  check(): Promise<boolean>
}

export function createWholeCheck(
  {
    log,
    partial,
    trust,
  }: { log: Log; partial: PartialFile; trust: Pick<ListTrust, 'wholeRight' | 'wholeWrong'> },
  file: WantedFile,
  handler: WholeCheckHandler,
): WholeCheck {
  /** What members gave on their word, told apart when the whole is right. */
  const words: { chunk: number; hash: string; who: NodeId }[] = []

  /** Only now is it known what each chunk should have been. */
  function banLiars() {
    const liars = words.filter(({ chunk, hash }) => (partial.hashOf(chunk) ?? hash) !== hash)
    for (const who of new Set(liars.map(({ who }) => who))) {
      handler.ban({ id: who }, `it gave a false chunk of ${file.name}, which it said it had from the mirror`)
    }
  }

  function suspect(): Suspect {
    const { bytesFrom } = partial
    // What an earlier invocation left is suspected before anybody who took part in this one.
    if (bytesFrom.spool > 0) return 'spool'
    if (bytesFrom.member > 0) return 'members'
    return trust.wholeWrong(bytesFrom.peer > 0)
  }

  return {
    took: (chunk, hash, who) => void words.push({ chunk, hash, who }),
    hold(list) {
      if (partial.bytesFrom.member === 0) return
      partial.forget((origin, chunk) => origin === 'member' && partial.hashOf(chunk) !== hashOf(list, chunk))
      for (let chunk = 0; chunk < partial.map.chunks; chunk++) partial.confirm(chunk)
    },
    async check() {
      const right = await partial.isRight()
      if (partial.map.bytesLeft > 0) return false
      if (right) {
        trust.wholeRight()
        banLiars()
        return true
      }
      log.warn({ bytesFrom: partial.bytesFrom }, 'the whole is not what the sync database promises')
      const whom = suspect()
      if (whom === 'spool') partial.forget((origin) => origin === 'spool')
      else if (whom === 'members') partial.forget((origin) => origin === 'member')
      else if (whom !== 'list') partial.forget(() => true)
      handler.onSuspicion(whom)
      return false
    },
  }
}
