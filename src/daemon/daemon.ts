import { lookup } from 'node:dns/promises'
import { mkdir } from 'node:fs/promises'
import type { Server } from 'node:http'
import { join } from 'node:path'
import { pino } from 'pino'
import { createAccess } from '../base/access-list.ts'
import { systemClock } from '../base/clock.ts'
import type { Config } from '../base/config.ts'
import { cidrList } from '../base/config-values.ts'
import { endpoint, hostPort } from '../base/endpoint.ts'
import { asError, PacsrvError, systemCode } from '../base/error.ts'
import { createLimiter } from '../base/limiter.ts'
import type { Log } from '../base/log.ts'
import { systemRandom } from '../base/random.ts'
import { createLan, linksOf } from '../discovery/lan/lan.ts'
import { openLanSocket } from '../discovery/lan/lan-socket.ts'
import { createWebhostClient, webhostUrl } from '../discovery/webhost/webhost-client.ts'
import { httpGet } from '../discovery/webhost/webhost-http.ts'
import { infoHashes } from '../discovery/webhost/webhost-query.ts'
import { createCrowds } from '../fetch/crowd/presence.ts'
import { createDhtSearch } from '../fetch/dht-search.ts'
import { createFetcher } from '../fetch/downloads.ts'
import { createSpool } from '../fetch/file/spool.ts'
import { createWholeHasher } from '../fetch/file/whole-hash.ts'
import { createHeldFiles, heldFile } from '../fetch/held-files.ts'
import type { FileNetwork } from '../fetch/job/holder-intake.ts'
import { createReadAhead } from '../fetch/read-ahead.ts'
import { createScout } from '../fetch/scout.ts'
import { createSignatures } from '../fetch/signatures/signatures.ts'
import { createPacserve } from '../fetch/sources/pacserve.ts'
import { createPacserveHttp } from '../fetch/sources/pacserve-http.ts'
import { keepAliveStamp } from '../http/alive-stamp.ts'
import { createFinder } from '../http/find.ts'
import { createServerPort } from '../http/server.ts'
import { isLive, listenOnSocket, passedSocket, tryListen } from '../http/socket.ts'
import { statusOf } from '../http/status.ts'
import { openMirrorByCurl, PATIENCE } from '../mirror/curl.ts'
import { createFetchMany, SIGNATURE_PATIENCE } from '../mirror/curl-batch.ts'
import { createDeadMirrors, notingDead } from '../mirror/dead-mirrors.ts'
import { createSmallFiles } from '../mirror/small-batches.ts'
import { readKeyFile } from '../net/key-file.ts'
import { createTcpTransport, loadTls } from '../net/tcp.ts'
import { createOverlay } from '../overlay/overlay.ts'
import { loadIdentity } from '../overlay/session/identity.ts'
import { type CatalogueFile, createCatalogue } from '../pacman/catalogue.ts'
import { createHashWorker } from '../pacman/hasher.ts'
import { createLivePacmanConf } from '../pacman/live-conf.ts'
import { createSyncDatabases } from '../pacman/sync-databases.ts'
import { createSharedReads } from '../transfer/shared-reads.ts'
import { createTransferPool } from '../transfer/transfer-pool.ts'
import { createTurns } from '../transfer/upload-queue.ts'
import { limits } from '../wire/limits.ts'
import { createBufferPool } from '../wire/pool.ts'

export interface DaemonOptions {
  version: string
  /** The bundles that run in threads of their own. */
  workers: { wholeHash: URL; fileHash: URL }
}

/** Where pacman keeps things when neither the configuration nor pacman-conf says. */
const PACMAN_DEFAULTS = { cacheDirs: ['/var/cache/pacman/pkg/'], dbPath: '/var/lib/pacman/' }
/** So long after the start, the nodes of [direct] are taken for neighbours: they are being greeted. */
const GREETING_MS = 1_500
const SWEEP_MS = 10 * 60_000

/**
 * Starts the node; resolves to what stops it, or to undefined when a live daemon has the socket already.
 * Throws PacsrvError `daemon` when it can't start.
 */
