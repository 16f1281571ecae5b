/** The one line that pacman's user sees where packages came through pacsrv, and when there is none. */
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { waitFor } from './commands.ts'
import { installedSystem } from './installed.ts'
import { type Lab, scenario } from './lab.ts'
import { createMember, directTo } from './member.ts'
import { createMirror } from './mirror.ts'
import { createNode } from './node.ts'
import { makePackages } from './packages.ts'
import { CACHE_SERVER, createPacman } from './pacman.ts'

const SUMMARY = /^pacsrv: .*$/gm
const packages = makePackages([
  { name: 'one', size: 400_000 },
  { name: 'two', size: 2_000_000 },
  { name: 'three', size: 30_000 },
])

async function told(lab: Lab, way: 'XferCommand' | 'CacheServer') {
  const mirror = await createMirror(lab.host('mirror'))
  mirror.publish('lab', packages)
  const host = lab.host('asker')
  const holder = lab.host('holder')
  const node = createNode(lab, host, join(host.folder, 'pacman.conf'), {
    ...directTo(holder),
    mirror: ['delay = 5s'],
  })
  const pacman = createPacman(host, {
    repositories: { lab: [`${mirror.url}/lab`] },
    inside: installedSystem(lab, node.config),
    root: '/',
    ...(way === 'XferCommand'
      ? { options: ['XferCommand = /usr/bin/pacsrv-xfer %u %o', 'DownloadUser = alpm'] }
      : { cacheServer: CACHE_SERVER, options: ['DownloadUser = alpm'] }),
  })
  const run = async (...words: string[]) => {
    const outcome = await pacman.run(words)
    assert.is(outcome.code, 0, outcome.all)
    return outcome.all.match(SUMMARY) ?? []
  }
  await createMember(lab, mirror, holder, { holds: packages.slice(0, 2) })
  await node.start()
  await node.until('the holder', ({ peers }) => peers.length === 1)

  const lines = await run('-Sy', 'one', 'two')
  assert.is(lines.length, 1, lines.join())
  lab.note(lines[0]!)
  assert.match(
    lines[0]!,
    /^pacsrv: 2 packages, 2\.\d MiB: (?:all|\d+ %) from 1 peer(?:, \d+ % from the mirror)?, in [\d.]+ s\.$/,
  )

  // All of it lies in pacman's cache: nothing is fetched, so nothing is said.
  assert.equal(await run('-S', 'one', 'two'), [])

  // Fetched by a transaction before, which ran no hook; then asked for again.
  await run('-Sw', 'three')
  for (const name of readdirSync(pacman.cache)) rmSync(join(pacman.cache, name), { recursive: true })
  await node.until('an empty cache', ({ files }) => files.count === 0)
  const later = await run('-S', 'three')
  if (way === 'XferCommand') assert.match(later.join(), /^pacsrv: 1 package, 29\.\d KiB: all from /)
  else assert.ok(later.length <= 1, later.join())

  node.signal('SIGSTOP')
  const stopped = await pacman.run(['-S', 'one'])
  assert.is(stopped.code, 0, stopped.all)
  assert.not.match(stopped.all, SUMMARY)
  node.signal('SIGKILL')
  await waitFor('its end', () => node.daemons().length === 0)
  assert.equal(await run('-S', 'two'), [])
}

for (const way of ['XferCommand', 'CacheServer'] as const) {
  scenario(`the summary of a transaction by ${way}`, (lab) => told(lab, way), ['debootstrap'])
}

test.run()
