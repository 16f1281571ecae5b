import { basename } from 'node:path'
import type { Config } from '../../base/config.ts'
import { type ConfigLine, parseConfigFile } from '../../base/config-file.ts'
import { hostPort } from '../../base/endpoint.ts'
import { reaches, Want, type Who } from './check-access.ts'
import type { Finding } from './check-finding.ts'
import type { Probe } from './check-probe.ts'

/** What pacman.conf says that matters here. */
export interface PacmanFacts {
  cacheDirs: string[]
  /** Undefined without pacman.conf. */
  syncDir: string | undefined
  repositories: string[]
  xferCommand: string | undefined
  /** pacman 7 downloads as this user. */
  downloadUser: string | undefined
  cacheServers: string[]
  /** Of all repositories, as pacman would try them. */
  servers: string[]
}

const XFER_COMMAND = 'XferCommand = /usr/bin/pacsrv-xfer %u %o'

/** Asks pacman-conf, which knows pacman.conf with all that it includes. */
export async function readPacman(
  config: Config,
  probe: Probe,
): Promise<{ facts?: PacmanFacts; findings: Finding[] }> {
  const file = config.daemon['pacman-conf']
  const { status, stdout, stderr } = await probe.run('pacman-conf', ['--config', file])
  if (status === 0) return { facts: factsOf(parseConfigFile(stdout, file)), findings: [] }
  if (status !== undefined) {
    const why = stderr.trim().split('\n')[0] || `pacman-conf left with ${status}`
    return { findings: [{ problem: `pacman can't read ${file}: ${why}.`, fix: `correct ${file}` }] }
  }
  // A machine without pacman can still be a node: then its folders must be named.
  if (config.daemon['cache-dir'].length > 0 && config.daemon['sync-dir']) return { findings: [] }
  const problem = "pacman-conf isn't there, so nothing tells where packages and sync databases are."
  return { findings: [{ problem, fix: `install pacman, or set cache-dir and sync-dir in ${config.file}` }] }
}

/**
 * The daemon reads pacman's configuration too, as its own user: a mirror list that only root may read doesn't exist for
 * it.
 */
export async function checkDaemonsView(config: Config, probe: Probe, who: Who): Promise<Finding[]> {
  const file = config.daemon['pacman-conf']
  const seen = await probe.runAs(who, 'pacman-conf', ['--config', file])
  if (!seen || seen.status === 0) return []
  const why = seen.stderr.trim().split('\n')[0] || `pacman-conf left with ${seen.status}`
  const problem = `The user ${who.name} can't read pacman's configuration, so peers aren't used: ${why}.`
  const fix = `chmod a+r ${file} and what it includes, and chmod o+x the folders that they lie in`
  return [{ problem, fix }]
}

function factsOf(lines: ConfigLine[]): PacmanFacts {
  const options = (key: string) =>
    lines.filter((line) => line.section === 'options' && line.key === key).map(({ value }) => value)
  return {
    cacheDirs: options('CacheDir'),
    syncDir: `${(options('DBPath')[0] ?? '/var/lib/pacman').replace(/\/+$/, '')}/sync`,
    repositories: [...new Set(lines.map(({ section }) => section))].filter((name) => name !== 'options'),
    xferCommand: options('XferCommand')[0],
    downloadUser: options('DownloadUser')[0],
    cacheServers: lines.filter(({ key }) => key === 'CacheServer').map(({ value }) => value),
    servers: lines.filter(({ key }) => key === 'Server').map(({ value }) => value),
  }
}

/** Whether pacman uses pacsrv at all, and can. `user` is its download user, where it has one. */
export async function checkXferCommand(
  facts: PacmanFacts,
  config: Config,
  probe: Probe,
  user: Who | undefined,
): Promise<Finding[]> {
  const file = config.daemon['pacman-conf']
  const fix = `write "${XFER_COMMAND}" under [options] in ${file}`
  const cacheServer = checkCacheServers(facts, config)
  if (cacheServer.length > 0) return cacheServer
  const words = splitCommand(facts.xferCommand ?? '')
  const program = words[0]
  if (program === undefined) {
    if (facts.cacheServers.some((url) => isOwnPort(url, config))) return []
    return [{ problem: `pacman doesn't fetch through pacsrv: ${file} sets no XferCommand.`, fix }]
  }
  const { steps, end } = await probe.walk(program)
  if (!program.startsWith('/') || end === 'missing') {
    const wrong = program.startsWith('/')
      ? "which isn't there"
      : 'without its folder, and pacman may have no PATH'
    return [{ problem: `XferCommand in ${file} names ${program}, ${wrong}.`, fix }]
  }
  if (!words.some((word) => basename(word) === 'pacsrv-xfer')) {
    return [{ problem: `pacman doesn't fetch through pacsrv: XferCommand in ${file} is ${program}.`, fix }]
  }
  const findings: Finding[] = []
  if (!['%u', '%o'].every((word) => words.includes(word))) {
    const problem = `XferCommand in ${file} lacks %u or %o, each a word of its own.`
    findings.push({ problem, fix })
  }
  if (user && !reaches(steps, user, Want.read | Want.enter)) {
    const problem = `pacman's download user ${user.name} may not run ${program}.`
    findings.push({ problem, fix: `chmod 755 ${program}, and chmod o+x the folders that it lies in` })
  }
  return findings
}

/** As pacman splits it: at blanks, outside of quotes. */
function splitCommand(command: string): string[] {
  const words = command.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? []
  return words.map((word) => word.replace(/["']/g, ''))
}

/** A CacheServer that means this machine's node and doesn't meet it. */
function checkCacheServers({ cacheServers }: PacmanFacts, config: Config): Finding[] {
  const meant = cacheServers.find((url) => LOCAL_NODE.test(url) && !isOwnPort(url, config))
  if (meant === undefined) return []
  const { listen } = config.server
  const [file, ours] = [config.daemon['pacman-conf'], new URL(meant).origin]
  if (listen === undefined) {
    const problem = `CacheServer in ${file} is ${ours}, but [server] listen is none: the node has no such port.`
    return [{ problem, fix: `set [server] listen = ${new URL(meant).host} in ${config.file}` }]
  }
  const problem = `CacheServer in ${file} is ${ours}, but the node listens at ${listen} ([server] listen).`
  return [{ problem, fix: `write http://${listen}/$repo/os/$arch there` }]
}

const LOCAL_NODE = /^http:\/\/(?:127\.\d+\.\d+\.\d+|localhost|\[::1\]):8049\//

export function isOwnPort(url: string, { server }: Config): boolean {
  const own = server.listen && String(hostPort(server.listen).port)
  return own !== undefined && URL.canParse(url) && new URL(url).port === own
}
