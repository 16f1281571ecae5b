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
   * Many: the next mirror for what the one before hasn't given; of each mirror the first silence ends it. Where there are more
   * than `SHARED_FROM` two mirrors begin at both ends. `settle` is told of each that a mirror has, and of those of which one
   * says that there is none and no other has it. Resolves to those of which none has spoken.
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
/** Fewer take a mirror five rounds, a second at 0.2 s each, and aren't worth a second one's connections. */
const SHARED_FROM = 25
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

  /** The signatures of the files at these URLs; `onWord` returns whether that is enough. Resolves to whether all have spoken. */
  async function fetch(
    urls: string[],
    { environment, over }: { environment: Record<string, string>; over: AbortController },
    onWord: (index: number, word: MirrorWord) => boolean,
  ): Promise<boolean> {
    await fetchMany(
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
    return !over.signal.aborted
  }

  /** Many files on their way from one mirror after another, or from two. */
  function createRound(
    files: Located[],
    environment: Record<string, string>,
    settle: (one: Located, bytes?: Uint8Array) => void,
  ) {
    const left = new Set(files)
    const absent = new Set<Located>()

    /** All that is left from each one's `n`th mirror. Resolves to whether it had a word for each. */
    function askNth(n: number, isFromEnd: boolean, over: AbortController): Promise<boolean> {
      const inOrder = isFromEnd ? [...left].reverse() : [...left]
      const some = inOrder.flatMap((one) => {
        const url = one.mirrors[n]
        return url === undefined || deadMirrors.isDead(url) ? [] : [{ one, url }]
      })
      if (some.length === 0) return Promise.resolve(false)
      const urls = some.map(({ url }) => url)
      return fetch(urls, { environment, over }, (index, word) => {
        const one = some[index]?.one
        if (word === 'silent' || !one) return true
        if (!word) absent.add(one)
        else if (left.delete(one)) settle(one, word)
        return left.size === 0
      })
    }

    return {
      left,
      absent,
      alone: (n: number) => askNth(n, false, new AbortController()),
      /** The first two mirrors, from both ends, until they meet or one has been through. Resolves to which of them has. */
      async both(): Promise<number[]> {
        const overs = [new AbortController(), new AbortController()] as const
        const through = await Promise.all(
          overs.map(async (over, n) => {
            const isThrough = await askNth(n, n === 1, over)
            if (isThrough || left.size === 0) for (const one of overs) one.abort()
            return isThrough
          }),
        )
        return [0, 1].filter((n) => through[n])
      },
    }
  }

  return {
    async one({ mirrors }, environment) {
      const urls = mirrors.slice(0, MIRRORS)
      let answer: MirrorWord = 'silent'
      const over = new AbortController()
      const done = fetch(urls, { environment, over }, (_, word) => {
        if (word !== 'silent' && !(answer instanceof Uint8Array)) answer = word
        return word instanceof Uint8Array
      })
      await within(clock, MIRRORS_MS, done)
      over.abort()
      if (answer === 'silent') for (const url of urls) deadMirrors.failed(url)
      return answer
    },
    async many(files, environment, settle) {
      const round = createRound(files, environment, settle)
      const { left, absent } = round
      const through = files.length > SHARED_FROM ? await round.both() : []
      for (let n = 0; left.size > 0 && n < MIRRORS; n++) if (!through.includes(n)) await round.alone(n)
      for (const one of absent) if (left.has(one)) settle(one)
      return [...left].filter((one) => !absent.has(one))
    },
  }
}
