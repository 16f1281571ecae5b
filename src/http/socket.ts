import { chmod, mkdir, rename, rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import { connect, type ListenOptions } from 'node:net'
import { dirname } from 'node:path'
import { asError, PacsrvError, systemCode } from '../base/error.ts'

/** Where systemd hands over the first socket of socket activation (sd_listen_fds(3)). */
const FIRST_PASSED_FD = 3
/** Everybody on this machine may ask: pacman's alpm user does. */
const SOCKET_MODE = 0o666

/** Whether systemd has passed a listening socket to this very process. */
export function passedSocket(env: NodeJS.ProcessEnv, pid: number): number | undefined {
  return Number(env.LISTEN_PID) === pid && Number(env.LISTEN_FDS) >= 1 ? FIRST_PASSED_FD : undefined
}

/**
 * Listens on a Unix socket; false when a live daemon does already. A dead one's socket is moved away first: a
 * move has one winner, so that of two daemons starting at once over a dead socket only one gets to listen.
 * Throws PacsrvError `daemon`.
 */
export async function listenOnSocket(server: Server, path: string): Promise<boolean> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o755 })
    if (!(await tryListen(server, { path }))) {
      if (await isLive(path)) return false
      if (!(await moveAway(path))) return false
      if (!(await tryListen(server, { path }))) return false
    }
    await chmod(path, SOCKET_MODE)
    return true
  } catch (error) {
    const why = systemCode(error) ?? asError(error).message
    throw new PacsrvError('daemon', `can't listen at ${path} (${why}); see [server] socket`, error)
  }
}

/** False when the address is taken; rejects for any other reason. */
export function tryListen(server: Server, options: ListenOptions | { fd: number }): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error) => {
      server.off('listening', onListening)
      if (systemCode(error) === 'EADDRINUSE') resolve(false)
      else reject(error)
    }
    const onListening = () => {
      server.off('error', onError)
      resolve(true)
    }
    server.once('error', onError)
    server.once('listening', onListening)
    server.listen(options)
  })
}

/** Whether somebody takes connections there. */
export function isLive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path })
    const give = (live: boolean) => {
      socket.destroy()
      resolve(live)
    }
    socket.once('connect', () => give(true))
    socket.once('error', (error) => give(systemCode(error) === 'EAGAIN'))
  })
}

/** Removes a dead socket; false when it was another's, who had listened meanwhile: that one is put back. */
async function moveAway(path: string): Promise<boolean> {
  const aside = `${path}.${process.pid}`
  try {
    await rename(path, aside)
  } catch (error) {
    return systemCode(error) === 'ENOENT'
  }
  if (await isLive(aside)) {
    await rename(aside, path)
    return false
  }
  await rm(aside, { force: true })
  return true
}
