import { join } from 'node:path'
import { createLimiter } from '../base/limiter.ts'
import { type CallersAhead, createCallersAhead } from '../fetch/callers-ahead.ts'
import { createDhtSearch } from '../fetch/dht-search.ts'
import { createDownloads, type Downloads, type JobRegistry } from '../fetch/downloads.ts'
import { createHandovers, type Handovers } from '../fetch/handovers.ts'
import type { Located } from '../fetch/locator.ts'
import type { FileNetwork } from '../fetch/network.ts'
import { createScout, type Scout } from '../fetch/scout.ts'
import { createGpgv } from '../fetch/signatures/gpgv.ts'
import { createSignatures, type Signatures } from '../fetch/signatures/signatures.ts'
import { createVerifier } from '../fetch/signatures/verifier.ts'
import { createPeerRecord } from '../fetch/sources/peer-record.ts'
import { type OpenMirror, openMirrorByCurl, PATIENCE } from '../mirror/curl.ts'
import { createFetchMany, SIGNATURE_PATIENCE } from '../mirror/curl-batch.ts'
import { createDeadMirrors, type DeadMirrors, notingDead } from '../mirror/dead-mirrors.ts'
import { fetchAsPacman, openAsPacman } from '../mirror/pacman-agent.ts'
import { createSmallFiles } from '../mirror/small-batches.ts'
import { limits } from '../wire/limits.ts'
import type { Context } from './context.ts'
import type { DiscoveryParts } from './discovery.ts'
import type { Living } from './life.ts'
import type { NodeParts } from './node.ts'
import type { StorageParts } from './storage.ts'

/** How files come here. */
export interface FetchingParts {
  network: FileNetwork
  downloads: Downloads
  readAhead: CallersAhead
  signatures: Signatures
  scout: Scout
  handovers: Handovers
  deadMirrors: DeadMirrors
  openMirror: OpenMirror
  /** Copies a file that is whole in the spool to where it lasts. Whether it is here now. */
  keepFile(located: Pick<Located, 'file' | 'mirrors'>): Promise<boolean>
}

