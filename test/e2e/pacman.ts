import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Outcome } from './commands.ts'
import type { ExecOptions, Host } from './host.ts'

export interface PacmanOptions {
  /** Repository name to its servers. */
  repositories: Record<string, string[]>
  /** More lines of [options]: XferCommand, DownloadUser. */
  options?: string[]
  /** The CacheServer of every repository: this machine's daemon, say. */
  cacheServer?: string
  /** Words before the command: another root (`trixie.ts`), or a view without node. */
  inside?: string[]
  /** Root of the installation; by default an empty folder. */
  root?: string
}

/** A daemon's server port as it is by default. */
export const CACHE_SERVER = 'http://127.0.0.1:8049/$repo/$arch'

export interface Pacman {
  config: string
  root: string
  cache: string
  sync: string
  gpgDir: string
  run(words: string[], options?: ExecOptions): Promise<Outcome>
}

/** pacman with everything of its own in the host's folder. A second call lays its configuration anew. */
export function createPacman(
  host: Host,
  { repositories, options = [], inside = [], root, cacheServer }: PacmanOptions,
): Pacman {
  const base = join(host.folder, 'pacman')
  const paths = {
    RootDir: root ?? join(base, 'root'),
    DBPath: join(base, 'db'),
    CacheDir: join(base, 'cache'),
    GPGDir: join(base, 'gpg'),
    HookDir: join(base, 'hooks'),
    LogFile: join(base, 'pacman.log'),
  }
  const sync = join(paths.DBPath, 'sync')
  for (const path of [paths.RootDir, sync, paths.CacheDir, paths.GPGDir, paths.HookDir]) {
    mkdirSync(path, { recursive: true })
  }
  const config = join(host.folder, 'pacman.conf')
  const lines = [
    '[options]',
    ...Object.entries(paths).map(([key, path]) => `${key} = ${path}`),
    'Architecture = x86_64',
    'SigLevel = Never',
    ...options,
    ...Object.entries(repositories).flatMap(([name, servers]) => [
      `[${name}]`,
      ...(cacheServer ? [`CacheServer = ${cacheServer}`] : []),
      ...servers.map((server) => `Server = ${server}`),
    ]),
  ]
  writeFileSync(config, `${lines.join('\n')}\n`)
  return {
    config,
    root: paths.RootDir,
    cache: paths.CacheDir,
    sync,
    gpgDir: paths.GPGDir,
    run: (words, more) => host.exec([...inside, 'pacman', '--config', config, '--noconfirm', ...words], more),
  }
}
