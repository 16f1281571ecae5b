import { mkdir } from 'node:fs/promises'
import { systemClock } from '../base/clock.ts'
import type { Config } from '../base/config.ts'
import { PacsrvError, systemCode } from '../base/error.ts'
import { createProblems } from '../base/problems.ts'
import { createJobRegistry } from '../fetch/downloads.ts'
import { isLive, passedSocket } from '../http/socket.ts'
import { readKeyFile } from '../net/key-file.ts'
import type { Context } from './context.ts'
import { createDiscovery } from './discovery.ts'
import { createFetching } from './fetching.ts'
import { createGathering } from './gathering.ts'
import { createLife } from './life.ts'
import { createLoggers } from './loggers.ts'
import { createNode } from './node.ts'
import { createPorts } from './ports.ts'
import { createPrefetching } from './prefetching.ts'
import { createReload } from './reload.ts'
import { createStorage } from './storage.ts'

export interface DaemonOptions extends Pick<Context, 'version' | 'workers' | 'pageFiles'> {
  /** Throws PacsrvError `config`. */
  readConfig(): Config
}

export interface Daemon {
  /** For systemd's status line. */
  summary: string
  stop(): Promise<void>
  /** Reads the configuration again, and applies what can change while it runs. Never throws. */
  reload(): void
  /** Calls `listener` each second. */
  onSecond(listener: () => void): void
  /** Bytes of buffers that were given up, ever (BufferPool). */
  dropped(): number
}

/**
 * Starts the node; resolves to undefined when a live daemon has the socket already.
 * Throws PacsrvError `daemon` when it can't start.
 */
export async function startDaemon({ readConfig, ...options }: DaemonOptions): Promise<Daemon | undefined> {
  const config = readConfig()
  const { socket } = config.server
  if (process.getuid?.() === 0) {
    throw new PacsrvError('daemon', 'the daemon never runs as root; start it by pacsrv-xfer daemon')
  }
  const passed = passedSocket(process.env, process.pid)
  if (passed === undefined && (await isLive(socket))) return undefined
  const keys = config.network['key-file'].map(readKeyFile)
  await makeFolder(config.daemon['state-dir'], '[daemon] state-dir')

  const { 'log-level': levels, 'log-format': format } = config.daemon
  const { logOf, setLevels } = createLoggers(levels, { format })
  const log = logOf('daemon')
  const problems = createProblems(systemClock)
  const context: Context = { ...options, config, keys, clock: systemClock, problems, logOf }
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
  const gathering = createGathering(context, storage.parts, node.parts, fetching.parts)
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
      { name: 'fetching for the keep', ...gathering },
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
  const apply = (config: Config) => {
    setLevels(config.daemon['log-level'])
    life.reload(config)
  }
  return {
    summary: `node ${id.slice(0, 16)}, listening at ${listening ?? 'no port'}`,
    stop: life.stop,
    reload: createReload({ read: readConfig, apply, problems, log }, config),
    onSecond: ports.onSecond,
    dropped: () => node.parts.buffers.dropped,
  }
}

async function makeFolder(path: string, key: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new PacsrvError('daemon', `can't make the folder ${path} (${key}): ${systemCode(error)}`, error)
  }
}
