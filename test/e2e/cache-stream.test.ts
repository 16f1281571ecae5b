/** What a CacheServer gives of a file while it comes. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { byteTimes } from './byte-times.ts'
import { scenario } from './lab.ts'
import { createMember, directTo } from './member.ts'
import { createMirror } from './mirror.ts'
import { makePackage } from './packages.ts'
import { packageRequests } from './pair.ts'

scenario(
  'CacheServer: what a mirror gives leaves as it comes, to any number at once, and once from the mirror',
  async (lab) => {
    const item = makePackage({ name: 'large', size: 10_000_000 })
    const mirror = await createMirror(lab.host('mirror', { rate: '20mbit' }))
    mirror.publish('lab', [item])
    const [one, other] = [lab.host('one'), lab.host('other')]
    // A neighbour of the site, so that it is worth fetching here, and has nothing.
    await createMember(lab, mirror, other)
    const { node } = await createMember(lab, mirror, one, { sections: directTo(other) })
    await node.until('its neighbour', (status) => status.peers.length === 1)
    await mirror.clearLog()
    const url = `http://127.0.0.1:8049/lab/x86_64/${item.file}`
    const all = await Promise.all([byteTimes(one, url), byteTimes(one, url), byteTimes(one, url)])
    for (const came of all) {
      lab.note(
        `first byte after ${came.first.toFixed(0)} ms, half the time ${(came.by(came.last / 2) / 1e6).toFixed(1)} MB, ` +
          `all ${(came.bytes / 1e6).toFixed(1)} MB after ${came.last.toFixed(0)} ms`,
      )
      assert.is(came.status, 200)
      assert.is(came.sha256, item.sha256)
      assert.ok(came.first < came.last / 4, `the first byte after ${came.first} of ${came.last} ms`)
      assert.ok(came.by(came.last / 2) > item.size / 4, `${came.by(came.last / 2)} bytes in half the time`)
    }
    const drawn = packageRequests(await mirror.log()).reduce((bytes, { bytes: more }) => bytes + more, 0)
    assert.ok(drawn <= item.size * 1.02, `${drawn} bytes from the mirror`)
  },
)

test.run()
