// The configuration of a cluster of one: one monitor, one disk in memory, one gateway, nothing beyond the loopback device.
import { join } from 'node:path'

export interface ClusterPlace {
  readonly directory: string
  readonly fsid: string
  readonly monitorPort: number
  readonly gatewayPort: number
}

type Section = Readonly<Record<string, string | number | boolean>>

/** Text of ceph.conf. `extra` goes into [global]. */
export function cephSettings({ directory, fsid, monitorPort, gatewayPort }: ClusterPlace, extra: Section): string {
  const at = (name: string): string => join(directory, name)
  const sections: Record<string, Section> = {
    global: {
      fsid, 'mon host': `[v2:127.0.0.1:${monitorPort}/0]`, 'public addr': '127.0.0.1', 'cluster addr': '127.0.0.1',
      'ms bind ipv6': false,
      // Who can reach the loopback device is trusted, and nothing is there to be stolen.
      'auth cluster required': 'none', 'auth service required': 'none', 'auth client required': 'none',
      'ms mon client mode': 'crc', 'ms mon service mode': 'crc', 'ms mon cluster mode': 'crc',
      'run dir': at('run'), 'crash dir': at('run'), 'admin socket': at('run/$name.asok'), 'log file': at('log/$name.log'),
      'mon cluster log to file': false, 'log to stderr': false, 'err to stderr': true, 'debug ms': 0,
      // One copy of everything, and as little of each as there can be: it starts in seconds.
      'osd pool default size': 1, 'osd pool default min size': 1, 'osd pool default pg num': 1, 'osd pool default pgp num': 1,
      'osd pool default pg autoscale mode': 'off', 'osd crush chooseleaf type': 0, 'ms async op threads': 2,
      ...extra,
    },
    mon: {
      'mon data': at('mon'), 'mon allow pool size one': true, 'mon warn on pool no redundancy': false,
      'auth allow insecure global id reclaim': false, 'mon data avail crit': 1, 'mon data avail warn': 2,
      'mon max pg per osd': 1000, 'paxos propose interval': 0.05, 'paxos min wait': 0.01, 'mon osd min down reporters': 1,
    },
    osd: {
      'osd data': at('osd'), 'osd objectstore': 'memstore', 'memstore device bytes': MEMORY_BYTES_MAX,
      'memstore page size': 2 ** 20, 'osd class update on start': false, 'osd crush initial weight': 1,
      'osd op num shards': 2, 'osd op num threads per shard': 2, 'osd max object name len': 2048,
      'osd scrub min interval': 1e9, 'osd scrub max interval': 1e9, 'osd deep scrub interval': 1e9,
    },
    client: {
      'rgw data': at('run'), 'rgw frontends': `beast endpoint=127.0.0.1:${gatewayPort}`, 'rgw enable apis': 's3,admin',
      'rgw dns name': '', 'rgw thread pool size': 64, 'rgw num rados handles': 1, 'rgw rados pool pg num min': 1,
      'rgw run sync thread': false, 'rgw enable quota threads': false, 'rgw enable lc threads': false,
      'rgw enable usage log': false, 'rgw enable ops log': false, 'rgw dynamic resharding': false,
      'rgw override bucket index max shards': 1, 'rgw gc obj min wait': 5, 'rgw gc processor period': 30,
      // A suspended user, a removed key: known to the gateway at once.
      'rgw cache enabled': false,
    },
  }
  return Object.entries(sections)
    .map(([name, section]) => `[${name}]\n${Object.entries(section).map(([key, value]) => `${key} = ${value}\n`).join('')}`)
    .join('')
}

/** What tests store at once, several times over. */
const MEMORY_BYTES_MAX = 4 * 2 ** 30
