/** Machines of other shapes than the usual. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { waitFor } from './commands.ts'
import { type Lab, scenario } from './lab.ts'
import { createMember, directTo } from './member.ts'
import { createMirror } from './mirror.ts'
import { createNode } from './node.ts'
import { fillCache, makePackages } from './packages.ts'
import { createPacman } from './pacman.ts'
import { createPair } from './pair.ts'
import { inside, trixieFolder } from './trixie.ts'

const some = (name: string, count = 3) =>
  makePackages(Array.from({ length: count }, (_, n) => ({ name: `${name}${n}`, size: 400_000 + n })))

scenario(
  'several cache folders: one read-only, one behind a link; all are shared, pacman fills what it can',
  async (lab: Lab) => {
    const packages = some('shape')
    const mirror = await createMirror(lab.host('mirror'))
    mirror.publish('lab', packages)
    const host = lab.host('many')
    const folder = (name: string) => {
      const path = join(host.folder, name)
      mkdirSync(path)
      return path
    }
    const [fixed, real] = [folder('fixed'), folder('real')]
    const link = join(host.folder, 'link')
    symlinkSync(real, link)
    fillCache(fixed, [packages[0]!])
    fillCache(real, [packages[1]!])
    lab.mount(fixed, '--bind', fixed)
    lab.mount(fixed, '-o', 'remount,bind,ro')

    const config = join(host.folder, 'pacman.conf')
    const node = createNode(lab, host, config)
    const options = [`XferCommand = ${node.xferCommand}`, `CacheDir = ${fixed}`, `CacheDir = ${link}`]
    const pacman = createPacman(host, { repositories: { lab: [`${mirror.url}/lab`] }, options })
    // The usual one goes: the read-only one is the first.
    const text = readFileSync(config, 'utf8')
    writeFileSync(config, text.replace(`CacheDir = ${pacman.cache}\n`, ''))
    copyFileSync(join(mirror.folder, 'lab/lab.db'), join(pacman.sync, 'lab.db'))
    await node.start()
    await node.until('both folders offered', (status) => status.files.count === 2)
    const outcome = await pacman.run(['-Sy', ...packages.map(({ name }) => name)])
    assert.is(outcome.code, 0, outcome.all)
    assert.ok(readdirSync(real).includes(packages[2]!.file))
    await node.until('the new one offered too', (status) => status.files.count === 3)

    const other = await createMember(lab, mirror, lab.host('other'), {
      sections: { mirror: ['delay = 2s'], ...directTo(host) },
    })
    await other.node.until('a neighbour', (status) => status.peers.length === 1)
    const fetched = await other.pacman.run(['-Sy', ...packages.map(({ name }) => name)])
    assert.is(fetched.code, 0, fetched.all)
    const { fromPeers } = (await other.node.status()).totals
    assert.ok(fromPeers > 1_000_000, `${fromPeers} bytes from the machine of many folders`)
  },
)

scenario('docker0 and forty more interfaces: the LAN is found, and the daemon rests', async (lab: Lab) => {
  const packages = some('bridge', 2)
  const mirror = await createMirror(lab.host('mirror'))
  mirror.publish('lab', packages)
  const [one, two] = [lab.host('one'), lab.host('two')]
  for (const name of ['docker0', ...Array.from({ length: 40 }, (_, n) => `veth${n}`)]) {
    const at = `172.${17 + (name === 'docker0' ? 0 : 1)}.${Number(name.slice(4)) || 0}.1/24`
    for (const words of [
      ['link', 'add', name, 'type', 'bridge'],
      ['addr', 'add', at, 'dev', name],
      ['link', 'set', name, 'up'],
    ]) {
      assert.is((await one.exec(['ip', ...words])).code, 0)
    }
  }
  await createMember(lab, mirror, two, { holds: packages, sections: { network: ['lan = yes'] } })
  const { node, pacman } = await createMember(lab, mirror, one, {
    sections: { network: ['lan = yes'], mirror: ['delay = 2s'] },
  })
  await node.until('the one in the LAN', (status) => status.peers.length === 1)
  const outcome = await pacman.run(['-Sy', ...packages.map(({ name }) => name)])
  assert.is(outcome.code, 0, outcome.all)
  assert.ok((await node.status()).totals.fromPeers > 700_000)
  const ticks = () => {
    const fields = readFileSync(`/proc/${node.daemons()[0]}/stat`, 'latin1').split(') ').at(-1)!.split(' ')
    return Number(fields[11]) + Number(fields[12])
  }
  const before = ticks()
  await new Promise((resolve) => setTimeout(resolve, 5_000))
  const part = (ticks() - before) / 500
  lab.note(`with 42 interfaces the daemon at rest takes ${(part * 100).toFixed(1)} % of a core`)
  assert.ok(part < 0.1, `${part} of a core`)
})

scenario('a mirror list that is rewritten in the middle of a transaction', async (lab: Lab) => {
  const packages = some('list', 6)
  const [first, second] = [lab.host('first'), lab.host('second')]
  const mirrors = [await createMirror(first), await createMirror(second)]
  for (const mirror of mirrors) mirror.publish('lab', packages)
  const host = lab.host('asker')
  const list = join(host.folder, 'mirrorlist')
  writeFileSync(list, `Server = ${mirrors[0]!.url}/lab\n`)
  const config = join(host.folder, 'pacman.conf')
  const node = createNode(lab, host, config)
  const pacman = createPacman(host, { repositories: {}, options: [`XferCommand = ${node.xferCommand}`] })
  writeFileSync(config, `${readFileSync(config, 'utf8')}[lab]\nInclude = ${list}\n`)
  await node.start()
  await mirrors[0]!.behave([{ path: 'list', bytesPerSecond: 400_000 }])
  const going = pacman.run(['-Sy', ...packages.map(({ name }) => name)])
  await waitFor(
    'the second package',
    async () => (await mirrors[0]!.log()).filter(({ path }) => /list/.test(path)).length >= 2,
  )
  writeFileSync(list, `Server = ${mirrors[1]!.url}/lab\n`)
  mirrors[0]!.stop()
  const broken = await going
  const again = await pacman.run(['-Sy', ...packages.map(({ name }) => name)])
  lab.note(`in the middle: exit ${broken.code}; the next call ${again.seconds.toFixed(1)} s`)
  assert.is(again.code, 0, again.all)
  assert.equal(readdirSync(pacman.cache).sort(), packages.map(({ file }) => file).sort())
})

scenario(
  "pacman 7's sandbox is on: its downloader reaches the daemon",
  async (lab: Lab) => {
    const packages = makePackages([30_000, 400_000, 900_000].map((size, n) => ({ name: `box${n}`, size })))
    const own = inside(trixieFolder(), lab.folder)
    const options = ['DownloadUser = alpm']
    const { asker } = await createPair(lab, packages, {
      byCacheServer: true,
      inside: () => own,
      pacmanOptions: options,
      asker: { mirror: ['delay = 2s'] },
    })
    const outcome = await asker.pacman.run(['--debug', '-Sy', ...packages.map(({ name }) => name)])
    assert.is(outcome.code, 0, outcome.all)
    const lines = outcome.all.split('\n').filter((line) => /landlock|seccomp|sandbox|restricted/i.test(line))
    for (const line of new Set(lines)) lab.note(line)
    const { fromPeers } = (await asker.node.status()).totals
    assert.ok(fromPeers > 1_000_000)
  },
  ['debootstrap'],
)

test.run()
