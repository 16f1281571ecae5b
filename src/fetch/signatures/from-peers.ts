import { reachOf } from '../../base/address.ts'
import type { Clock } from '../../base/clock.ts'
import { asError } from '../../base/error.ts'
import type { Log } from '../../base/log.ts'
import { within } from '../../base/within.ts'
import type { Holder } from '../../overlay/query/holders.ts'
import { isSignature } from '../../pacman/signature.ts'
import type { WantedFile } from '../../wire/messages.ts'
import type { FileNetwork } from '../network.ts'

export interface FromPeersDeps {
  clock: Clock
  log: Log
  network: Pick<FileNetwork, 'find' | 'connect'>
}

/** How many holders are asked, how long they are looked for, and how long all of it may take, in milliseconds. */
const PEERS = 3
const SEARCH_MS = 1_000
const PEERS_MS = 3_000

/** Signatures from peers: of several that differ, the one that most of them give. */
export function createFromPeers({ clock, log, network }: FromPeersDeps) {
  async function ask(holder: Holder, answers: Buffer[]) {
    try {
      const asker = await network.connect(holder)
      const bytes = await asker.signature(holder.file.sha256)
      if (isSignature(bytes)) answers.push(Buffer.from(bytes))
    } catch (error) {
      log.debug({ holder: holder.id, err: asError(error) }, 'a holder gave no signature')
    }
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

  /** Takes 3 s at most. */
  return async (file: WantedFile): Promise<Uint8Array | undefined> => {
    const answers: Buffer[] = []
    const asked = holdersOf(file).then((holders) =>
      Promise.all(holders.slice(0, PEERS).map((holder) => ask(holder, answers))),
    )
    await within(clock, PEERS_MS, asked)
    return mostCommon(answers)
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
