import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { scenario } from './lab.ts'
import { createLone } from './lone.ts'
import { createMirror } from './mirror.ts'
import { createPacman } from './pacman.ts'

for (const running of [true, false]) {
  const where = running ? 'through the daemon' : 'without a daemon'

  scenario(`any URL ${where}: success and bytes just as curl's`, async (lab) => {
    const { mirror, packages, host, node, server, out } = await createLone(lab, {
      client: ['start = no'],
    })
    if (running) await node.start()
    const [pack, plus] = packages as [(typeof packages)[0], (typeof packages)[0]]
    await mirror.behave([
      { path: 'moved', redirect: `${server}/${pack.file}` },
      { path: 'gone', status: 410 },
    ])
    const urls = [
      `${server}/${pack.file}`,
      `${server}/${plus.file}`,
      `${server}/${plus.file.replaceAll('+', '%2B').replace(':', '%3a')}`,
      `${server}/${pack.file}?token=a%20b&x=/y`,
      `${server}/lab.db`,
      `${server}/lab.db.sig`,
      `${server}/empty`,
      `${server}/moved.pkg.tar.zst`,
      `${server}/gone.pkg.tar.zst`,
      `${server}/missing-1-1-any.pkg.tar.zst`,
      `${server}/%2e%2e/%2e%2e/etc/passwd`,
      `${server}/%zz`,
      `${server}/`,
      `${mirror.url}`,
      `file://${pack.path}`,
      `file://${plus.path}`,
      'file:///nowhere/x-1-1-any.pkg.tar.zst',
      `ftp://127.0.0.1:1/lab/${pack.file}`,
      'http://127.0.0.1:1/x-1-1-any.pkg.tar.zst',
      'http://no-such-host.invalid/x-1-1-any.pkg.tar.zst',
      'gibberish',
      '',
    ]
    for (const url of urls) {
      const [expected, actual] = [join(out, 'by-curl'), join(out, 'by-pacsrv')]
      const curl = await host.exec(['curl', '-sfgL', '-o', expected, url])
      const outcome = await node.run([url, actual])
      assert.is(outcome.code === 0, curl.code === 0, `${url}: curl ${curl.code}, pacsrv ${outcome.all}`)
      assert.is(existsSync(actual), curl.code === 0 && existsSync(expected), `${url}: OUT`)
      if (existsSync(actual)) assert.equal(readFileSync(actual), readFileSync(expected), url)
      if (outcome.code !== 0) assert.match(outcome.stderr, /\S/, `${url}: silent`)
      await host.exec(['rm', '-f', expected, actual])
      assert.equal(readdirSync(out), [], url)
    }
  })

  scenario(`OUT in a folder that isn't there, or that is one, ${where}`, async (lab) => {
    const { packages, node, server, out } = await createLone(lab, { client: ['start = no'] })
    if (running) await node.start()
    const url = `${server}/${packages[0]!.file}`
    for (const target of [join(out, 'nowhere/file'), out]) {
      const outcome = await node.run([url, target])
      assert.is.not(outcome.code, 0)
      assert.ok(outcome.seconds < 3, `${outcome.seconds} s`)
      assert.is(outcome.stderr.trim().split('\n').length, 1, outcome.stderr)
      assert.ok(outcome.stderr.includes(target), outcome.stderr)
    }
    assert.equal(readdirSync(out), [])
  })

  scenario(`SIGINT ends a fetch at once ${where}`, async (lab) => {
    const { mirror, packages, host, node, server, out } = await createLone(lab, {
      client: ['start = no'],
    })
    if (running) await node.start()
    await mirror.behave([{ path: 'large', stallAfter: 500_000 }])
    const target = join(out, 'large')
    const child = host.spawn(
      [lab.program, '--config', node.config, `${server}/${packages[2]!.file}`, target],
      { detached: true, stdio: ['ignore', 'ignore', 'ignore'] },
    )
    await host.exec(['sleep', '1.5'])
    assert.is(child.exitCode, null)
    const begin = performance.now()
    const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)))
    process.kill(-child.pid!, 'SIGINT')
    assert.is.not(await ended, 0)
    const ms = performance.now() - begin
    lab.note(`SIGINT ${where}: gone after ${ms.toFixed(0)} ms`)
    assert.ok(ms < 1_000, `${ms} ms`)
    assert.equal(readdirSync(out), [])
  })
}

scenario(
  "bytes of the mirror that the database doesn't promise: another mirror, or no file at all",
  async (lab) => {
    const { mirror, packages, host, node, pacman, server, out } = await createLone(lab)
    await node.start()
    const large = packages[2]!
    const url = `${server}/${large.file}`
    await mirror.behave([{ path: `/lab/${large.file}`, corruptAt: 2_000_000 }])
    const alone = await node.run([url, join(out, 'large')])
    assert.is.not(alone.code, 0)
    assert.equal(readdirSync(out), [])

    const honest = await createMirror(lab.host('honest'))
    honest.publish('lab', packages)
    createPacman(host, {
      repositories: { lab: [server, `${honest.url}/lab`] },
      options: [`XferCommand = ${node.xferCommand}`],
    })
    const installed = await pacman.run(['-Sy', 'large'])
    assert.is(installed.code, 0, installed.all)
    assert.equal(readFileSync(join(pacman.cache, large.file)), readFileSync(large.path))
  },
)

test.run()
