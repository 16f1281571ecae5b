import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { scenario } from './lab.ts'
import { createMirror } from './mirror.ts'
import { fiftyPackages, makePackage } from './packages.ts'
import { createPacman } from './pacman.ts'
import { inside, trixieFolder, withoutNode } from './trixie.ts'

const CURL = 'XferCommand = /usr/bin/curl -sfgL -o %o %u'

scenario('the lab: pacman 6 with curl installs fifty packages', async (lab) => {
  const mirror = await createMirror(lab.host('mirror'))
  const packages = fiftyPackages()
  mirror.publish('lab', packages)
  const pacman = createPacman(lab.host('b'), {
    repositories: { lab: [`${mirror.url}/lab`] },
    options: [CURL],
  })
  const outcome = await pacman.run(['-Sy', ...packages.map((item) => item.name)])
  assert.is(outcome.code, 0, outcome.all)
  for (const item of packages) {
    assert.ok(readFileSync(join(pacman.cache, item.file)).equals(readFileSync(item.path)), item.file)
    assert.ok(existsSync(join(pacman.root, 'usr/share', item.name, 'payload')), item.name)
  }
  const log = await mirror.log()
  assert.is(log.length, 51)
  const sent = log.reduce((sum, request) => sum + request.bytes, 0)
  assert.ok(sent > packages.reduce((sum, item) => sum + item.size, 0))
  lab.note(
    `fifty packages by curl: ${outcome.seconds.toFixed(2)} s, ${outcome.cpuSeconds.toFixed(2)} s of CPU`,
  )
})

scenario(
  'the lab: pacman 7 in a trixie folder, with and without DownloadUser',
  async (lab) => {
    const mirror = await createMirror(lab.host('mirror'))
    const packages = fiftyPackages().slice(0, 5)
    mirror.publish('lab', packages)
    for (const [name, user] of [
      ['root', []],
      ['alpm', ['DownloadUser = alpm']],
    ] as const) {
      const pacman = createPacman(lab.host(name), {
        repositories: { lab: [`${mirror.url}/lab`] },
        options: [CURL, ...user],
        inside: inside(trixieFolder(), lab.folder),
      })
      const outcome = await pacman.run(['-Sy', ...packages.map((item) => item.name)])
      assert.is(outcome.code, 0, outcome.all)
      for (const item of packages) {
        assert.ok(readFileSync(join(pacman.cache, item.file)).equals(readFileSync(item.path)), item.file)
      }
    }
  },
  ['debootstrap'],
)

scenario('the lab: a mirror that misbehaves, a slow link, a view without node', async (lab) => {
  const host = lab.host('mirror')
  const mirror = await createMirror(host)
  const item = makePackage({ name: 'big', size: 1_000_000 })
  mirror.publish('lab', [item])
  const client = lab.host('client', { rate: '8mbit' })
  const url = `${mirror.url}/lab/${item.file}`
  const curl = (...words: string[]) =>
    client.exec(['curl', '-sgL', '-o', 'got', '-w', '%{http_code}', ...words, url])

  const slow = await curl()
  assert.is(slow.stdout, '200')
  assert.ok(slow.seconds > 0.8 && slow.seconds < 4, `1 MB at 8 Mbit/s took ${slow.seconds} s`)
  assert.is((await curl('-r', '10-19')).stdout, '206')
  assert.equal(readFileSync(join(client.folder, 'got')), readFileSync(item.path).subarray(10, 20))
  await mirror.behave([{ path: item.file, corruptAt: 12 }])
  await curl('-r', '10-19')
  assert.is.not(readFileSync(join(client.folder, 'got'))[2], readFileSync(item.path)[12])
  await mirror.behave([{ path: 'big', status: 404 }])
  assert.is((await curl()).stdout, '404')
  await mirror.behave([{ dropAfter: 1000 }])
  assert.is((await curl()).code, 18)
  await mirror.behave([{ stallAfter: 1000 }])
  assert.is((await curl('-m', '0.3')).code, 28)
  await mirror.behave([{ wrongLength: 5 }])
  assert.is((await curl()).code, 18)
  await mirror.behave([{ noRanges: true }])
  assert.is((await curl('-r', '10-19')).stdout, '200')
  await mirror.behave([{ path: item.file, redirect: `${mirror.url}/elsewhere` }])
  assert.is((await curl()).stdout, '404')
  await mirror.behave([{ delay: 300 }])
  assert.ok((await curl('-r', '0-9')).seconds > 0.3)
  const date = new Date(Date.now() + 5000).toUTCString()
  assert.is((await curl('-H', `If-Modified-Since: ${date}`)).stdout, '304')

  const bare = withoutNode(join(client.folder, 'hide'))
  assert.is((await client.exec([...bare, 'sh', '-c', 'command -v node'])).stdout, '')
})

test.run()
