import { execa } from 'execa'

/**
 * Tells systemd that the service is up (sd_notify(3)). By a child: Node has no datagrams over a Unix socket. Nothing where
 * systemd doesn't ask; the variable is taken out of `env`, so that no program that the daemon starts speaks for it.
 */
export async function notifyReady(
  env: NodeJS.ProcessEnv,
  status: string,
  run: (words: string[], socket: string) => Promise<unknown> = systemdNotify,
): Promise<void> {
  const socket = env.NOTIFY_SOCKET
  delete env.NOTIFY_SOCKET
  if (socket) await run(['--ready', `--status=${status}`], socket)
}

/** Without it systemd takes the start for failed, and says so. */
const systemdNotify = (words: string[], socket: string) =>
  execa('systemd-notify', words, { reject: false, timeout: 5_000, env: { NOTIFY_SOCKET: socket } })
