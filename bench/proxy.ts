/** What an office would use instead: stock pacmans that all have one nginx with proxy_cache for their mirror. */
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { waitFor } from '../test/e2e/commands.ts'
import { type CrowdSetting, sentBytes } from '../test/e2e/crowd.ts'
import { createLab } from '../test/e2e/lab.ts'
import { createMirror } from '../test/e2e/mirror.ts'
import { createPacman } from '../test/e2e/pacman.ts'
import { assertCache } from '../test/e2e/pair.ts'
import { cpuSeconds } from './cpu.ts'
import { proxyWords } from './nginx.ts'

const PORT = 8080

/** Seconds of each; bytes that left the mirror's link; CPU seconds of nginx, and of all pacmans together. */
export async function runProxy({ hosts, packages, link, mirrorLink }: CrowdSetting) {
  const lab = createLab()
  const mirrorHost = lab.host('mirror', { rate: mirrorLink })
  const mirror = await createMirror(mirrorHost)
  mirror.publish('lab', packages)
  const proxy = lab.host('proxy', { rate: link })
  const words = proxyWords(join(proxy.folder, 'nginx'), { listen: `${PORT}`, upstream: mirror.url })
  proxy.spawn(words, { stdio: 'ignore' })
  const desks = Array.from({ length: hosts }, (_, n) => {
    const host = lab.host(`desk${n}`, { rate: link })
    const pacman = createPacman(host, {
      repositories: { lab: [`http://${proxy.address}:${PORT}/lab`] },
      // Who waits for proxy_cache_lock gets no byte meanwhile, and pacman gives up after ten such seconds.
      options: ['ParallelDownloads = 5', 'DisableDownloadTimeout'],
    })
    copyFileSync(join(mirror.folder, 'lab/lab.db'), join(pacman.sync, 'lab.db'))
    return { host, pacman }
  })
  await waitFor(
    'nginx',
    async () => (await proxy.exec(['curl', '-sfI', `http://${proxy.address}:${PORT}/lab/lab.db`])).code === 0,
  )
  const nginxCpu = () => proxy.pids('nginx').reduce((sum, pid) => sum + cpuSeconds(pid), 0)
  const [cpuBefore, bytesBefore] = [nginxCpu(), await sentBytes(mirrorHost)]
  const outcomes = await Promise.all(
    desks.map(({ pacman }) => pacman.run(['-Sw', ...packages.map(({ name }) => name)])),
  )
  const bytes = (await sentBytes(mirrorHost)) - bytesBefore
  const proxyCpu = nginxCpu() - cpuBefore
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
