/**
 * A holder that is honest in all but one thing, run in a process of its own: `false-holder.ts ADDRESS SETTING`. Tells
 * by IPC that it listens.
 */
import { readFileSync } from 'node:fs'
import { chunkCount, chunkLength, chunkSize, rootOf } from '../../src/base/chunks.ts'
import { systemClock as clock } from '../../src/base/clock.ts'
import type { Endpoint } from '../../src/base/endpoint.ts'
import { createLimiter } from '../../src/base/limiter.ts'
import { silentLog as log } from '../../src/base/log.ts'
import { systemRandom as random } from '../../src/base/random.ts'
import { sha256 } from '../../src/base/sha256.ts'
import { createTcpTransport } from '../../src/net/tcp.ts'
import { createOverlay } from '../../src/overlay/overlay.ts'
import { createIdentity } from '../../src/overlay/session/identity.ts'
import { createSharedReads } from '../../src/transfer/shared-reads.ts'
import { createTransferPool } from '../../src/transfer/transfer-pool.ts'
import { createTurns } from '../../src/transfer/upload-queue.ts'
import type { HeldFile } from '../../src/wire/messages.ts'
import { createBufferPool } from '../../src/wire/pool.ts'
import type { Package } from './packages.ts'

export interface FalseHolderSetting {
  item: Pick<Package, 'path' | 'sha256' | 'size'>
  /** `rots`: one chunk in three isn't what it vouched for. `lies`: its list is of a file with one other chunk. */
  deed: 'rots' | 'lies'
}

const [address, json] = process.argv.slice(2) as [string, string]
const { item, deed } = JSON.parse(json) as FalseHolderSetting
const { size } = item

/** What it gives. */
const given = readFileSync(item.path)
const honest = listOf(given)
const chunks = chunkCount(size)
const bad =
  deed === 'lies' ? [Math.floor(chunks * 0.6)] : [...Array(chunks).keys()].filter((n) => n % 3 === 1)
for (const chunk of bad) given[chunk * chunkSize(size) + 7]! ^= 0xff
const chunkHashes = deed === 'lies' ? listOf(given) : honest
const held: HeldFile = { sha256: item.sha256, size, root: rootOf(chunkHashes), whole: true }

function listOf(content: Buffer): Buffer {
  const hashes = Array.from({ length: chunkCount(size) }, (_, chunk) => {
    const at = chunk * chunkSize(size)
    return Buffer.from(sha256(content.subarray(at, at + chunkLength(size, chunk))), 'hex')
  })
  return Buffer.concat(hashes)
}

const pool = createBufferPool()
const overlay = createOverlay(
  {
    transport: createTcpTransport({ log, clock, pool }),
    identity: createIdentity(),
    clock,
    random,
    log,
    holdings: { find: (hash) => (hash === held.sha256 ? held : undefined), all: () => [held] },
    resolve: async () => [],
    isOnLink: () => true,
  },
  { listen: `${address}:8048` as Endpoint, agent: 'false holder' },
  { onTransfer: (session) => transfers.accept(session) },
)
const transfers = createTransferPool(
  {
    connect: overlay.connect,
    holdings: {
      signature: async () => undefined,
      async open(hash) {
        if (hash !== held.sha256) return undefined
        return {
          size,
          chunkHashes,
          state: hash,
          read: async (buffer, position) =>
            void buffer.set(given.subarray(position, position + buffer.length)),
          close: async () => {},
        }
      },
    },
    clock,
    log,
    reads: createSharedReads(pool),
    turns: createTurns({ clock, limiter: createLimiter(clock, undefined) }),
  },
  { onUploaded() {}, onHave() {} },
)
await overlay.start()
process.send!('listening')
process.on('disconnect', () => process.exit())
