/** One `pacman -Syu` that crosses all at once, and what a dead mirror costs. */
import { chmodSync, copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { installedSystem } from './installed.ts'
import { scenario } from './lab.ts'
import { createLone } from './lone.ts'
import { createMember, directTo } from './member.ts'
import { createMirror } from './mirror.ts'
import { createNode } from './node.ts'
import { fillCache, makePackage, makePackages, type Package } from './packages.ts'
import { createPacman } from './pacman.ts'
import { sign, trust } from './signing.ts'

/** Nobody has this address: what is sent there is lost, and after 3 s the kernel says so. */
const NOBODY = 'http://10.77.0.250:8080'

const inVersion = (version: string) =>
  makePackages([
    { name: 'held-small', version, size: 3_000 },
    { name: 'held++', version: `1:${version}`, size: 400_000 },
    { name: 'held-large', version, size: 3_000_000 },
    { name: 'mirror-small', version, size: 5_000 },
    { name: 'mirror-large', version, size: 1_500_000 },
  ])

/** What runs `program` and notes in `file` for what: pacman asks again, after two seconds, only when it failed. */
const counting = (file: string, program: string) =>
  `/bin/sh -c 'echo "\${1##*/}" >>"${file}"; exec "${program}" "$@"' sh`

scenario(
  'pacman -Syu across all of it: databases old and new, signatures, reading ahead, a dead mirror, a holder, the hook',
  async (lab) => {
    const [before, after] = [inVersion('1-1'), inVersion('2-1')]
    const extra = makePackage({ name: 'extra', version: '2-1', size: 60_000 })
    const held = after.filter(({ name }) => name.startsWith('held'))
    const wanted: Package[] = [...after, extra]

    const mirror = await createMirror(lab.host('mirror'))
    const publish = (name: string, packages: Package[]) => {
      mirror.publish(name, packages)
      for (const path of sign(packages))
        copyFileSync(path, join(mirror.folder, name, path.split('/').at(-1)!))
    }
    const counter = join(lab.folder, 'calls')
    writeFileSync(counter, '')
    chmodSync(counter, 0o666)
    const counted = () => readFileSync(counter, 'utf8').trim().split('\n')
    publish('lab', before)
    publish('more', [extra])

    const host = lab.host('asker')
    const holder = lab.host('holder')
    const node = createNode(lab, host, join(host.folder, 'pacman.conf'), {
      ...directTo(holder),
      mirror: ['delay = 2s'],
    })
    const pacman = createPacman(host, {
      repositories: {
        lab: [`${NOBODY}/lab`, `${mirror.url}/lab`],
        more: [`${NOBODY}/more`, `${mirror.url}/more`],
      },
      options: [
        `XferCommand = ${counting(counter, '/usr/bin/pacsrv-xfer')} %u %o`,
        'DownloadUser = alpm',
        'SigLevel = PackageRequired DatabaseOptional',
        'LocalFileSigLevel = Never',
      ],
      inside: installedSystem(lab, node.config),
      root: '/',
    })
    trust(join(host.folder, 'pacman/gpg'))
    const old = [...before, makePackage({ name: 'extra', version: '1-1', size: 60_000 })]
    const shelf = join(lab.folder, 'old')
    fillCache(shelf, old)
    const installed = await pacman.run(['-U', ...old.map(({ file }) => join(shelf, file))])
    assert.is(installed.code, 0, installed.all)
    await node.start()
    const first = await pacman.run(['-Sy'])
    assert.is(first.code, 0, first.all)
    publish('lab', after)
    await createMember(lab, mirror, holder, { holds: held })
    await node.until('a connection to the holder', (status) => status.peers.length === 1)
    await mirror.clearLog()

    writeFileSync(counter, '')
    const outcome = await pacman.run(['-Syu'])
    lab.note(`pacman -Syu of ${wanted.length} packages: ${outcome.seconds.toFixed(1)} s`)
    assert.is(outcome.code, 0, outcome.all)
    assert.match(outcome.all, 'Telling pacsrv of new packages')
    assert.match(
      outcome.all,
      /^pacsrv: 6 packages, 4\.\d MiB: \d+ % from 1 peer, \d+ % from the mirror, in [\d.]+ s\.$/m,
    )
    const asked = await pacman.run(['-Q'])
    for (const { name, version, file, path } of wanted) {
      assert.ok(asked.stdout.includes(`${name} ${version}\n`), `${name}: ${asked.stdout}`)
      assert.ok(readFileSync(join(pacman.cache, file)).equals(readFileSync(path)), file)
      assert.ok(existsSync(join(pacman.cache, `${file}.sig`)), `${file}.sig`)
    }
    const log = await mirror.log()
    const answers = (name: string) =>
      log.filter(({ path }) => path.endsWith(`/${name}`)).map(({ status }) => status)
    assert.equal(answers('lab.db'), [200])
    assert.equal(answers('more.db'), [304])
    assert.equal([answers('lab.db.sig'), answers('more.db.sig')], [[404], [404]])
    const { totals, files } = await node.status()
    // On a busy machine the mirror rightly lends a hand.
    assert.ok(totals.fromPeers > 0, 'the holder gave nothing')
    assert.equal(counted(), [...new Set(counted())], 'each file in one call: no failure, no two seconds')
    assert.ok(totals.fromMirror > 1_500_000)
    assert.is(totals.rejected, 0)
    await node.until('all of it offered', (status) => status.files.count === wanted.length)
    assert.ok(files.count <= wanted.length)
  },
  ['debootstrap'],
)

for (const [daemon, dead] of [
  ['with the daemon', NOBODY],
  ['without one', 'http://127.0.0.1:1'],
] as const) {
  scenario(`pacman 6 ${daemon}: a dead first mirror costs no two seconds a file`, async (lab) => {
    const { packages, host, node, server } = await createLone(lab, { client: ['start = no'] })
    const counter = join(host.folder, 'calls')
    const program = `${lab.program}" --config "${node.config}`
    const pacman = createPacman(host, {
      repositories: { lab: [`${dead}/lab`, server] },
      options: [`XferCommand = ${counting(counter, program)} %u %o`],
    })
    if (daemon === 'with the daemon') await node.start()
    const outcome = await pacman.run(['-Syyw', ...packages.map(({ name }) => name)])
    lab.note(`four files with a dead first mirror, ${daemon}: ${outcome.seconds.toFixed(1)} s`)
    assert.is(outcome.code, 0, outcome.all)
    for (const { file, path } of packages)
      assert.ok(readFileSync(join(pacman.cache, file)).equals(readFileSync(path)), file)
    assert.not.match(outcome.all, 'error:', 'what was mended is no news')
    const calls = readFileSync(counter, 'utf8').trim().split('\n')
    assert.equal(
      calls.sort(),
      ['lab.db', ...packages.map(({ file }) => file)].sort(),
      'one call for each file',
    )
  })
}

test.run()
