/** A pacman that installs somewhere else, as pacstrap has it do, or by another configuration: its databases are only there. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Lab, scenario } from './lab.ts'
import { makePackage, makePackages, type Package } from './packages.ts'
import { CURL, createPair } from './pair.ts'
import { inside, trixieFolder } from './trixie.ts'

for (const { how, before, options } of [
  { how: 'by itself', before: () => [], options: [] },
  {
    how: 'in a pid namespace of its own, as pacstrap',
    before: () => ['unshare', '--fork', '--pid'],
    options: [],
  },
  {
    how: 'by pacman 7 as alpm',
    before: (lab: Lab) => inside(trixieFolder(), lab.folder),
    options: ['DownloadUser = alpm'],
  },
]) {
  scenario(
    `pacman -r NEW ${how}: peers give by the databases there`,
    async (lab: Lab) => {
      const packages = makePackages([900, 400_000, 900_000].map((size, n) => ({ name: `far${n}`, size })))
      const { asker } = await createPair(lab, packages, {
        asker: { mirror: ['delay = 2s'] },
        pacmanOptions: options,
      })
      const root = join(asker.host.folder, 'new')
      const db = join(root, 'var/lib/pacman')
      mkdirSync(db, { recursive: true })
      const outcome = await asker.host.exec([
        ...before(lab),
        ...['pacman', '-r', root, '--dbpath', db, '--config', asker.pacman.config],
        ...['--noconfirm', '-Sy', ...packages.map(({ name }) => name)],
      ])
      assert.is(outcome.code, 0, outcome.all)
      const { fromPeers, fromMirror } = (await asker.node.status()).totals
      lab.note(`${fromPeers} bytes from the peer, ${fromMirror} from the mirror`)
      assert.ok(
        fromPeers > 1_000_000,
        `${fromPeers} from peers, ${fromMirror} from the mirror: ${outcome.all}`,
      )
    },
    options.length > 0 ? ['debootstrap'] : [],
  )
}

scenario(
  'two pacmans of different configurations at once, a package rebuilt under its name between their databases',
  async (lab: Lab) => {
    const packages = makePackages([400_000, 900_000].map((size, n) => ({ name: `twice${n}`, size })))
    const { asker, mirror } = await createPair(lab, packages, { asker: { mirror: ['delay = 2s'] } })
    assert.is((await asker.pacman.run(['-Sy'])).code, 0)
    const rebuilt = [packages[0]!, makePackage({ name: 'twice1', size: 700_000 })]
    assert.is(rebuilt[1]!.file, packages[1]!.file)
    mirror.publish('lab', rebuilt)

    const folder = join(asker.host.folder, 'other')
    for (const name of ['db', 'cache']) mkdirSync(join(folder, name), { recursive: true })
    const text = readFileSync(asker.pacman.config, 'utf8')
    const other = join(folder, 'pacman.conf')
    const put = (xferCommand?: string) =>
      writeFileSync(
        other,
        text
          .replace(/^DBPath = .*$/m, `DBPath = ${join(folder, 'db')}`)
          .replace(/^CacheDir = .*$/m, `CacheDir = ${join(folder, 'cache')}`)
          .replace(/^XferCommand = .*$/m, xferCommand ?? '$&'),
      )
    const names = packages.map(({ name }) => name)
    const isRight = (cache: string, item: Package) =>
      readFileSync(join(cache, item.file)).equals(readFileSync(item.path))
    const inFolder = (words: string[]) =>
      asker.host.exec(
        [
          'sh',
          '-c',
          'cd "$1"; shift; exec pacman "$@"',
          'sh',
          folder,
          ...words,
          '--noconfirm',
          '-Syw',
          ...names,
        ],
        {},
      )
    for (const [how, words] of [
      ['absolute', ['--config', other]],
      ['relative', ['--config', 'pacman.conf']],
    ] as const) {
      for (const cache of [asker.pacman.cache, join(folder, 'cache')]) {
        rmSync(cache, { recursive: true })
        mkdirSync(cache)
      }
      put(CURL)
      assert.is((await inFolder(['--config', other])).code, 0, 'curl')
      rmSync(join(folder, 'cache'), { recursive: true })
      mkdirSync(join(folder, 'cache'))
      put()
      const [mine, its] = await Promise.all([asker.pacman.run(['-Sw', ...names]), inFolder([...words])])
      assert.is(mine.code, 0, `${how}, this machine's: ${mine.all}`)
      assert.is(its.code, 0, `${how}, the other: ${its.all}`)
      for (const item of packages) assert.ok(isRight(asker.pacman.cache, item), `${how}: ${item.file}`)
      for (const item of rebuilt)
        assert.ok(isRight(join(folder, 'cache'), item), `${how}, other: ${item.file}`)
    }
    const { fromPeers, fromMirror } = (await asker.node.status()).totals
    lab.note(`${fromPeers} bytes from the peer, ${fromMirror} from the mirror`)
    assert.ok(fromPeers > 1_000_000)
  },
)

test.run()
