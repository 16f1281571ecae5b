import { cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { must, waitFor } from './commands.ts'
import type { Host } from './host.ts'
import { type Lab, scenario } from './lab.ts'
import { createMirror } from './mirror.ts'
import { type Status, USER } from './node.ts'
import { makePackage } from './packages.ts'
import { inside, trixieFolder } from './trixie.ts'

const project = join(import.meta.dirname, '../..')

/** Builds the checkout as an ordinary user, with the dependencies that are here already; the package's path. */
async function buildPackage(lab: Lab, host: Host): Promise<string> {
  const checkout = join(lab.folder, 'checkout')
  const listed = must('git', '-c', 'safe.directory=*', '-C', project, 'ls-files', '-z')
  for (const path of listed.split('\0').filter(Boolean)) cpSync(join(project, path), join(checkout, path))
  symlinkSync(join(project, 'node_modules'), join(checkout, 'node_modules'))
  must('chown', '-R', '-h', `${USER}:`, checkout)
  const asUser = ['setpriv', `--reuid=${USER}`, '--regid=nogroup', '--clear-groups', 'env']
  const settings = [`HOME=${checkout}`, 'PKGEXT=.pkg.tar.zst', `PKGDEST=${checkout}`]
  const outcome = await host.exec([...asUser, ...settings, 'makepkg', '-d'], { cwd: checkout, timeout: 300 })
  assert.is(outcome.code, 0, outcome.all)
  const built = readdirSync(checkout).filter((name) => /^pacsrv-.*\.pkg\.tar\.zst$/.test(name))
  assert.is(built.length, 1, built.join(', '))
  return join(checkout, built[0]!)
}

/** A machine of its own: Debian 13 beneath, what is written to it above. */
function createRoot(lab: Lab, server: string): string {
  const [root, upper, work] = ['root', 'upper', 'work'].map((name) => join(lab.folder, name))
  for (const folder of [root!, upper!, work!]) mkdirSync(folder)
  const layers = `lowerdir=${trixieFolder()},upperdir=${upper},workdir=${work}`
  lab.mount(root!, '-t', 'overlay', 'none', '-o', layers)
  const config = `[options]
Architecture = x86_64
SigLevel = Never
XferCommand = /usr/bin/pacsrv-xfer %u %o
[lab]
Server = ${server}
`
  writeFileSync(join(root!, 'etc/pacman.conf'), config)
  for (const folder of ['var/lib/pacman/sync', 'var/cache/pacman/pkg', 'usr/share/libalpm/hooks']) {
    mkdirSync(join(root!, folder), { recursive: true })
  }
  return root!
}

scenario(
  'the built package is installed, its hook runs, the daemon offers what was installed',
  async (lab) => {
    const host = lab.host('machine')
    const mirror = await createMirror(lab.host('mirror'))
    const item = makePackage({ name: 'few2', size: 200_000, version: '1:1-1' })
    mirror.publish('lab', [item])
    const file = await buildPackage(lab, host)
    const root = createRoot(lab, `${mirror.url}/lab`)
    const there = inside(root, lab.folder)

    const installed = await host.exec([...there, 'pacman', '-Udd', '--noconfirm', file])
    assert.is(installed.code, 0, installed.all)
    assert.match(installed.all, /XferCommand = \/usr\/bin\/pacsrv-xfer %u %o/)
    assert.is((await host.exec([...there, 'pacman', '-Qkk', 'pacsrv'])).code, 0)
    must('useradd', '-R', root, '-r', '-s', '/usr/sbin/nologin', 'pacsrv')
    must(
      'chroot',
      root,
      'install',
      '-d',
      '-o',
      'pacsrv',
      '/run/pacsrv',
      '/var/lib/pacsrv',
      '/var/cache/pacsrv',
    )

    host.spawn([...there, '/usr/bin/pacsrv-xfer', 'daemon'], { stdio: ['ignore', 'ignore', 'inherit'] })
    const status = async (): Promise<Status | undefined> => {
      const outcome = await host.exec([...there, '/usr/bin/pacsrv-xfer', 'status', '--json'])
      return outcome.code === 0 ? JSON.parse(outcome.stdout) : undefined
    }
    const before = await waitFor('the installed daemon', status)
    assert.is(before.files.count, 0)

    const outcome = await host.exec([...there, 'pacman', '-Sy', '--noconfirm', item.name])
    assert.is(outcome.code, 0, outcome.all)
    assert.match(outcome.all, /Telling pacsrv of new packages/)
    assert.not.match(outcome.all, /error|warning/i)
    await waitFor('the new file offered', async () => (await status())?.files.count === 1)

    const again = await host.exec([...there, 'pacman', '-Udd', '--noconfirm', file])
    assert.is(again.code, 0, again.all)
    assert.match(again.all, /Restarting pacsrv\.\.\./)
    assert.not.match(again.all, /error|warning: (?!pacsrv-\S+ is up to date)/i)
    assert.ok(await status())
    const removed = await host.exec([...there, 'pacman', '-Rdd', '--noconfirm', 'pacsrv'])
    assert.is(removed.code, 0, removed.all)
    assert.match(removed.all, /WARNING: pacman still fetches through pacsrv/)
    assert.match(removed.all, /NOTHING until you take out.*\n.*XferCommand = \/usr\/bin\/pacsrv-xfer %u %o/)
    await waitFor('the end of the daemon', async () => host.pids('/usr/lib/pacsrv/main.cjs').length === 0)
    lab.note(`an install with the hook: ${outcome.seconds.toFixed(2)} s`)
  },
  ['debootstrap', 'makepkg', 'fakeroot'],
)

test.run()
