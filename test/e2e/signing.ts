import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { must } from './commands.ts'
import { labCache, type Package } from './packages.ts'

/** What pacman.conf says to have every package's signature checked, and no database's. */
export const SIGNATURES_REQUIRED = 'SigLevel = PackageRequired DatabaseNever'

/** A throw-away key of the lab's, made once a machine: the folder of its private half. */
function keyFolder(): string {
  const folder = join(labCache(), 'gpg')
  if (existsSync(folder)) return folder
  const stage = `${folder}.${process.pid}`
  mkdirSync(stage, { mode: 0o700 })
  gpg(stage, '--passphrase', '', '--quick-generate-key', 'pacsrv lab <lab@example.org>', 'ed25519', 'sign')
  must('gpgconf', '--homedir', stage, '--kill', 'all')
  renameSync(stage, folder)
  return folder
}

const gpg = (home: string, ...words: string[]) =>
  must('gpg', '--homedir', home, '--batch', '--quiet', ...words)

/** The detached signature of each package, beside its file in the lab's cache: its path. */
export function sign(packages: Package[]): string[] {
  const home = keyFolder()
  return packages.map(({ path }) => {
    const signature = `${path}.sig`
    if (!existsSync(signature)) {
      rmSync(`${signature}.new`, { force: true })
      gpg(home, '--output', `${signature}.new`, '--detach-sign', path)
      renameSync(`${signature}.new`, signature)
    }
    return signature
  })
}

/** Has the pacman with this GPGDir trust the lab's key. */
export function trust(gpgDir: string) {
  const home = keyFolder()
  const key = join(labCache(), `key.${process.pid}`)
  const fingerprint = /^fpr:+(\w+):/m.exec(gpg(home, '--with-colons', '--list-keys'))![1]!
  gpg(home, '--yes', '--output', key, '--export')
  gpg(gpgDir, '--import', key)
  must(
    'sh',
    '-c',
    'echo "$2:6:" | gpg --homedir "$1" --batch --quiet --import-ownertrust',
    'sh',
    gpgDir,
    fingerprint,
  )
  must('gpgconf', '--homedir', gpgDir, '--kill', 'all')
  // As pacman-key leaves it: readable to all.
  chmodSync(gpgDir, 0o755)
  for (const name of readdirSync(gpgDir))
    if (/^pubring\.(gpg|kbx)$/.test(name)) chmodSync(join(gpgDir, name), 0o644)
  rmSync(key)
}
