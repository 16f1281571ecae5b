import { execa } from 'execa'
import { PacsrvError } from '../base/error.ts'

export interface Repository {
  name: string
  /** `Server` lines, `$repo` and `$arch` filled in, in pacman's order. */
  servers: string[]
  cacheServers: string[]
  /** What SigLevel wants of packages. */
  signatures: 'required' | 'optional' | 'never'
}

/** The part of pacman's configuration that pacsrv uses. */
export interface PacmanConf {
  cacheDirs: string[]
  dbPath: string
  /** Where pacman's keyring is; left out where pacman-conf doesn't say. */
  gpgDir?: string
  repositories: Repository[]
}

export type PacmanConfResult =
  | { conf: PacmanConf; problem?: undefined }
  | { conf?: undefined; problem: PacsrvError }

const PACMAN_CONF_MS = 10_000

/**
 * Asks pacman-conf, which follows `Include` and knows pacman's defaults, for the configuration in `file`, as it is for a
 * pacman with another `root`. Without pacman-conf, or when it can't read the file, there is a `problem` (code `config`)
 * instead.
 */
export async function readPacmanConf(file: string, root?: string): Promise<PacmanConfResult> {
  const words = root === undefined ? [] : ['--rootdir', root]
  const result = await execa('pacman-conf', ['--config', file, ...words], {
    stdin: 'ignore',
    env: { LC_ALL: 'C' },
    timeout: PACMAN_CONF_MS,
    reject: false,
  })
  if (!result.failed) return { conf: parsePacmanConf(result.stdout) }
  const why = result.stderr?.trim() || result.originalMessage || result.shortMessage
  return {
    problem: new PacsrvError('config', `pacman-conf --config ${file}: ${why?.split('\n')[0]}`, result),
  }
}

const SIGNATURES = new Map<string, Repository['signatures']>([
  ['PackageRequired', 'required'],
  ['PackageOptional', 'optional'],
  ['PackageNever', 'never'],
])

/** Reads what pacman-conf prints without arguments: sections of `key = value`, lists as repeated keys. */
export function parsePacmanConf(text: string): PacmanConf {
  const conf: PacmanConf = { cacheDirs: [], dbPath: '/var/lib/pacman/', repositories: [] }
  let repository: Repository | undefined
  /** As pacman's own, where nothing is said. */
  let usual: Repository['signatures'] = 'optional'
  for (const line of text.split('\n')) {
    const section = /^\[(.+)\]$/.exec(line)?.[1]
    const [, key, value] = /^(\w+) = (.*)$/.exec(line) ?? []
    if (section !== undefined) {
      repository =
        section === 'options'
          ? undefined
          : { name: section, servers: [], cacheServers: [], signatures: usual }
      if (repository) conf.repositories.push(repository)
    } else if (value === undefined) continue
    else if (repository && key === 'Server') repository.servers.push(value)
    else if (repository && key === 'CacheServer') repository.cacheServers.push(value)
    else if (key === 'SigLevel') {
      const level = SIGNATURES.get(value)
      if (level && repository) repository.signatures = level
      else if (level) usual = level
    } else if (!repository && key === 'CacheDir') conf.cacheDirs.push(value)
    else if (!repository && key === 'DBPath') conf.dbPath = value
    else if (!repository && key === 'GPGDir') conf.gpgDir = value
  }
  return conf
}
