import { once } from 'node:events'
import net from 'node:net'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { readInPlace } from '../../src/base/in-place.ts'

test('an accepted socket reads into the given buffer, holds back while paused, writes and ends as any', async () => {
  const buffer = Buffer.alloc(64 * 1024)
  const server = net.createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1')
  const [accepted] = (await once(server, 'connection')) as [net.Socket]
  let got = ''
  let heard = () => {}
  const socket = readInPlace(accepted, {
    buffer,
    callback(count, bytes) {
      assert.is(bytes.buffer, buffer.buffer)
      got += Buffer.from(bytes.subarray(0, count)).toString()
      heard()
      return true
    },
  })
  assert.ok(socket)
  const hears = () =>
    new Promise<void>((resolve) => {
      heard = resolve
    })
  client.write('one')
  assert.is(got, '')
  const first = hears()
  socket.resume()
  await first
  assert.is(got, 'one')
  socket.write('two')
  const [answer] = await once(client, 'data')
  assert.is(String(answer), 'two')
  client.end()
  await once(socket, 'close')
  server.close()
  await once(server, 'close')
})

test.run()
