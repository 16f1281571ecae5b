import { reachOf } from '../../base/address.ts'
import type { Cancel, Clock } from '../../base/clock.ts'
import { asError } from '../../base/error.ts'
import type { Log } from '../../base/log.ts'
import type { FetchMany, SmallOutcome } from '../../mirror/curl-batch.ts'
import type { DeadMirrors } from '../../mirror/dead-mirrors.ts'
import type { Holder } from '../../overlay/query/holders.ts'
import { isSignature } from '../../pacman/signature.ts'
import { limits } from '../../wire/limits.ts'
import type { WantedFile } from '../../wire/messages.ts'
import type { Located } from '../downloads.ts'
import type { FileNetwork } from '../network.ts'

/**
 * Detached signatures of packages: from mirrors, and from peers only where no mirror answers. They are not verified
 * here: pacman checks them with its own keys.
 */
export interface Signatures {
  /** The packages of a transaction. Their signatures are fetched ahead where pacman asks for signatures at all. */
  begin(files: Located[], environment: Record<string, string>): void
  /**
   * The signature that came ahead, given once; one on its way is waited for a moment. Where the mirrors are known
   * to be dead, what peers have.
   */
  ready(signed: Located): Promise<Uint8Array | undefined>
  /** From the mirrors, unless one says that there is none; where none answers, from peers. Takes 7 s at most. */
  find(signed: Located): Promise<Uint8Array | undefined>
  /** This package is being sent to a pacman that may ask for its signature next (`find`): begun if it has lately. */
  expect(signed: Located): void
  close(): void
}

export interface SignaturesDeps {
  clock: Clock
  log: Log
  fetchMany: FetchMany
  deadMirrors: DeadMirrors
  network: Pick<FileNetwork, 'find' | 'connect'>
}

/** A request of the sh front waits half a second in all. */
const READY_MS = 300
/** How long after the last question for one the others are kept, in milliseconds. */
const KEPT_MS = 5 * 60_000
const MOST_FILES = 2_000
/** Mirrors that are asked for one signature, at the same time. */
const MIRRORS = 3
const MIRRORS_MS = 4_000
/** Peers: how many are asked, how long holders are looked for, and how long all of it may take, in milliseconds. */
const PEERS = 3
const SEARCH_MS = 1_000
const PEERS_MS = 3_000
/** Signatures ahead that are asked of peers at the same time. */
const PEERS_AT_ONCE = 8

/** Curls at the same time. */
const BATCHES = 2
/** A CacheServer that was asked for a signature within this time, in milliseconds, will be asked for more. */
const EXPECTED_MS = 60_000

interface Ahead {
  file: WantedFile
  /** Settles with what came; undefined for nothing. */
  outcome: Promise<Uint8Array | undefined>
  settle(bytes: Uint8Array | undefined): void
}

