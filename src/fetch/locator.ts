import type { DeadMirrors } from '../mirror/dead-mirrors.ts'
import type { CallersPacman } from '../pacman/callers-pacman.ts'
import type { PacmanConf, Repository } from '../pacman/pacman-conf.ts'
import type { PackageFile, SyncDatabases } from '../pacman/sync-databases.ts'
import { fileNameOfUrl, repositoryOfUrl } from '../pacman/urls.ts'
import type { WantedFile } from '../wire/messages.ts'

/** A file that the sync databases name, and where the daemon itself may fetch it. */
export interface Located {
  file: WantedFile
  /** URLs of it, best first. */
  mirrors: string[]
  /** Whose database names it. */
  repository?: string
  /** When it was built, in seconds since 1970, if the databases say. */
  built?: number
  /** What pacman wants of its signature; undefined where its repository isn't known. */
  signature?: Repository['signatures']
}

/** Which file is meant, and from where it may be fetched: only what the databases name, only from pacman's mirrors. */
export interface Locator {
  /** What `url` is, or in words why it is the caller's own business. `transaction`: which pacman asks (CallersPacman). */
  locate(url: string, transaction?: string): Promise<Located | { reason: string }>
  /** What the path of a CacheServer's URL names: the last folder that is a repository's name tells which. */
  locatePath(path: string): Promise<Located | undefined>
  /** Those of these SHA-256 that a database names. */
  locateHashes(hashes: ReadonlySet<string>): Promise<Located[]>
}

export interface LocatorDeps {
  databases: SyncDatabases
  callers: CallersPacman
  /** pacman's configuration as it is now; undefined where pacman-conf gives none. */
  pacmanConf(): Promise<PacmanConf | undefined>
  order: DeadMirrors['order']
}

/** Only from these does the daemon fetch; `file:` would let anyone read what the daemon may. */
const SCHEMES = /^(https?|ftp):\/\//i

export function createLocator({ databases, callers, pacmanConf, order }: LocatorDeps): Locator {
  function locatedAs(
    { sha256, size, name, built, repository }: PackageFile,
    mirrors: string[],
    signature?: Repository['signatures'],
  ): Located {
    const allowed = order(mirrors.filter((mirror) => SCHEMES.test(mirror)))
    return {
      file: { sha256, size, name },
      mirrors: allowed,
      repository,
      ...(built === undefined ? {} : { built }),
      ...(signature === undefined ? {} : { signature }),
    }
  }

  const underServers = (name: string, servers: readonly string[]) =>
    servers.map((server) => `${server.replace(/\/+$/, '')}/${encodeURIComponent(name)}`)

  return {
    async locate(url, transaction) {
      const name = fileNameOfUrl(url)
      if (name === undefined) return { reason: 'its URL names no file' }
      const own = transaction === undefined ? undefined : await callers.of(transaction)
      if (own === 'unknown') return { reason: "this pacman's configuration or databases can't be known here" }
      const conf = own?.conf ?? (await pacmanConf())
      const origin = conf && repositoryOfUrl(url, conf)
      if (!origin) return { reason: 'its URL is under no Server of pacman.conf' }
      const found = await (own?.databases ?? databases).find(name, origin.repository)
      if (!found || found.size === 0) return { reason: 'no sync database names it' }
      return locatedAs(found, origin.mirrors)
    },
    async locatePath(path) {
      const name = fileNameOfUrl(`http://localhost${path}`)
      if (name === undefined) return undefined
      const conf = await pacmanConf()
      const folders = path.split('/').slice(1, -1)
      const repository = conf?.repositories.findLast(({ name }) => folders.includes(name))
      const found = await databases.find(name, repository?.name)
      if (!found || found.size === 0) return undefined
      return locatedAs(
        found,
        underServers(name, repository?.servers ?? []),
        conf?.repositories.find(({ name }) => name === (repository?.name ?? found.repository))?.signatures,
      )
    },
    async locateHashes(hashes) {
      const [conf, found] = await Promise.all([pacmanConf(), databases.findHashes(hashes)])
      return found.map((file) => {
        const repository = conf?.repositories.find(({ name }) => name === file.repository)
        return locatedAs(file, underServers(file.name, repository?.servers ?? []), repository?.signatures)
      })
    },
  }
}
