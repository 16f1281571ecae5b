import { pathToFileURL } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import type { Config } from '../base/config.ts'
import { startDaemon } from '../daemon/daemon.ts'

/** A daemon that isn't done by then has something that hangs. */
const STOP_MS = 3_000

/**
 * How often code must have run before V8 spends a thread on making it faster, in bytes of bytecode (V8's own: 66,000). A
 * transaction is over in seconds: what was compiled for it never pays, and cost up to a quarter of its CPU.
 */
const INTERRUPT_BUDGET = 1_000_000

/** `pacsrv-xfer daemon`: runs until a signal; a second one on a live socket says so and is content. */
export async function runDaemonCommand(config: Config, version: string): Promise<number> {
  setFlagsFromString(`--interrupt-budget=${INTERRUPT_BUDGET}`)
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