export async function startDaemon(
  config: Config,
  { version, workers }: DaemonOptions,
): Promise<(() => Promise<void>) | undefined> {
  const { socket } = config.server
  const { advertise } = config.network
  const stateDir = config.daemon['state-dir']
  const spoolDir = config.daemon['spool-dir']
  if (process.getuid?.() === 0) {
    throw new PacsrvError('daemon', 'the daemon never runs as root; start it by pacsrv-xfer daemon')
  }
  const passed = passedSocket(process.env, process.pid)
  if (passed === undefined && (await isLive(socket))) return undefined
  const keys = config.network['key-file'].map(readKeyFile)
  await makeFolder(stateDir, '[daemon] state-dir')

  const log: Log = pino({ name: 'pacsrv', level: config.daemon['log-level'], base: {} })
  const clock = systemClock
  const startedAt = clock.now()
  const totals = { fromPeers: 0, fromMirror: 0, uploaded: 0, rejected: 0 }

  const pacmanConf = createLivePacmanConf({ log, clock }, config.daemon['pacman-conf'])
  const { cacheDirs, dbPath } = (await pacmanConf()) ?? PACMAN_DEFAULTS
  const databases = createSyncDatabases({ log }, { dir: config.daemon['sync-dir'] ?? join(dbPath, 'sync') })
  const fileHasher = createHashWorker({ clock }, workers.fileHash)
  const ownDirs = config.daemon['cache-dir']
  const catalogue = createCatalogue(
    { log, clock, hashFile: fileHasher.hashFile },
    { dirs: ownDirs.length > 0 ? ownDirs : cacheDirs, stateFile: join(stateDir, 'catalogue') },
  )
  const pool = createBufferPool()
  const overlay = createOverlay(
    {
      transport: createTcpTransport({ log, clock, pool, tls: await loadTls(keys) }),
      identity: await loadIdentity(join(stateDir, 'node.key'), log),
      clock,
      random: systemRandom,
      log,
      holdings: {
        find(sha256, companion) {
          const file = heldFiles.find(sha256, companion)
          if (file?.whole) dht?.holds([sha256])
          return file
        },
      },
      heldFiles: () => heldFiles.all(),
      onAnnounced: (holder) => crowds.announced(holder),
      onWithdrawn: (id, sha256) => crowds.withdrawn(id, sha256),
      resolve,
      onTransfer: (session) => transfers.accept(session),
      onShort() {
        webhosts.wanted()
        dht?.wanted()
      },
    },
    {
      listen: config.network.listen,
      advertise,
      direct: config.direct.server,
      minConnections: config.network['min-connections'],
      maxConnections: config.network['max-connections'],
      ttl: config.network.ttl,
      allow: config.network.allow.flat(),
      deny: config.network.deny.flat(),
      closed: config.network['key-file'].length > 0,
      agent: `pacsrv ${version}`,
    },
  )
  const networks = infoHashes(keys)
  // Loaded only where it is wanted: it costs memory.
  const dht = config.network.dht
    ? (await import('../discovery/dht/dht.ts')).createDht(
        {
          clock,
          random: systemRandom,
          log,
          resolve,
          reachable: () => overlay.reachable,
          onNodes: (addresses) => overlay.learn(addresses, 'stranger'),
        },
        {
          keys,
          bootstrap: config.network['dht-bootstrap'],
          stateFile: join(stateDir, 'dht-nodes'),
          port: advertise === undefined ? undefined : hostPort(advertise).port,
        },
      )
    : undefined
  const webhosts = createWebhostClient(
    { clock, random: systemRandom, log, http: httpGet },
    {
      urls: config.network.webhost.flatMap((text) => webhostUrl(text) ?? []),
      infoHashes: networks,
      port: hostPort(advertise ?? config.network.listen).port,
      peerId: systemRandom.hex(20),
    },
  )
  const uploads = createLimiter(clock, config.network['upload-limit'])
  const turns = createTurns({ clock, limiter: uploads })
  const crowds = createCrowds({
    clock,
    announce: (added, removed) => overlay.announce(added, removed, 'companions'),
  })
  const transfers = createTransferPool(
    {
      connect: overlay.connect,
      holdings: {
        open: (sha256) => heldFiles.open(sha256),
        signature: (sha256) => heldFiles.signature(sha256),
      },
      clock,
      log,
      reads: createSharedReads(pool),
      turns,
    },
    {
      onUploaded(bytes) {
        totals.uploaded += bytes
      },
      onHave: crowds.heard,
    },
  )
  const network: FileNetwork = {
    id: overlay.id,
    existing: transfers.existing,
    isCompanion: ({ session }) => overlay.isCompanion(session),
    hasCompanions: overlay.hasCompanions,
    join: crowds.join,
    find: dht
      ? createDhtSearch({
          clock,
          log,
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
    hasNeighbours: () =>
      overlay.neighbours().length > 0 ||
      (config.direct.server.length > 0 && clock.now() - startedAt < GREETING_MS),
    isNeighbour: (id) => overlay.neighbours().some((neighbour) => neighbour.id === id),
  }
  const spool = createSpool(
    {
      log,
      onDropped(sha256) {
        if (!catalogue.find(sha256)) overlay.announce([], [sha256], 'companions')
      },
    },
    { dir: spoolDir },
  )
  const deadMirrors = createDeadMirrors(clock)
  const small = createSmallFiles({
    clock,
    open: openMirrorByCurl,
    fetchMany: createFetchMany({ dir: join(spoolDir, 'small'), patience: PATIENCE }),
  })
  // Where a limit holds bytes are read one by one: several files at once would have come before they are charged.
  const isLimited = config.network['download-limit'] !== undefined
  const openMirror = notingDead(isLimited ? openMirrorByCurl : small, { dead: deadMirrors, clock })
  const wholeHasher = createWholeHasher(workers.wholeHash)
  const pacserveHttp = createPacserveHttp()
  const pacserve = config.network.pacserve ? createPacserve({ clock, log, http: pacserveHttp }) : undefined
  const fetcher = createFetcher(
    {
      clock,
      log,
      spool,
      hasher: wholeHasher,
      network,
      pacserve,
      openMirror,
      downloads: createLimiter(clock, config.network['download-limit']),
      mirrorRates: new Map(),
      recycle: pool.release,
      onRejected: () => void totals.rejected++,
      onDone({ fromPeers, fromMirror }) {
        totals.fromPeers += fromPeers
        totals.fromMirror += fromMirror
      },
      databases,
      pacmanConf,
      deadMirrors,
    },
    { delay: config.mirror.delay },
  )
  const heldFiles = createHeldFiles({ catalogue, spool, fetcher })
  const readAhead = createReadAhead({
    clock,
    find(files) {
      for (let at = 0; at < files.length; at += limits.filesPerQuery) {
        void overlay.find(files.slice(at, at + limits.filesPerQuery), { onHolder() {} })
      }
    },
    fetch: fetcher.fetch,
    isUnderWay: (sha256) => spool.isComplete(sha256) || fetcher.isFetching(sha256),
    jobs: fetcher.jobs,
    received: () =>
      fetcher.jobs().reduce((sum, { done }) => sum + done, totals.fromPeers + totals.fromMirror),
  })
  const signatures = createSignatures({
    clock,
    log,
    fetchMany: createFetchMany({ dir: join(spoolDir, 'signatures'), patience: SIGNATURE_PATIENCE }),
    deadMirrors,
    network,
  })
  const { allow } = config.server
  const access = createAccess({ allow: allow.length > 0 ? allow.flat() : LOOPBACK, deny: [] })
  const serverDeps = {
    fetcher,
    readAhead,
    signatures,
    scout: createScout({
      clock,
      network,
      hasCompanions: overlay.hasCompanions,
    }),
    heldSignature: (sha256: string) => heldFiles.signature(sha256),
    openMirror,
    spool,
    catalogue,
    clock,
    log,
    status: () => statusOf({ overlay, dht, catalogue, jobs: fetcher.jobs, totals, version, clock }),
    announce: () => void catalogue.rescan(),
    find: createFinder({ databases, network, catalogue }),
    allows: (address: string) => access(endpoint(address, 0) ?? '0.0.0.0:0'),
  }
  const isWelcome = createAccess({ allow: config.network.allow.flat(), deny: config.network.deny.flat() })
  const lan = createLan(
    { clock, random: systemRandom, log, openSocket: openLanSocket, links: linksOf(config.network.lan) },
    {
      id: overlay.id,
      listen: () => overlay.listening,
      closed: keys.length > 0,
      pacserve: config.network.pacserve,
    },
    {
      onNode: overlay.meet,
      onServer: (server, there) => void (isWelcome(server) && pacserve?.set(server, there)),
    },
  )
  const socketDoor = createServerPort('socket', serverDeps)
  const tcpDoor = createServerPort('tcp', serverDeps)

  let cancelSweep = () => {}
  let endStamp = () => {}
  async function stop() {
    cancelSweep()
    endStamp()
    for (const door of [socketDoor, tcpDoor]) {
      door.close()
      door.closeAllConnections()
    }
    transfers.close()
    signatures.close()
    await Promise.all([overlay.stop(), fetcher.close(), webhosts.stop(), lan.stop(), dht?.stop()])
    pacserveHttp.close()
    await catalogue.close()
    await Promise.all([fileHasher.close(), wholeHasher.close()])
  }

  try {
    if (passed !== undefined) await tryListen(socketDoor, { fd: passed })
    else if (!(await listenOnSocket(socketDoor, socket))) {
      await stop()
      return undefined
    }
    endStamp = keepAliveStamp(socket)
    cancelSweep = every(SWEEP_MS, () =>
      spool.sweep().catch((error) => log.warn({ err: asError(error) }, "the spool can't be swept")),
    )
    catalogue.onChange((added, removed) => {
      overlay.announce(
        added.map(heldFile),
        removed.map(({ sha256 }) => sha256),
      )
      dht?.holds(added.map(({ sha256 }) => sha256))
      dht?.holdsNoLonger(removed.map(({ sha256 }) => sha256))
      // What pacman has put into its cache needn't lie in the spool too.
      for (const { sha256 } of added) if (spool.isComplete(sha256)) void spool.discard(sha256)
    })
    await overlay.start()
    dht?.holds(byAge(catalogue.files()))
    await dht?.start(overlay.listening!)
    await listenOnTcp(tcpDoor, config)
  } catch (error) {
    await stop()
    throw error
  }
  // A tracker may have to be told which to serve.
  if (keys.length > 0) log.info({ keys: keys.map(({ id }) => id), infoHashes: networks }, 'a closed network')
  webhosts.start((endpoints) => overlay.learn(endpoints, 'stranger'))
  if (config.network.lan) lan.start()
  log.info({ id: overlay.id, listen: overlay.listening, socket }, `pacsrv ${version} runs`)
  return stop
}

const resolve = async (host: string) => (await lookup(host, { all: true })).map(({ address }) => address)

const byAge = (files: CatalogueFile[]) =>
  files.toSorted((a, b) => a.mtimeMs - b.mtimeMs).map(({ sha256 }) => sha256)

const LOOPBACK = cidrList('127.0.0.0/8 ::1')

async function listenOnTcp(door: Server, config: Config): Promise<void> {
  const { listen } = config.server
  if (listen === undefined) return
  const failed = (why: string, cause?: unknown) =>
    new PacsrvError('daemon', `${config.file}: can't listen at ${listen} ([server] listen): ${why}`, cause)
  try {
    if (await tryListen(door, { ...hostPort(listen) })) return
  } catch (error) {
    throw failed(systemCode(error) ?? asError(error).message, error)
  }
  throw failed('the port is taken')
}

async function makeFolder(path: string, key: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new PacsrvError('daemon', `can't make the folder ${path} (${key}): ${systemCode(error)}`, error)
  }
}

function every(ms: number, action: () => void): () => void {
  action()
  const timer = setInterval(action, ms)
  return () => clearInterval(timer)
}
