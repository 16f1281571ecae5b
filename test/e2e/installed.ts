import { copyFileSync, cpSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Lab } from './lab.ts'
import { inside, trixieFolder } from './trixie.ts'

const project = join(import.meta.dirname, '../..')

/**
 * A system of pacman 7's with pacsrv and its hook installed as the package does it, and this configuration; changes stay in
 * the lab. Words to put before a command that runs there.
 */
export function installedSystem(lab: Lab, config: string): string[] {
  const [root, upper, work] = ['system', 'system-upper', 'system-work'].map((name) =>
    join(lab.folder, name),
  ) as [string, string, string]
  for (const folder of [root, upper, work]) mkdirSync(folder)
  lab.mount(
    root,
    '-t',
    'overlay',
    'none',
    '-o',
    `lowerdir=${trixieFolder()},upperdir=${upper},workdir=${work}`,
  )
  const install = (from: string, to: string) => {
    mkdirSync(join(root, to, '..'), { recursive: true })
    copyFileSync(from, join(root, to))
  }
  cpSync(join(lab.program, '..'), join(root, 'usr/lib/pacsrv'), { recursive: true })
  rmSync(join(root, 'usr/lib/pacsrv/pacsrv-xfer'))
  install(lab.program, 'usr/bin/pacsrv-xfer')
  install(config, 'etc/pacsrv.conf')
  install(join(project, 'hooks/90-pacsrv-announce.hook'), 'usr/share/libalpm/hooks/90-pacsrv-announce.hook')
  return inside(root, lab.folder)
}
