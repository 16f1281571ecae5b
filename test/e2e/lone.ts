import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import type { Lab } from './lab.ts'
import { createMirror } from './mirror.ts'
import { createNode, type Sections } from './node.ts'
import { makePackage } from './packages.ts'
import { createPacman } from './pacman.ts'

/** A mirror and a lone node with the databases, its daemon not started; files go to `out`. */
export async function createLone(lab: Lab, sections: Sections = {}) {
  const mirror = await createMirror(lab.host('mirror'))
  const packages = [
    makePackage({ name: 'pack', size: 200_000 }),
    makePackage({ name: 'lib+c++', version: '1:2.0~rc1-1', size: 30_000 }),
    makePackage({ name: 'large', size: 3_000_000 }),
  ]
  mirror.publish('lab', packages)
  writeFileSync(join(mirror.folder, 'lab/empty'), '')
  const host = lab.host('lone')
  const server = `${mirror.url}/lab`
  const node = createNode(lab, host, join(host.folder, 'pacman.conf'), sections)
  const pacman = createPacman(host, {
    repositories: { lab: [server] },
    options: [`XferCommand = ${node.xferCommand}`],
  })
  const out = join(host.folder, 'out')
  mkdirSync(out)
  const synced = await host.exec(['curl', '-sf', '-o', join(pacman.sync, 'lab.db'), `${server}/lab.db`])
  assert.is(synced.code, 0)
  return { mirror, packages, host, node, pacman, server, out }
}
