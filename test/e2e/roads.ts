/** The ways that pacman comes to XferCommand: one after another on one host, with pacman 6 or 7. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { must, type Outcome } from './commands.ts'
import type { Lab } from './lab.ts'
import { createLone } from './lone.ts'
import type { Package } from './packages.ts'
import { createPacman, type Pacman } from './pacman.ts'
import { CURL } from './pair.ts'

export interface RoadsOptions {
  /** 6 or 7. */
  version: number
  /** Words before pacman, as in PacmanOptions. */
  inside?: string[]
  options?: string[]
}

const PARTIAL = /\.part|^download-/

export async function roads(lab: Lab, { version, inside = [], options = [] }: RoadsOptions) {
  const { mirror, packages, host, node, server } = await createLone(lab)
  const [pack, plus, large] = packages as [Package, Package, Package]
  const databases = ['lab.db', 'lab.files']
  copyFileSync(join(mirror.folder, 'lab/lab.db'), join(mirror.folder, 'lab/lab.files'))
  const day = new Date('2026-11-01T12:00:00Z')
  for (const name of databases) utimesSync(join(mirror.folder, 'lab', name), day, day)
  const repositories = { lab: [server] }
  const withPacsrv = [`XferCommand = ${node.xferCommand}`, ...options]
  const pacman = createPacman(host, { repositories, options: withPacsrv, inside })
  await node.start()

  const must0 = (outcome: Outcome, what: string) => {
    assert.is(outcome.code, 0, `${what}: ${outcome.all}`)
    const left = [pacman.cache, pacman.sync].flatMap((folder) => readdirSync(folder))
    assert.equal(
      left.filter((name) => PARTIAL.test(name)),
      [],
      what,
    )
    return outcome
  }
  const run = async (what: string, words: string[]) => must0(await pacman.run(words), what)
  const assertFile = (folder: string, item: Package) =>
    assert.ok(readFileSync(join(folder, item.file)).equals(readFileSync(item.path)), item.file)
  const isInstalled = (root: string, item: Package) =>
    existsSync(join(root, 'usr/share', item.name, 'payload'))
  const requests = async () =>
    (await mirror.log()).map(({ path, status, bytes }) => `${path.split('/').at(-1)} ${status} ${bytes}`)
  /** In the folder of the host, which pacman leaves for another: relative paths. */
  const here = (words: string[]) =>
    host.exec([
      ...inside,
      'sh',
      '-c',
      'cd "$1"; shift; exec pacman --noconfirm "$@"',
      'sh',
      host.folder,
      ...words,
    ])

  await run('-Sy', ['-Sy'])
  await run('-Fy', ['-Fy'])
  await mirror.clearLog()
  await run('-Sy with nothing new', ['-Sy'])
  await run('-Fy with nothing new', ['-Fy'])
  assert.equal(await requests(), ['lab.db 304 0', 'lab.files 304 0'])
  await mirror.clearLog()
  const stock = createPacman(host, { repositories, options, inside })
  assert.is((await stock.run(['-Sy'])).code, 0)
  assert.is((await stock.run(['-Fy'])).code, 0)
  assert.equal(
    await requests(),
    ['lab.db 304 0', 'lab.files 304 0'],
    'stock pacman takes our times for its own',
  )
  createPacman(host, { repositories, options: withPacsrv, inside })
  await mirror.clearLog()
  await run('-Syy', ['-Syy'])
  assert.match((await requests()).join(), /^lab\.db 200 [1-9]\d*$/, '-Syy')

  await run('-Sw', ['-Sw', 'pack'])
  assertFile(pacman.cache, pack)
  await node.until('-Sw runs no hook: the watch sees the file', (status) => status.files.count === 1)
  await mirror.clearLog()
  await run('-S after -Sw', ['-S', 'pack'])
  await run('another call, as yay does', ['-S', 'lib+c++'])
  await run('-Sw for -U', ['-Sw', 'large'])
  await run('-U FILE', ['-U', join(pacman.cache, large.file)])
  for (const item of packages) assert.ok(isInstalled(pacman.root, item), item.name)
  assert.equal(
    (await mirror.log()).filter(({ path }) => path.endsWith(pack.file)),
    [],
    'what is cached is not fetched again',
  )

  await run('-R', ['-R', 'pack', 'lib+c++', 'large'])
  rmSync(join(pacman.cache, plus.file))
  const byUrl = await pacman.run(['-U', `${server}/${plus.file}`])
  if (version === 6) {
    assert.is.not(byUrl.code, 0, '6 can do it now')
    assertFile(pacman.cache, plus)
    rmSync(join(pacman.cache, plus.file))
    createPacman(host, { repositories, options: [CURL], inside })
    assert.is.not((await pacman.run(['-U', `${server}/${plus.file}`])).code, 0, 'it is our fault')
    createPacman(host, { repositories, options: withPacsrv, inside })
  } else {
    must0(byUrl, '-U URL')
    assert.ok(isInstalled(pacman.root, plus))
  }

  const elsewhere = join(host.folder, 'elsewhere')
  for (const name of ['root', 'db', 'cache']) mkdirSync(join(elsewhere, name), { recursive: true })
  must0(
    await here([
      ...['--config', 'pacman.conf', '--root', './elsewhere/root', '--dbpath', './elsewhere/db'],
      ...['--cachedir', join(elsewhere, 'cache'), '-Sy', 'pack', 'large'],
    ]),
    'relative --config, --root and --dbpath',
  )
  for (const item of [pack, large]) assert.ok(isInstalled(join(elsewhere, 'root'), item), item.name)

  await twoAtOnce(node.xferCommand)
  if (version === 6) await checkUpdates()
  else await inChroot()
  lab.note(`${(await node.status()).totals.fromMirror} bytes came from the mirror`)

  async function twoAtOnce(xferCommand: string) {
    await mirror.clearLog()
    await mirror.behave([{ path: large.file, bytesPerSecond: 3_000_000 }])
    const others = ['one', 'two'].map((name): Pacman => {
      const folder = join(host.folder, name)
      mkdirSync(folder)
      return createPacman(
        { ...host, folder },
        {
          repositories,
          options: [`XferCommand = ${xferCommand}`, ...options],
          inside,
        },
      )
    })
    rmSync(join(pacman.cache, large.file))
    await node.until('the file gone', (status) => status.files.count === 2)
    const outcomes = await Promise.all(others.map((each) => each.run(['-Sy', 'large', 'pack'])))
    for (const [n, each] of others.entries()) {
      must0(outcomes[n]!, 'two pacmans at once')
      assertFile(each.cache, large)
    }
    const times = (await mirror.log()).filter(({ path }) => path.endsWith(large.file)).length
    assert.ok(times <= 1, `two pacmans at once: the mirror gave one file ${times} times`)
    await mirror.behave([])
  }

  /** As checkupdates does it: an ordinary user, a copy of the databases. */
  async function checkUpdates() {
    const copy = join(host.folder, 'checkup')
    mkdirSync(join(copy, 'sync'), { recursive: true })
    must('ln', '-s', join(host.folder, 'pacman/db/local'), join(copy, 'local'))
    must('cp', '-p', join(pacman.sync, 'lab.db'), join(copy, 'sync'))
    must('chown', '-R', 'nobody:', copy)
    const words = ['--config', pacman.config, '-Sy', '--dbpath', copy, '--logfile', '/dev/null']
    const asUser = ['setpriv', '--reuid', 'nobody', '--clear-groups', 'fakeroot', '--']
    await mirror.clearLog()
    for (const database of ['unchanged', 'changed']) {
      const outcome = await host.exec([...asUser, 'pacman', ...words], { cwd: '/' })
      assert.is(outcome.code, 0, `checkupdates, ${database}: ${outcome.all}`)
      utimesSync(join(mirror.folder, 'lab/lab.db'), new Date(), new Date())
    }
    assert.match((await requests()).join(), /^lab\.db 304 0,lab\.db 200 [1-9]\d*$/)
    assert.equal(readdirSync(join(copy, 'sync')), ['lab.db'])
  }

  /** A root in a chroot has no daemon, and starts none (pacstrap, arch-chroot). */
  async function inChroot() {
    const config = join(host.folder, 'chroot.conf')
    const nowhere = join(host.folder, 'nowhere.sock')
    writeFileSync(config, readFileSync(node.config, 'utf8').replaceAll(node.socket, nowhere))
    rmSync(join(pacman.cache, pack.file))
    createPacman(host, {
      repositories,
      options: [`XferCommand = ${lab.program} --config ${config} %u %o`, ...options],
      inside,
    })
    await run('in a chroot, with no daemon', ['-Sw', 'pack'])
    assertFile(pacman.cache, pack)
    assert.equal(host.pids(config, 'daemon'), [])
    assert.not.ok(existsSync(nowhere))
  }
}
