import { hostname } from 'node:os'
import { join } from 'node:path'
import { createAccess } from '../base/access-list.ts'
import type { Config } from '../base/config.ts'
import { hostPort } from '../base/endpoint.ts'
import { systemRandom } from '../base/random.ts'
import type { Dht } from '../discovery/dht/dht.ts'
import { createLan, linksOf } from '../discovery/lan/lan.ts'
import { openLanSocket } from '../discovery/lan/lan-socket.ts'
import { createWebhostClient, webhostUrl } from '../discovery/webhost/webhost-client.ts'
import { httpGet } from '../discovery/webhost/webhost-http.ts'
import { infoHashes } from '../discovery/webhost/webhost-query.ts'
import { createPacserve, type Pacserve } from '../fetch/sources/pacserve.ts'
import { createPacserveHttp } from '../fetch/sources/pacserve-http.ts'
import type { Overlay } from '../overlay/overlay.ts'
import type { Catalogue, CatalogueFile } from '../pacman/catalogue.ts'
import type { NodeId } from '../wire/messages.ts'
import type { Context } from './context.ts'
import type { Living } from './life.ts'
import { type NodeParts, resolveHost } from './node.ts'

/** How this node finds others. */
export interface DiscoveryParts {
  /** Undefined where it isn't wanted. */
  dht: Dht | undefined
  pacserve: Pacserve | undefined
  /** What a node of the LAN calls its machine. */
  nameOf(id: NodeId): string | undefined
}

export async function createDiscovery(
  context: Context,
  catalogue: Catalogue,
  { overlay, onShort, onWanted }: Pick<NodeParts, 'overlay' | 'onShort' | 'onWanted'>,
): Promise<Living & { parts: DiscoveryParts }> {
  const { config, keys, clock, problems, logOf } = context
  const { network } = config
  const dht = network.dht ? await loadDht(context, overlay) : undefined
  const networks = infoHashes(keys)
  const webhosts = createWebhostClient(
    { clock, random: systemRandom, log: logOf('webhost'), problems, http: httpGet },
    {
      urls: webhostsOf(config),
      infoHashes: networks,
      port: hostPort(network.advertise ?? network.listen).port,
      peerId: systemRandom.hex(20),
    },
  )
  const lanLog = logOf('lan')
  const pacserveHttp = createPacserveHttp()
  const pacserve = network.pacserve ? createPacserve({ clock, log: lanLog, http: pacserveHttp }) : undefined
  const isWelcome = createAccess({ allow: network.allow.flat(), deny: network.deny.flat() })
  const lan = createLan(
    {
      clock,
      random: systemRandom,
      log: lanLog,
      problems,
      openSocket: openLanSocket,
      links: linksOf(network.lan),
    },
    {
      id: overlay.id,
      listen: () => overlay.listening,
      closed: keys.length > 0,
      interfaces: Array.isArray(network.lan) ? network.lan : [],
      pacserve: network.pacserve,
      host: hostname().replace(/\..*/, ''),
    },
    {
      onNode: overlay.meet,
      onServer: (server, there) => void (isWelcome(server) && pacserve?.set(server, there)),
    },
  )
  onShort(() => {
    webhosts.wanted()
    dht?.wanted()
  })
  if (dht) onWanted((sha256) => dht.holds([sha256]))

  return {
    parts: { dht, pacserve, nameOf: lan.nameOf },
    async start() {
      if (dht) {
        catalogue.onChange((added, removed) => {
          dht.holds(added.map(({ sha256 }) => sha256))
          dht.holdsNoLonger(removed.map(({ sha256 }) => sha256))
        })
        dht.holds(byAge(catalogue.files()))
        if (overlay.listening !== undefined) await dht.start(overlay.listening)
      }
      // A tracker may have to be told which to serve.
      if (keys.length > 0) {
        const fields = { keys: keys.map(({ id }) => id), infoHashes: networks }
        logOf('webhost').info(fields, 'a closed network')
      }
      webhosts.start((endpoints) => overlay.learn(endpoints, 'stranger'))
      if (network.lan) lan.start()
    },
    reload: (config) => webhosts.setUrls(webhostsOf(config)),
    async stop() {
      await Promise.all([webhosts.stop(), lan.stop(), dht?.stop()])
      pacserveHttp.close()
    },
  }
}

const webhostsOf = ({ network }: Config) => network.webhost.flatMap((text) => webhostUrl(text) ?? [])

/** Its code is loaded only where it is wanted: it costs memory. */
async function loadDht({ config, keys, clock, problems, logOf }: Context, overlay: Overlay): Promise<Dht> {
  const { createDht } = await import('../discovery/dht/dht.ts')
  const { advertise, 'dht-bootstrap': bootstrap } = config.network
  return createDht(
    {
      clock,
      random: systemRandom,
      log: logOf('dht'),
      problems,
      resolve: resolveHost,
      reachable: () => overlay.reachable,
      onNodes: (addresses) => overlay.learn(addresses, 'stranger'),
    },
    {
      keys,
      bootstrap,
      stateFile: join(config.daemon['state-dir'], 'dht-nodes'),
      port: advertise === undefined ? undefined : hostPort(advertise).port,
    },
  )
}

const byAge = (files: CatalogueFile[]) =>
  files.toSorted((a, b) => a.mtimeMs - b.mtimeMs).map(({ sha256 }) => sha256)
