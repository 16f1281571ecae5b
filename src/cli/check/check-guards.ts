import { type Config, systemPaths } from '../../base/config.ts'
import type { Who } from './check-access.ts'
import type { Finding } from './check-finding.ts'
import type { Probe } from './check-probe.ts'

const ROOT = 0
/** Anybody else may make and rename what lies there; in a folder with the sticky bit only what is their own. */
const GROUP_WRITE = 0o020
const OTHERS_WRITE = 0o002
const STICKY = 0o1000
/** What whoever started it left there: it is used for nothing, and a password in it lies where strangers talk to. */
const LEFT_BEHIND = /^(?:.*_proxy|SUDO_.*|LD_.*|NODE_OPTIONS)$/i

/** What weakens the running daemon: its user, its way to become another one, and what it has from whoever started it. */
export async function checkProcess(
  config: Config,
  probe: Probe,
  { pid, who, restart }: { pid: unknown; who: Who; restart: string },
): Promise<Finding[]> {
  const facts = typeof pid === 'number' ? await probe.process(pid) : undefined
  if (!facts) return []
  if (facts.uid === ROOT) {
    const problem = 'The daemon that runs is root: whoever takes it over has this machine.'
    return [
      { problem, fix: `see that nothing but pacsrv-xfer starts it (it becomes ${who.name}); ${restart}` },
    ]
  }
  const findings: Finding[] = []
  if (!facts.noNewPrivileges) {
    const problem =
      "The daemon that runs may gain privileges by set-user-ID programs (it isn't no_new_privs)."
    findings.push({ problem, fix: `see that nothing but pacsrv-xfer or its unit starts it; ${restart}` })
  }
  // A user's own daemon is started from that user's own environment.
  const left = config.server.socket === systemPaths.socket ? (facts.environment ?? []) : []
  const names = left.filter((name) => LEFT_BEHIND.test(name))
  if (names.length > 0) {
    const problem = `The daemon that runs has ${names.join(', ')} in its environment, of whoever started it.`
    findings.push({ problem, fix: `take it out of the unit (systemctl cat pacsrv.service); ${restart}` })
  }
  return findings
}

/** A user who may replace the daemon's socket would be asked by pacman instead of the daemon. */
export async function checkSocketFolder(path: string, probe: Probe, who: Who): Promise<Finding[]> {
  const { steps } = await probe.walk(path)
  const names = path.split('/')
  for (const [depth, { uid, gid, mode }] of steps.slice(0, names.length - 1).entries()) {
    const folder = names.slice(0, depth + 1).join('/') || '/'
    const byOthers = (mode & STICKY) === 0 && (mode & OTHERS_WRITE) !== 0
    const byGroup = (mode & STICKY) === 0 && (mode & GROUP_WRITE) !== 0 && gid !== ROOT && gid !== who.gids[0]
    if (byOthers || byGroup) {
      const problem = `${folder}, on the way to the socket ${path}, can be written by others, who could put theirs in its place.`
      return [{ problem, fix: `chmod go-w ${folder}` }]
    }
    if (uid !== ROOT && uid !== who.uid) {
      const problem = `${folder}, on the way to the socket ${path}, belongs to neither root nor ${who.name}.`
      return [{ problem, fix: `chown root: ${folder}, or set [server] socket to another place` }]
    }
  }
  return []
}
