import { pathToFileURL } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import type { Config } from '../base/config.ts'
import { type Daemon, startDaemon } from '../daemon/daemon.ts'
import { notifyReady } from '../daemon/notify.ts'
import { createSpareMemory, ownHeap } from '../daemon/spare-memory.ts'

/** A daemon that isn't done by then has something that hangs. */
const STOP_MS = 3_000

/**
 * How often code must have run before V8 spends a thread on making it faster, in bytes of bytecode (V8's own: 66,000). A
 * transaction is over in seconds: what was compiled for it never pays, and cost up to a quarter of its CPU.
 */
const INTERRUPT_BUDGET = 1_000_000
/**
 * How much V8's heap may grow before it is collected, in percent of what was in use (V8's own rule lets it come to several
 * times that): what strangers make of garbage in ten seconds is then 45 MB instead of 80 (docs/benchmarks.md).
 */
const HEAP_GROWING_PERCENT = 30

/**
 * `pacsrv-xfer daemon`: runs until a signal; a second one on a live socket says so and exits with 0. SIGHUP reads the
 * configuration again; where it is that of a terminal which closes, it ends the daemon.
 */
export async function runDaemonCommand(readConfig: () => Config, version: string): Promise<number> {
  // The folder that it was started in may be closed to its user, as /root is: then no program could be started.
  process.chdir('/')
  setFlagsFromString(`--interrupt-budget=${INTERRUPT_BUDGET}`)
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWING_PERCENT}`)
  const bundle = (name: string) => new URL(name, pathToFileURL(__filename))
  let daemon: Daemon | undefined
  if (!process.stdout.isTTY) process.on('SIGHUP', () => daemon?.reload())
  daemon = await startDaemon({
    readConfig,
    version,
    pageFiles: bundle('page/'),
    workers: { wholeHash: bundle('whole-hash-worker.cjs'), fileHash: bundle('hash-worker.cjs') },
  })
  if (!daemon) {
    process.stdout.write(`pacsrv-xfer: a daemon answers at ${readConfig().server.socket} already\n`)
    process.exit(0)
  }
  const ended = new Promise((resolve) => {
    process.once('SIGINT', resolve)
    process.once('SIGTERM', resolve)
  })
  daemon.onSecond(createSpareMemory(ownHeap(daemon.dropped)))
  await notifyReady(process.env, daemon.summary)
  await ended
  setTimeout(() => process.exit(1), STOP_MS).unref()
  await daemon.stop()
  process.exit(0)
}
