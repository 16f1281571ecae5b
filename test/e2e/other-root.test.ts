/** A pacman that installs somewhere else, as pacstrap has it do: its databases are only there. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Lab, scenario } from './lab.ts'
import { makePackages } from './packages.ts'
import { createPair } from './pair.ts'

for (const [how, before] of [
  ['by itself', []],
  ['in a pid namespace of its own, as pacstrap', ['unshare', '--fork', '--pid']],
] as const) {
  scenario(`pacman -r NEW ${how}: peers give by the databases there`, async (lab: Lab) => {
    const packages = makePackages([900, 400_000, 900_000].map((size, n) => ({ name: `far${n}`, size })))
    const { asker } = await createPair(lab, packages, { asker: { mirror: ['delay = 2s'] } })
    const root = join(asker.host.folder, 'new')
    const db = join(root, 'var/lib/pacman')
    mkdirSync(db, { recursive: true })
    const outcome = await asker.host.exec([
      ...before,
      ...['pacman', '-r', root, '--dbpath', db, '--config', asker.pacman.config],
      ...['--noconfirm', '-Sy', ...packages.map(({ name }) => name)],
    ])
    assert.is(outcome.code, 0, outcome.all)
    const { fromPeers, fromMirror } = (await asker.node.status()).totals
    lab.note(`${fromPeers} bytes from the peer, ${fromMirror} from the mirror`)
    assert.ok(fromPeers > 1_000_000, `${fromPeers} from peers, ${fromMirror} from the mirror: ${outcome.all}`)
  })
}

test.run()
