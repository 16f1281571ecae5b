/** Faults of the machine itself, and a hotspot's page: each was once worse with pacsrv than without. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { must } from './commands.ts'
import { type Lab, scenario } from './lab.ts'
import { createLone } from './lone.ts'
import { makePackages } from './packages.ts'
import { CACHE_SERVER, createPacman } from './pacman.ts'
import { CURL, createPair } from './pair.ts'
import { inside, trixieFolder } from './trixie.ts'

const some = (name: string, count: number) =>
  makePackages(Array.from({ length: count }, (_, n) => ({ name: `${name}${n}`, size: 30_000 + n })))

for (const [what, rule] of [
  ["a hotspot's page", { page: '<html>Please log in.</html>' }],
  ['wrong bytes', { corruptAt: 5_000 }],
] as const) {
  scenario(
    `${what} in a package's place, and nobody else has it: exit 1, a sentence, no file, at once`,
    async (lab: Lab) => {
      const { mirror, packages, node, server, out } = await createLone(lab)
      await node.start()
      await mirror.behave([{ match: '\\.pkg', ...rule }])
      const outcome = await node.run([`${server}/${packages[0]!.file}`, join(out, 'pack.part')])
      lab.note(`${what}: exit ${outcome.code} after ${outcome.seconds.toFixed(2)} s: ${outcome.all.trim()}`)
      assert.equal(readdirSync(out), [])
      assert.is(outcome.code, 1)
      assert.match(outcome.stderr, /no mirror has what the sync database promises/)
      assert.ok(outcome.seconds < 2, `${outcome.seconds} s`)
    },
  )
}

scenario(
  'a mirror list that becomes readable to root only: a good configuration stays, a bad one is read again, check says so',
  async (lab: Lab) => {
    const packages = some('list', 3)
    const sync = join(lab.folder, 'asker/pacman/db/sync')
    let list = ''
    const { asker } = await createPair(lab, packages, {
      asker: { daemon: [`sync-dir = ${sync}`], mirror: ['delay = 2s'] },
      prepare(_, { host, pacman }) {
        const text = readFileSync(pacman.config, 'utf8')
        list = join(host.folder, 'mirrorlist')
        writeFileSync(list, text.slice(text.indexOf('Server = ')))
        writeFileSync(pacman.config, text.replace(/^Server = .*$/m, `Include = ${list}`))
      },
    })
    const { node, pacman } = asker
    const fetch = async (what: string) => {
      rmSync(pacman.cache, { recursive: true })
      mkdirSync(pacman.cache)
      const before = (await node.status()).totals.fromPeers
      const outcome = await pacman.run(['-Syw', ...packages.map(({ name }) => name)])
      assert.is(outcome.code, 0, `${what}: ${outcome.all}`)
      const fromPeers = (await node.status()).totals.fromPeers - before
      rmSync(node.spool, { recursive: true })
      mkdirSync(node.spool)
      must('chown', 'nobody:', node.spool)
      lab.note(`${what}: ${fromPeers} bytes from peers`)
      return fromPeers
    }
    chmodSync(list, 0o600)
    const check = await node.run(['check'])
    assert.match(check.all, list)
    assert.ok((await fetch('closed while the daemon runs')) > 60_000)

    node.signal('SIGTERM')
    await node.start()
    await node.until('the holder again', (status) => status.peers.length === 1)
    await fetch('closed before the daemon started')
    chmodSync(list, 0o644)
    await new Promise((resolve) => setTimeout(resolve, 6_000))
    assert.ok((await fetch('mended 6 s ago')) > 60_000)
  },
)

scenario(
  'an ordinary user under fakeroot, databases of their own, no daemon: as quick as curl',
  async (lab: Lab) => {
    const { mirror, host, node, pacman } = await createLone(lab)
    const packages = some('user', 5)
    mirror.publish('lab', packages)
    const own = join(host.folder, 'own')
    mkdirSync(join(own, 'cache'), { recursive: true })
    must('chown', '-R', 'games:', own)
    const run = async (option: string) => {
      createPacman(host, { repositories: { lab: [`${mirror.url}/lab`] }, options: [option] })
      const words = ['--dbpath', own, '--cachedir', join(own, 'cache'), '--logfile', '/dev/null']
      const outcome = await host.exec(
        [
          ...['setpriv', '--reuid', 'games', '--clear-groups', 'fakeroot', '--', 'pacman'],
          ...['--config', pacman.config, '--noconfirm', ...words],
          ...['-Syw', ...packages.map(({ name }) => name)],
        ],
        { cwd: '/' },
      )
      assert.is(outcome.code, 0, outcome.all)
      assert.is(readdirSync(join(own, 'cache')).length, packages.length)
      rmSync(join(own, 'cache'), { recursive: true })
      mkdirSync(join(own, 'cache'))
      must('chown', 'games:', join(own, 'cache'))
      return outcome.seconds
    }
    const [curl, pacsrv] = [await run(CURL), await run(`XferCommand = ${node.xferCommand}`)]
    lab.note(`5 files: curl ${curl.toFixed(2)} s, pacsrv ${pacsrv.toFixed(2)} s`)
    assert.ok(pacsrv < curl + 1.5, `${pacsrv} s, curl ${curl} s`)
  },
  ['fakeroot'],
)

for (const [why, daemon] of [
  ['its user is missing', (_: string) => ['user = nobody-of-that-name']],
  ["a folder that isn't its own", (folder: string) => [`state-dir = ${folder}`]],
] as const) {
  scenario(`root, and no daemon can start (${why}): it costs one try, not one a file`, async (lab: Lab) => {
    const closed = join(lab.folder, 'closed')
    mkdirSync(closed, { mode: 0o700 })
    const { mirror, host, node } = await createLone(lab, { daemon: daemon(closed) })
    const packages = some('vain', 6)
    mirror.publish('lab', packages)
    const repositories = { lab: [`${mirror.url}/lab`] }
    const run = async (option: string) => {
      const pacman = createPacman(host, { repositories, options: [option] })
      rmSync(pacman.cache, { recursive: true })
      const outcome = await pacman.run(['-Syw', ...packages.map(({ name }) => name)])
      assert.is(outcome.code, 0, outcome.all)
      return outcome.seconds
    }
    const [curl, pacsrv] = [await run(CURL), await run(`XferCommand = ${node.xferCommand}`)]
    lab.note(`6 files, ${why}: curl ${curl.toFixed(2)} s, pacsrv ${pacsrv.toFixed(2)} s`)
    assert.ok(pacsrv < curl + 3, `${pacsrv} s, curl ${curl} s`)
  })
}

for (const running of [true, false]) {
  const how = running ? 'through the daemon' : 'without one'
  scenario(`a name of 248 bytes, ${how}`, async (lab: Lab) => {
    const { mirror, node, server, out } = await createLone(lab, { client: ['start = no'] })
    if (running) await node.start()
    const long = `${'n'.repeat(248 - '-1-1-any.pkg.tar.zst'.length)}-1-1-any.pkg.tar.zst`
    writeFileSync(join(mirror.folder, 'lab', long), 'of a long name')
    const named = await node.run([`${server}/${long}`, join(out, `${long}.part`)])
    assert.is(named.code, 0, named.all)
    assert.is(readFileSync(join(out, `${long}.part`), 'utf8'), 'of a long name')
  })

  scenario(`a full cache folder, ${how}: it is said so`, async (lab: Lab) => {
    const { packages, node, server, out } = await createLone(lab, { client: ['start = no'] })
    if (running) await node.start()
    lab.mount(out, '-t', 'tmpfs', '-o', 'size=2m', 'none')
    const full = await node.run([`${server}/${packages[2]!.file}`, join(out, 'large.part')])
    lab.note(full.all.trim())
    assert.is.not(full.code, 0)
    assert.match(full.stderr, /no (space|room) (is )?left (on|in) .*\/out/)
    assert.equal(readdirSync(out), [])
  })
}

scenario(
  "a proxy in pacman's environment that is asked for this machine too: check says so",
  async (lab: Lab) => {
    const { host, node, mirror } = await createLone(lab)
    await node.start()
    createPacman(host, { repositories: { lab: [`${mirror.url}/lab`] }, cacheServer: CACHE_SERVER })
    const own = inside(trixieFolder(), lab.folder)
    const http_proxy = 'http://proxy.example:3128'
    const without = await node.run(['check'], { inside: own, env: { http_proxy, no_proxy: '127.0.0.1' } })
    assert.not.match(without.all, /http_proxy/)
    const found = await node.run(['check'], { inside: own, env: { http_proxy } })
    lab.note(found.all.trim().split('\n').slice(-2).join(' / '))
    assert.is(found.code, 1)
    assert.match(found.all, /asks the proxy in http_proxy for 127\.0\.0\.1 too/)
    assert.match(found.all, /set no_proxy=127\.0\.0\.1/)
  },
  ['debootstrap'],
)

test.run()
