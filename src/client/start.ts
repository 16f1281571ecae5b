/**
 * Starts a daemon: `node start.cjs CONFIG SOCKET`, run by the front where no daemon answers and one may be started.
 * Exits 0 once it listens, 1 when there is none to be had.
 */
import { execFile, spawn } from 'node:child_process'
import { lstatSync, readFileSync, statSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { type Config, DEFAULT_CONFIG_FILE, readConfig } from '../base/config.ts'
import { systemCode } from '../base/error.ts'
import { ownPaths } from '../base/own-paths.ts'
import { isLive } from '../http/socket.ts'

/** How long a daemon may take to open its socket: the first file of a transaction waits for it. */
const START_MS = 1_500
const LOOK_MS = 15

/**
 * Starts a daemon if this user may, and waits for its socket. False: there is none to be had (docs/architecture.md,
 * a request, step 1). Two clients may both start one: the daemons settle who stays.
 */
async function startDaemon(file: string, socket: string): Promise<boolean> {
  const config = readConfig(file, ownPaths)
  if (config.server.socket !== socket || !mayStart(config) || isInChroot()) return false
  let gone = false
  if (file === DEFAULT_CONFIG_FILE && isSystemdHere() && isRoot()) {
    if (!(await isStartedBySystemd())) return false
  } else {
    const beside = join(__dirname, 'pacsrv-xfer')
    const front = exists(beside) ? beside : '/usr/bin/pacsrv-xfer'
    const child = spawn(front, ['--config', file, 'daemon'], { detached: true, stdio: 'ignore', cwd: '/' })
    // One that ends well has found another that listens, or soon will.
    child.on('exit', (status) => {
      gone = status !== 0
    })
    child.on('error', () => {
      gone = true
    })
    child.unref()
  }
  for (const until = performance.now() + START_MS; performance.now() < until && !gone; ) {
    if (await isLive(socket)) return true
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
  return false
}

/** By Node alone, as all here: execa would be most of what is to load. */
function isStartedBySystemd(): Promise<boolean> {
  return new Promise((resolve) => {
    execFile('systemctl', ['start', 'pacsrv.service'], { timeout: START_MS }, (error) =>
      // Where it takes longer the socket is there all the same.
      resolve(!error || error.killed === true),
    )
  })
}

/** The user that this process really is: fakeroot feigns another, by libc's functions. */
function isRoot(): boolean {
  return /^Uid:\t\d+\t0\t/m.test(readFileSync('/proc/self/status', 'utf8'))
}

function mayStart(config: Config): boolean {
  const { username } = userInfo()
  return isRoot() || username === config.daemon.user || config.daemon['state-dir'] === ownPaths().stateDir
}

/**
 * A chroot's root is not that of the first process. Where a container hides the latter, a root that is no mount
 * point tells; where there is no /proc, nothing is started.
 */
function isInChroot(): boolean {
  if (!isRoot()) return false
  try {
    const [here, there] = [statSync('/'), statSync('/proc/1/root/')]
    return here.dev !== there.dev || here.ino !== there.ino
  } catch (error) {
    return (
      systemCode(error) !== 'EACCES' || !/^(?:\S+ ){4}\/ /m.test(readFileSync('/proc/self/mountinfo', 'utf8'))
    )
  }
}

/** sd_booted(3). */
function isSystemdHere(): boolean {
  return exists('/run/systemd/system')
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}

startDaemon(process.argv[2]!, process.argv[3]!).then(
  (started) => process.exit(started ? 0 : 1),
  () => process.exit(1),
)
