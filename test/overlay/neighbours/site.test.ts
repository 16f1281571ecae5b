import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { isNear } from '../../../src/base/address.ts'
import { createSite } from '../../../src/overlay/neighbours/site.ts'

const at = (remote: string, id = 'a') => ({ id, near: isNear(remote) })

test('who is in the local network is a companion, who is elsewhere in the world is none', () => {
  const { isCompanion } = createSite({ closed: false, isDirect: () => false })
  assert.ok(isCompanion(at('192.168.1.2:8048')))
  assert.ok(isCompanion(at('[fe80::1%eth0]:8048')))
  assert.not.ok(isCompanion(at('198.51.100.2:8048')))
})

test('who is named in [direct] is one wherever it stands, for as long as it is', () => {
  const direct = new Set(['a'])
  const { isCompanion } = createSite({ closed: false, isDirect: (id) => direct.has(id) })
  const session = at('198.51.100.2:8048')
  assert.ok(isCompanion(session))
  assert.not.ok(isCompanion(at('198.51.100.2:8048', 'b')))
  direct.delete('a')
  assert.not.ok(isCompanion(session))
})

test('in a closed network all are', () => {
  const { isCompanion } = createSite({ closed: true, isDirect: () => false })
  assert.ok(isCompanion(at('198.51.100.2:8048')))
})

test.run()
