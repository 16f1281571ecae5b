/** pacsrv's own upgrade: until the service has been restarted, a client talks to a daemon of another version. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { scenario } from './lab.ts'
import { createLone } from './lone.ts'
import { createPacman } from './pacman.ts'

/** What the first version's daemon answered: the front then has the file from the mirrors. */
const FIRST = ['/v1/ahead', '/v1/announce', '/status']
/** A frame of a type that nobody knows yet. */
const UNKNOWN_FRAME = Buffer.from([77, 0, 0, 0, 3, 1, 2, 3])

for (const daemon of ['older', 'newer'] as const) {
  scenario(`a daemon that is ${daemon} than its client serves it`, async (lab) => {
    const { mirror, packages, host, node, server } = await createLone(lab)
    await node.start()
    const between = join(host.folder, 'between.sock')
    const refused: string[] = []
    const proxy = createServer((request, response) => {
      const path = request.url!.split('?')[0]!
      if (daemon === 'older' && !FIRST.includes(path)) {
        refused.push(path)
        return void response.writeHead(404, { 'Content-Length': 0 }).end()
      }
      const { method, headers, url } = request
      const asked = httpRequest({ socketPath: node.socket, method, headers, path: url }, (answer) => {
        response.writeHead(answer.statusCode!, { ...answer.headers, 'Pacsrv-Later': 'unheard of' })
        if (daemon === 'newer' && path === '/v1/file') response.write(UNKNOWN_FRAME)
        answer.pipe(response)
      })
      asked.on('error', () => response.destroy())
      request.pipe(asked)
    }).listen(between)

    try {
      const config = join(host.folder, 'client.conf')
      writeFileSync(config, `[server]\nsocket = ${between}\n[client]\nstart = no\n`)
      const pacman = createPacman(host, {
        repositories: { lab: ['http://127.0.0.1:1/lab', server] },
        options: [`XferCommand = ${lab.program} --config ${config} %u %o`],
      })
      rmSync(join(pacman.sync, 'lab.db'))
      await mirror.clearLog()
      const outcome = await pacman.run(['-Sy', ...packages.map(({ name }) => name)])
      assert.is(outcome.code, 0, outcome.all)
      assert.not.match(outcome.all, 'error:')
      for (const { file, path } of packages)
        assert.ok(readFileSync(join(pacman.cache, file)).equals(readFileSync(path)), file)
      const { totals } = await node.status()
      if (daemon === 'newer') assert.ok(totals.fromMirror > 0, 'nothing came through the daemon')
      assert.equal(
        [...new Set(refused)].sort(),
        daemon === 'older' ? ['/v1/file', '/v1/mirror-failed', '/v1/mirrors'] : [],
      )
    } finally {
      proxy.closeAllConnections()
      proxy.close()
    }
  })
}

test.run()
