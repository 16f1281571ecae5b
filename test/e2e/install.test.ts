import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Lab, scenario } from './lab.ts'
import { fiftyPackages } from './packages.ts'
import { assertCache, createPair, install, type PairOptions, secondsByCurl } from './pair.ts'
import { inside, trixieFolder } from './trixie.ts'

async function installFromHolder(lab: Lab, name: string, options: PairOptions = {}) {
  // On a machine too busy to answer within the default's 200 ms, the mirror would rightly help out.
  const pair = await createPair(lab, fiftyPackages(), { asker: { mirror: ['delay = 2s'] }, ...options })
  const { asker, holder, mirror, packages } = pair
  const outcome = await asker.pacman.run(install(packages))
  assert.is(outcome.code, 0, outcome.all)
  const bytes = packages.reduce((sum, item) => sum + item.size, 0)
  const log = await mirror.log()
  const plain = await secondsByCurl(lab, pair)
  lab.note(
    `${name}: 50 packages, ${bytes} bytes from the holder: ${outcome.seconds.toFixed(2)} s, ` +
      `${outcome.cpuSeconds.toFixed(2)} s of CPU (pacman 6, curl and the mirror: ${plain.toFixed(2)} s)`,
  )
  assertCache(asker.pacman, packages)
  for (const item of packages) {
    assert.ok(existsSync(join(asker.pacman.root, 'usr/share', item.name, 'payload')), item.name)
  }
  assert.equal(
    log.map((request) => request.path),
    ['/lab/lab.db'],
  )
  const { totals } = await asker.node.status()
  assert.is(totals.fromPeers, bytes)
  assert.is(totals.fromMirror, 0)
  assert.is(totals.rejected, 0)
  assert.ok((await holder.node.status()).totals.uploaded >= bytes)
}

scenario('pacman 6 installs 50 packages from the holder', (lab) => installFromHolder(lab, 'pacman 6'))

const seven = { inside: (lab: Lab) => inside(trixieFolder(), lab.folder) }
scenario(
  'pacman 7 installs 50 packages from the holder',
  (lab) => installFromHolder(lab, 'pacman 7', seven),
  ['debootstrap'],
)
scenario(
  'pacman 7 does so with DownloadUser = alpm',
  (lab) => installFromHolder(lab, 'pacman 7 as alpm', { ...seven, pacmanOptions: ['DownloadUser = alpm'] }),
  ['debootstrap'],
)

test.run()
