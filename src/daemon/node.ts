import { lookup } from 'node:dns/promises'
import { join } from 'node:path'
import { createEvent } from '../base/event.ts'
import { createLimiter } from '../base/limiter.ts'
import { systemRandom } from '../base/random.ts'
import { createOnLink, siteLinks } from '../discovery/lan/on-link.ts'
import { createPresence, type Presence } from '../fetch/crowd/presence.ts'
import type { JobRegistry } from '../fetch/downloads.ts'
import { createHeldFiles, type HeldFiles, heldFile } from '../fetch/held-files.ts'
import { createSparing, neverSparing } from '../net/sparing.ts'
import { createTcpTransport, loadTls } from '../net/tcp.ts'
import { createOverlay, type Overlay } from '../overlay/overlay.ts'
import type { Holder } from '../overlay/query/holders.ts'
import { loadIdentity } from '../overlay/session/identity.ts'
import type { Session } from '../overlay/session/session.ts'
import { createSharedReads } from '../transfer/shared-reads.ts'
import { createTransferPool, type TransferPool } from '../transfer/transfer-pool.ts'
import { createTurns } from '../transfer/upload-queue.ts'
import type { NodeId, Sha256 } from '../wire/messages.ts'
import { type BufferPool, createBufferPool } from '../wire/pool.ts'
import type { Context } from './context.ts'
import type { Living } from './life.ts'
import type { StorageParts } from './storage.ts'

/** This machine among the nodes of the network. */
export interface NodeParts {
  overlay: Overlay
  transfers: TransferPool
  presence: Presence
  heldFiles: HeldFiles
  /** Of chunks. */
  buffers: BufferPool
  /** Whether there is anybody to ask, now or within a moment. */
  hasNeighbours(): boolean
  /** Hears, every few seconds while it lasts, that there are too few neighbours. */
  onShort(listener: () => void): void
  /** Hears of each file that a neighbour says it has, or is downloading. */
  onAnnounced(listener: (holder: Holder) => void): void
  /** Whether this machine moves no bytes now that nobody here waits for: its line is metered, or it runs on battery. */
  isSparing(): boolean
  /** Hears of each file held whole that another node asked for. */
  onWanted(listener: (sha256: Sha256) => void): void
}

/** So long after the start, in milliseconds, the nodes of [direct] are taken for neighbours: they are being greeted. */
const GREETING_MS = 1_500

export const resolveHost = async (host: string) =>
  (await lookup(host, { all: true })).map(({ address }) => address)

export async function createNode(
  { config: { network, direct, daemon }, version, keys, clock, problems, logOf }: Context,
  {
    catalogue,
    spool,
    figures,
    tallies,
    onDropped,
  }: Pick<StorageParts, 'catalogue' | 'spool' | 'figures' | 'tallies' | 'onDropped'>,
  downloads: JobRegistry,
): Promise<Living & { parts: NodeParts }> {
  const createdAt = clock.now()
  const log = logOf('overlay')
  const pool = createBufferPool()
  const sparing = network.metered ? neverSparing : createSparing({ clock })
  const isSparing = () => sparing.now
  const heldFiles = createHeldFiles({ catalogue, spool, downloads, isSparing })
  const wanted = createEvent<[Sha256]>()
  const short = createEvent()
  const announced = createEvent<[Holder]>()
  const withdrawn = createEvent<[NodeId, Sha256]>()
  const incoming = createEvent<[Session]>()
  const uploads = createLimiter(clock, network['upload-limit'])
  const overlay = createOverlay(
    {
      transport: createTcpTransport({ log, clock, pool, tls: await loadTls(keys) }),
      identity: await loadIdentity(join(daemon['state-dir'], 'node.key'), log),
      clock,
      random: systemRandom,
      log,
      problems,
      holdings: {
        find(sha256, companion) {
          const file = heldFiles.find(sha256, companion)
          if (file?.whole) wanted.tell(sha256)
          return file
        },
        all: heldFiles.all,
      },
      resolve: resolveHost,
      isOnLink: createOnLink({ clock, links: siteLinks(network.lan) }),
      uploads,
    },
    {
      listen: network.listen,
      advertise: network.advertise,
      direct: direct.server,
      minConnections: network['min-connections'],
      maxConnections: network['max-connections'],
      ttl: network.ttl,
      allow: network.allow.flat(),
      deny: network.deny.flat(),
      closed: keys.length > 0,
      agent: `pacsrv ${version}`,
    },
    {
      onAnnounced: announced.tell,
      onWithdrawn: withdrawn.tell,
      onTransfer: incoming.tell,
      onShort: short.tell,
      onBanned: ({ id, address }, reason) => tallies.trouble('banned', reason, address ?? id),
    },
  )
  const presence = createPresence({
    clock,
    announce: (added, removed) => overlay.announce(added, removed, 'companions'),
  })
  announced.on(presence.announced)
  withdrawn.on(presence.withdrawn)
  const transfers = createTransferPool(
    {
      connect: overlay.connect,
      holdings: heldFiles,
      clock,
      log: logOf('transfer'),
      reads: createSharedReads(pool),
      turns: createTurns({ clock, limiter: uploads }),
    },
    {
      onUploaded(bytes, { id, near }, sha256) {
        figures.add(near ? { toSite: bytes } : { toWorld: bytes })
        tallies.gave(id, bytes, sha256)
      },
      onDownloaded: (bytes, { id }) => tallies.took(id, bytes),
      onHave: presence.heard,
    },
  )
  incoming.on(transfers.accept)
  onDropped((sha256) => {
    if (!catalogue.find(sha256)) overlay.announce([], [sha256], 'companions')
  })

  return {
    parts: {
      overlay,
      transfers,
      presence,
      heldFiles,
      buffers: pool,
      hasNeighbours: () =>
        overlay.neighbours().length > 0 ||
        (direct.server.length > 0 && clock.now() - createdAt < GREETING_MS),
      onShort: short.on,
      onAnnounced: announced.on,
      isSparing,
      onWanted: wanted.on,
    },
    async start() {
      catalogue.onChange((added, removed) => {
        overlay.announce(
          added.map(heldFile),
          removed.map(({ sha256 }) => sha256),
        )
      })
      await overlay.start()
    },
    async stop() {
      transfers.close()
      await overlay.stop()
    },
    reload({ network, direct }) {
      uploads.set(network['upload-limit'])
      overlay.setDirect(direct.server)
    },
  }
}
