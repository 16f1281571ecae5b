import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { scenario } from './lab.ts'
import { createLone } from './lone.ts'

/** A proxy that takes connections and says nothing, for as long as a scenario takes. */
const SINK =
  'require("net").createServer(() => {}).listen(8999, "127.0.0.1"); setTimeout(() => process.exit(), 9000)'

scenario(
  'a local user’s hanging proxy: root’s pacman has its file from the daemon all the same',
  async (lab) => {
    const { packages, host, node, server, out } = await createLone(lab)
    const item = packages.find(({ name }) => name === 'large')!
    await node.start()
    const sink = host.exec([process.execPath, '-e', SINK])
    await new Promise((resolve) => setTimeout(resolve, 500))
    const url = `${server}/${item.file}`
    const environment = { http_proxy: 'http://127.0.0.1:8999' }
    const post = (path: string, body: string) => {
      const asked = request({ socketPath: node.socket, path, method: 'POST' })
      asked.on('error', () => {}).end(body)
      return asked
    }
    const users = post('/v1/file', `url=${url}\0http_proxy=${environment.http_proxy}\0`)
    post('/v1/ahead', JSON.stringify({ urls: packages.map(({ file }) => `${server}/${file}`), environment }))
    await node.until('a transfer of the user', ({ transfers }) => transfers.length > 0)
    for (const { name, file, path } of packages) {
      const outcome = await node.run([`${server}/${file}`, join(out, name)])
      assert.is(outcome.code, 0, outcome.all)
      assert.ok(outcome.seconds < 3, `${outcome.seconds} s`)
      assert.equal(readFileSync(join(out, name)), readFileSync(path))
    }
    const { totals } = await node.status()
    const bytes = packages.reduce((sum, { size }) => sum + size, 0)
    assert.is(totals.fromMirror, bytes, 'all by the daemon')
    users.destroy()
    await sink
  },
)

test.run()
