import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { waitFor } from './commands.ts'
import { type Lab, scenario } from './lab.ts'
import { createLone } from './lone.ts'
import type { Rule } from './mirror.ts'
import { createPacman } from './pacman.ts'
import { inside, trixieFolder } from './trixie.ts'

/** Where Ctrl-C comes, by what the mirror has been asked for by then and how it treats it. */
const STAGES: { name: string; rules: Rule[]; until: string }[] = [
  { name: 'a database', rules: [{ path: 'lab.db', stallAfter: 100 }], until: 'lab.db' },
  {
    name: 'the first package, with others read ahead',
    rules: [
      { path: 'large', stallAfter: 100_000 },
      { path: 'pack-', bytesPerSecond: 50_000 },
      { path: 'lib+c++', bytesPerSecond: 10_000 },
    ],
    until: 'pack-',
  },
  { name: 'the middle of a package', rules: [{ path: 'large', stallAfter: 500_000 }], until: 'large' },
  { name: 'before the first byte', rules: [{ path: '.zst', delay: 60_000 }], until: '.zst' },
]

async function interrupted(lab: Lab, words: string[] = [], options: string[] = []) {
  const { mirror, packages, host, node, server } = await createLone(lab)
  const pacman = createPacman(host, {
    repositories: { lab: [server] },
    options: [`XferCommand = ${node.xferCommand}`, ...options],
    inside: words,
  })
  await node.start()
  const operation = ['-Syyw', 'large', 'pack', 'lib+c++']
  const partial = () =>
    readdirSync(pacman.cache, { recursive: true, encoding: 'utf8' })
      .concat(readdirSync(pacman.sync, { recursive: true, encoding: 'utf8' }))
      .filter((name) => /\.\d+\.(answer\.)?part$/.test(name))

  /** Else the next stage would be given what this one has left, or wait with it for a mirror that is stuck. */
  async function forget() {
    node.signal('SIGTERM')
    await waitFor('the end of the daemon', () => node.daemons().length === 0)
    for (const name of readdirSync(node.spool)) rmSync(join(node.spool, name), { recursive: true })
    await node.start()
  }

  for (const { name, rules, until } of STAGES) {
    await mirror.clearLog()
    await mirror.behave(rules)
    const child = host.spawn([...words, 'pacman', '--config', pacman.config, '--noconfirm', ...operation], {
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore'],
    })
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    await waitFor(`${name}: the mirror asked`, async () =>
      (await mirror.log()).some(({ path }) => path.includes(until)),
    )
    const begin = performance.now()
    process.kill(-child.pid!, 'SIGINT')
    await ended
    const seconds = (performance.now() - begin) / 1000
    lab.note(`Ctrl-C, ${name}: gone after ${seconds.toFixed(2)} s`)
    assert.ok(seconds < 8, `${name}: ${seconds} s`)
    await waitFor(`${name}: nobody left`, () => host.pids('pacsrv-xfer', '://').length === 0, 3)
    assert.equal(partial(), [], name)
    assert.is(node.daemons().length, 1, name)
    await forget()
  }

  await mirror.behave([])
  const outcome = await pacman.run(operation)
  assert.is(outcome.code, 0, outcome.all)
  for (const item of packages)
    assert.ok(readFileSync(join(pacman.cache, item.file)).equals(readFileSync(item.path)), item.file)
}

/** The transaction is read ahead by a pacman that never answers; `end` is how the one that it is for ends. */
async function interruptedAhead(lab: Lab, end: (pid: number) => void) {
  const { host, node, pacman, mirror } = await createLone(lab)
  const bin = join(host.folder, 'bin')
  mkdirSync(bin)
  writeFileSync(join(bin, 'pacman'), '#!/bin/sh\nexec sleep 31\n', { mode: 0o755 })
  await node.start()
  await mirror.behave([{ path: '.zst', delay: 60_000 }])
  const env = { PATH: `${bin}:${process.env.PATH}` } as NodeJS.ProcessEnv
  const words = ['--config', pacman.config, '--noconfirm', '-Sw', 'large', 'pack', 'lib+c++']
  const child = host.spawn(['/usr/bin/pacman', ...words], { env, detached: true })
  const ended = once(child, 'exit')
  const readers = () => [host.pids('sleep 31'), host.pids('ahead.cjs')]
  await waitFor('pacman asked', () => readers().every((pids) => pids.length === 1))
  end(child.pid!)
  await ended
  await waitFor('nobody reads ahead', () => readers().flat().length === 0, 3)
  return { host, pacman }
}

scenario('Ctrl-C while Node reads ahead: no child and no temporary file is left', async (lab) => {
  const { host, pacman } = await interruptedAhead(lab, (pid) => process.kill(-pid, 'SIGINT'))
  await waitFor('no front is left', () => host.pids('pacsrv-xfer', '://').length === 0, 3)
  assert.equal(
    readdirSync(pacman.cache).filter((name) => /\.\d+\.(answer\.)?part$/.test(name)),
    [],
  )
})
scenario(
  'pacman alone is killed while Node reads ahead: Node and the pacman that it asks end with it',
  async (lab) => {
    await interruptedAhead(lab, (pid) => process.kill(pid, 'SIGKILL'))
  },
)

scenario('pacman 6, Ctrl-C at every stage, and all is well the next time', (lab) => interrupted(lab))
scenario(
  'pacman 7 with DownloadUser, Ctrl-C at every stage, and all is well the next time',
  (lab) => interrupted(lab, inside(trixieFolder(), lab.folder), ['DownloadUser = alpm']),
  ['debootstrap'],
)

test.run()
