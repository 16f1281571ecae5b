import type net from 'node:net'
import tls from 'node:tls'
import { systemCode } from '../base/error.ts'
import type { NetworkKey } from './key-file.ts'

/** How the links of a closed network are made private: TLS 1.3 with a key that both ends have beforehand. */
export interface Tls {
  /** Emits `secureConnect` once both have shown that they have the key. */
  connect(to: tls.ConnectionOptions): tls.TLSSocket
  /** The same from the other end; emits `secure`. */
  accept(socket: net.Socket): tls.TLSSocket
  /** What an error before that says of the other end, to follow its address; undefined: nothing about keys. */
  faultOf(socket: net.Socket, error: Error): string | undefined
  /** What is the same at both ends of a secured connection, and of no other: hex (RFC 9266). */
  bindingOf(socket: net.Socket): string
}

/** AES-256 doesn't go with a pskCallback: OpenSSL takes such a key for one of SHA-256. */
const SUITE: tls.SecureContextOptions = { minVersion: 'TLSv1.3', ciphers: 'TLS_AES_128_GCM_SHA256' }

/** OpenSSL's reasons: what is answered to a key that the other end hasn't, and what is heard of one without. */
const OTHER_KEY = /^ERR_SSL_.*ALERT_(HANDSHAKE_FAILURE|ILLEGAL_PARAMETER|DECRYPT_ERROR)$/
const NO_KEY = /_(WRONG_VERSION_NUMBER|HTTP_REQUEST|NO_SUITABLE_SIGNATURE_ALGORITHM|BINDER_DOES_NOT_VERIFY)$/

/** The first key is the one offered; all are accepted. */
export function createTls(keys: [NetworkKey, ...NetworkKey[]]): Tls {
  const [{ id: identity, secret: psk }] = keys
  const secrets = new Map(keys.map(({ id, secret }) => [id, secret]))
  const refused = new WeakMap<net.Socket, string>()
  const secureContext = tls.createSecureContext(SUITE)

  return {
    connect: (to) =>
      tls.connect({
        ...to,
        secureContext,
        pskCallback: () => ({ identity, psk }),
        // There are no certificates.
        checkServerIdentity: () => undefined,
      }),

    accept(raw) {
      const socket = new tls.TLSSocket(raw, {
        isServer: true,
        secureContext,
        pskCallback(_: tls.TLSSocket, offered: string) {
          const secret = secrets.get(offered)
          if (!secret) refused.set(socket, offered)
          return secret ?? null
        },
      } as tls.TLSSocketOptions)
      // Without a tls.Server, errors after the handshake are told by this event alone.
      socket.on('_tlsError', (error) => socket.destroy(error))
      return socket
    },

    faultOf(socket, error) {
      const offered = refused.get(socket)
      const code = systemCode(error) ?? ''
      if (offered !== undefined) {
        return `offers key ${shown(offered)}, which this node doesn't have: another network's, or an old one`
      }
      if (OTHER_KEY.test(code))
        return "doesn't have this node's key: another network's, or one of the two is old"
      return NO_KEY.test(code)
        ? 'speaks without the key of this closed network ([network] key-file)'
        : undefined
    },

    bindingOf: (socket) =>
      (socket as tls.TLSSocket)
        .exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
        .toString('hex'),
  }
}

/** A key's id for people; a stranger's may be anything. */
const shown = (id: string) => id.replace(/[^0-9a-f]/g, '?').slice(0, 8)
