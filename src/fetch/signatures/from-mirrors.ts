import type { Clock } from '../../base/clock.ts'
import { within } from '../../base/within.ts'
import type { FetchMany, SmallOutcome } from '../../mirror/curl-batch.ts'
import type { DeadMirrors } from '../../mirror/dead-mirrors.ts'
import { isSignature } from '../../pacman/signature.ts'
import { limits } from '../../wire/limits.ts'
import type { Located } from '../locator.ts'

/** What mirrors said of a signature: its bytes; undefined: that there is none; `silent`: nothing of use. */
export type MirrorWord = Uint8Array | 'silent' | undefined

/** Signatures from mirrors. */
export interface FromMirrors {
  /** Several mirrors of one, side by side: the first signature counts. Takes 4 s at most. */
  one(signed: Located, environment: Record<string, string>): Promise<MirrorWord>
  /**
   * Many, mirror after mirror; of each mirror the first silence ends it. `settle` is told of each that a mirror has, and of
   * those of which one says that there is none and no other has it. Resolves to those of which none has spoken.
   */
  many(
    files: Located[],
    environment: Record<string, string>,
    settle: (one: Located, bytes?: Uint8Array) => void,
  ): Promise<Located[]>
}

export interface FromMirrorsDeps {
  clock: Clock
  fetchMany: FetchMany
  deadMirrors: DeadMirrors
  /** Ends everything. */
  ending: AbortSignal
}

/** Mirrors that are asked for one signature. */
const MIRRORS = 3
/** How long they have, in milliseconds. */
export const MIRRORS_MS = 4_000

export function createFromMirrors({ clock, fetchMany, deadMirrors, ending }: FromMirrorsDeps): FromMirrors {
  /** A page that is no signature is a gateway's, not a mirror's. */
  function judge(url: string, outcome: SmallOutcome): MirrorWord {
    const isAnswer = outcome === 'absent' || (outcome !== 'silent' && isSignature(outcome.bytes))
    if (!isAnswer) {
      deadMirrors.failed(url)
      return 'silent'
    }
    deadMirrors.answered(url)
    return outcome === 'absent' ? undefined : outcome.bytes
  }

  /** The signatures of the files at these URLs; `onWord` returns whether that is enough. */
  function fetch(
    urls: string[],
    environment: Record<string, string>,
    onWord: (index: number, word: MirrorWord) => boolean,
  ): { over: AbortController; done: Promise<void> } {
    const over = new AbortController()
    const done = fetchMany(
      urls.map((url) => `${url}.sig`),
      {
        environment,
        signal: AbortSignal.any([ending, over.signal]),
        most: limits.signatureBytes,
        onOutcome(index, outcome) {
          const url = urls[index]
          if (url !== undefined && onWord(index, judge(url, outcome))) over.abort()
        },
      },
    )
    return { over, done }
  }

  /** All of them from each one's `n`th mirror. Resolves to what is still to be had. */
  async function fromNth(
    files: Located[],
    n: number,
    absent: Set<Located>,
    environment: Record<string, string>,
    settle: (one: Located, bytes?: Uint8Array) => void,
  ): Promise<Located[]> {
    const left = new Set(files)
    const some = files.flatMap((one) => {
      const url = one.mirrors[n]
      return url === undefined || deadMirrors.isDead(url) ? [] : [{ one, url }]
    })
    if (some.length === 0) return files
    const urls = some.map(({ url }) => url)
    const { done } = fetch(urls, environment, (index, word) => {
      const one = some[index]?.one
      if (word === 'silent' || !one) return true
      if (word) {
        left.delete(one)
        settle(one, word)
      } else absent.add(one)
      return false
    })
    await done
    return [...left]
  }

  return {
    async one({ mirrors }, environment) {
      const urls = mirrors.slice(0, MIRRORS)
      let answer: MirrorWord = 'silent'
      const { over, done } = fetch(urls, environment, (_, word) => {
        if (word !== 'silent' && !(answer instanceof Uint8Array)) answer = word
        return word instanceof Uint8Array
      })
      await within(clock, MIRRORS_MS, done)
      over.abort()
      if (answer === 'silent') for (const url of urls) deadMirrors.failed(url)
      return answer
    },
    async many(files, environment, settle) {
      const absent = new Set<Located>()
      let left = files
      for (let n = 0; left.length > 0 && n < MIRRORS; n++) {
        left = await fromNth(left, n, absent, environment, settle)
      }
      for (const one of left) if (absent.has(one)) settle(one)
      return left.filter((one) => !absent.has(one))
    },
  }
}
