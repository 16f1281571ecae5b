/** What an office would use instead: stock pacmans that all have one machine for their mirror. */
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { waitFor } from '../test/e2e/commands.ts'
import { type CrowdSetting, sentBytes } from '../test/e2e/crowd.ts'
import type { Host } from '../test/e2e/host.ts'
import type { Lab } from '../test/e2e/lab.ts'
import { createLab } from '../test/e2e/lab.ts'
import { createMirror, type Mirror } from '../test/e2e/mirror.ts'
import { createPacman } from '../test/e2e/pacman.ts'
import { assertCache } from '../test/e2e/pair.ts'
import { cpuSeconds } from './cpu.ts'
import { proxyWords } from './nginx.ts'

/** The machine in the middle. */
export interface Proxy {
  /** What stands before a repository's name. */
  url: string
  /** CPU seconds so far. */
  cpu(): number
}

export type StartProxy = (lab: Lab, host: Host, mirror: Mirror) => Promise<Proxy>

const PORT = 8080

/** nginx with proxy_cache. */
export const startNginx: StartProxy = async (_lab, host, mirror) => {
  host.spawn(proxyWords(join(host.folder, 'nginx'), { listen: `${PORT}`, upstream: mirror.url }), {
    stdio: 'ignore',
  })
  const url = `http://${host.address}:${PORT}`
  await waitFor('nginx', async () => (await host.exec(['curl', '-sfI', `${url}/lab/lab.db`])).code === 0)
  return { url, cpu: () => host.pids('nginx').reduce((sum, pid) => sum + cpuSeconds(pid), 0) }
}

/** Seconds of each; bytes that left the mirror's link; CPU seconds of the proxy, and of all pacmans together. */
export async function runProxy(
  { hosts, packages, link, mirrorLink }: CrowdSetting,
  start: StartProxy = startNginx,
) {
  const lab = createLab()
  const mirrorHost = lab.host('mirror', { rate: mirrorLink })
  const mirror = await createMirror(mirrorHost)
  mirror.publish('lab', packages)
  const proxy = await start(lab, lab.host('proxy', { rate: link }), mirror)
  const desks = Array.from({ length: hosts }, (_, n) => {
    const host = lab.host(`desk${n}`, { rate: link })
    const pacman = createPacman(host, {
      repositories: { lab: [`${proxy.url}/lab`] },
      // Who waits for proxy_cache_lock gets no byte meanwhile, and pacman gives up after ten such seconds.
      options: ['ParallelDownloads = 5', 'DisableDownloadTimeout'],
    })
    copyFileSync(join(mirror.folder, 'lab/lab.db'), join(pacman.sync, 'lab.db'))
    return { host, pacman }
  })
  const [cpuBefore, bytesBefore] = [proxy.cpu(), await sentBytes(mirrorHost)]
  const outcomes = await Promise.all(
    desks.map(({ pacman }) => pacman.run(['-Sw', ...packages.map(({ name }) => name)])),
  )
  const bytes = (await sentBytes(mirrorHost)) - bytesBefore
  const proxyCpu = proxy.cpu() - cpuBefore
  for (const [n, outcome] of outcomes.entries()) {
    if (outcome.code !== 0) throw new Error(`desk${n}: ${outcome.all}`)
    assertCache(desks[n]!.pacman, packages)
  }
  lab.close()
  return {
    each: outcomes.map(({ seconds }) => seconds),
    bytes,
    proxyCpu,
    clientCpu: outcomes.reduce((sum, outcome) => sum + outcome.cpuSeconds, 0),
  }
}
