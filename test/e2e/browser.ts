/** A real browser on the status page: what it loads, what it complains of, what axe says, and pictures for people. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import axe from 'axe-core'
import { type Browser, chromium, type Page } from 'playwright-core'
import * as assert from 'uvu/assert'
import { must } from './commands.ts'

/** Kept after the run, to be looked at. */
export const PICTURES = join(import.meta.dirname, '../../out/page')

export const WIDTHS = [1100, 380]
const SCHEMES = ['light', 'dark'] as const

/** What is wider than the window, or than the frame that it stands in. */
const TOO_WIDE = `[...document.querySelectorAll('html, .card > *, .card table')].filter((one) =>
  one.getBoundingClientRect().right > (one.closest('.card')?.getBoundingClientRect().right ?? innerWidth) - 8 * !!one.closest('.card')
).map((one) => one.id || one.tagName + ' in ' + one.parentElement?.id)`

export interface Watched {
  page: Page
  /** Errors in the console or the page, answers that failed, and requests to anywhere but the page's own place. */
  faults: string[]
}

/** `within`: what the browser's command is put behind; `folder`: for a script that does that. */
export async function openBrowser(folder: string, within: string[] = []): Promise<Browser> {
  const program = join(folder, 'chromium')
  const [path] = must('sh', '-c', 'command -v chromium').split('\n')
  writeFileSync(program, `#!/bin/sh\nexec ${[...within, path].join(' ')} "$@"\n`, { mode: 0o755 })
  // Chromium's own sandbox does not work as root.
  return chromium.launch({ executablePath: program, args: ['--no-sandbox', '--disable-gpu'] })
}

export async function watch(browser: Browser, url: string, { scripts = true } = {}): Promise<Watched> {
  const context = await browser.newContext({
    javaScriptEnabled: scripts,
    viewport: { width: 1100, height: 900 },
  })
  const page = await context.newPage()
  const faults: string[] = []
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) faults.push(`console: ${message.text()}`)
  })
  page.on('pageerror', (error) => faults.push(`page: ${error.message}`))
  page.on('request', (request) => {
    if (!request.url().startsWith(url)) faults.push(`a request elsewhere: ${request.url()}`)
  })
  page.on('response', (response) => {
    if (response.status() >= 400) faults.push(`${response.url()}: ${response.status()}`)
  })
  await page.goto(url)
  return { page, faults }
}

/** At each width, in the light and in the dark: nothing for axe to find, no scrolling sideways; a picture of each. */
export async function inspect(page: Page, name: string): Promise<void> {
  mkdirSync(PICTURES, { recursive: true })
  // What is evaluated by the debugger is no script of the page, to which its policy would apply.
  await page.evaluate(axe.source)
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 })
    for (const colorScheme of SCHEMES) {
      await page.emulateMedia({ colorScheme })
      const { violations } = (await page.evaluate('axe.run()')) as axe.AxeResults
      const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
      assert.equal(found, [], `${name}, ${width}, ${colorScheme}`)
      assert.equal(await page.evaluate(TOO_WIDE), [], `${name} at ${width}`)
      await page.screenshot({ path: join(PICTURES, `${name}-${width}-${colorScheme}.png`), fullPage: true })
    }
  }
}