export function createSignatures({
  clock,
  log,
  fetchMany,
  deadMirrors,
  network,
}: SignaturesDeps): Signatures {
  const ending = new AbortController()
  /** Packages whose signatures nobody has begun to fetch. */
  let queue: Located[] = []
  let environment: Record<string, string> = {}
  /** By the package's SHA-256. */
  const ahead = new Map<string, Ahead>()
  /** Whether pacman asks for signatures: it has, since the transaction before this one began. */
  let wanted = false
  let stopTimer: Cancel = () => {}
  /** Ordered, and in no curl yet. */
  const waiting: Located[] = []
  let running = 0
  let foundAt = Number.NEGATIVE_INFINITY

  const areDead = (mirrors: string[]) => mirrors.length > 0 && mirrors.every(deadMirrors.isDead)

  /** What `promise` comes to, or undefined when it takes longer. */
  function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve) => {
      const stop = clock.after(ms, () => resolve(undefined))
      void promise.then((value) => {
        stop()
        resolve(value)
      })
    })
  }

  function keep() {
    stopTimer()
    if (ahead.size + queue.length === 0) return
    stopTimer = clock.after(KEPT_MS, () => {
      queue = []
      for (const { settle } of ahead.values()) settle(undefined)
      ahead.clear()
    })
  }

  function start() {
    for (const one of queue) if (!ahead.has(one.file.sha256)) order(one)
    queue = []
    pump()
  }

  function order(signed: Located): Ahead {
    let settle: Ahead['settle'] = () => {}
    const outcome = new Promise<Uint8Array | undefined>((resolve) => {
      settle = resolve
    })
    const one = { file: signed.file, outcome, settle }
    ahead.set(signed.file.sha256, one)
    waiting.push(signed)
    return one
  }

  /** One curl takes all that has been ordered; what is ordered meanwhile is the next one's. */
  function pump() {
    if (running >= BATCHES || waiting.length === 0) return
    running++
    void fetchAhead(waiting.splice(0)).finally(() => {
      running--
      pump()
    })
  }

  async function fetchAhead(files: Located[]) {
    const settle = ({ file }: Located, bytes?: Uint8Array) => ahead.get(file.sha256)?.settle(bytes)
    let left = files
    for (let n = 0; left.length > 0 && n < MIRRORS; n++) left = await fromOneMirror(left, n, settle)
    const toAsk = left.values()
    const ask = async () => {
      for (const one of toAsk) settle(one, ahead.has(one.file.sha256) ? await fromPeers(one.file) : undefined)
    }
    await Promise.all(Array.from({ length: PEERS_AT_ONCE }, ask))
  }

  /** All of them from each one's `n`th mirror; the first silence ends it. Resolves to what is still to be had. */
  async function fromOneMirror(
    files: Located[],
    n: number,
    settle: (one: Located, bytes?: Uint8Array) => void,
  ): Promise<Located[]> {
    const left = new Set(files)
    const some = files.filter(({ mirrors }) => mirrors[n] !== undefined && !deadMirrors.isDead(mirrors[n]))
    if (some.length === 0) return files
    const over = new AbortController()
    await fetchMany(
      some.map(({ mirrors }) => `${mirrors[n]!}.sig`),
      {
        environment,
        signal: AbortSignal.any([ending.signal, over.signal]),
        most: limits.signatureBytes,
        onOutcome(index, outcome) {
          const one = some[index]!
          const bytes = judge(one.mirrors[n]!, outcome)
          if (bytes === 'silent') return over.abort()
          left.delete(one)
          settle(one, bytes)
        },
      },
    )
    return [...left]
  }

  /** What a mirror's outcome comes to. A page that is no signature is a gateway's, not a mirror's. */
  function judge(url: string, outcome: SmallOutcome): Uint8Array | 'silent' | undefined {
    const isAnswer = outcome === 'absent' || (outcome !== 'silent' && isSignature(outcome.bytes))
    if (!isAnswer) {
      deadMirrors.failed(url)
      return 'silent'
    }
    deadMirrors.answered(url)
    return outcome === 'absent' ? undefined : outcome.bytes
  }

  /** Several mirrors side by side: the first signature counts. */
  async function fromMirrors({ mirrors }: Located): Promise<Uint8Array | 'silent' | undefined> {
    const urls = mirrors.slice(0, MIRRORS)
    const over = new AbortController()
    let answer: Uint8Array | 'silent' | undefined = 'silent'
    const asked = fetchMany(
      urls.map((url) => `${url}.sig`),
      {
        environment,
        signal: AbortSignal.any([ending.signal, over.signal]),
        most: limits.signatureBytes,
        onOutcome(index, outcome) {
          const found = judge(urls[index]!, outcome)
          if (found !== 'silent' && !(answer instanceof Uint8Array)) answer = found
          if (found instanceof Uint8Array) over.abort()
        },
      },
    )
    await within(MIRRORS_MS, asked)
    over.abort()
    if (answer === 'silent') for (const url of urls) deadMirrors.failed(url)
    return answer
  }

  const canBatch = ({ mirrors }: Located) => mirrors[0] !== undefined && deadMirrors.isAlive(mirrors[0])

  /** With others, from a mirror that has answered lately. */
  async function fromBatch(signed: Located): Promise<Uint8Array | 'silent' | undefined> {
    const { outcome } = ahead.get(signed.file.sha256) ?? order(signed)
    pump()
    const answer = await within(
      MIRRORS_MS,
      outcome.then((bytes) => ({ bytes })),
    )
    ahead.delete(signed.file.sha256)
    return answer ? answer.bytes : 'silent'
  }

  async function fromPeers(file: WantedFile): Promise<Uint8Array | undefined> {
    const answers: Buffer[] = []
    const asked = holdersOf(file).then((holders) =>
      Promise.all(holders.slice(0, PEERS).map((holder) => ask(holder, answers))),
    )
    await within(PEERS_MS, asked)
    return mostCommon(answers)
  }

  async function ask(holder: Holder, answers: Buffer[]) {
    try {
      const asker = await network.connect(holder)
      const bytes = await asker.signature(holder.file.sha256)
      if (isSignature(bytes)) answers.push(Buffer.from(bytes))
    } catch (error) {
      log.debug({ holder: holder.id, err: asError(error) }, 'a holder gave no signature')
    }
  }

  /** Near ones first. */
  async function holdersOf(file: WantedFile): Promise<Holder[]> {
    const holders: Holder[] = []
    const over = new AbortController()
    const found = network.find([file], {
      signal: over.signal,
      onHolder(holder) {
        if (holder.file.whole) holders.push(holder)
      },
    })
    await within(SEARCH_MS, found)
    over.abort()
    const isFar = ({ address }: Holder) => Number(address === undefined || reachOf(address) === 'world')
    return holders.sort((a, b) => isFar(a) - isFar(b))
  }

  return {
    begin(files, callers) {
      environment = callers
      queue = files.slice(0, MOST_FILES)
      if (wanted) start()
      wanted = false
      keep()
    },
    async ready({ file, mirrors }) {
      wanted = true
      queue = queue.filter((one) => one.file.sha256 !== file.sha256)
      start()
      keep()
      const one = ahead.get(file.sha256)
      if (one) {
        const bytes = await within(READY_MS, one.outcome)
        ahead.delete(file.sha256)
        return bytes
      }
      return areDead(mirrors) ? fromPeers(file) : undefined
    },
    expect(signed) {
      if (clock.now() - foundAt >= EXPECTED_MS || !canBatch(signed)) return
      if (ahead.has(signed.file.sha256) || ahead.size >= MOST_FILES) return
      order(signed)
      pump()
      keep()
    },
    async find(signed) {
      foundAt = clock.now()
      if (areDead(signed.mirrors)) return fromPeers(signed.file)
      const found = canBatch(signed) ? await fromBatch(signed) : await fromMirrors(signed)
      return found === 'silent' ? fromPeers(signed.file) : found
    },
    close() {
      ending.abort()
      stopTimer()
    },
  }
}

/** Of as many of the same, those that came first. */
function mostCommon(answers: Buffer[]): Uint8Array | undefined {
  const votes = (one: Buffer) => answers.filter((other) => other.equals(one)).length
  return answers.reduce<Buffer | undefined>(
    (best, one) => (best && votes(best) >= votes(one) ? best : one),
    undefined,
  )
}
