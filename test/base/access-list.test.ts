import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createAccess } from '../../src/base/access-list.ts'
import { cidrList } from '../../src/base/config-values.ts'

test('deny goes before allow, and without allow all are welcome', () => {
  const all = createAccess({ allow: [], deny: cidrList('10.0.0.0/8 2001:db8::/32') })
  assert.ok(all('192.0.2.1:1'))
  assert.not.ok(all('10.1.2.3:1'))
  assert.not.ok(all('[2001:db8::1]:1'))
  const some = createAccess({ allow: cidrList('192.168.0.0/16 fe80::/10'), deny: cidrList('192.168.1.1') })
  assert.ok(some('192.168.1.2:1'))
  assert.not.ok(some('192.168.1.1:1'))
  assert.ok(some('[fe80::1%eth0]:1'))
  assert.not.ok(some('192.0.2.1:1'))
})

test.run()
