import type { Server } from 'node:http'
import { hostname } from 'node:os'
import { createAccess } from '../base/access-list.ts'
import type { Config } from '../base/config.ts'
import { cidrList } from '../base/config-values.ts'
import { endpoint, hostPort } from '../base/endpoint.ts'
import { asError, PacsrvError, systemCode } from '../base/error.ts'
import { createEvent } from '../base/event.ts'
import { createLocator } from '../fetch/locator.ts'
import type { Prefetch } from '../fetch/prefetch.ts'
import { keepAliveStamp } from '../http/alive-stamp.ts'
import { createFinder } from '../http/find.ts'
import { createMetrics } from '../http/metrics.ts'
import { createStatusPage } from '../http/page/page.ts'
import { createServerPort, type ServerDeps } from '../http/server.ts'
import { createSignaturePledges } from '../http/signature-pledges.ts'
import { listenOnSocket, tryListen } from '../http/socket.ts'
import { statusOf } from '../http/status.ts'
import { createCallerMirrors } from '../mirror/caller-mirrors.ts'
import { createCallersPacman } from '../pacman/callers-pacman.ts'
import { readPacmanConf } from '../pacman/pacman-conf.ts'
import { createSyncDatabases } from '../pacman/sync-databases.ts'
import type { Context } from './context.ts'
import type { DiscoveryParts } from './discovery.ts'
import type { FetchingParts } from './fetching.ts'
import type { Living } from './life.ts'
import type { NodeParts } from './node.ts'
import type { StorageParts } from './storage.ts'

/** The server port: a Unix socket, and TCP. */
export interface Ports extends Living {
  /** Takes the socket, `passed` by systemd or made; false when a live daemon has it. Throws PacsrvError `daemon`. */
  claim(passed: number | undefined): Promise<boolean>
  /** Calls `listener` each second, from the same wake-up as the daemon's other work of each second. */
  onSecond(listener: () => void): void
}

export interface PortsParts {
  storage: StorageParts
  node: NodeParts
  discovery: DiscoveryParts
  fetching: FetchingParts
  prefetch: Prefetch
}

const LOOPBACK = cidrList('127.0.0.0/8 ::1')

export function createPorts(context: Context, parts: PortsParts): Ports {
  const { config } = context
  let { config: live } = context
  const deps = answerDeps(context, parts, () => live)
  const socketDoor = createServerPort('socket', deps)
  const tcpDoor = createServerPort('tcp', deps)
  const { socket } = config.server
  const seconds = createEvent()
  let endStamp = () => {}
  return {
    onSecond: seconds.on,
    async claim(passed) {
      if (passed !== undefined) await tryListen(socketDoor, { fd: passed })
      else if (!(await listenOnSocket(socketDoor, socket))) return false
      endStamp = keepAliveStamp(socket, seconds.tell)
      return true
    },
    start: () => listenOnTcp(tcpDoor, config),
    reload(config) {
      live = config
    },
    stop() {
      endStamp()
      for (const door of [socketDoor, tcpDoor]) {
        door.close()
        door.closeAllConnections()
      }
    },
  }
}

function answerDeps(
  { config, version, clock, keys, pageFiles, problems, logOf }: Context,
  { storage, node, discovery, fetching, prefetch }: PortsParts,
  live: () => Config,
): ServerDeps {
  const { catalogue, databases, pacmanConf, spool, figures, tallies } = storage
  const { overlay, heldFiles } = node
  const { downloads, readAhead, signatures, scout, handovers, deadMirrors, openMirror, network } = fetching
  const log = logOf('http')
  const callers = createCallersPacman({
    clock,
    ownConfig: config.daemon['pacman-conf'],
    readConf: async (file, root) => (await readPacmanConf(file, root)).conf,
    open: (dir) => createSyncDatabases({ log: logOf('pacman'), clock }, { dir }),
  })
  const locator = createLocator({ databases, callers, pacmanConf, order: deadMirrors.order })
  const fetcher = { ...locator, ...downloads }
  const status = () =>
    statusOf({
      overlay,
      dht: discovery.dht,
      catalogue,
      jobs: downloads.jobs,
      figures,
      tallies,
      problems,
      wanted() {
        const { network, direct } = live()
        const { length: webhosts } = network.webhost
        return {
          lan: config.network.lan !== false,
          direct: direct.server.length,
          webhosts,
          keys: keys.length,
        }
      },
      nameOf: discovery.nameOf,
      version,
      clock,
    })
  const { allow } = config.server
  const access = createAccess({ allow: allow.length > 0 ? allow.flat() : LOOPBACK, deny: [] })
  return {
    fetch: { fetcher, readAhead, signatures, prefetch, handovers, log },
    packages: {
      fetcher,
      signatures,
      scout,
      spool,
      catalogue,
      pledges: createSignaturePledges({ clock, signatures, heldSignature: heldFiles.signature }),
      openMirror,
      clock,
    },
    locatePath: locator.locatePath,
    mirrors: createCallerMirrors({ pacmanConf, deadMirrors, openMirror }),
    shown: {
      status,
      metrics: createMetrics({ status, clock }),
      page: createStatusPage({ status, clock, now: () => new Date(), host: hostname(), files: pageFiles }),
    },
    announce: () => void catalogue.rescan(),
    find: createFinder({
      databases,
      repositories: async () => (await pacmanConf())?.repositories.map(({ name }) => name) ?? [],
      network,
      catalogue,
    }),
    allows: (address) => access(endpoint(address, 0) ?? '0.0.0.0:0'),
    log,
  }
}

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
