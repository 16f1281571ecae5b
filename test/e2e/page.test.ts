import { mkdirSync, readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Page } from 'playwright-core'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { silentLog } from '../../src/base/log.ts'
import { createStatusPage } from '../../src/http/page/page.ts'
import { createServerPort, type ServerDeps } from '../../src/http/server.ts'
import { createClock } from '../clock.ts'
import { fullStatus } from '../http/full-status.ts'
import { inspect, openBrowser, PICTURES, watch } from './browser.ts'
import { waitFor } from './commands.ts'
import { type Lab, scenario } from './lab.ts'
import { makePackages } from './packages.ts'
import { createPair } from './pair.ts'

const URL_HERE = 'http://127.0.0.1:8049/'
/** At rest, with page and metrics in use, in MB. */
const MOST_MEMORY = 70

const packages = makePackages([
  { name: 'small', size: 300_000 },
  { name: 'large', size: 16_000_000 },
])
const bytes = packages.reduce((sum, { size }) => sum + size, 0)

const textOf = async (page: Page, id: string) =>
  ((await page.locator(`#${id}`).textContent()) ?? '').replace(/\s+/g, ' ').trim()
const until = (page: Page, id: string, test: (text: string) => boolean) =>
  waitFor(`#${id}`, async () => test(await textOf(page, id)), 60)

async function watched(lab: Lab) {
  const { asker } = await createPair(lab, packages, {
    asker: { network: ['download-limit = 3M'] },
  })
  const browser = await openBrowser(lab.folder, asker.host.within)
  try {
    const { page, faults } = await watch(browser, URL_HERE)
    await until(page, 'live', (text) => text === 'Live.')
    assert.match(await textOf(page, 'neighbours'), '10.77.0.2')
    await asker.host.exec(['curl', '-sf', `${URL_HERE}metrics`])
    for (const header of ['Host: evil.example', 'Origin: http://evil.example']) {
      const foreign = ['curl', '-so', '/dev/null', '-w', '%{http_code}', '-H', header, URL_HERE]
      assert.is((await asker.host.exec(foreign)).stdout, '403', header)
    }
    const [pid] = asker.node.daemons()
    const rss = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024
    lab.note(`at rest, with the page and the metrics in use: ${rss.toFixed(1)} MB`)
    assert.ok(rss <= MOST_MEMORY, `${rss} MB`)

    // Somebody reads the table by keyboard meanwhile.
    await page.locator('summary').focus()
    await page.keyboard.press('Enter')
    const upgrade = asker.pacman.run(['-Syw', ...packages.map(({ name }) => name)])
    await until(page, 'now', (text) => text.startsWith('Packages are on their way.'))
    const seen = new Set<number>()
    await waitFor('the bar to move', async () => {
      const bar = page.locator('#transfers progress[aria-label^=large]')
      if ((await bar.count()) > 0) seen.add(Number(await bar.first().getAttribute('value')))
      return seen.size >= 3
    })
    assert.equal(
      [...seen],
      [...seen].sort((a, b) => a - b),
      'it never goes back',
    )
    assert.match(await textOf(page, 'transfers'), /MiB of 15\.\d MiB, .*\/s, \d+ s left/)
    assert.match(await textOf(page, 'transfers'), /10\.77\.0\.2 \(this site\): /)
    mkdirSync(PICTURES, { recursive: true })
    await page.screenshot({ path: join(PICTURES, 'download-under-way.png'), fullPage: true })

    const outcome = await upgrade
    assert.is(outcome.code, 0, outcome.all)
    await until(page, 'now', (text) => text === 'Nothing is on its way.')
    await until(page, 'transactions', (text) => text.includes('2 packages'))
    assert.match(await textOf(page, 'sentence'), `of ${(bytes / 1024 ** 2).toFixed(1)} MiB`)
    assert.is(await page.evaluate('document.activeElement.tagName'), 'SUMMARY', 'the focus stays')
    assert.ok(await page.locator('#days table').isVisible(), 'what was opened stays open')
    const drawn = await page.evaluate(`(() => {
      const { width, height } = document.querySelector('#plot canvas')
      const colours = new Set()
      const context = document.querySelector('#plot canvas').getContext('2d')
      for (const [i, v] of context.getImageData(0, 0, width, height).data.entries()) if (i % 4 < 3) colours.add(v)
      return colours.size
    })()`)
    assert.ok(Number(drawn) > 10, 'the plot is drawn')
    await page.locator('summary').click()
    await inspect(page, 'download-done')

    const plain = await watch(browser, URL_HERE, { scripts: false })
    for (const id of ['sentence', 'neighbours', 'transactions'])
      assert.is(await textOf(plain.page, id), await textOf(page, id), id)
    await plain.page.screenshot({ path: join(PICTURES, 'without-scripts.png'), fullPage: true })
    assert.equal([...faults, ...plain.faults], [])
  } finally {
    await browser.close()
  }
}

/** The page of a large office, with something wrong in every place. */
async function full(lab: Lab) {
  const status = fullStatus(new Date())
  const page = createStatusPage({
    status: () => status,
    clock: createClock(),
    now: () => new Date(),
    host: 'desk-1',
    files: pathToFileURL(join(import.meta.dirname, '../../dist/page/')),
  })
  const deps = { log: silentLog, shown: { page }, allows: () => true } as unknown as ServerDeps
  const server = createServerPort('tcp', deps).listen(0, '127.0.0.1')
  const browser = await openBrowser(lab.folder)
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const { page, faults } = await watch(browser, url)
    await until(page, 'live', (text) => text === 'Live.')
    await inspect(page, 'full')
    await page.locator('summary').click()
    await inspect(page, 'full-with-days')
    assert.equal(faults, [])
  } finally {
    await browser.close()
    server.closeAllConnections()
    server.close()
  }
}

scenario('a download watched to its end in a browser', watched, ['chromium'])
scenario('the page of 200 neighbours, with something in every place', full, ['chromium'])

test.run()
