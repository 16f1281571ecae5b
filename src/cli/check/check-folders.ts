import { join } from 'node:path'
import { type Config, DEFAULT_CONFIG_FILE, systemPaths } from '../../base/config.ts'
import { humanSize } from '../../base/progress.ts'
import { allows, type Owned, reaches, Want, type Who } from './check-access.ts'
import type { Finding } from './check-finding.ts'
import type { PacmanFacts } from './check-pacman.ts'
import type { Probe } from './check-probe.ts'

const MIB = 1024 * 1024
/** Least room, in bytes: the largest packages of Arch are about a gigabyte. */
const ROOM = { 'state-dir': 64 * MIB, 'spool-dir': 1024 * MIB } as const

/** The daemon's own folders: there, its own, and with room. */
export async function checkOwnFolders(config: Config, probe: Probe, who: Who): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const key of ['state-dir', 'spool-dir'] as const) {
    const path = config.daemon[key]
    const { steps, end } = await probe.walk(path)
    const usable = reaches(steps, who, Want.write | Want.enter)
    if (end === 'hidden') findings.push(hidden(path))
    else if (!usable)
      findings.push(end === 'there' ? notOwn(path, key, who) : await missing(path, key, who, probe))
    else if (!(await inSandbox(path, config, probe))) findings.push(shutOut(path, key))
    const free = await probe.freeBytes(path)
    if (free !== undefined && free < ROOM[key]) {
      const problem = `The disk of ${path} ([daemon] ${key}) has only ${humanSize(free)} left.`
      findings.push({
        problem,
        fix: `make room, for example with paccache -r, or set ${key} in ${config.file}`,
      })
    }
  }
  return findings
}

/** Where systemd runs the daemon, it may write in its own folders, and in what the unit names. */
async function inSandbox(path: string, config: Config, probe: Probe): Promise<boolean> {
  const own = [systemPaths.stateDir, systemPaths.spoolDir]
  const within = (folders: string[]) => folders.some((folder) => `${path}/`.startsWith(`${folder}/`))
  if (config.file !== DEFAULT_CONFIG_FILE || within(own)) return true
  const asked = ['show', 'pacsrv.service', '-p', 'LoadState', '-p', 'ReadWritePaths']
  const { stdout } = await probe.run('systemctl', asked)
  const listed = /^ReadWritePaths=(.*)$/m.exec(stdout)?.[1] ?? ''
  const folders = listed.split(/\s+/).map((folder) => folder.replace(/^[-+]+|\/+$/g, ''))
  return !/^LoadState=loaded$/m.test(stdout) || within(folders.filter((folder) => folder !== ''))
}

function shutOut(path: string, key: string): Finding {
  const problem = `systemd keeps the daemon from writing to ${path} ([daemon] ${key}).`
  return { problem, fix: `systemctl edit pacsrv.service, and there: [Service] ReadWritePaths=${path}` }
}

/** What the modes don't allow, an ACL may: then the kernel is asked, where it can be. */
export async function reachesIndeed(
  probe: Probe,
  who: Who,
  path: string,
  steps: Owned[],
  want: number,
): Promise<boolean> {
  return reaches(steps, who, want) || ((await probe.may(who, [path], want)) ?? []).length > 0
}

function notOwn(path: string, key: string, { name }: Who): Finding {
  const problem = `${path} ([daemon] ${key}) can't be written by the user ${name}.`
  return { problem, fix: `chown -R ${name}: ${path} (and chmod o+x the folders that it lies in)` }
}

async function missing(path: string, key: string, { name }: Who, probe: Probe): Promise<Finding> {
  const packaged = path === systemPaths.stateDir || path === systemPaths.spoolDir
  const own = packaged && (await probe.run('systemd-tmpfiles', ['--version'])).status === 0
  const fix = own
    ? 'systemd-tmpfiles --create pacsrv.conf'
    : `install -d -o ${name} -g "$(id -gn ${name})" ${path}`
  return { problem: `${path} ([daemon] ${key}) isn't there.`, fix }
}

export function hidden(path: string): Finding {
  return { problem: `You may not look into ${path}.`, fix: 'run pacsrv-xfer check as root' }
}

/** Whether what lies in the cache can be shared. */
export async function checkCache(
  config: Config,
  probe: Probe,
  who: Who,
  pacman?: PacmanFacts,
): Promise<Finding[]> {
  const set = config.daemon['cache-dir']
  const findings: Finding[] = []
  for (const path of set.length > 0 ? set : (pacman?.cacheDirs ?? [])) {
    const { steps, end } = await probe.walk(path)
    if (end === 'hidden') findings.push(hidden(path))
    else if (end === 'missing') {
      const fix = `mkdir -p ${path}, or correct cache-dir in ${config.file}`
      findings.push({ problem: `The package cache ${path} isn't there.`, fix })
    } else if (!(await reachesIndeed(probe, who, path, steps, Want.read | Want.enter))) {
      const problem = `The package cache ${path} can't be read by the user ${who.name}: nothing is shared.`
      findings.push({ problem, fix: `chmod o+rx ${path} (and o+x the folders that it lies in)` })
    } else findings.push(...(await closedFiles(path, probe, who)))
  }
  return findings
}

/** Installing with umask 077 leaves packages that only root can read. */
async function closedFiles(path: string, probe: Probe, who: Who): Promise<Finding[]> {
  const packages = (await probe.files(path)).filter(({ name }) => /\.pkg\.tar(\.\w+)?$/.test(name))
  const byMode = packages.filter((file) => !allows(file, who, Want.read)).map(({ name }) => join(path, name))
  const closed =
    byMode.length - ((byMode.length > 0 && (await probe.may(who, byMode, Want.read))) || []).length
  if (closed === 0) return []
  const problem = `${closed} of ${packages.length} packages in ${path} can only be read by root and aren't shared.`
  return [{ problem, fix: `chmod a+r ${path.replace(/\/$/, '')}/*.pkg.tar*, and run pacman with umask 022` }]
}

/** The sync databases: without them nothing can be verified, and everything comes from the mirror. */
export async function checkDatabases(
  config: Config,
  probe: Probe,
  who: Who,
  pacman?: PacmanFacts,
): Promise<Finding[]> {
  const path = config.daemon['sync-dir'] ?? pacman?.syncDir
  if (!path) return []
  const { steps, end } = await probe.walk(path)
  if (end === 'hidden') return [hidden(path)]
  const files = end === 'there' ? await probe.files(path) : []
  const there = files.filter(({ name }) => name.endsWith('.db'))
  const lacking = (pacman?.repositories ?? []).filter(
    (name) => !there.some((file) => file.name === `${name}.db`),
  )
  if (there.length === 0 || lacking.length > 0) {
    const what = there.length === 0 ? '' : ` of ${lacking.join(', ')}`
    const whose = there.length === 0 ? 'packages' : 'its packages'
    const problem = `There is no sync database${what} in ${path}: ${whose} come only from the mirror.`
    return [{ problem, fix: 'pacman -Sy' }]
  }
  const folderOpen = await reachesIndeed(probe, who, path, steps, Want.read | Want.enter)
  if (folderOpen && there.every((file) => allows(file, who, Want.read))) return []
  const problem = `The sync databases in ${path} can't be read by the user ${who.name}.`
  return [
    { problem, fix: `chmod o+rx ${path} (and o+x the folders that it lies in), chmod a+r ${path}/*.db` },
  ]
}
