/** What a daemon says, which faces the network, comes to root's terminal as text. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')
const EVIL = '\x1b[2J\x1b]0;x\x07\x9b2J'

/** What a command says, standard error after standard output, beside a daemon that answers like this. */
async function said(words: string[], answer: RequestListener): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'pacsrv-main-'))
  const [socket, config] = [join(folder, 'sock'), join(folder, 'pacsrv.conf')]
  writeFileSync(config, `[server]\nsocket = ${socket}\n[network]\nmetered = yes\n`)
  const server = createServer(answer).listen(socket)
  await once(server, 'listening')
  try {
    const child = spawn(process.execPath, ['--import', 'tsx', MAIN, '--config', config, ...words])
    return (await Promise.all([text(child.stdout), text(child.stderr)])).join('')
  } finally {
    server.closeAllConnections()
    server.close()
    rmSync(folder, { recursive: true })
  }
}

const FOUND = {
  file: `x${EVIL}`,
  size: 1,
  here: true,
  holders: [{ id: EVIL, address: EVIL, reachable: true }],
}
for (const [words, answer, expected] of [
  [['find', 'x'], FOUND, 'and so has this one'],
  [['prefetch'], { problem: `nothing${EVIL}` }, 'nothing'],
] as const) {
  test(`${words[0]}: a daemon's escapes don't reach the terminal`, async () => {
    const output = await said([...words], (_, response) => response.end(`${JSON.stringify(answer)}\n`))
    assert.ok(output.includes(expected), output)
    assert.not.match(output, /[\x00-\x09\x0b-\x1f\x7f-\x9f]/)
  })
}

test.run()
