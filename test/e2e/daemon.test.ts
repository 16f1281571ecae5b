import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { waitFor } from './commands.ts'
import { scenario } from './lab.ts'
import { createLone } from './lone.ts'
import { fiftyPackages, makePackage } from './packages.ts'
import { assertCache, createPair, install } from './pair.ts'

scenario('a configuration with a mistake: the daemon refuses, a fetch goes on', async (lab) => {
  const { packages, node, server, out } = await createLone(lab)
  const good = readFileSync(node.config, 'utf8')
  const item = packages[0]!
  for (const [section, line, key] of [
    ['network', 'lissten = [::]:8048', 'lissten'],
    ['network', 'ttl = many', 'ttl'],
    ['server', 'listen = 127.0.0.1:99999', 'listen'],
    ['network', 'allow = 300.0.0.0/8', 'allow'],
  ]) {
    const text = good.replace(`[${section}]\n`, `[${section}]\n${line}\n`)
    writeFileSync(node.config, text)
    const number = text.split('\n').indexOf(line!) + 1
    const daemon = await node.run(['daemon'], { timeout: 10 })
    assert.is.not(daemon.code, 0, line)
    assert.ok(daemon.stderr.includes(node.config), daemon.stderr)
    assert.ok(daemon.stderr.includes(key!), daemon.stderr)
    assert.match(daemon.stderr, new RegExp(`\\b${number}\\b`))
    const fetched = await node.run([`${server}/${item.file}`, join(out, 'it')])
    assert.is(fetched.code, 0, fetched.all)
    assert.equal(readFileSync(join(out, 'it')), readFileSync(item.path))
    await node.run(['true'], { inside: ['rm', '-f', join(out, 'it')] })
  }
  const both = good
    .replace('[network]\n', '[network]\nlisten = 127.0.0.1:8049\n')
    .replace('[server]\n', '[server]\nlisten = 127.0.0.1:8049\n')
  writeFileSync(node.config, both)
  const daemon = await node.run(['daemon'], { timeout: 10 })
  assert.is.not(daemon.code, 0)
  const lines = both.split('\n').flatMap((line, n) => (line === 'listen = 127.0.0.1:8049' ? [n + 1] : []))
  assert.is(lines.length, 2)
  for (const number of lines) assert.match(daemon.stderr, new RegExp(`\\b${number}\\b`))
})

scenario(
  'started by root in a folder that its user may not enter, it reads pacman.conf and fetches',
  async (lab) => {
    const { host, node, packages, server, out } = await createLone(lab)
    const folder = join(host.folder, 'closed')
    mkdirSync(folder, { mode: 0o700 })
    const started = host.exec([lab.program, '--config', node.config, 'daemon'], { cwd: folder, timeout: 60 })
    await waitFor('the daemon', async () => (await node.run(['status', '--json'])).code === 0)
    assert.equal((await node.status()).problems, [])
    const fetched = await node.run([`${server}/${packages[2]!.file}`, join(out, 'it')])
    assert.match(fetched.all, /0 B from 0 peers/, 'the daemon fetched it')
    node.signal('SIGTERM')
    assert.is((await started).code, 0)
  },
)

scenario('a port that another program has: one clear line, and no half a daemon stays', async (lab) => {
  const { host, node } = await createLone(lab, {
    network: ['listen = 127.0.0.1:8048'],
    server: ['listen = 127.0.0.1:8049'],
  })
  for (const [section, port] of [
    ['network', 8048],
    ['server', 8049],
  ] as const) {
    const other = host.spawn(['python3', '-m', 'http.server', '--bind', '127.0.0.1', `${port}`])
    await waitFor(
      'the other program',
      async () => (await host.exec(['curl', '-s', `127.0.0.1:${port}`])).code === 0,
    )
    const daemon = await node.run(['daemon'], { timeout: 10 })
    other.kill()
    assert.is(daemon.code, 1, daemon.all)
    assert.is(daemon.stderr.trim().split('\n').length, 1, daemon.stderr)
    assert.ok(daemon.stderr.includes(`[${section}] listen`), daemon.stderr)
    assert.not(existsSync(node.socket), 'its socket is left')
    assert.equal(node.daemons(), [])
  }
})

scenario('a cache with all that may lie about in one', async (lab) => {
  const { host, node, pacman, packages } = await createLone(lab)
  const good = makePackage({ name: 'held', size: 5_000 })
  const script = `
    cp "${good.path}" .
    ln -s /etc/passwd link-1-1-any.pkg.tar.zst
    ln -s /nowhere dangling-1-1-any.pkg.tar.zst
    mkdir folder-1-1-any.pkg.tar.zst download-abcdef
    cp "${good.path}" download-abcdef/inner-1-1-any.pkg.tar.zst
    cp "${good.path}" ${packages[0]!.file}.part
    : > empty-1-1-any.pkg.tar.zst
    cp "${good.path}" secret-1-1-any.pkg.tar.zst; chmod 600 secret-1-1-any.pkg.tar.zst
    mkfifo pipe-1-1-any.pkg.tar.zst
    echo note > README`
  const made = await host.exec(['sh', '-ec', script], { cwd: pacman.cache })
  assert.is(made.code, 0, made.all)
  await node.start()
  await node.until('the one good file', (status) => status.files.count >= 1)
  await host.exec(['sleep', '1'])
  assert.is((await node.status()).files.count, 1)
  await host.exec(['rm', join(pacman.cache, good.file)])
  await node.until('nothing left', (status) => status.files.count === 0)
})

scenario('strangers who send garbage, lies or nothing to the network port', async (lab) => {
  const packages = fiftyPackages().slice(0, 10)
  const pair = await createPair(lab, packages, { asker: { mirror: ['delay = 2s'] } })
  const hostile = lab.host('hostile')
  const to = `/dev/tcp/${pair.holder.host.address}/8048`
  const attacks = [
    `head -c 1000000 /dev/urandom > ${to}`,
    `printf '\\377\\377\\377\\377\\377\\377\\377\\377' > ${to}`,
    `head -c 5000000 /dev/zero > ${to}`,
    `printf 'GET / HTTP/1.1\\r\\n\\r\\n' > ${to}`,
    `for n in $(seq 200); do (exec 3<>${to}; sleep 20) & done`,
  ]
  for (const attack of attacks) await hostile.exec(['bash', '-c', attack], { timeout: 10 })
  const outcome = await pair.asker.pacman.run(install(packages))
  assert.is(outcome.code, 0, outcome.all)
  assertCache(pair.asker.pacman, packages)
  const status = await pair.holder.node.status()
  assert.ok(status.totals.uploaded > 0)
  const log = await pair.mirror.log()
  assert.equal(
    log.map((request) => request.path),
    ['/lab/lab.db'],
  )
})

test.run()
