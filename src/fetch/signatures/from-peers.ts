import { reachOf } from '../../base/address.ts'
import type { Clock } from '../../base/clock.ts'
import { asError } from '../../base/error.ts'
import type { Log } from '../../base/log.ts'
import { within } from '../../base/within.ts'
import type { Holder } from '../../overlay/query/holders.ts'
import { isSignature } from '../../pacman/signature.ts'
import type { WantedFile } from '../../wire/messages.ts'
import type { FileNetwork } from '../network.ts'
import type { Verifier } from './verifier.ts'

/** Signatures from peers; each takes 3 s at most. */
export interface FromPeers {
  /** The first that has been verified. */
  verified(file: WantedFile): Promise<Uint8Array | undefined>
  /**
   * For when no mirror answers. Where nothing can be verified (no gpgv, no keyring, no such package here), the one
   * that most of them give; what was found false never.
   */
  any(file: WantedFile): Promise<Uint8Array | undefined>
}

export interface FromPeersDeps {
  clock: Clock
  log: Log
  network: Pick<FileNetwork, 'find' | 'connect'>
  verifier: Verifier
}

/** How many holders are asked, how long they are looked for, and how long all of it may take, in milliseconds. */
const PEERS = 3
const SEARCH_MS = 1_000
const PEERS_MS = 3_000

export function createFromPeers({ clock, log, network, verifier }: FromPeersDeps): FromPeers {
  /** What one holder gives, unless it is false. */
  async function ask(holder: Holder): Promise<{ bytes: Buffer; isGood: boolean } | undefined> {
    try {
      const asker = await network.connect(holder)
      const bytes = await asker.signature(holder.file.sha256)
      if (!isSignature(bytes)) return undefined
      const verdict = await verifier.verify(holder.file.sha256, bytes)
      if (verdict !== 'bad') return { bytes: Buffer.from(bytes), isGood: verdict === 'good' }
      log.warn({ holder: holder.id, sha256: holder.file.sha256 }, 'a holder gave a false signature')
    } catch (error) {
      log.debug({ holder: holder.id, err: asError(error) }, 'a holder gave no signature')
    }
    return undefined
  }

  async function holdersOf(file: WantedFile): Promise<Holder[]> {
    const holders: Holder[] = []
    const over = new AbortController()
    const found = network.find([file], {
      signal: over.signal,
      onHolder(holder) {
        if (holder.file.whole) holders.push(holder)
      },
    })
    await within(clock, SEARCH_MS, found)
    over.abort()
    return nearFirst(holders)
  }

  /** The first good one, as soon as it is there; else what nobody could tell of. */
  async function collect(file: WantedFile): Promise<{ good?: Buffer; untold: Buffer[] }> {
    const untold: Buffer[] = []
    const good = new Promise<Buffer | undefined>((resolve) => {
      const all = holdersOf(file).then((holders) =>
        Promise.all(
          holders.slice(0, PEERS).map(async (holder) => {
            const answer = await ask(holder)
            if (answer?.isGood) resolve(answer.bytes)
            else if (answer) untold.push(answer.bytes)
          }),
        ),
      )
      void all.then(() => resolve(undefined))
    })
    const first = await within(clock, PEERS_MS, good)
    return first ? { good: first, untold } : { untold }
  }

  return {
    verified: async (file) => (await collect(file)).good,
    async any(file) {
      const { good, untold } = await collect(file)
      return good ?? mostCommon(untold)
    },
  }
}

function nearFirst(holders: Holder[]): Holder[] {
  const isFar = ({ address }: Holder) => Number(address === undefined || reachOf(address) === 'world')
  return holders.sort((a, b) => isFar(a) - isFar(b))
}

/** Of as many of the same, those that came first. */
export function mostCommon(answers: Buffer[]): Uint8Array | undefined {
  const votes = (one: Buffer) => answers.filter((other) => other.equals(one)).length
  return answers.reduce<Buffer | undefined>(
    (best, one) => (best && votes(best) >= votes(one) ? best : one),
    undefined,
  )
}
