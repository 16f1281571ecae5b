import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { must, waitFor } from './commands.ts'
import { createHost } from './host.ts'
import { type Lab, scenario } from './lab.ts'
import { createMirror } from './mirror.ts'
import { type Status, USER } from './node.ts'
import { labCache, makePackage } from './packages.ts'
import { inside, trixieFolder } from './trixie.ts'

const project = join(import.meta.dirname, '../..')

/** Builds the checkout as an ordinary user, with the dependencies that are here already; the paths of its packages. */
async function buildPackages(lab: Lab): Promise<{ plain: string; standalone: string }> {
  const checkout = join(lab.folder, 'checkout')
  const listed = must('git', '-c', 'safe.directory=*', '-C', project, 'ls-files', '-z')
  for (const path of listed.split('\0').filter(Boolean)) cpSync(join(project, path), join(checkout, path))
  symlinkSync(join(project, 'node_modules'), join(checkout, 'node_modules'))
  must('chown', '-R', '-h', `${USER}:`, checkout)
  const asUser = ['setpriv', `--reuid=${USER}`, '--regid=nogroup', '--clear-groups', 'env']
  const npmCache = join(labCache(), 'npm')
  mkdirSync(npmCache, { recursive: true })
  must('chown', '-R', `${USER}:`, npmCache)
  const settings = [
    `HOME=${checkout}`,
    'PKGEXT=.pkg.tar.zst',
    `PKGDEST=${checkout}`,
    `npm_config_cache=${npmCache}`,
    'COMPRESSZST=zstd -c -1 -T0 -',
  ]
  // Nowhere in the lab can npm be reached, which has the Node that one of them carries.
  const builder = createHost('builder', '', lab.folder)
  const outcome = await builder.exec([...asUser, ...settings, 'makepkg', '-d'], {
    cwd: checkout,
    timeout: 300,
  })
  assert.is(outcome.code, 0, outcome.all)
  const built = readdirSync(checkout).filter((name) => /\.pkg\.tar\.zst$/.test(name))
  const find = (pattern: RegExp) => join(checkout, built.filter((name) => pattern.test(name))[0] ?? 'missing')
  assert.is(built.length, 2, built.join(', '))
  return { plain: find(/^pacsrv-\d/), standalone: find(/^pacsrv-standalone-\d/) }
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
  'the built packages: each is installed, its hook runs; one needs no Node, nor minds one that is broken',
  async (lab) => {
    const host = lab.host('machine')
    const mirror = await createMirror(lab.host('mirror'))
    const item = makePackage({ name: 'few2', size: 200_000, version: '1:1-1' })
    mirror.publish('lab', [item])
    const { plain: file, standalone } = await buildPackages(lab)
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
    assert.match(again.all, /Restarting pacsrv, if it runs\.\.\./)
    assert.not.match(again.all, /error|warning: (?!pacsrv-\S+ is up to date)/i)
    assert.ok(await status())
    // 4: yes, remove the one that is in its way.
    const switching = ['pacman', '-Udd', '--noconfirm', '--ask', '4', standalone]
    const switched = await host.exec([...there, ...switching])
    assert.is(switched.code, 0, switched.all)
    assert.match(switched.all, /Restarting pacsrv/)
    assert.not.match(switched.all, /NOTHING|Left on this machine/)
    assert.ok(await status(), 'the daemon runs on')
    const removed = await host.exec([...there, 'pacman', '-Rdd', '--noconfirm', 'pacsrv-standalone'])
    assert.is(removed.code, 0, removed.all)
    assert.match(removed.all, /WARNING: pacman still fetches through pacsrv/)
    assert.match(removed.all, /NOTHING until you take out.*\n.*XferCommand = \/usr\/bin\/pacsrv-xfer %u %o/)
    await waitFor('the end of the daemon', async () => host.pids('/usr/lib/pacsrv/main.cjs').length === 0)
    lab.note(`an install with the hook: ${outcome.seconds.toFixed(2)} s`)
    await withoutNode(standalone)

    /** The same machine without a Node, and then with one that doesn't start. */
    async function withoutNode(file: string) {
      const node = join(root, 'usr/bin/node')
      for (const name of ['node', 'nodejs']) rmSync(join(root, 'usr/bin', name), { force: true })
      const installed = await host.exec([...there, 'pacman', '-Udd', '--noconfirm', file])
      assert.is(installed.code, 0, installed.all)
      for (const broken of [false, true]) {
        if (broken) {
          writeFileSync(node, '#!/bin/sh\nexit 1\n')
          chmodSync(node, 0o755)
        }
        rmSync(join(root, 'var/cache/pacman/pkg', item.file), { force: true })
        // Nobody has started a daemon: the first package does.
        const fetched = await host.exec([...there, 'pacman', '-Sw', '--noconfirm', item.name])
        assert.is(fetched.code, 0, fetched.all)
        assert.not.match(fetched.all, /not used now|error|warning/i)
        const now = await status()
        assert.ok(now, 'the daemon runs')
        assert.match(
          readFileSync(`/proc/${now.node.pid}/cmdline`, 'utf8'),
          /^\/usr\/lib\/pacsrv\/node\0\/usr\/lib\/pacsrv\/main\.cjs\0/,
        )
        assert.is(now.totals.fromMirror, item.size, 'it is by the daemon that it came')
        const checked = await host.exec([...there, '/usr/bin/pacsrv-xfer', 'check'])
        assert.match(checked.stdout, /^All this runs by Node [\d.]+: \/usr\/lib\/pacsrv\/node$/m)
        process.kill(now.node.pid)
        await waitFor('the end of the daemon', () => host.pids('/usr/lib/pacsrv/main.cjs').length === 0)
        rmSync(join(root, 'var/cache/pacsrv'), { recursive: true, force: true })
      }
    }
  },
  ['debootstrap', 'makepkg', 'fakeroot'],
)

test.run()
