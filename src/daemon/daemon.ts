import { mkdir } from 'node:fs/promises'
import { systemClock } from '../base/clock.ts'
import type { Config } from '../base/config.ts'
import { PacsrvError, systemCode } from '../base/error.ts'
import { createJobRegistry } from '../fetch/downloads.ts'
import { isLive, passedSocket } from '../http/socket.ts'
import { readKeyFile } from '../net/key-file.ts'
import type { Context } from './context.ts'
import { createDiscovery } from './discovery.ts'
import { createFetching } from './fetching.ts'
import { createLife } from './life.ts'
import { createLoggers } from './loggers.ts'
import { createNode } from './node.ts'
import { createPorts } from './ports.ts'
import { createPrefetching } from './prefetching.ts'
import { createStorage } from './storage.ts'

export type DaemonOptions = Pick<Context, 'version' | 'workers'>

/**
 * Starts the node; resolves to what stops it, or to undefined when a live daemon has the socket already.
 * Throws PacsrvError `daemon` when it can't start.
 */
export async function startDaemon(
  config: Config,
  options: DaemonOptions,
): Promise<(() => Promise<void>) | undefined> {
  const { socket } = config.server
  if (process.getuid?.() === 0) {
    throw new PacsrvError('daemon', 'the daemon never runs as root; start it by pacsrv-xfer daemon')
  }
  const passed = passedSocket(process.env, process.pid)
  if (passed === undefined && (await isLive(socket))) return undefined
  const keys = config.network['key-file'].map(readKeyFile)
  await makeFolder(config.daemon['state-dir'], '[daemon] state-dir')

  const logOf = createLoggers(config.daemon['log-level'])
  const log = logOf('daemon')
  const context: Context = { ...options, config, keys, clock: systemClock, logOf }
  // Others are told of what is on its way, and what is on its way comes from others: the list stands between.
  const registry = createJobRegistry()
  const storage = await createStorage(context)
  const node = await createNode(context, storage.parts, registry)
  const discovery = await createDiscovery(context, storage.parts.catalogue, node.parts)
  const fetching = createFetching(
    context,
    storage.parts,
    { node: node.parts, discovery: discovery.parts },
    registry,
  )
  const prefetching = createPrefetching(context, storage.parts, node.parts, fetching.parts)
  const ports = createPorts(context, {
    storage: storage.parts,
    node: node.parts,
    discovery: discovery.parts,
    fetching: fetching.parts,
    prefetch: prefetching.prefetch,
  })
  const life = createLife(
    [
      { name: 'the server port', ...ports },
      { name: 'the storage', ...storage },
      { name: 'the node', ...node },
      { name: 'the discovery', ...discovery },
      { name: 'the fetching', ...fetching },
      { name: 'fetching ahead', ...prefetching },
      // Opened first, so that of two daemons one knows at once, but closed first too: nobody is answered while all stops.
      { name: 'answering', start() {}, stop: ports.stop },
    ],
    log,
  )
  if (!(await ports.claim(passed))) {
    await storage.stop()
    return undefined
  }
  await life.start()
  const { id, listening } = node.parts.overlay
  log.info({ id, listen: listening, socket }, `pacsrv ${options.version} runs`)
  return life.stop
}

async function makeFolder(path: string, key: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new PacsrvError('daemon', `can't make the folder ${path} (${key}): ${systemCode(error)}`, error)
  }
}
