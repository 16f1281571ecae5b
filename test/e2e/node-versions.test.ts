import { readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { BARE_ENVIRONMENT } from './commands.ts'
import { type Lab, scenario, whyNoLab } from './lab.ts'
import { createMember, directTo } from './member.ts'
import { createMirror } from './mirror.ts'
import { nodeFolder } from './node-versions.ts'
import { makePackage } from './packages.ts'

/** Beside the oldest that package.json allows, with which all other tests run. */
for (const major of [22, 24]) {
  const name = `the built program runs by Node ${major}: two daemons, a front, a package from one to the other`
  const folder = whyNoLab([]) === undefined ? nodeFolder(major) : undefined
  if (folder) scenario(name, (lab) => fetchBy(lab, folder))
  else {
    console.log(`skipped: ${name}: it can't be had from npm here`)
    test.skip(name, () => {})
  }
}

async function fetchBy(lab: Lab, folder: string): Promise<void> {
  const env = { PATH: `${folder}:${BARE_ENVIRONMENT.PATH}` }
  const mirror = await createMirror(lab.host('mirror'))
  const item = makePackage({ name: 'pack', size: 1_500_000 })
  mirror.publish('lab', [item])
  const holder = await createMember(lab, mirror, lab.host('holder'), { env, holds: [item] })
  const sections = directTo(holder.host)
  const asker = await createMember(lab, mirror, lab.host('asker'), { env, sections })
  await asker.node.until('a connection to the holder', ({ peers }) => peers.length === 1)
  for (const { node } of [holder, asker]) {
    assert.is(node.daemons().length, 1)
    for (const pid of node.daemons()) assert.is(readlinkSync(`/proc/${pid}/exe`), join(folder, 'node'))
  }

  const out = join(asker.host.folder, 'it')
  const fetched = await asker.node.run([`${mirror.url}/lab/${item.file}`, out], { env })
  assert.is(fetched.code, 0, fetched.all)
  assert.equal(readFileSync(out), readFileSync(item.path))
  const { totals } = await asker.node.status()
  assert.is(totals.fromPeers, item.size)
  const found = await asker.node.run(['find', 'pack'], { env })
  assert.match(found.stdout, '1 node has it', found.all)
}

test.run()
