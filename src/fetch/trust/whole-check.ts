import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { NodeId, WantedFile } from '../../wire/messages.ts'
import type { PartialFile } from '../file/partial-file.ts'
import { type ChunkList, hashOf, type Voucher } from './chunk-lists.ts'
import type { ListTrust } from './list-trust.ts'

export interface WholeCheckHandler {
  ban(who: Voucher, reason: string): void
  isBanned(id: NodeId): boolean
  /** What is wrong has been forgotten: it is to be fetched again, from what the suspicion leaves. */
  onSuspicion(of: Suspect): void
  /** A list contradicts what members gave, and that has been forgotten. */
  onForgotten(): void
  /** Which of those who download the file this node is, from 0: they look into it one after another. */
  turn(): number
  /** These members gave false chunks, and theirs have been forgotten; nobody suspects the others. */
  onCaught(who: NodeId[]): void
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
  /** A list has come into use: chunks that were taken on members' word are compared with it. */
  hold(list: ChunkList): void
  /** Whether the whole is right; if not, what is suspect has been forgotten. */
  check(): Promise<boolean>
}

interface Word {
  chunk: number
  hash: string
  who: NodeId
}

/**
 * Where the whole is wrong and members gave of it, some chunks of each are fetched again from the mirror, which tells
 * who lied: one of each, then two, then four, then all.
 */
const AUDIT_ROUNDS = 3
/**
 * Each of those who download the file has so long to find out, in milliseconds, before the next begins: whoever comes to
 * have it whole has a chunk list, which tells all others, and one copy is enough for that.
 */
const TURN_MS = 2_000
const MOST_TURNS = 4

/** Of each member's chunks `count`, spread over them, others each round. */
function toAudit(words: Word[], count: number): Set<number> {
  const chosen = new Set<number>()
  for (const who of new Set(words.map(({ who }) => who))) {
    const its = words.filter((word) => word.who === who)
    for (let n = 0; n < Math.min(count, its.length); n++)
      chosen.add(its[Math.floor(((n + 0.5) * its.length) / count) % its.length]!.chunk)
  }
  return chosen
}

export function createWholeCheck(
  {
    clock,
    log,
    partial,
    trust,
  }: { clock: Clock; log: Log; partial: PartialFile; trust: Pick<ListTrust, 'wholeRight' | 'wholeWrong'> },
  file: WantedFile,
  handler: WholeCheckHandler,
): WholeCheck {
  /** What members gave on their word, told apart when the whole is right. */
  const words: Word[] = []
  let audits = 0
  /** Something of what is here has been forgotten. */
  let wake = () => {}

  /** Only now is it known what each chunk should have been. */
  function banLiars() {
    const liars = words.filter(({ chunk, hash }) => (partial.hashOf(chunk) ?? hash) !== hash)
    for (const who of new Set(liars.map(({ who }) => who))) {
      handler.ban({ id: who }, `it gave a false chunk of ${file.name}, which it said it had from the mirror`)
    }
  }

  /** What is here only because a member said so. */
  const onWord = () =>
    words.filter(({ chunk, hash }) => partial.originOf(chunk) === 'member' && partial.hashOf(chunk) === hash)

  function forgetWords(of: (who: NodeId) => boolean): boolean {
    const chunks = new Set(
      onWord()
        .filter(({ who }) => of(who))
        .map(({ chunk }) => chunk),
    )
    if (chunks.size === 0) return false
    partial.forget((_, chunk) => chunks.has(chunk))
    wake()
    return true
  }

  /** Waits for others who look into the same, if it is their turn; whether there is something new. */
  function othersTell(): Promise<boolean> {
    const ms = audits > 0 ? 0 : TURN_MS * Math.min(MOST_TURNS, handler.turn())
    if (ms === 0) return Promise.resolve(false)
    return new Promise((resolve) => {
      const stop = clock.after(ms, () => resolve(false))
      wake = () => {
        stop()
        resolve(true)
      }
    })
  }

  /** Some member lied: who, or the next chunks by which that is found out. */
  function audit(): 'members' | undefined {
    const caught = new Set(
      words
        .filter(({ chunk, hash }) => partial.originOf(chunk) === 'mirror' && partial.hashOf(chunk) !== hash)
        .map(({ who }) => who),
    )
    if (forgetWords((who) => caught.has(who))) {
      handler.onCaught([...caught])
      return undefined
    }
    const chosen = toAudit(onWord(), 2 ** audits)
    if (audits++ < AUDIT_ROUNDS && chosen.size > 0) partial.forget((_, chunk) => chosen.has(chunk))
    else partial.forget((origin) => origin === 'member')
    return 'members'
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
      wake()
      handler.onForgotten()
    },
    async check() {
      if (forgetWords(handler.isBanned)) return false
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
      else if (whom === 'members') {
        if ((await othersTell()) || audit() === undefined) return false
      } else if (whom !== 'list') partial.forget(() => true)
      handler.onSuspicion(whom)
      return false
    },
  }
}
