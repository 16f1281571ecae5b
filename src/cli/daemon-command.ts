import { pathToFileURL } from 'node:url'
import type { Config } from '../base/config.ts'
import { startDaemon } from '../daemon/daemon.ts'

/** A daemon that isn't done by then has something that hangs. */
const STOP_MS = 3_000

/** `pacsrv-xfer daemon`: runs until a signal; a second one on a live socket says so and is content. */
export async function runDaemonCommand(config: Config, version: string): Promise<number> {
  const bundle = (name: string) => new URL(name, pathToFileURL(__filename))
  const stop = await startDaemon(config, {
    version,
    workers: { wholeHash: bundle('whole-hash-worker.cjs'), fileHash: bundle('hash-worker.cjs') },
  })
  if (!stop) {
    process.stdout.write(`pacsrv-xfer: a daemon answers at ${config.server.socket} already\n`)
    process.exit(0)
  }
  await new Promise((resolve) => {
    process.once('SIGINT', resolve)
    process.once('SIGTERM', resolve)
  })
  setTimeout(() => process.exit(1), STOP_MS).unref()
  await stop()
  process.exit(0)
}