export function createFetching(
  context: Context,
  {
    spool,
    wholeHasher,
    figures,
    tallies,
    keeping: { keep, keepsAll },
    catalogue,
    pacmanConf,
    pacmanAgent,
    databases,
  }: Omit<StorageParts, 'onDropped'>,
  { node, discovery }: { node: NodeParts; discovery: DiscoveryParts },
  registry: JobRegistry,
): Living & { parts: FetchingParts } {
  const { config, clock, logOf } = context
  const { overlay } = node
  const spoolDir = config.daemon['spool-dir']
  const limiter = createLimiter(clock, config.network['download-limit'])
  const network = fileNetwork(context, node, discovery)
  const deadMirrors = createDeadMirrors(clock)
  const small = createSmallFiles({
    clock,
    open: openMirrorByCurl,
    fetchMany: createFetchMany({ dir: join(spoolDir, 'small'), patience: PATIENCE }),
  })
  // Where a limit holds bytes are read one by one: several files at once would have come before they are charged.
  const byLimit: OpenMirror = (request, handler) =>
    (limiter.bytesPerSecond === undefined ? small : openMirrorByCurl)(request, handler)
  const openMirror = openAsPacman(
    pacmanAgent,
    notingDead(byLimit, {
      dead: deadMirrors,
      clock,
      log: logOf('mirror'),
    }),
  )
  const handovers = createHandovers(clock)
  const downloads = createDownloads(
    {
      clock,
      log: logOf('downloads'),
      spool,
      hasher: wholeHasher,
      network,
      pacserve: discovery.pacserve,
      openMirror,
      downloads: limiter,
      mirrorRates: new Map(),
      buffers: node.buffers,
    },
    {
      registry,
      delay: config.mirror.delay,
      onRejected(what, who) {
        figures.add({ rejected: 1 })
        tallies.trouble('rejected', what, who)
      },
      onDone(located, origins, began) {
        const { fromPeers, fromSite, fromMirror } = origins
        const from = { fromSite, fromWorld: fromPeers - fromSite, fromMirror }
        handovers.came(located.file.sha256, origins)
        figures.add({ ...from, packages: 1 })
        tallies.arrived({ name: located.file.name, ...from, began })
        if (keepsAll) void keepFile(located)
      },
    },
  )
  /** A copy for others, with its signature. */
  async function keepFile(located: Pick<Located, 'file' | 'mirrors'>): Promise<boolean> {
    const { file } = located
    const spooled = await spool.complete(file.sha256)
    if (!spooled) return catalogue.find(file.sha256) !== undefined
    const isKept = await keep.take(file, spooled.handle)
    await spooled.handle.close()
    const signature = isKept ? await signatures.look(located) : undefined
    if (signature instanceof Uint8Array) await keep.sign(file.name, signature)
    if (isKept) await catalogue.rescan()
    return isKept
  }
  const readAhead = createCallersAhead({
    clock,
    find(files) {
      for (let at = 0; at < files.length; at += limits.filesPerQuery) {
        void overlay.find(files.slice(at, at + limits.filesPerQuery), { onHolder() {} })
      }
    },
    fetch: downloads.fetch,
    isUnderWay: (sha256) => spool.isComplete(sha256) || registry.isFetching(sha256),
    jobs: registry.jobs,
    received() {
      const { fromSite, fromWorld, fromMirror } = figures.sinceStart
      return registry.jobs().reduce((sum, { done }) => sum + done, fromSite + fromWorld + fromMirror)
    },
  })
  const signatures = createSignatures({
    clock,
    log: logOf('signatures'),
    fetchMany: fetchAsPacman(
      pacmanAgent,
      createFetchMany({ dir: join(spoolDir, 'signatures'), patience: SIGNATURE_PATIENCE }),
    ),
    deadMirrors,
    network,
    databases: databases.signatures,
    verifier: createVerifier({
      clock,
      async open(sha256) {
        return ((await spool.complete(sha256)) ?? (await catalogue.open(sha256)))?.handle
      },
      gpgv: createGpgv(async () => (await pacmanConf())?.gpgDir),
    }),
  })
  // Whoever keeps for others fetches whatever they ask for, so that the next has it from here.
  const scout = keepsAll
    ? { isWorthIt: async () => true }
    : createScout({ clock, network, hasCompanions: overlay.hasCompanions })

  return {
    parts: { network, downloads, readAhead, signatures, scout, handovers, deadMirrors, openMirror, keepFile },
    start() {},
    reload: ({ network }) => limiter.set(network['download-limit']),
    async stop() {
      signatures.close()
      readAhead.stop()
      await downloads.close()
    },
  }
}

/** The overlay, the transfers on top of it and the DHT beside it, as one. */
function fileNetwork(
  { clock, logOf }: Context,
  { overlay, transfers, presence, hasNeighbours }: NodeParts,
  { dht }: DiscoveryParts,
): FileNetwork {
  return {
    id: overlay.id,
    existing: transfers.existing,
    isCompanion: ({ session }) => overlay.isCompanion(session),
    hasCompanions: overlay.hasCompanions,
    record: createPeerRecord(clock),
    join: presence.join,
    find: dht
      ? createDhtSearch({
          clock,
          log: logOf('dht'),
          find: overlay.find,
          neighbours: () => overlay.neighbours().length,
          seek: dht.seek,
          async knock(address) {
            const session = await overlay.knock(address)
            transfers.keep(session)
            return session
          },
        })
      : overlay.find,
    connect: transfers.to,
    forget: overlay.forget,
    ban: ({ id, address }, reason) =>
      overlay.ban({ id, ...(address === undefined ? {} : { address }) }, reason),
    isBanned: overlay.isBanned,
    hasNeighbours,
    isNeighbour: (id) => overlay.neighbours().some((neighbour) => neighbour.id === id),
  }
}
