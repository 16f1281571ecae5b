import { userInfo } from 'node:os'
import { type Config, systemPaths } from '../../base/config.ts'
import { PacsrvError } from '../../base/error.ts'
import { parseId, type Who } from './check-access.ts'
import { checkClock } from './check-clock.ts'
import { checkDaemon } from './check-daemon.ts'
import { coded, type Finding, printFindings } from './check-finding.ts'
import { checkCache, checkDatabases, checkOwnFolders } from './check-folders.ts'
import { checkKeys } from './check-key.ts'
import { checkDaemonsView, checkXferCommand, readPacman } from './check-pacman.ts'
import { daemonOf, type Probe, systemProbe } from './check-probe.ts'
import { checkProxy } from './check-proxy.ts'

/**
 * All that is wrong with this set-up; `user` is whom the daemon runs as. A machine that uses another's daemon
 * needs no node of its own.
 */
export async function check(
  config: Config,
  { probe, user, version }: { probe: Probe; user: string; version: string },
): Promise<Finding[]> {
  const pacman = await readPacman(config, probe)
  const downloadUser = pacman.facts?.downloadUser
  const fetcher = downloadUser === undefined ? undefined : await lookUp(downloadUser, probe)
  const findings = [...(await checkPrograms(probe)), ...pacman.findings]
  if (downloadUser !== undefined && !fetcher) findings.push(await noDownloadUser(downloadUser, config, probe))
  if (pacman.facts) findings.push(...(await checkXferCommand(pacman.facts, config, probe, fetcher)))
  if (pacman.facts) findings.push(...checkProxy(pacman.facts, config, probe))
  findings.push(...(await checkClock(probe, pacman.facts)))
  const who = await lookUp(user, probe)
  if (typeof daemonOf(config) === 'string') {
    findings.push(...(await checkUser(user, config, probe, who)))
    if (who) {
      if (pacman.facts) findings.push(...coded('pacman-conf', await checkDaemonsView(config, probe, who)))
      findings.push(...(await checkOwnFolders(config, probe, who)))
      findings.push(...(await checkKeys(config, probe, who)))
      findings.push(...coded('cache', await checkCache(config, probe, who, pacman.facts)))
      findings.push(...coded('databases', await checkDatabases(config, probe, who, pacman.facts)))
    }
  }
  const own = new Set(findings.map(({ code }) => code))
  // Of what both have seen check knows the better fix: it may look further than the daemon.
  const heard = await checkDaemon(config, probe, { version, user: fetcher, who })
  return [...findings, ...heard.filter(({ code }) => code === undefined || !own.has(code))]
}

async function checkPrograms(probe: Probe): Promise<Finding[]> {
  const needed = [
    { program: 'curl', from: 'curl' },
    { program: 'bsdtar', from: 'libarchive' },
  ]
  const findings: Finding[] = []
  for (const { program, from } of needed) {
    const { status } = await probe.run(program, ['--version'])
    if (status === 0) continue
    const problem = status === undefined ? `${program} isn't there.` : `${program} doesn't start.`
    findings.push({ problem, fix: `pacman -S ${from}` })
  }
  return findings
}

/** An ordinary user's daemon, on a socket of that user's, runs as that user. */
function daemonUser(config: Config): string {
  const own = process.getuid?.() !== 0 && config.server.socket !== systemPaths.socket
  return own ? userInfo().username : config.daemon.user
}

async function lookUp(user: string, probe: Probe): Promise<Who | undefined> {
  return parseId((await probe.run('id', [user])).stdout)
}

async function noDownloadUser(user: string, config: Config, probe: Probe): Promise<Finding> {
  const file = config.daemon['pacman-conf']
  const fix = user === 'alpm' ? await makeUser(user, probe, '/') : `correct DownloadUser in ${file}`
  return { problem: `pacman's download user ${user} (DownloadUser in ${file}) isn't there.`, fix }
}

/** The package's own way, where the machine has it. */
async function makeUser(user: string, probe: Probe, home: string): Promise<string> {
  const packaged = { pacsrv: 'systemd-sysusers pacsrv.conf', alpm: 'systemd-sysusers' }[user]
  const has = packaged && (await probe.run('systemd-sysusers', ['--version'])).status === 0
  return has ? packaged : `useradd --system --home-dir ${home} --shell /usr/sbin/nologin ${user}`
}

async function checkUser(
  user: string,
  { file, daemon }: Config,
  probe: Probe,
  who: Who | undefined,
): Promise<Finding[]> {
  if (!who) {
    const fix = await makeUser(user, probe, daemon['state-dir'])
    return [{ problem: `There is no user ${user} for the daemon to run as.`, fix }]
  }
  if (who.uid !== 0) return []
  return [{ problem: `The daemon never runs as ${user}.`, fix: `set [daemon] user in ${file} to another` }]
}

/** `pacsrv-xfer check`: prints to standard output and returns the exit status. */
export async function runCheck(
  read: () => Config,
  { version, print, hint }: { version: string; print(line: string): void; hint(text: string): void },
): Promise<number> {
  hint('Looking around; this takes some seconds…')
  const findings = await findAll(read, version)
  hint('')
  printFindings(findings, print)
  print(`All this runs by Node ${process.versions.node}: ${process.execPath}`)
  return findings.length === 0 ? 0 : 1
}

async function findAll(read: () => Config, version: string): Promise<Finding[]> {
  try {
    const config = read()
    return await check(config, { probe: systemProbe(daemonOf(config)), user: daemonUser(config), version })
  } catch (error) {
    if (!(error instanceof PacsrvError)) throw error
    return [{ problem: `${error.message}.`, fix: 'correct it; nothing else was looked at' }]
  }
}
